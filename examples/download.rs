//! Downloads a file and shows its progress. With a URL and a path as arguments it downloads that; without, it starts a small
//! server of its own and downloads from it.
//!
//! Kill it in the middle and run it again with the same arguments: it goes on where it was.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use futures::StreamExt;
use longhaul::{Download, EventKind};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let own = support::Server::start().await?;
    let url = args.next().unwrap_or_else(|| own.url("sample.bin"));
    let path = args.next().unwrap_or_else(|| own.path("downloaded.bin"));

    let client = longhaul::client()?;
    let mut transfer = client.submit(Download::new(&url)?.to(&path)).await?;
    while let Some(event) = transfer.next().await {
        match event.kind {
            EventKind::Moving { total, reused } => println!("{total:?} bytes, {reused} of them here already"),
            EventKind::Retrying { reason, delay, .. } => println!("again in {delay:?}: {reason}"),
            _ => {}
        }
    }
    let done = transfer.await?;
    println!("{} bytes in {path}, {:?}", done.total, done.verification);
    client.close().await;
    Ok(())
}
