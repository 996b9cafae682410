//! The requests of the default upload protocol, as a client sends them.

use super::md5;

/// A multipart form, fields in the order they were added.
#[derive(Clone, Default)]
pub struct Form(Vec<(String, Option<String>, Vec<u8>)>);

impl Form {
    pub fn prepare(md5: &str, name: &str, total: usize) -> Self {
        Self::default()
            .text("fileMd5", md5)
            .text("fileName", name)
            .text("category", "")
            .text("totalSize", total.to_string())
    }

    /// The bytes of `whole` from `offset` on.
    pub fn chunk(whole: &[u8], name: &str, offset: usize, len: usize) -> Self {
        Self::default()
            .file(&whole[offset..offset + len])
            .text("fileMd5", md5(whole))
            .text("fileName", name)
            .text("category", "")
            .text("offset", offset.to_string())
            .text("partSize", len.to_string())
            .text("totalSize", whole.len().to_string())
    }

    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.into(), None, value.into().into_bytes()));
        self
    }

    pub fn file(mut self, bytes: &[u8]) -> Self {
        self.0.push(("file".into(), Some("upload_chunk_data".into()), bytes.to_vec()));
        self
    }

    /// The same form with one field changed or, with `None`, left out.
    pub fn set(mut self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => {
                let field = self.0.iter_mut().find(|(n, ..)| n == name).unwrap();
                field.2 = value.as_bytes().to_vec();
            }
            None => self.0.retain(|(n, ..)| n != name),
        }
        self
    }

    /// Content-Type and body.
    pub fn encode(&self) -> (String, Vec<u8>) {
        let boundary = "longhaul-test-boundary-0123456789";
        let mut body = Vec::new();
        for (name, filename, value) in &self.0 {
            body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
            if let Some(filename) = filename {
                body.extend(format!("; filename=\"{filename}\"\r\nContent-Type: application/octet-stream").bytes());
            }
            body.extend(b"\r\n\r\n");
            body.extend(value);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }
}
