//! Parts of files on their way to the socket, of which nobody reads a byte.
//!
//! hyper takes a request's body in slices of memory to the connection. For a part of a file it is given a placeholder: a slice of memory
//! that is never read nor written, known by its address. The [`Link`](crate::link::Link) has the kernel send the file's bytes in its
//! place. Placeholders are only made for a link that does so, in the order in which it meets them; any other link, and one that
//! expects none, fails instead of sending what they hold.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no link there has the kernel send files"))]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use longhaul_driver::storage::Span;
use longhaul_driver::transport::LONGEST_SPAN;

/// What placeholders are slices of. Address space only: the pages of zeroed memory that nobody touches do not exist.
static NOTHING: LazyLock<Bytes> = LazyLock::new(|| vec![0; LONGEST_SPAN].into());

/// Whether `slice` stands for bytes of a file.
pub(crate) fn is_placeholder(slice: &[u8]) -> bool {
    !slice.is_empty() && NOTHING.as_ptr_range().contains(&slice.as_ptr())
}

/// What the kernel does of its own on all connections of a transport.
#[derive(Debug, Default)]
pub(crate) struct ByKernel {
    /// Bytes sent.
    sent: AtomicU64,
    /// It does not do that here.
    refused: AtomicBool,
    /// The same for what is received.
    received: AtomicU64,
    received_refused: AtomicBool,
    /// The shortest body that is left to it to receive.
    least: u64,
}

impl ByKernel {
    /// It receives bodies of `least` bytes or more.
    pub(crate) fn new(least: u64) -> Self {
        Self { least, ..Self::default() }
    }

    /// Whether a body of `len` bytes is to be received by it.
    pub(crate) fn wants(&self, len: u64) -> bool {
        len >= self.least && !self.received_refused.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn has_received(&self, len: usize) {
        self.received.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// It will not: bodies are read from now on.
    pub(crate) fn refuses_to_receive(&self) {
        self.received_refused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// What a connection is to send of files, in order.
#[derive(Debug)]
pub(crate) struct Spans {
    queue: Mutex<VecDeque<Span>>,
    by_kernel: Arc<ByKernel>,
}

impl Spans {
    /// None yet.
    pub(crate) fn new(by_kernel: Arc<ByKernel>) -> Self {
        Self { queue: Mutex::default(), by_kernel }
    }

    /// What the kernel does on this and all other connections.
    pub(crate) fn by_kernel(&self) -> &ByKernel {
        &self.by_kernel
    }

    /// Whether there may be any.
    pub(crate) fn wanted(&self) -> bool {
        !self.by_kernel.refused.load(Ordering::Relaxed)
    }

    /// Notes that the first bytes of `span` are next, at most `most`; what stands for them.
    pub(crate) fn push(&self, mut span: Span, most: usize) -> Bytes {
        let span = span.split_to(most.min(LONGEST_SPAN));
        let placeholder = NOTHING.slice(..span.len);
        if span.len > 0 {
            self.queue().push_back(span);
        }
        placeholder
    }

    /// The first `most` bytes of what is next.
    pub(crate) fn first(&self, most: usize) -> Option<Span> {
        self.queue().front().map(|span| span.clone().split_to(most))
    }

    /// `len` bytes of what was next are sent.
    pub(crate) fn sent(&self, len: usize) {
        let mut queue = self.queue();
        if let Some(span) = queue.front_mut() {
            let _ = span.split_to(len);
            if span.len == 0 {
                queue.pop_front();
            }
        }
        self.by_kernel.sent.fetch_add(len as u64, Ordering::Relaxed);
    }

    /// The kernel will not: files are read from now on.
    pub(crate) fn refused(&self) {
        self.by_kernel.refused.store(true, Ordering::Relaxed);
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Span>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
