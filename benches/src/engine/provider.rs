//! A provider that does next to nothing, and answers as a server would give them.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};
use http::{Method, Request, Uri};
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Object, Profile, Provider, Reply, Step, Validator, Verdict};
use longhaul_core::{ByteRange, Now};

pub(super) const TAG: &str = "\"0123456789abcdef\"";

/// What is left when building requests and reading answers costs (almost) nothing.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) uri: Uri,
    pub(super) total: u64,
}

impl Plain {
    fn seen(&self) -> Object {
        let mut object = Object::default();
        object.total = Some(self.total);
        object.validator = Validator { etag: Some(TAG.to_owned()), modified: None };
        object.ranges = Some(true);
        object
    }
}

impl Provider for Plain {
    fn authority(&self) -> &str {
        "files.example.org:443"
    }

    fn object(&self) -> &str {
        "https://files.example.org/some/folder/some-file.bin"
    }

    fn profile(&self) -> Profile {
        Profile::download()
    }

    fn build(&self, step: &Step, _: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let mut request = Request::new(Body::Empty);
        *request.uri_mut() = self.uri.clone();
        if matches!(step, Step::Probe) {
            *request.method_mut() = Method::HEAD;
        }
        Ok(request)
    }

    fn interpret(&self, step: &Step, _: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        match step {
            Step::Probe => Ok(Reply::Object(self.seen())),
            Step::GetRange { range } => Ok(Reply::Range { range: *range, object: self.seen() }),
            step => {
                Err(Verdict::Fatal(ServerFault::new(ServerFaultKind::Protocol, step.kind(), None, "not asked for")))
            }
        }
    }
}

/// The fields of an answer: to a probe, or to a range.
pub(super) fn headers(range: Option<ByteRange>, total: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, HeaderValue::from_static(TAG));
    headers.insert(LAST_MODIFIED, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
    headers.insert("date", HeaderValue::from_static("Mon, 07 Nov 1994 08:49:37 GMT"));
    headers.insert("server", HeaderValue::from_static("nginx/1.22.1"));
    headers.insert("content-type", HeaderValue::from_static("application/octet-stream"));
    headers.insert("accept-ranges", HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.map_or(total, ByteRange::len)));
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{total}", range.start(), range.end() - 1);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(CONTENT_RANGE, value);
        }
    }
    headers
}
