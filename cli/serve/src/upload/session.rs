//! What the server keeps of an upload, and what a request does to it.
//!
//! On disk, in the hidden folder: `<key>.part`, whose length is the number of contiguous bytes stored, and after
//! publication `<key>.done`, which says what was published where. In memory only a running MD5, which can be
//! computed anew. A restart of the server therefore loses nothing. Nothing is synced to the device: a loss of power
//! may cost bytes, which the MD5 would show.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::form::{Chunk, Form};
use crate::file;
use crate::shared::{Halt, Shared};

/// Uploads remembered in memory; beyond, those that nobody works on are forgotten there.
const MAX_SESSIONS: usize = 1024;
const BLOCK: usize = 1 << 20;

/// All uploads of a server.
#[derive(Debug)]
pub(crate) struct Uploads {
    folder: PathBuf,
    sessions: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Session>>>>,
}

/// The MD5 of an upload's first `hashed` bytes. Its lock is what serialises requests for one upload.
#[derive(Debug, Default)]
struct Session {
    md5: Md5,
    hashed: u64,
}

impl Uploads {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, sessions: Mutex::default() }
    }

    /// The hidden folder; it may not exist yet.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    async fn lock(&self, key: &str) -> OwnedMutexGuard<Session> {
        let session = {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            if sessions.len() >= MAX_SESSIONS {
                sessions.retain(|_, session| Arc::strong_count(session) > 1);
            }
            Arc::clone(sessions.entry(key.to_owned()).or_default())
        };
        session.lock_owned().await
    }
}

/// What a request came to.
pub(super) enum Outcome {
    Next(u64),
    /// The id is the path of the published file's URL.
    Complete(String),
    Refused(StatusCode, &'static str),
}

/// One request, ready to act.
pub(super) struct Work {
    pub(super) shared: Arc<Shared>,
    /// The folder to publish in.
    pub(super) folder: PathBuf,
    /// The path of the published file's URL.
    pub(super) url: String,
    pub(super) form: Form,
    /// The fault that loses bytes.
    pub(super) keep: Option<u64>,
    /// The fault that flips bits.
    pub(super) corrupt: Vec<u64>,
}

impl Work {
    /// Waits for other requests of the same upload, then acts on a blocking thread, to the end even if the client goes.
    pub(super) async fn run(self) -> io::Result<Outcome> {
        let shared = Arc::clone(&self.shared);
        let key = self.key();
        let mut session = shared.uploads.lock(&key).await;
        shared.blocking(move |halt| self.act(&key, &mut session, halt)).await
    }

    /// A file name for folder, MD5 and file name. The folder is taken below the root, so that the root may move.
    fn key(&self) -> String {
        let folder = self.folder.strip_prefix(&self.shared.root).unwrap_or(&self.folder);
        let mut hasher = Md5::new();
        for part in [folder.as_os_str().as_encoded_bytes(), self.form.md5.as_bytes(), self.form.name.as_bytes()] {
            hasher.update(part);
            hasher.update([0]);
        }
        hex(&hasher.finalize())
    }

