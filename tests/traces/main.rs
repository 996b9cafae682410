//! Traces of real runs: recorded by a client against servers of this process, replayed without them, drawn (B9, K2).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod failures;
mod pages;
mod providers;
#[allow(dead_code, unreachable_pub, reason = "as in the suite it is of")]
#[path = "../s3/store.rs"]
mod store;
mod strangers;
#[path = "../support/mod.rs"]
mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longhaul::trace::replay::{Replayed, replay};
use longhaul::trace::{Recorder, Recording, Trace, page, read};
use longhaul::{Client, ClientBuilder, ClientConfig, Completed, Error, Job};
use support::within;

/// In every secret of these tests.
const CANARY: &str = "c4n4ry";

/// A file in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client whose run is recorded.
struct Recorded {
    client: Client,
    memory: Memory,
    recording: Recording,
}

impl Recorded {
    fn start() -> Self {
        let memory = Memory::default();
        let (recorder, recording) = Recorder::new(memory.clone(), 64 << 20).unwrap();
        let config = ClientConfig::builder().tick(Duration::from_millis(20)).build().unwrap();
        let client =
            ClientBuilder::new().config(config).transport(support::transport()).trace(recorder).start().unwrap();
        Self { client, memory, recording }
    }

    /// Runs a job to its end.
    async fn run(&self, job: Job) -> Result<Completed, Error> {
        let transfer = self.client.submit(job).await.unwrap();
        match tokio::time::timeout(support::PATIENCE, transfer).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let trace = received(&self.memory.0.lock().unwrap());
                let lines: Vec<String> = trace.records.iter().map(longhaul::trace::show::line).collect();
                panic!("it takes far too long:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
            }
        }
    }

    /// What stands in the trace when the client is gone.
    async fn close(self) -> Vec<u8> {
        within(self.client.close()).await;
        drop(self.client);
        tokio::task::spawn_blocking(|| self.recording.wait()).await.unwrap().unwrap();
        self.memory.0.lock().unwrap().clone()
    }
}

/// A trace as somebody gets it from somebody else.
fn received(bytes: &[u8]) -> Trace {
    read::read(bytes).unwrap()
}

/// The trace's decisions are the core's, all of them; its page. Neither holds a secret, and a change of the trace does no harm.
fn replays(bytes: &[u8]) -> String {
    let trace = received(bytes);
    let replayed = replay(&trace);
    assert_eq!(replayed, Replayed { steps: trace.records.len(), difference: None, unfinished: None }, "{replayed:?}");
    let page = page::page(&trace);
    for text in [std::str::from_utf8(bytes).unwrap(), &page] {
        assert!(!text.contains(CANARY), "{}", text.lines().find(|line| line.contains(CANARY)).unwrap());
    }
    strangers::survives(bytes);
    page
}

/// Whether a record is of a retry.
fn is_retry(record: &longhaul::trace::record::Record) -> bool {
    use longhaul::trace::record::{Event, Record};
    matches!(record, Record::Event { event: Event::Retrying { .. }, .. })
}
