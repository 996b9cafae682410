//! A protocol of one's own, as a `Provider`: everything else (parts side by side, retries, checkpoints, pause) is longhaul's.
//!
//! The API is made up: `POST /boxes/` with a name opens a box and answers its id, `PUT /boxes/ID/NUMBER` stores a part and answers its
//! tag, `POST /boxes/ID/close` with all tags in order makes an object of them, `DELETE /boxes/ID` throws it away. This server refuses every
//! fourth part once.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod provider;
#[path = "../../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "the tests' own")]
mod support;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use longhaul::core::spec::TransferKey;
use longhaul::driver::memory::MemorySource;
use longhaul::{Direction, EventKind, Job, PartSize, Spec};

use futures::StreamExt;
use provider::BoxUpload;
use support::raw::{Answer, Raw, Request};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let boxes = Arc::new(Mutex::new(Boxes::default()));
    let serving = Arc::clone(&boxes);
    let server =
        Raw::start(move |request| serving.lock().unwrap_or_else(PoisonError::into_inner).answer(request)).await;

    let authority = server.url("").replace("http://", "");
    let provider = Arc::new(BoxUpload { authority, name: "reports/2026.bin".into() });
    let content: Vec<u8> = (0..8u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut spec = Spec::new(Direction::Upload, provider, TransferKey::new(Direction::Upload, "2026.bin", "memory"));
    spec.part_size = PartSize::Bytes(1 << 20);

    let client = longhaul::client()?;
    let job = Job::new(spec, Arc::new(MemorySource::new(content.clone())));
    let mut transfer = client.submit(job).await?;
    let mut retries = 0;
    while let Some(event) = transfer.next().await {
        retries += u32::from(matches!(event.kind, EventKind::Retrying { .. }));
    }
    let done = transfer.await?;
    client.close().await;

    let boxes = boxes.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{} bytes stored as {:?} after {retries} retries", done.total, done.receipt.id);
    println!("the same: {}", boxes.closed.get("reports/2026.bin") == Some(&content));
    Ok(())
}

/// The server's half.
#[derive(Default)]
struct Boxes {
    name: String,
    parts: BTreeMap<String, Vec<u8>>,
    refused: Vec<String>,
    closed: BTreeMap<String, Vec<u8>>,
}

impl Boxes {
    fn answer(&mut self, request: &Request) -> Answer {
        let path: Vec<&str> = request.target.split('/').skip(2).collect();
        match (request.method.as_str(), &*path) {
            ("POST", [""]) => {
                self.name = String::from_utf8_lossy(&request.body).into_owned();
                Answer::with_body("200 OK", "box7")
            }
            ("PUT", ["box7", number]) => {
                let number = (*number).to_owned();
                if number.ends_with('4') && !self.refused.contains(&number) {
                    self.refused.push(number);
                    return Answer::with_body("503 Service Unavailable", "");
                }
                let tag = format!("tag-{number}");
                self.parts.insert(tag.clone(), request.body.clone());
                Answer::with_body("200 OK", tag)
            }
            ("POST", ["box7", "close"]) => {
                let tags = String::from_utf8_lossy(&request.body).into_owned();
                let content = tags.split('\n').filter_map(|tag| self.parts.get(tag)).flatten().copied().collect();
                self.closed.insert(self.name.clone(), content);
                Answer::with_body("200 OK", "object-7")
            }
            ("DELETE", ["box7"]) => Answer::new("204 No Content"),
            _ => Answer::with_body("404 Not Found", ""),
        }
    }
}
