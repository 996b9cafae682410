//! The engine alone, answered by hand.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use longhaul_core::digest::{Algorithm, Digest};
use longhaul_core::error::{Error, FileFault};
use longhaul_core::event::{End, EventKind};
use longhaul_core::intent::{Body, Disposition, FileOp, FileReply, Fingerprint, Intent, JournalOp, Moved, Outcome};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::{Head, Provider};
use longhaul_core::spec::{Spec, TransferKey};
use longhaul_core::{ByteRange, Config, Direction, Engine, Now, OpId, TaskId, Time, Wall};
use longhaul_http::HttpDownload;

/// A digest that tells where the bytes are that it stands for.
pub(crate) fn made_up(algorithm: Algorithm, range: ByteRange) -> Option<Digest> {
    let both = [range.start().to_be_bytes(), range.end().to_be_bytes()].concat();
    let bytes: Vec<u8> = both.into_iter().cycle().take(algorithm.len()).collect();
    Digest::new(algorithm, &bytes)
}

/// An engine whose requests are answered by the test, word by word, and whose local work succeeds at once.
pub(crate) struct Hand {
    pub(crate) engine: Engine,
    pub(crate) now: Now,
    pub(crate) events: Vec<(TaskId, EventKind)>,
    pub(crate) asked: Vec<OpId>,
    waiting: Vec<(OpId, TaskId, Request<Body>)>,
    /// What was asked of the disk.
    pub(crate) files: Vec<FileOp>,
    /// The digests to compute over what the requests send.
    pub(crate) sums: Vec<Option<Algorithm>>,
    /// What an earlier run recorded is asked for.
    pub(crate) recalls: Vec<OpId>,
    /// The record was removed.
    pub(crate) dropped: bool,
    /// What was recorded, write by write.
    pub(crate) journal: Vec<JournalOp>,
    /// What the source is recognised by.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What is to be stopped.
    pub(crate) cancelled: Vec<OpId>,
    /// The source became shorter while it was read.
    pub(crate) shrunk: bool,
}

impl Hand {
    pub(crate) fn new(config: Config) -> Self {
        let now = Now::new(Time::from_micros(1_000_000), Wall::from_unix(1_000_000));
        Self {
            engine: Engine::new(config, 1),
            now,
            events: Vec::new(),
            asked: Vec::new(),
            waiting: Vec::new(),
            files: Vec::new(),
            sums: Vec::new(),
            recalls: Vec::new(),
            dropped: false,
            journal: Vec::new(),
            fingerprint: None,
            cancelled: Vec::new(),
            shrunk: false,
        }
    }

    pub(crate) fn submit(&mut self, provider: Arc<dyn Provider>, direction: Direction) -> TaskId {
        self.submit_with(provider, direction, |_| ())
    }

    pub(crate) fn submit_with(
        &mut self,
        provider: Arc<dyn Provider>,
        direction: Direction,
        wish: impl FnOnce(&mut Spec),
    ) -> TaskId {
        let key = TransferKey::new(direction, provider.object(), provider.object());
        let mut spec = Spec::new(direction, provider, key);
        spec.journal = false;
        spec.part_size = PartSize::Bytes(10_000);
        wish(&mut spec);
        self.engine.submit(spec, self.now).expect("submitted")
    }

    pub(crate) fn get(&mut self, url: &str) -> TaskId {
        self.submit(Arc::new(HttpDownload::new(url).expect("a URL").refreshable(true)), Direction::Download)
    }

    /// Takes out all there is to do.
    pub(crate) fn pump(&mut self) {
        while let Some(intent) = self.engine.poll_intent(self.now) {
            match intent {
                Intent::Http { op, task, request, digest, .. } => {
                    self.sums.push(digest);
                    self.waiting.push((op, task, request));
                }
                Intent::File { op, action, .. } => {
                    let reply = match &action {
                        FileOp::Stat => {
                            let len = self.fingerprint.map_or(30_000, |print| print.len);
                            FileReply::Source { len: Some(len), fingerprint: self.fingerprint }
                        }
                        FileOp::Reserve { .. } => FileReply::Reserved { kept: false },
                        FileOp::Digest { algorithm, ranges } => {
                            let sum = |range: &ByteRange| made_up(*algorithm, *range).filter(|_| !self.shrunk);
                            FileReply::Digests(ranges.iter().map(sum).collect())
                        }
                        FileOp::Publish { .. } => FileReply::Published { path: String::from("target") },
                        _ => FileReply::Done,
                    };
                    self.files.push(action);
                    self.engine.handle_file(op, Ok(reply), self.now);
                }
                Intent::Recall { op, .. } => self.recalls.push(op),
                Intent::Cancel { op } => self.cancelled.push(op),
                Intent::Journal { op, action, .. } => {
                    self.dropped |= matches!(action, JournalOp::Remove);
                    self.journal.push(action);
                    self.engine.handle_journal(op, Ok(()), self.now);
                }
                Intent::Ask { op, .. } => self.asked.push(op),
                _ => {}
            }
        }
        while let Some(event) = self.engine.poll_event() {
            self.events.push((event.task, event.kind));
        }
    }

    /// The requests that go out now.
    pub(crate) fn requests(&mut self) -> Vec<(OpId, TaskId, Request<Body>)> {
        self.pump();
        core::mem::take(&mut self.waiting)
    }

    /// The only request that may go out, waited for if it is to come later.
    #[track_caller]
    pub(crate) fn request(&mut self) -> (OpId, Request<Body>) {
        let mut requests = self.requests();
        while requests.is_empty() {
            self.now.mono = self.engine.poll_timeout().expect("something is sent");
            self.engine.handle_timeout(self.now);
            requests = self.requests();
        }
        assert_eq!(requests.len(), 1, "one at a time");
        let (op, _, request) = requests.remove(0);
        (op, request)
    }

    /// The whole answer to a request whose body was sent.
    pub(crate) fn answer(&mut self, op: OpId, status: u16, fields: &[(&str, &str)], body: &'static str) {
        self.answer_after(u64::MAX >> 1, op, status, fields, body);
    }

    /// The same when only so much of the body was sent.
    pub(crate) fn answer_after(
        &mut self,
        sent: u64,
        op: OpId,
        status: u16,
        fields: &[(&str, &str)],
        body: &'static str,
    ) {
        let _ = self.head(op, status, fields);
        let moved = Moved { connected: true, sent, ..Moved::default() };
        let outcome = Outcome::Complete { moved, body: Bytes::from_static(body.as_bytes()) };
        self.engine.handle_done(op, outcome, self.now);
    }

    /// Only the head.
    pub(crate) fn head(&mut self, op: OpId, status: u16, fields: &[(&str, &str)]) -> Disposition {
        let headers: HeaderMap = fields
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().expect("a name");
                (name, HeaderValue::from_str(value).expect("a value"))
            })
            .collect();
        let status = StatusCode::from_u16(status).expect("a status");
        self.engine.handle_head(op, Head { status, headers: &headers }, self.now)
    }

    /// The record of an earlier run was asked for, and is read.
    #[track_caller]
    pub(crate) fn recalled(&mut self, reply: Result<Option<Bytes>, FileFault>) {
        let op = self.recalls.pop().expect("it is asked for");
        self.engine.handle_recalled(op, reply, self.now);
    }

    pub(crate) fn error(&mut self, task: TaskId) -> Option<Error> {
        self.pump();
        match self.engine.end(task)? {
            End::Failed(error) => Some(error.clone()),
            _ => None,
        }
    }
}
