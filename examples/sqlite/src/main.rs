//! A program that keeps everything about its transfers in an SQLite database: what they are, their checkpoints, what happened. It is
//! stopped in the middle of three downloads; the next run imports all of them paused, and resumes a selection.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod database;
#[path = "../../support/mod.rs"]
mod support;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use longhaul::driver::journal::JournalName;
use longhaul::{Client, Download, Job, Rate, Transfer};

use database::{Database, Row};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let own = support::Server::start().await?;
    let path = own.path("transfers.sqlite");

    // The first run: stopped when each has come some way.
    let database = Database::open(&path)?;
    for name in ["one.bin", "two.bin", "three.bin"] {
        database.add(&own.url("sample.bin"), &own.path(name))?;
    }
    let client = start(&database)?;
    let mut transfers = Vec::new();
    for row in database.unfinished()? {
        transfers.push(client.submit(job(&database, &row)?.with_rate(Rate::new(8 << 20))).await?);
    }
    while transfers.iter().any(|transfer| transfer.progress().acknowledged < 2 << 20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.close().await;
    drop((transfers, database));

    // The second run knows nothing but the database. What it imports paused touches neither network nor files.
    let database = Database::open(&path)?;
    let client = start(&database)?;
    let mut restored: Vec<(Row, Transfer)> = Vec::new();
    for row in database.unfinished()? {
        let transfer = client.submit(job(&database, &row)?.paused()).await?;
        restored.push((row, transfer));
    }
    println!("{} transfers are unfinished", restored.len());
    for (row, transfer) in &mut restored {
        if row.path.ends_with("three.bin") {
            continue; // not wanted now
        }
        transfer.resume().await?;
        let done = (&mut *transfer).await?;
        println!("number {}: {} bytes, from the first run: {}", row.number, done.total, transfer.progress().reused > 0);
    }
    client.close().await;

    for row in database.unfinished()? {
        println!(
            "number {} is left for another day, with a checkpoint: {}",
            row.number,
            database.has_checkpoint(&row)?
        );
    }
    println!("{} events, {} of them ends", database.events("%")?, database.events("Ended%")?);
    Ok(())
}

fn start(database: &Database) -> Result<Client, longhaul::StartError> {
    let client = longhaul::client()?;
    client.add_listener(database.clone());
    Ok(client)
}

/// A row as a job, with its checkpoints in the database.
fn job(database: &Database, row: &Row) -> Result<Job, Box<dyn Error>> {
    let (finished, number) = (database.clone(), row.number);
    let name = JournalName { id: format!("transfer-{number}"), beside: None };
    let job = Download::new(&row.url)?.to(&row.path).with_journal(Arc::new(database.clone()), name);
    Ok(job.on_end(move |_, outcome| {
        if outcome.is_ok() {
            // Else it is found unfinished again, which harms nobody.
            let _ = finished.finish(number);
        }
    }))
}
