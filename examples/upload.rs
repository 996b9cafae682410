//! Uploads a file by the default protocol. With a file and a URL as arguments it uploads that; without, it starts a small server
//! of its own and uploads a sample to it.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use longhaul::Upload;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let own = support::Server::start().await?;
    let file = args.next().unwrap_or_else(|| own.sample());
    let url = args.next().unwrap_or_else(|| own.url("uploads/"));

    let client = longhaul::client()?;
    let upload = Upload::new(&url, "uploaded.bin")?.from(&file).on_progress(|_, progress| {
        println!("{} of {:?} bytes, {} bytes/s", progress.acknowledged, progress.total, progress.rate);
    });
    let done = client.submit(upload).await?.await?;
    println!("{} bytes stored as {:?}", done.total, done.receipt.id);
    client.close().await;
    Ok(())
}
