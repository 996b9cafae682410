//! No async runtime at all: the driver's seams made of threads ([`runtime`]), and an HTTP client that blocks ([`transport`]). Both
//! directions. The behaviour suites run on the same files, as the adapter `blocking`.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod http1;
mod runtime;
#[path = "../support/mod.rs"]
mod support;
mod transport;

use std::sync::Arc;

use longhaul::{Client, ClientConfig, Download, Upload};

use runtime::{Threads, block_on};
use transport::BlockingTransport;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // For the example's own server, and for nothing else.
    let servers = tokio::runtime::Runtime::new()?;
    let own = servers.block_on(support::Server::start())?;

    let threads = Arc::new(Threads::new()?);
    let client = Client::new(
        ClientConfig::default(),
        Arc::new(BlockingTransport::default()),
        Arc::clone(&threads) as _,
        threads,
    );
    block_on(async {
        let job = Download::new(&own.url("sample.bin"))?.to(own.path("downloaded.bin"));
        let down = client.submit(job).await?.await?;
        println!("{} bytes down, {:?}", down.total, down.verification);

        let job = Upload::new(&own.url("uploads/"), "uploaded.bin")?.from(own.path("downloaded.bin"));
        let up = client.submit(job).await?.await?;
        println!("{} bytes up, stored as {:?}", up.total, up.receipt.id);
        client.close().await;
        Ok(())
    })
}
