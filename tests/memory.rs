//! Memory stays bounded whatever is moved. A suite of its own, so that nothing else in the process is measured.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use longhaul::Upload;
use support::{Reference, client, run};
use tokio::io::{AsyncRead, ReadBuf};

/// A reader of unknown length that makes its bytes as they are read.
struct Made {
    at: u64,
    end: u64,
}

impl AsyncRead for Made {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let room = buffer.remaining().min(usize::try_from(self.end - self.at).unwrap()).min(10_000);
        let from = self.at;
        buffer.put_slice(&(from..from + room as u64).map(|at| (at % 251) as u8).collect::<Vec<_>>());
        self.at += room as u64;
        Poll::Ready(Ok(()))
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_unknown_length_goes_up_whole_and_memory_stays_bounded() {
    let len: u64 = 192 << 20;
    let server = Reference::start(&[], |config| config).await;
    let reader = Made { at: 0, end: len };
    let before = resident().unwrap();
    let peak = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&peak);
    let job = Upload::new(&server.url("up/"), "stored.bin").unwrap().from_reader(reader).on_progress(move |_, _| {
        seen.fetch_max(resident().unwrap_or(0), Ordering::SeqCst);
    });
    let done = run(&client(), job).await.unwrap();
    let grown = peak.load(Ordering::SeqCst).saturating_sub(before);
    assert_eq!(done.total, len);
    let mut there = std::fs::File::open(server.folder.join("up/stored.bin")).unwrap();
    assert_eq!(there.metadata().unwrap().len(), len);
    let (mut at, mut buffer) = (0_u64, vec![0; 1 << 20]);
    while at < len {
        let read = there.read(&mut buffer).unwrap();
        assert!(buffer[..read].iter().zip(at..).all(|(byte, at)| *byte == (at % 251) as u8), "near {at}");
        at += read as u64;
    }
    // Client and server are one process here; each has its buffers.
    assert!(grown > 0 && grown < 64 << 20, "memory grew by {} MiB for a stream of 192 MiB", grown >> 20);
}
