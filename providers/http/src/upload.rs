//! The default upload protocol: multipart/form-data requests, one after another, the server saying where to go on.
//!
//! `Begin` asks with the digest of the whole content what the server holds; each `PutPart` carries one range. Both are answered
//! by an optional JSON object with `fileId` (the upload is complete) and `nextByte` (go on there). The method and URL are the
//! same for all requests. Redirects are never followed: a `POST` turned into a `GET` would store nothing and look like success.

mod answer;

use alloc::format;
use alloc::string::{String, ToString};

use http::header::{self, HeaderValue};
use http::{Method, Request};
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Algorithm, Now};

use crate::fault::{self, Asked, Class};
use crate::form::Form;
use crate::headers::Headers;
use crate::request::{Endpoint, no_such_step, value};
use crate::url::Url;
use answer::Answer;

/// Fields the protocol itself needs.
const OWN_FIELDS: [(header::HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "the form decides it"),
    (header::CONTENT_ENCODING, "the form is sent as it is"),
    (header::RANGE, "the form says which bytes are sent"),
];

/// Longest file name or category, in bytes.
const MOST_FIELD: usize = 4096;

/// Uploads a file by the default protocol.
///
/// ```
/// use longhaul_http::{Headers, HttpUpload};
/// let headers = Headers::new().with("Authorization", "Bearer 123")?;
/// let upload = HttpUpload::new("https://example.com/upload", "report.pdf")?.with_category("reports")?.with_headers(headers)?;
/// # Ok::<(), longhaul_core::error::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpUpload {
    endpoint: Endpoint,
    method: Method,
    file_name: String,
    category: String,
    object: String,
    refresh: bool,
}

impl HttpUpload {
    /// An upload to `url`, of a file that the server shall know as `file_name`. Sent by `POST`, without category.
    ///
    /// # Errors
    /// When the URL is unusable, or the name is empty, has control characters (line breaks above all) or over 4,096 bytes.
    pub fn new(url: &str, file_name: &str) -> Result<Self, BuildError> {
        if file_name.is_empty() {
            return Err(BuildError::new("the file name is empty", "name the file as the server shall know it"));
        }
        let endpoint = Endpoint::new(url)?;
        let file_name = field("file name", file_name)?;
        let object = format!("{} [{file_name}]", endpoint.url.object());
        Ok(Self { endpoint, method: Method::POST, file_name, category: String::new(), object, refresh: false })
    }

    /// With another method: `POST`, `PUT` or `PATCH`.
    ///
    /// # Errors
    /// For any other.
    pub fn with_method(mut self, method: Method) -> Result<Self, BuildError> {
        if ![Method::POST, Method::PUT, Method::PATCH].contains(&method) {
            return Err(BuildError::new(
                "the method of an upload is not one that carries content",
                "use POST, PUT or PATCH",
            ));
        }
        self.method = method;
        Ok(self)
    }

    /// With a category, a word for the server. Empty by default.
    ///
    /// # Errors
    /// When it has control characters or over 4,096 bytes.
    pub fn with_category(mut self, category: &str) -> Result<Self, BuildError> {
        self.category = field("category", category)?;
        Ok(self)
    }

    /// With header fields for every request.
    ///
    /// # Errors
    /// When one of them is set by the protocol itself.
    pub fn with_headers(mut self, headers: Headers) -> Result<Self, BuildError> {
        headers.refuse(&OWN_FIELDS)?;
        self.endpoint.headers = headers;
        Ok(self)
    }

    /// Whether the application can supply a fresh provider when this one's credentials are refused. Default false.
    #[must_use]
    pub const fn refreshable(mut self, refreshable: bool) -> Self {
        self.refresh = refreshable;
        self
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.endpoint.url
    }

    fn form(&self, step: &Step, cx: &Context<'_>) -> Result<Form, BuildError> {
        let digest = cx
            .content_digest
            .filter(|digest| digest.algorithm() == Algorithm::Md5)
            .ok_or_else(|| BuildError::new("the content's MD5 is not known", "compute it before the upload begins"))?;
        let total = cx.total.ok_or_else(|| {
            BuildError::new("the content's size is not known", "this protocol needs it before the upload begins")
        })?;
        let form = Form::new(cx.nonce);
        let form = match step {
            Step::Begin => form,
            Step::PutPart { range, .. } => form.file("file", "upload_chunk_data", *range),
            step => return Err(no_such_step("the default upload protocol", step)),
        };
        let form =
            form.text("fileMd5", &digest.hex()).text("fileName", &self.file_name).text("category", &self.category);
        let form = match step.range() {
            Some(range) => form.text("offset", &range.start().to_string()).text("partSize", &range.len().to_string()),
            None => form,
        };
        Ok(form.text("totalSize", &total.to_string()))
    }
}

impl Provider for HttpUpload {
    fn authority(&self) -> &str {
        self.endpoint.url.authority()
    }

    /// The URL without its secrets, and the file's name: one URL takes many files.
    fn object(&self) -> &str {
        &self.object
    }

    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        profile.parts = PartLimits::UNLIMITED;
        profile.order = Order::ServerOffset;
        profile.begin = Begin::Idempotent;
        profile.content_digest = Some(Algorithm::Md5);
        profile.needs_total = true;
        profile.refresh = self.refresh;
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, _now: Now) -> Result<Request<Body>, BuildError> {
        let form = self.form(step, cx)?;
        let content_type = value(&header::CONTENT_TYPE, form.content_type())?;
        let body = form.finish();
        let fixed = [(header::CONTENT_TYPE, content_type), (header::CONTENT_LENGTH, HeaderValue::from(body.len()))];
        let defaults = [(header::ACCEPT, HeaderValue::from_static("*/*"))];
        Ok(self.endpoint.request(self.method.clone(), None, defaults, fixed, body))
    }

    fn interpret(
        &self,
        step: &Step,
        _cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        if !matches!(step, Step::Begin | Step::PutPart { .. }) {
            return Err(Verdict::Fatal(fault::protocol(step, head.status, "an answer to what is never asked")));
        }
        let class = fault::class(head.status);
        if class != Class::Success {
            let (uri, hide) = (self.endpoint.url.uri(), self.endpoint.hide(None));
            let asked = Asked { uri, hide, refresh: self.refresh, now };
            return Err(match class {
                Class::Redirect => fault::not_redirected(step, head, body, &asked),
                _ => fault::verdict(step, head, body, &asked),
            });
        }
        let answer = Answer::read(body, self.profile().answer_limit)
            .map_err(|problem| Verdict::Fatal(fault::protocol(step, head.status, problem)))?;
        // Where the server names no offset: everything is still to be sent, or what was just sent has arrived.
        let next = answer.next.unwrap_or_else(|| step.range().map_or(0, longhaul_core::ByteRange::end));
        let receipt = answer.receipt();
        Ok(match step {
            Step::PutPart { .. } => Reply::Part { tag: String::new(), next: Some(next), receipt },
            _ => Reply::Begun { session: None, next: Some(next), receipt },
        })
    }
}

/// A form field's value: no line break can end it early, nothing invisible is in it.
fn field(what: &str, text: &str) -> Result<String, BuildError> {
    if text.len() > MOST_FIELD {
        return Err(BuildError::new(
            format!("the {what} has {} bytes", text.len()),
            format!("use one of at most {MOST_FIELD}"),
        ));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => {
            Err(BuildError::new(format!("the {what} has the control character U+{:04X}", u32::from(c)), "rename it"))
        }
        None => Ok(text.into()),
    }
}
