//! The `<Error>` that a store answers with, read within bounds.

use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longhaul_core::Wall;
use longhaul_http::read::http_date;
use longhaul_sign::date::parse_iso8601;
use longhaul_sign::xml::{self, Element, Limits};

/// An `<Error>`, read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ErrorBody {
    /// `Code`.
    pub code: Option<String>,
    /// `ActualObjectSize` of an unsatisfiable range, in bytes.
    pub object_size: Option<u64>,
    /// `PartEtag`: the tag of a part that is there already.
    pub part_etag: Option<String>,
    /// `Message`. May repeat what was sent, so it is not to be shown as it is.
    pub message: String,
    /// `AuthenticationErrorDetail`: what is wrong with a signature. May repeat what was signed, so it is not to be shown.
    pub authentication: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) server_time: Option<Wall>,
    /// `EC`: the cause, finer than the code.
    pub(super) cause: Option<String>,
}

impl ErrorBody {
    /// Reads an answer's body. What is no `<Error>` gives an empty value: a proxy's page has no code.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        match xml::parse(body, &Limits::SMALL) {
            Ok(root) => Self::of(&root),
            Err(_) => Self::default(),
        }
    }

    /// Reads the same in base64, as a header field has it.
    #[must_use]
    pub fn decode(base64: &[u8]) -> Self {
        // A head is never larger.
        let body = Some(base64).filter(|text| text.len() <= 64 << 10).and_then(|text| STANDARD.decode(text).ok());
        body.map_or_else(Self::default, |body| Self::read(&body))
    }

    /// Reads a parsed document; the error may be wrapped (`<ErrorResponse><Error>`).
    #[must_use]
    pub fn of(root: &Element) -> Self {
        let error = if root.name() == "Error" { Some(root) } else { root.find(&["Error"]) };
        let Some(error) = error else { return Self::default() };
        let name = |element: &Element, name: &str| {
            element.text_at(&[name]).map(str::trim).filter(|text| is_short_name(text)).map(String::from)
        };
        let short = |field: &str| name(error, field);
        let time = error.text_at(&["ServerTime"]).map(str::trim);
        Self {
            code: short("Code"),
            object_size: error.text_at(&["ActualObjectSize"]).and_then(|size| size.trim().parse().ok()),
            part_etag: error
                .text_at(&["PartEtag"])
                .map(crate::etag::bare)
                .filter(|tag| is_short_name(tag))
                .map(String::from),
            authentication: error.text_at(&["AuthenticationErrorDetail"]).map(ToString::to_string),
            // Some say the id and the time once more behind it.
            message: error
                .text_at(&["Message"])
                .and_then(|text| text.split("\nRequestId:").next())
                .unwrap_or_default()
                .to_string(),
            request_id: short("RequestId").or_else(|| name(root, "RequestId")),
            region: short("Region").or_else(|| short("BucketRegion")),
            endpoint: short("Endpoint"),
            server_time: time
                .and_then(|time| parse_iso8601(time).ok().map(Wall::from_unix).or_else(|| http_date(time.as_bytes()))),
            cause: short("EC"),
        }
    }
}

/// Codes, regions, host names, ids: short, printable, no white space.
pub(super) fn is_short_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&\"'".contains(&byte))
}
