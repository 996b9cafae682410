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

/// The server.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// By file name and digest.
    pub uploads: BTreeMap<(String, String), Upload>,
    /// Leaves `nextByte` out of its answers.
    pub terse: bool,
    /// Compares the content with its digest before it completes, and starts over when it differs.
    pub verifies: bool,
    /// Bytes received in chunks, whether new or not.
    pub received: u64,
    /// Prepare requests.
    pub prepares: u64,
}

impl Form {
    /// Answers.
    pub fn answer(&mut self, request: &WireRequest) -> WireAnswer {
        let text = request.text();
        let field = |name: &str| form_field(&text, name);
        let (Some(md5), Some(name), Some(total)) =
            (field("fileMd5"), field("fileName"), field("totalSize").and_then(|total| total.parse::<u64>().ok()))
        else {
            return WireAnswer::status(400).text("a field is missing");
        };
        let upload = self.uploads.entry((name, md5.clone())).or_default();
        upload.total = total;
        let mut arrived = false;
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
                    for (range, fill) in content {
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
        let body = match (&upload.id, self.terse) {
            (Some(id), _) => format!("{{\"fileId\":\"{id}\"}}"),
            // Silence says that the chunk has arrived: only where it has.
            (None, true) if arrived => String::from(" \n"),
            (None, _) => format!("{{\"nextByte\":{next},\"more\":true}}"),
        };
        WireAnswer::status(200).text(body)
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

/// The value of a text field of a form whose files were left out.
fn form_field(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
    Some(rest.split_once("\r\n")?.0.into())
}
