//! A server of the default upload protocol: multipart forms, contiguous bytes, `nextByte` and `fileId`.

use std::collections::BTreeMap;

use longhaul_core::{Algorithm, ByteRange};

use crate::content::Content;
use crate::wire::{WireAnswer, WireRequest};

/// What the server knows of one file, by digest and name.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Stored so far, contiguous.
    pub stored: Content,
    /// Declared size.
    pub total: u64,
    /// Complete, under this id.
    pub id: Option<String>,
    /// Completed although the content has not the announced digest.
    pub corrupt: bool,
}

/// The fields of a prepare request, in their order.
const PREPARE: [&str; 4] = ["fileMd5", "fileName", "category", "totalSize"];
/// The fields of a chunk, in their order.
const CHUNK: [&str; 7] = ["file", "fileMd5", "fileName", "category", "offset", "partSize", "totalSize"];

/// How the server words an answer that says no more than how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Talk {
    /// Just that.
    #[default]
    Plain,
    /// With members nobody asked for, one of them nested.
    Wordy,
    /// With a status other than 200, and a null in place of what it does not say.
    Null,
}

/// The server.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// By file name and digest.
    pub uploads: BTreeMap<(String, String), Upload>,
    /// Leaves `nextByte` out of its answers.
    pub terse: bool,
    /// Compares the content with its digest before it completes, and starts over when it differs.
    pub verifies: bool,
    /// How it words its answers.
    pub talk: Talk,
    /// Never names a file id: `nextByte` alone tells that all is there.
    pub coy: bool,
    /// Takes at most so many bytes of a chunk.
    pub most: Option<u64>,
    /// Bytes received in chunks, whether new or not.
    pub received: u64,
    /// Prepare requests.
    pub prepares: u64,
}

impl Form {
    /// Answers.
    pub fn answer(&mut self, request: &WireRequest) -> WireAnswer {
        let text = request.text();
        let names = form_names(&text);
        if names != PREPARE && (names != CHUNK || !text.contains(FILE)) {
            return WireAnswer::status(400).text("fields are missing or in another order");
        }
        let field = |name: &str| form_field(&text, name);
        let (Some(md5), Some(name), Some(total)) =
            (field("fileMd5"), field("fileName"), field("totalSize").and_then(|total| total.parse::<u64>().ok()))
        else {
            return WireAnswer::status(400).text("a field is missing");
        };
        let upload = self.uploads.entry((name, md5.clone())).or_default();
        upload.total = total;
        let (mut arrived, mut all) = (false, true);
        match field("offset") {
            None => self.prepares += 1,
            Some(offset) => {
                let offset: u64 = offset.parse().unwrap_or(u64::MAX);
                let content = request.content();
                let len: u64 = content.iter().map(|(range, _)| range.len()).sum();
                self.received += len;
                if field("partSize").and_then(|size| size.parse().ok()) != Some(len) {
                    return WireAnswer::status(400).text("partSize and file differ");
                }
                // Contiguous bytes only: what would leave a gap is not stored.
                arrived = offset <= upload.stored.len();
                if arrived {
                    let mut at = offset;
                    let mut room = self.most.unwrap_or(u64::MAX).max(1);
                    all = len <= room;
                    for (range, fill) in content {
                        let range = ByteRange::at(range.start(), range.len().min(room));
                        room -= range.len();
                        let to = ByteRange::at(at, range.len());
                        at = to.end();
                        // Content knows its own place: anywhere else it is noise.
                        let fill = if to == range { fill } else { crate::content::Fill::Noise(at) };
                        upload.stored.write(to, fill);
                    }
                }
            }
        }
        if upload.stored.len() >= total && upload.id.is_none() {
            let all = ByteRange::at(0, total);
            let right = upload.stored.digest(Algorithm::Md5, all).is_some_and(|digest| digest.hex() == md5);
            if !right && self.verifies {
                upload.stored = Content::empty();
                arrived = false;
            } else {
                upload.corrupt = !right;
                upload.id = Some(format!("id-{md5}"));
            }
        }
        let next = upload.stored.len();
        match (&upload.id, self.talk) {
            (Some(id), _) if !self.coy => WireAnswer::status(200).text(format!("{{\"fileId\":\"{id}\"}}")),
            // Silence says that the chunk has arrived, all of it: only where it has.
            _ if arrived && all && self.terse => WireAnswer::status(200).text(" \n"),
            (_, Talk::Plain) => WireAnswer::status(200).text(format!("{{\"nextByte\":{next}}}")),
            (_, Talk::Wordy) => {
                WireAnswer::status(200).text(format!("{{\"more\":{{\"a\":[1,null]}},\"nextByte\":{next},\"ok\":true}}"))
            }
            (_, Talk::Null) => WireAnswer::status(202).text(format!(" {{\"fileId\":null,\"nextByte\":{next}}} ")),
        }
    }

    /// Loses the end of what is stored of every unfinished upload: a rewind.
    pub fn forget(&mut self, keep: u64) {
        for upload in self.uploads.values_mut().filter(|upload| upload.id.is_none()) {
            let kept = upload.stored.len() * keep / 256;
            upload.stored.set_len(kept);
        }
    }

    /// The finished upload of that name, if there is one, latest digest last.
    pub fn finished<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Upload> + 'a {
        self.uploads.iter().filter(move |((of, _), upload)| of == name && upload.id.is_some()).map(|(_, upload)| upload)
    }
}

/// What a chunk's own part begins with.
const FILE: &str = "name=\"file\"; filename=\"upload_chunk_data\"\r\nContent-Type: application/octet-stream\r\n\r\n";

/// The names of a form's fields, in order.
fn form_names(text: &str) -> Vec<&str> {
    text.split("; name=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name).collect()
}

/// The value of a text field of a form whose files were left out.
fn form_field(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
    Some(rest.split_once("\r\n")?.0.into())
}
