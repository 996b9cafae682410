//! Azure Blob Storage both ways: directly, with the account's key, and by a SAS that stands for one blob and two hours.
//!
//! As it is, it starts a small Azure of its own. With a container it goes to the real one, with account and key (or SAS) from the
//! environment: `cargo run --example azure -- CONTAINER`, see cli/README.md for the variables.
#![allow(clippy::print_stdout, reason = "an example speaks")]

#[path = "support/azure.rs"]
mod azure;
#[allow(dead_code, reason = "of the backend only what grants a SAS is needed")]
#[path = "presigned/backend.rs"]
mod backend;
#[path = "../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "the tests' own")]
mod support;

use std::error::Error;
use std::path::Path;

use azure::Azure;
use longhaul::azblob::{Access, Container};
use longhaul::{AzureBlob, Client, Environment, PartSize, Place};

const BLOB: &str = "reports/2026.bin";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, folder) = (longhaul::client()?, tempfile::tempdir()?);
    let content: Vec<u8> = (0..12u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(folder.path().join("source"), &content)?;

    if let Some(container) = std::env::args().nth(1) {
        let environment = Environment::of_process();
        let place = environment.azure_place(Place::default());
        let access = environment.azure_access(&place)?;
        there_and_back(&client, place.azure_container(&container)?, access, "as the environment says", folder.path())
            .await?;
    } else {
        let own = Azure::start(BLOB).await?;
        there_and_back(&client, own.container()?, own.key().into(), "by key", folder.path()).await?;
        there_and_back(&client, own.container()?, own.sas().into(), "by SAS", folder.path()).await?;
    }
    client.close().await;
    Ok(())
}

/// Uploads `source` in blocks, and downloads it again.
async fn there_and_back(
    client: &Client,
    container: Container,
    access: Access,
    how: &str,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let blob = AzureBlob::new(container, BLOB, access)?.single_up_to(0).part_size(PartSize::Bytes(4 << 20));
    // Read once more, so that a download can be compared with something.
    let blob = blob.stored_md5(true);
    let up = client.submit(blob.clone().from(folder.join("source"), folder.join("uploads"))).await?.await?;
    let down = client.submit(blob.to(folder.join("copy"))?).await?.await?;
    let same = std::fs::read(folder.join("source"))? == std::fs::read(folder.join("copy"))?;
    println!("{how}: {} bytes up, {} bytes down, {:?}, the same: {same}", up.total, down.total, down.verification);
    Ok(())
}
