//! A file to upload of which the user knows the checksums: what is sent must have them, too.
//!
//! It had them before the upload began, and a file that is written to shows in its times. A shared memory map does not: its pages are
//! in no file's times until the system writes them back. So the bytes are counted in as they are handed out, and the last of them
//! stay here when the checksum is another one: what the server has then is not complete. Bytes that are not handed out in order (parts
//! side by side, a part sent again, an upload gone on with) cannot be counted in; then the file is read once more before anything is
//! committed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use longhaul::core::error::{FileFault, FileFaultKind};
use longhaul::core::event::End;
use longhaul::core::intent::{FileOp, FileReply};
use longhaul::core::range::ByteRange;
use longhaul::driver::blocking::copying;
use longhaul::driver::cancel::Cancel;
use longhaul::driver::hash::Hasher;
use longhaul::driver::storage::{Batch, Chunk, Link};
use longhaul::{Digest, Storage};

/// A source whose content must have these checksums.
#[derive(Clone)]
pub(super) struct CheckedSource {
    source: Arc<dyn Storage>,
    expected: Arc<[Digest]>,
    sent: Arc<Mutex<Sent>>,
}

/// What was handed out.
#[derive(Default)]
struct Sent {
    /// The source's length, once it is known.
    total: Option<u64>,
    /// Anything since the source was last compared.
    any: bool,
    /// In order from the first byte up to here; `None`: not in order.
    upto: Option<u64>,
    hashers: Vec<Hasher>,
}

impl CheckedSource {
    pub(super) fn new(source: Arc<dyn Storage>, expected: &[Digest]) -> Self {
        Self { source, expected: expected.into(), sent: Arc::default() }
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts in what is about to be handed out.
    fn count(&self, offset: u64, bytes: &[u8]) -> Result<(), FileFault> {
        let mut sent = self.sent();
        let sent = &mut *sent;
        sent.any = true;
        if offset == 0 {
            sent.hashers = self.expected.iter().map(|digest| Hasher::new(digest.algorithm())).collect();
            sent.upto = Some(0);
        }
        if sent.upto != Some(offset) {
            sent.upto = None;
            return Ok(());
        }
        for hasher in &mut sent.hashers {
            hasher.update(bytes);
        }
        let upto = offset + bytes.len() as u64;
        sent.upto = Some(upto);
        let found = |(hasher, expected): (&Hasher, &Digest)| hasher.digest().is_some_and(|found| found == *expected);
        if sent.total == Some(upto) && !sent.hashers.iter().zip(self.expected.iter()).all(found) {
            sent.upto = None;
            return Err(changed());
        }
        Ok(())
    }

    /// Whether all that was handed out has been counted in, and was right.
    fn is_counted(&self) -> bool {
        let sent = self.sent();
        !sent.any || (sent.upto.is_some() && sent.upto == sent.total)
    }

    /// Looks at the source, and reads it where what was handed out could not be counted in.
    async fn stat(self, cancel: Cancel) -> Result<FileReply, FileFault> {
        let reply = self.source.run(FileOp::Stat, cancel.clone()).await?;
        let FileReply::Source { len: Some(len), .. } = reply else { return Ok(reply) };
        if !self.is_counted() {
            for expected in self.expected.iter() {
                let ranges = vec![ByteRange::at(0, len)];
                let op = FileOp::Digest { algorithm: expected.algorithm(), ranges };
                match self.source.run(op, cancel.clone()).await? {
                    FileReply::Digests(found) if found.first() == Some(&Some(*expected)) => {}
                    _ => return Err(changed()),
                }
            }
        }
        *self.sent() = Sent { total: Some(len), ..Sent::default() };
        Ok(reply)
    }
}

fn changed() -> FileFault {
    FileFault::new(FileFaultKind::Changed, "what was read to be sent has not the checksum it must have")
}

/// No spans: what the kernel sends by itself is not counted in.
impl Storage for CheckedSource {
    fn run(&self, op: FileOp, cancel: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
        if op == FileOp::Stat {
            return Box::pin(self.clone().stat(cancel));
        }
        self.source.run(op, cancel)
    }

    fn read(&self, offset: u64, chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
        let this = self.clone();
        let read = self.source.read(offset, chunk);
        Box::pin(async move {
            let chunk = read.await?;
            copying(chunk.buffer.len(), move || this.count(offset, &chunk.buffer).map(|()| chunk)).await
        })
    }

    fn write(&self, offset: u64, batch: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
        self.source.write(offset, batch)
    }

    fn attach(&self, link: Link) {
        self.source.attach(link);
    }

