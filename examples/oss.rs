//! Aliyun OSS both ways, directly, with an access key: V4 signatures, parts, the CRC-64 of the whole. With URLs that a backend signed in
//! the place of a key: `presigned -- oss BUCKET`.
//!
//! As it is, it starts a server that recomputes every signature with Aliyun's own SDK (Python, brought along on the first run). With a
//! bucket it goes to the real one, with the key from the environment: `cargo run --example oss -- BUCKET`, see cli/README.md.
#![allow(clippy::print_stdout, reason = "an example speaks")]

#[path = "../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "the tests' own")]
mod support;

use std::error::Error;

use longhaul::oss::{Access, AccessKey, Bucket};
use longhaul::{Environment, OssObject, PartSize, Place};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (bucket, access): (Bucket, Access) = match std::env::args().nth(1) {
        Some(bucket) => {
            let environment = Environment::of_process();
            (environment.oss_place(Place::default()).oss_bucket(&bucket)?, environment.oss_access()?)
        }
        None => {
            let endpoint = support::stores::endpoint("OSS", "oss");
            (Bucket::at(&endpoint, "cn-hangzhou", "tbucket")?, AccessKey::new("TESTAK", "TESTSK0123456789").into())
        }
    };
    let (client, folder) = (longhaul::client()?, tempfile::tempdir()?);
    let (source, copy) = (folder.path().join("source"), folder.path().join("copy"));
    let content: Vec<u8> = (0..12u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&source, &content)?;

    let object = OssObject::new(bucket, "reports/2026.bin", access)?;
    let object = object.single_up_to(0).part_size(PartSize::Bytes(4 << 20));
    let up = client.submit(object.clone().from(&source, folder.path().join("uploads"))).await?.await?;
    println!("{} bytes up", up.total);
    let down = client.submit(object.to(&copy)?).await?.await?;
    println!("{} bytes down, {:?}, the same: {}", down.total, down.verification, std::fs::read(&copy)? == content);
    client.close().await;
    Ok(())
}
