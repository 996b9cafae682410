//! Memory stays bounded whatever is moved. A suite of its own, so that nothing else in the process is measured.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and tells what it measured"
)]

mod support;

use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use longhaul::Upload;
use support::{Reference, client, run};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// A reader of unknown length that makes its bytes as they are read: 0 to 250 over and over.
struct Made {
    at: u64,
    end: u64,
}

/// Some rounds of it, long enough to take slices of.
static ROUNDS: [u8; 251 * 64] = {
    let mut rounds = [0; 251 * 64];
    let mut at = 0;
    while at < rounds.len() {
        rounds[at] = (at % 251) as u8;
        at += 1;
    }
    rounds
};

impl AsyncRead for Made {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        while buffer.remaining() > 0 && self.at < self.end {
            let from = usize::try_from(self.at % 251).unwrap();
            let left = usize::try_from(self.end - self.at).unwrap();
            let len = (ROUNDS.len() - from).min(buffer.remaining()).min(left);
            buffer.put_slice(&ROUNDS[from..from + len]);
            self.at += len as u64;
        }
        Poll::Ready(Ok(()))
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

async fn a_stream_of_unknown_length_goes_up_whole_and_memory_stays_bounded() {
    if !support::alone() {
        return;
    }
    let len: u64 = 96 << 20;
    let server = Reference::start(&[], |config| config).await;
    let reader = Made { at: 0, end: len };
    let before = resident().unwrap();
    let peak = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&peak);
    let job = Upload::new(&server.url("up/"), "stored.bin")
        .unwrap()
        .from_stream(longhaul::tokio::frames(reader))
        .on_progress(move |_, _| {
            seen.fetch_max(resident().unwrap_or(0), Ordering::SeqCst);
        });
    let done = run(&client(), job).await.unwrap();
    let grown = peak.load(Ordering::SeqCst).saturating_sub(before);
    assert_eq!(done.total, len);
    let mut there = std::fs::File::open(server.folder.join("up/stored.bin")).unwrap();
    assert_eq!(there.metadata().unwrap().len(), len);
    let (mut made, mut expected, mut found) = (Made { at: 0, end: len }, vec![0; 1 << 20], vec![0; 1 << 20]);
    for at in 0..len >> 20 {
        made.read_exact(&mut expected).await.unwrap();
        there.read_exact(&mut found).unwrap();
        assert!(expected == found, "in MiB {at}");
    }
    // Client and server are one process here; each has its buffers.
    println!("memory grew by {} MiB", grown >> 20);
    assert!(grown > 0 && grown < 48 << 20, "memory grew by {} MiB for a stream of 96 MiB", grown >> 20);
}

support::adapters::on_every_adapter!(a_stream_of_unknown_length_goes_up_whole_and_memory_stays_bounded,);
