//! A multipart/form-data body by reference to its file (RFC 7578): head, file range, tail.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use longhaul_core::ByteRange;
use longhaul_core::intent::{Body, Piece};
use uuid::Uuid;

/// A form being written. Its boundary comes from the transfer's nonce: the same for every attempt, and unknown to whoever
/// made the content.
pub(crate) struct Form {
    boundary: String,
    pieces: Vec<Piece>,
    text: String,
}

impl Form {
    pub(crate) fn new(nonce: Uuid) -> Self {
        Self { boundary: format!("longhaul-{}", nonce.simple()), pieces: Vec::new(), text: String::new() }
    }

    /// The value of the request's Content-Type.
    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// Adds a text field. `name` is one of ours; `value` holds no line break.
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.open(name, "");
        self.text.push_str("\r\n");
        self.text.push_str(value);
        self.text.push_str("\r\n");
        self
    }

    /// Adds a file field with bytes of the source.
    pub(crate) fn file(mut self, name: &str, file_name: &str, range: ByteRange) -> Self {
        self.open(name, &format!("; filename=\"{file_name}\""));
        self.text.push_str("Content-Type: application/octet-stream\r\n\r\n");
        self.flush();
        self.pieces.push(Piece::Source(range));
        self.text.push_str("\r\n");
        self
    }

    /// Ends the form.
    pub(crate) fn finish(mut self) -> Body {
        self.text.push_str(&format!("--{}--\r\n", self.boundary));
        if self.pieces.is_empty() {
            return Body::Inline(Bytes::from(self.text));
        }
        self.flush();
        Body::Pieces(self.pieces)
    }

    fn open(&mut self, name: &str, more: &str) {
        self.text
            .push_str(&format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n", self.boundary));
    }

    fn flush(&mut self) {
        self.pieces.push(Piece::Inline(Bytes::from(core::mem::take(&mut self.text))));
    }
}
