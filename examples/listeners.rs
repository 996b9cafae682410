//! Callbacks in place of streams: one listener for all transfers, and one transfer's own. They run apart from the transfers: one that
//! is slow or panics harms nothing but itself.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use longhaul::core::event::Progress;
use longhaul::{Download, Event, EventKind, Listener, TaskId};

/// Says how every transfer ends.
struct Ends;

impl Listener for Ends {
    fn event(&self, event: &Event) {
        if let EventKind::Ended(end) = &event.kind {
            println!("{}: {end:?}", event.task);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = support::Server::start().await?;
    let client = longhaul::client()?;
    let ends = client.add_listener(Ends);

    let moving = |task: TaskId, progress: &Progress| {
        println!("{task}: {} of {:?} bytes, {} a second", progress.acknowledged, progress.total, progress.rate);
    };
    let job = Download::new(&own.url("sample.bin"))?.to(own.path("downloaded.bin"));
    let job = job.on_progress(moving).on_end(|task, outcome| println!("{task}: over, well: {}", outcome.is_ok()));
    client.submit(job).await?.await?;

    let missing = Download::new(&own.url("nothing-there"))?.to(own.path("nothing"));
    let refused = client.submit(missing).await?.await;
    println!("an error says what is wrong: {}", refused.err().map_or_else(String::new, |error| error.to_string()));

    // Waits until everything has been told; `remove_listener(ends)` would make it hear nothing more from then on.
    client.close().await;
    println!("the listener was there to the end: {}", client.remove_listener(ends));
    Ok(())
}
