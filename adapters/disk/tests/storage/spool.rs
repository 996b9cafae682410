//! A stream of unknown length as a source.

use std::io;

use bytes::Bytes;
use futures::{StreamExt, stream};
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_disk::SpoolFile;
use longhaul_driver::cancel::Cancel;
use longhaul_driver::spool::SpooledSource;
use longhaul_driver::storage::Storage;

use crate::support::{digest, digests, kind, pattern, read, run};

async fn fill(source: &SpooledSource, upto: u64) -> (u64, bool) {
    match run(source, FileOp::Fill { upto }).await.unwrap() {
        FileReply::Filled { len, end } => (len, end),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stream_is_spooled_as_far_as_asked_and_read_again_at_will() {
    let folder = tempfile::tempdir().unwrap();
    let content = pattern(5_000_000);
    let frames: Vec<_> = content.chunks(262_144).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    let spool = std::sync::Arc::new(SpoolFile::in_folder(folder.path()));
    let source = SpooledSource::new(stream::iter(frames), spool);
    assert_eq!(run(&source, FileOp::Stat).await, Ok(FileReply::Source { len: None, fingerprint: None }));

    let (len, end) = fill(&source, 1_000_000).await;
    assert!((1_000_000..3_000_000).contains(&len) && !end, "{len}");
    // Already there: nothing more is read.
    assert_eq!(fill(&source, 500_000).await, (len, false));
    assert_eq!(read(&source, 999_990, 10).await.unwrap(), content[999_990..1_000_000]);

    assert_eq!(fill(&source, u64::MAX).await, (5_000_000, true));
    assert_eq!(run(&source, FileOp::Stat).await, Ok(FileReply::Source { len: Some(5_000_000), fingerprint: None }));
    assert_eq!(read(&source, 0, 5_000_000).await.unwrap(), content);
    assert_eq!(read(&source, 4_999_999, 10).await.unwrap(), content[4_999_999..]);
    assert_eq!(digests(&source, &[(0, 5_000_000)]).await, [digest(&content)]);
    // The spool has no name that could be left behind.
    #[cfg(unix)]
    assert_eq!(crate::support::names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn an_empty_stream_ends_at_once() {
    let source = SpooledSource::new(stream::empty(), std::sync::Arc::new(SpoolFile::default()));
    assert_eq!(fill(&source, 1).await, (0, true));
    assert_eq!(read(&source, 0, 10).await.unwrap(), b"");
}

#[tokio::test]
async fn a_filling_given_up_loses_no_byte() {
    let (mut feed, frames) = futures::channel::mpsc::channel::<io::Result<Bytes>>(4);
    let source = SpooledSource::new(frames, std::sync::Arc::new(SpoolFile::default()));
    feed.try_send(Ok(Bytes::from_static(b"one "))).unwrap();
    let cancel = Cancel::default();
    let filling = tokio::spawn(source.run(FileOp::Fill { upto: 100 }, cancel.clone()));
    tokio::task::yield_now().await;
    cancel.set();
    assert_eq!(kind(filling.await.unwrap()), FileFaultKind::Cancelled);

    feed.try_send(Ok(Bytes::from_static(b"two"))).unwrap();
    drop(feed);
    assert_eq!(fill(&source, 100).await, (7, true));
    assert_eq!(read(&source, 0, 10).await.unwrap(), b"one two");
}

#[tokio::test]
async fn a_failing_stream_is_told_with_its_reason() {
    let frames = stream::iter([Ok(Bytes::from_static(b"some")), Err(io::Error::other("the camera is unplugged"))]);
    let source = SpooledSource::new(frames.chain(stream::pending()), std::sync::Arc::new(SpoolFile::default()));
    let fault = run(&source, FileOp::Fill { upto: 10 }).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Io);
    assert!(fault.detail.contains("the camera is unplugged"), "{}", fault.detail);
}
