//! OpenDAL: its readers and writers with so many requests at once.

use futures::TryStreamExt;
use longhaul_benches::Failure;
use longhaul_benches::files::Shared;
use longhaul_benches::job::{Job, PART, parts};
use opendal::Operator;
use opendal::services::{Http, S3};

pub(crate) async fn run(job: Job) -> Result<(), Failure> {
    opendal::install_default();
    let chunk = usize::try_from(PART)?;
    match job {
        Job::Down { url, file, parts: at_once, .. } => {
            let host = url.find("://").ok_or("no scheme")? + 3;
            let end = url[host..].find('/').ok_or("no path")? + host;
            let operator = Operator::new(Http::default().endpoint(&url[..end]))?;
            let len = operator.stat(&url[end..]).await?.content_length();
            let reader = operator.reader_with(&url[end..]).concurrent(at_once).chunk(chunk).await?;
            let (mut frames, file, mut offset) = (reader.into_bytes_stream(0..len).await?, Shared::create(&file)?, 0);
            while let Some(frame) = frames.try_next().await? {
                let len = frame.len() as u64;
                file.write(frame, offset).await?;
                offset += len;
            }
            Ok(())
        }
        Job::Up { file, endpoint, parts: at_once, .. } => {
            let service = S3::default().endpoint(&endpoint).bucket("bucket").disable_ec2_metadata();
            let operator = Operator::new(service)?;
            let (file, len) = Shared::open(&file)?;
            let mut writer = operator.writer_with("object").concurrent(at_once).chunk(chunk).await?;
            for (offset, len) in parts(len) {
                writer.write(file.read(offset, len).await?).await?;
            }
            writer.close().await?;
            Ok(())
        }
        Job::ManyDown { .. } | Job::ManyUp { .. } => Err("measured with large objects only".into()),
    }
}
