//! One exchange, driven alone: a scripted transport on one side, a scripted loop on the other.

mod control;
mod piped;
mod receive;
mod send;
mod spans;

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join;
use http::{Request, Response};
use longhaul_core::intent::{Body, Disposition, FileOp, Outcome};
use longhaul_core::{Algorithm, OpId};

use super::{Controls, Exchange};
use crate::cancel::Cancel;
use crate::common::{Runtime, Scripted, run};
use crate::hash::Hasher;
use crate::mailbox::{Mail, Mailbox, Reply};
use crate::memory::MemoryTarget;
use crate::runtime::Timer;
use crate::storage::Storage;
use crate::throttle::{Limiter, Throttle};
use crate::transport::{Frames, Transport};

/// Everything around one exchange.
pub(super) struct Bench {
    runtime: Arc<Runtime>,
    mailbox: Arc<Mailbox>,
    controls: Controls,
    storage: Arc<dyn Storage>,
    limiter: Arc<Limiter>,
    body: Body,
    digest: Option<Algorithm>,
    batch: usize,
}

fn op() -> OpId {
    crate::mailbox::tests::op()
}

impl Bench {
    fn new(storage: impl Storage) -> Self {
        Self {
            runtime: Runtime::new(),
            mailbox: Arc::new(Mailbox::new(1)),
            controls: Controls::default(),
            storage: Arc::new(storage),
            limiter: Arc::default(),
            body: Body::Empty,
            digest: None,
            batch: 8192,
        }
    }

    fn target() -> (Self, MemoryTarget) {
        let target = MemoryTarget::new(1 << 24);
        reserve(&target);
        (Self::new(target.clone()), target)
    }

    fn exchange(&self, transport: impl Transport) -> Exchange {
        let timer: Arc<dyn Timer> = self.runtime.clone();
        let throttle = Throttle::new([self.limiter.clone(), Arc::default(), Arc::default()], timer);
        Exchange {
            op: op(),
            request: Request::new(self.body.clone()),
            digest: self.digest,
            storage: Arc::clone(&self.storage),
            transport: Arc::new(transport),
            send: throttle.clone(),
            receive: throttle,
            read_chunk: 4096,
            write_batch: self.batch,
            controls: self.controls.clone(),
            mailbox: Arc::clone(&self.mailbox),
        }
    }

    /// Runs it against a loop that answers each head with `disposition`; gives how it ended.
    fn run(&self, transport: impl Transport, disposition: Disposition) -> Outcome {
        run(join(self.exchange(transport).run(), self.answer(Some(disposition)))).1
    }

    /// The loop's side: the one outcome, and nothing after it.
    async fn answer(&self, disposition: Option<Disposition>) -> Outcome {
        let mut heads = Vec::new();
        loop {
            for reply in self.mail().await {
                match reply {
                    Reply::Head { op: of, disposition: reply, .. } => {
                        assert_eq!(of, op());
                        assert!(heads.is_empty(), "one head");
                        match disposition {
                            Some(disposition) => drop(reply.send(disposition)),
                            None => heads.push(reply),
                        }
                    }
                    Reply::Done { outcome, .. } => {
                        assert!(self.mail().now_or_never().is_none(), "one answer");
                        return outcome;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    async fn mail(&self) -> Vec<Reply> {
        let mut mail = Mail::default();
        std::future::poll_fn(|cx| self.mailbox.poll_take(&mut mail, cx)).await;
        mail.replies
    }
}

fn reserve(target: &MemoryTarget) {
    let op = FileOp::Reserve { total: None, keep: false, name: None, modified: None };
    target.run(op, Cancel::default()).now_or_never().unwrap().unwrap();
}

fn published(target: &MemoryTarget, len: u64) -> Bytes {
    let op = FileOp::Publish { len, modified: None, durable: false };
    target.run(op, Cancel::default()).now_or_never().unwrap().unwrap();
    target.content().unwrap()
}

fn write_at(skip: u64, offset: u64, len: u64, digest: Option<Algorithm>) -> Disposition {
    Disposition::WriteAt { skip, offset, len, digest }
}

/// Answers at once with `body`.
fn answering(body: impl Fn() -> Frames + Send + Sync + 'static) -> impl Transport {
    Scripted(move |_| std::future::ready(Ok(Response::new(body()))))
}

fn digest(algorithm: Algorithm, bytes: &[u8]) -> longhaul_core::Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.digest().unwrap()
}
