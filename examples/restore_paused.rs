//! A program that is stopped in the middle of several downloads and started again: the second run takes them all in paused,
//! which touches neither network nor disk, and resumes only one.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use std::time::Duration;

use longhaul::{Download, Job, Rate};

fn job(own: &support::Server, name: &str) -> Result<Job, Box<dyn std::error::Error>> {
    let download = Download::new(&own.url("sample.bin"))?.to(own.path(name));
    Ok(download)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = support::Server::start().await?;
    let names = ["one.bin", "two.bin", "three.bin"];

    // The first run: stopped when each has come some way.
    let client = longhaul::client()?;
    let mut transfers = Vec::new();
    for name in names {
        transfers.push(client.submit(job(&own, name)?.with_rate(Rate::new(8 << 20))).await?);
    }
    while transfers.iter().any(|transfer| transfer.progress().acknowledged < 2 << 20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.close().await;

    // The second run.
    let client = longhaul::client()?;
    let mut restored = Vec::new();
    for name in names {
        restored.push(client.submit(job(&own, name)?.paused()).await?);
    }
    let mut one = restored.swap_remove(0);
    one.resume().await?;
    let done = (&mut one).await?;
    println!("one.bin: {} bytes, {} of them from the first run", done.total, one.progress().reused);
    for (transfer, name) in restored.iter().zip(["three.bin", "two.bin"]) {
        println!("{name}: {:?}", transfer.status());
    }
    client.close().await;
    Ok(())
}
