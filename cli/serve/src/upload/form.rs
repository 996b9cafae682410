//! The fields of one request, each checked; the file's bytes are spooled, because the fields that say where they
//! belong come after them.

use std::io;
use std::sync::Arc;

use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use multer::{Field, Multipart};

use super::name;
use super::spool::Spool;
use super::stream::{Unparsed, UploadBody};
use crate::exchange::Exchange;
use crate::shape::Shaper;

const MAX_FIELDS: usize = 32;
/// Bytes of a field other than `file`.
const MAX_TEXT: usize = 4096;

/// A well-formed request.
pub(super) struct Form {
    /// 32 lower-case hex digits.
    pub(super) md5: String,
    /// A plain file name.
    pub(super) name: String,
    pub(super) total: u64,
    /// `None`: prepare.
    pub(super) chunk: Option<Chunk>,
}

/// The bytes of a chunk. They end at or before the total, and there is at least one unless the total is zero.
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) data: Spool,
}

pub(super) enum FormError {
    /// The request is wrong; the text says how.
    Bad(String),
    /// The connection ended inside the body.
    Cut(io::Error),
    /// The bytes could not be spooled.
    Disk(io::Error),
}

impl From<multer::Error> for FormError {
    fn from(error: multer::Error) -> Self {
        let multer::Error::StreamReadFailed(cause) = error else {
            return Self::Bad(format!("the multipart body is malformed: {error}"));
        };
        match cause.downcast::<io::Error>() {
            Ok(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::Bad("the multipart body has no boundary where one is due".into())
            }
            Ok(error) => Self::Cut(*error),
            Err(other) => Self::Cut(io::Error::other(other)),
        }
    }
}

fn bad(text: impl Into<String>) -> FormError {
    FormError::Bad(text.into())
}

impl Form {
    /// Reads the whole body.
    pub(super) async fn read(exchange: &Exchange, boundary: String, body: Incoming) -> Result<Self, FormError> {
        let unparsed = Unparsed::default();
        let shaper = Shaper::new(Arc::clone(&exchange.shared), Arc::clone(&exchange.link), &exchange.plan);
        let body = UploadBody::new(body, shaper, unparsed.clone());
        let mut parts = Multipart::new(BodyDataStream::new(body), boundary);
        let mut fields = Fields::default();
        for _ in 0..MAX_FIELDS {
            let Some(field) = parts.next_field().await? else {
                return fields.check();
            };
            unparsed.clear();
            fields.take(exchange, field, &unparsed).await?;
        }
        Err(bad("the form has too many fields"))
    }
}

/// The fields as they came.
#[derive(Default)]
struct Fields {
    file: Option<Spool>,
    md5: Option<String>,
    name: Option<String>,
    category: Option<String>,
    offset: Option<String>,
    part_size: Option<String>,
    total: Option<String>,
}

impl Fields {
    async fn take(&mut self, exchange: &Exchange, field: Field<'_>, unparsed: &Unparsed) -> Result<(), FormError> {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if self.file.is_some() {
                return Err(bad("the field file occurs twice"));
            }
            self.file = Some(spool(exchange, field, unparsed).await?);
            return Ok(());
        }
        let text = text(&name, field, unparsed).await?;
        let slot = match name.as_str() {
            "fileMd5" => &mut self.md5,
            "fileName" => &mut self.name,
            "category" => &mut self.category,
            "offset" => &mut self.offset,
            "partSize" => &mut self.part_size,
            "totalSize" => &mut self.total,
            // Unknown fields are left alone.
            _ => return Ok(()),
        };
        if slot.replace(text).is_some() {
            return Err(bad(format!("the field {name} occurs twice")));
        }
        Ok(())
    }

    fn check(self) -> Result<Form, FormError> {
        let md5 = self.md5.ok_or_else(|| bad("the field fileMd5 is missing"))?;
        if md5.len() != 32 || !md5.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(bad("fileMd5 must be 32 lower-case hexadecimal digits"));
        }
        let name = self.name.ok_or_else(|| bad("the field fileName is missing"))?;
        let name = name::plain(&name).map_err(bad)?;
        let total = number("totalSize", self.total)?;
        let Some(data) = self.file else {
            if self.offset.is_some() || self.part_size.is_some() {
                return Err(bad("there is an offset or a partSize but no file"));
            }
            let chunk = None;
            return Ok(Form { md5, name, total, chunk });
        };
        let offset = number("offset", self.offset)?;
        let part_size = number("partSize", self.part_size)?;
        if part_size != data.len() {
            let got = data.len();
            return Err(bad(format!("partSize is {part_size} but file has {got} bytes")));
        }
        if part_size == 0 && total != 0 {
            return Err(bad("the chunk is empty"));
        }
        if offset.checked_add(part_size).is_none_or(|end| end > total) {
            return Err(bad("the chunk ends beyond totalSize"));
        }
        let chunk = Some(Chunk { offset, data });
        Ok(Form { md5, name, total, chunk })
    }
}

fn number(name: &str, text: Option<String>) -> Result<u64, FormError> {
    let text = text.ok_or_else(|| bad(format!("the field {name} is missing")))?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|_| digits);
    value.ok_or_else(|| bad(format!("{name} must be a decimal number")))
}

async fn spool(exchange: &Exchange, mut field: Field<'_>, unparsed: &Unparsed) -> Result<Spool, FormError> {
    let mut spool = Spool::new(Arc::clone(&exchange.shared));
    while let Some(data) = field.chunk().await? {
        unparsed.clear();
        spool.push(&data).await.map_err(FormError::Disk)?;
    }
    Ok(spool)
}

async fn text(name: &str, mut field: Field<'_>, unparsed: &Unparsed) -> Result<String, FormError> {
    let mut text = Vec::new();
    while let Some(data) = field.chunk().await? {
        unparsed.clear();
        text.extend_from_slice(&data);
        if text.len() > MAX_TEXT {
            return Err(bad(format!("a field is longer than {MAX_TEXT} bytes")));
        }
    }
    String::from_utf8(text).map_err(|_| bad(format!("the field {name} is not UTF-8")))
}