    fn ended(&self, end: &End) {
        self.source.ended(end);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use longhaul::core::intent::Fingerprint;
    use longhaul::{Algorithm, Error, Upload};
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    const LEN: usize = 3 << 20;
    /// What is read from here on is another content, once this has been reached.
    const TURN: u64 = 1 << 20;

    /// A file that is written to through a shared memory map: it looks the same all the time.
    #[derive(Default)]
    struct Mapped {
        turns: bool,
        turned: AtomicBool,
        /// How often its transfer began, and was over.
        heard: [AtomicU32; 2],
    }

    impl Mapped {
        fn content(&self) -> Vec<u8> {
            let turned = if self.turned.load(Ordering::SeqCst) { 1 } else { 0 };
            (0..LEN).map(|at| if at as u64 >= TURN { (at % 251) as u8 ^ turned } else { (at % 251) as u8 }).collect()
        }
    }

    impl Storage for Mapped {
        fn run(&self, op: FileOp, _: Cancel) -> BoxFuture<'static, Result<FileReply, FileFault>> {
            let reply = match op {
                FileOp::Stat => {
                    let fingerprint = Some(Fingerprint { len: LEN as u64, modified: 1, changed: 1, file: 1 });
                    FileReply::Source { len: Some(LEN as u64), fingerprint }
                }
                FileOp::Digest { algorithm, ranges } => {
                    let content = self.content();
                    let digest = |range: &ByteRange| {
                        let mut hasher = Hasher::new(algorithm);
                        hasher.update(&content[range.start() as usize..range.end() as usize]);
                        hasher.digest()
                    };
                    FileReply::Digests(ranges.iter().map(digest).collect())
                }
                _ => FileReply::Done,
            };
            Box::pin(async { Ok(reply) })
        }

        fn read(&self, offset: u64, mut chunk: Chunk) -> BoxFuture<'static, Result<Chunk, FileFault>> {
            if offset >= TURN && self.turns {
                self.turned.store(true, Ordering::SeqCst);
            }
            let content = self.content();
            let from = offset as usize;
            let len = chunk.buffer.capacity().min(LEN - from);
            chunk.buffer.extend_from_slice(&content[from..from + len]);
            Box::pin(async { Ok(chunk) })
        }

        fn write(&self, _: u64, _: Batch) -> BoxFuture<'static, Result<Batch, FileFault>> {
            Box::pin(async { Err(changed()) })
        }

        fn attach(&self, _: Link) {
            self.heard[0].fetch_add(1, Ordering::SeqCst);
        }

        fn ended(&self, _: &End) {
            self.heard[1].fetch_add(1, Ordering::SeqCst);
        }
    }

    fn sum(content: &[u8], algorithm: Algorithm) -> Digest {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        hasher.digest().unwrap()
    }

    fn checked(turns: bool) -> CheckedSource {
        let expected =
            [Algorithm::Sha256, Algorithm::Crc32c].map(|algorithm| sum(&Mapped::default().content(), algorithm));
        CheckedSource::new(Arc::new(Mapped { turns, ..Mapped::default() }), &expected)
    }

    /// Takes one `PUT` and stores it if it is whole; the URL, and what it stored.
    async fn stores() -> (String, JoinHandle<Option<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/object", listener.local_addr().unwrap());
        let stored = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket = BufReader::new(socket);
            let mut line = String::from("-");
            while line.trim() != "" {
                line.clear();
                socket.read_line(&mut line).await.unwrap();
            }
            let mut body = vec![0; LEN];
            socket.read_exact(&mut body).await.ok()?;
            socket.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            Some(body)
        });
        (url, stored)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn u1_a_change_that_shows_in_no_time_is_noticed_by_the_checksum_before_the_server_has_all() {
        let client = longhaul::client().unwrap();
        for turns in [false, true] {
            let (url, stored) = stores().await;
            let job = Upload::put(&url).unwrap().from_storage(Arc::new(checked(turns)), "mapped");
            match client.submit(job).await.unwrap().await {
                Err(Error::Disk(fault)) if turns => assert_eq!(fault.kind, FileFaultKind::Changed, "{fault}"),
                outcome => assert!(outcome.is_ok() && !turns, "{outcome:?}"),
            }
            assert!(stored.await.unwrap() == (!turns).then(|| Mapped::default().content()));
        }
        client.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_source_hears_of_its_transfer() {
        let client = longhaul::client().unwrap();
        let (url, stored) = stores().await;
        let mapped = Arc::new(Mapped::default());
        let expected = [sum(&mapped.content(), Algorithm::Crc32c)];
        let source = CheckedSource::new(Arc::clone(&mapped) as Arc<dyn Storage>, &expected);
        let job = Upload::put(&url).unwrap().from_storage(Arc::new(source), "mapped");
        client.submit(job).await.unwrap().await.unwrap();
        stored.await.unwrap().unwrap();
        client.close().await;
        assert_eq!(mapped.heard.each_ref().map(|count| count.load(Ordering::SeqCst)), [1, 1]);
    }

    #[tokio::test]
    async fn u1_what_is_not_read_in_order_is_compared_at_the_end() {
        for turns in [false, true] {
            let source = checked(turns);
            source.run(FileOp::Stat, Cancel::default()).await.unwrap();
            for offset in [TURN, 0, 2 * TURN] {
                let mut chunk = Chunk::default();
                chunk.buffer.reserve(TURN as usize);
                source.read(offset, chunk).await.unwrap();
            }
            let end = source.run(FileOp::Stat, Cancel::default()).await;
            assert_eq!(end.is_err(), turns, "{end:?}");
        }
    }
}
