//! Pauses a download in the middle, shows that nothing moves while it is paused, and resumes it.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use std::time::Duration;

use longhaul::{ClientBuilder, ClientConfig, Download, Rate, Rates, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = support::Server::start().await?;
    // 16 MiB/s, so that there is a middle.
    let rates = Rates::unlimited().with_download(Rate::new(16 << 20));
    let client = ClientBuilder::new().config(ClientConfig::builder().rates(rates).build()?).start()?;

    let mut transfer = client.submit(Download::new(&own.url("sample.bin"))?.to(own.path("paused.bin"))).await?;
    while transfer.progress().acknowledged < 8 << 20 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    transfer.pause().await?;
    while !matches!(transfer.status(), State::Paused(_)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = transfer.progress().acknowledged;
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("paused at {before} bytes, half a second later {} bytes", transfer.progress().acknowledged);

    transfer.resume().await?;
    let done = (&mut transfer).await?;
    println!("{} bytes, {} of them moved twice", done.total, transfer.progress().resent);
    client.close().await;
    Ok(())
}