    fn act(mut self, key: &str, session: &mut Session, halt: &Halt) -> io::Result<Outcome> {
        let hidden = self.shared.uploads.folder();
        fs::create_dir_all(hidden)?;
        let part = hidden.join(format!("{key}.part"));
        let record = hidden.join(format!("{key}.done"));
        let chunk = self.form.chunk.take();
        let stored = match part.metadata() {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.is_published(&record) {
                    self.count_again(chunk);
                    return Ok(Outcome::Complete(self.url));
                }
                0
            }
            Err(error) => return Err(error),
        };
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&part)?;
        let stored = self.lose(&file, stored, session)?;
        let (next, stored) = match chunk {
            None => (stored, stored),
            Some(chunk) if chunk.offset > stored => return Ok(Outcome::Next(stored)),
            Some(chunk) => {
                let end = self.store(&file, stored, chunk, session, halt)?;
                (end, stored.max(end))
            }
        };
        if stored < self.form.total {
            return Ok(Outcome::Next(next));
        }
        self.complete(&file, &part, &record, session, halt)
    }

    /// Drops stored bytes that cannot be part of this content, or that a fault takes away.
    fn lose(&self, file: &File, stored: u64, session: &mut Session) -> io::Result<u64> {
        let mut left = if stored > self.form.total { 0 } else { stored };
        if let Some(keep) = self.keep.filter(|keep| *keep < left) {
            self.shared.counters.fault("lose-bytes");
            left = keep;
        }
        if left < stored {
            file.set_len(left)?;
        }
        if left < session.hashed {
            *session = Session::default();
        }
        Ok(left)
    }

    /// Writes the chunk, which begins at or below what is stored. Returns its end.
    fn store(&self, file: &File, stored: u64, mut chunk: Chunk, session: &mut Session, halt: &Halt) -> io::Result<u64> {
        let Chunk { offset, data } = &mut chunk;
        if *offset < session.hashed {
            *session = Session::default();
        }
        data.for_each_block(halt, |index, block| {
            let at = *offset + index;
            self.flip_bits(at, block);
            file::write_all_at(file, block, at)?;
            if self.shared.config.verify && at == session.hashed {
                session.md5.update(&*block);
                session.hashed += block.len() as u64;
            }
            Ok(())
        })?;
        let end = *offset + data.len();
        let known = end.min(stored) - *offset;
        self.shared.counters.again(known, *offset + known);
        self.shared.counters.stored(data.len() - known);
        data.settled();
        Ok(end)
    }

    fn flip_bits(&self, at: u64, block: &mut [u8]) {
        for wrong in &self.corrupt {
            let index = wrong.checked_sub(at).and_then(|index| usize::try_from(index).ok());
            if let Some(byte) = index.and_then(|index| block.get_mut(index)) {
                *byte ^= 1;
                self.shared.counters.fault("corrupt-byte");
            }
        }
    }

    /// Verifies and publishes.
    fn complete(
        self,
        file: &File,
        part: &Path,
        record: &Path,
        session: &mut Session,
        halt: &Halt,
    ) -> io::Result<Outcome> {
        if self.shared.config.verify && self.digest(file, session, halt)? != self.form.md5 {
            *session = Session::default();
            fs::remove_file(part)?;
            let text = "the content does not have this MD5; what was stored is forgotten";
            return Ok(Outcome::Refused(StatusCode::UNPROCESSABLE_ENTITY, text));
        }
        let target = self.folder.join(&self.form.name);
        if target.is_dir() {
            let text = "there is a folder of this name";
            return Ok(Outcome::Refused(StatusCode::CONFLICT, text));
        }
        // The record comes first: renaming changes nothing of what it says, and without the target it says nothing.
        fs::write(record, identity(&file.metadata()?).to_string())?;
        fs::rename(part, &target)?;
        *session = Session::default();
        self.shared.counters.completed();
        Ok(Outcome::Complete(self.url))
    }

    /// The MD5 of all that is stored; only what was not hashed on arrival is read.
    fn digest(&self, file: &File, session: &mut Session, halt: &Halt) -> io::Result<String> {
        let mut buf = vec![0; BLOCK];
        while session.hashed < self.form.total {
            halt.check()?;
            let len = usize::try_from(self.form.total - session.hashed).unwrap_or(BLOCK).min(BLOCK);
            file::read_exact_at(file, &mut buf[..len], session.hashed)?;
            session.md5.update(&buf[..len]);
            session.hashed += len as u64;
        }
        Ok(hex(&session.md5.clone().finalize()))
    }

    /// Whether the file published by this very upload is still there, unchanged.
    fn is_published(&self, record: &Path) -> bool {
        let read = fs::read(record).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let target = self.folder.join(&self.form.name).symlink_metadata();
        match (read, target) {
            (Some(read), Ok(meta)) => meta.len() == self.form.total && read == identity(&meta),
            _ => false,
        }
    }

    /// A chunk of an upload that is complete.
    fn count_again(&self, chunk: Option<Chunk>) {
        if let Some(mut chunk) = chunk {
            let len = chunk.data.len();
            self.shared.counters.again(len, chunk.offset + len);
            chunk.data.settled();
        }
    }
}

/// What tells a published file from another one put in its place.
fn identity(meta: &Metadata) -> Value {
    let (inode, _) = file::inode_and_change(meta);
    let modified = meta.modified().map_or(0, file::nanos);
    json!({ "length": meta.len(), "inode": inode, "modified": modified.to_string() })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
