//! Upload by a plan: each part to its own URL, side by side, then the plan's completion.
//!
//! | step | request |
//! |---|---|
//! | `PutPart` | the part's method and URL, its headers, its bytes |
//! | `Commit` | the plan's `complete`, with the list of parts |
//! | `Confirm` | the plan's `confirm` |
//! | `Abort` | the plan's `abort` |
//!
//! Nothing but `User-Agent` and `Content-Length` is added to what the plan says: a field that was not signed makes some stores
//! refuse the request.

use alloc::format;
use alloc::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Uri};
use longhaul_core::error::{BuildError, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::layout::PartLimits;
use longhaul_core::plan::{PlannedBody, PlannedRequest, TagSource, UploadPlan};
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Receipt, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now, Wall};
use longhaul_http::fault::{self, Asked, Class, Hide};
use longhaul_http::read::{ETag, etag};
use longhaul_sign::xml::{self, Limits};

use crate::body::{BodyBuilder, Said, Uploaded, usual};
use crate::tag;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("longhaul/", env!("CARGO_PKG_VERSION")));

/// Uploads by a presigned plan.
///
/// ```
/// use longhaul_core::Wall;
/// use longhaul_core::plan::{HostRule, Hosts, Policy, UploadPlan};
/// use longhaul_presigned::{PresignedUpload, json};
///
/// let text = br#"{
///     "upload_id": "u1", "total_size": 5, "part_size": 5,
///     "parts": [{"number": 1, "offset": 0, "size": 5, "url": "https://bucket.s3.amazonaws.com/key?partNumber=1&X-Amz-Signature=secret"}],
///     "complete": {"url": "https://bucket.s3.amazonaws.com/key?uploadId=u1&X-Amz-Signature=secret", "body": "s3_xml"}
/// }"#;
/// let policy = Policy::new(Hosts::These(vec![HostRule::Below("amazonaws.com".into())]));
/// let plan = UploadPlan::new(&json::upload_draft(text)?, &policy, Wall::from_unix(1_800_000_000))?;
/// let upload = PresignedUpload::new(plan);
/// assert!(!format!("{upload:?}").contains("secret"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PresignedUpload {
    plan: UploadPlan,
    complete: Option<Arc<dyn BodyBuilder>>,
    abort: Option<Arc<dyn BodyBuilder>>,
}

impl PresignedUpload {
    /// An upload by `plan`.
    #[must_use]
    pub const fn new(plan: UploadPlan) -> Self {
        Self { plan, complete: None, abort: None }
    }

    /// With a body of the application's own for the completion, in place of the one the plan names.
    #[must_use]
    pub fn with_completion(mut self, builder: Arc<dyn BodyBuilder>) -> Self {
        self.complete = Some(builder);
        self
    }

    /// With a body of the application's own for the abort.
    #[must_use]
    pub fn with_abort(mut self, builder: Arc<dyn BodyBuilder>) -> Self {
        self.abort = Some(builder);
        self
    }

    /// What the request for `step` is made of, where the plan has it.
    fn planned(&self, step: &Step) -> Option<&PlannedRequest> {
        match step {
            Step::PutPart { number, .. } => self.plan.part(*number).map(|part| part.request()),
            Step::Commit => self.plan.complete(),
            Step::Confirm => self.plan.confirm(),
            Step::Abort => self.plan.abort(),
            _ => None,
        }
    }

    fn body(&self, step: &Step, planned: &PlannedRequest, cx: &Context<'_>) -> Result<Said, BuildError> {
        let uploaded = Uploaded::new(&self.plan, cx);
        if *step == Step::Commit && !uploaded.covers(&self.plan) {
            let what = format!("{} of {} parts are uploaded", uploaded.parts.len(), self.plan.count());
            return Err(BuildError::new(what, "report this as a bug"));
        }
        let own = match step {
            Step::Commit => self.complete.as_ref(),
            Step::Abort => self.abort.as_ref(),
            _ => None,
        };
        own.map_or_else(|| usual(planned.body(), &uploaded), |own| own.build(&uploaded))
    }

    /// What must not be shown of a server's words.
    fn hide(&self, step: &Step) -> Hide {
        let Some(planned) = self.planned(step) else { return Hide::new() };
        let hide = Hide::new().query(planned.uri());
        planned.headers().values().fold(hide, |hide, value| hide.value(value.as_bytes()))
    }
}

impl Provider for PresignedUpload {
    fn authority(&self) -> &str {
        self.plan.authority()
    }

    fn object(&self) -> &str {
        self.plan.object()
    }

    fn profile(&self) -> Profile {
        let size = self.plan.part_size();
        let mut profile = Profile::download();
        profile.parts = PartLimits::new(size, size, u64::MAX, u64::MAX);
        profile.order = Order::Parallel;
        profile.begin = Begin::None;
        profile.commit = self.plan.complete().is_some();
        profile.confirm = self.plan.confirm().is_some();
        profile.abort = self.plan.abort().is_some();
        profile.needs_total = true;
        profile.refresh = self.plan.is_refreshable();
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let Some(planned) = self.planned(step) else {
            let what = format!("the plan has no request for the {}", step.kind());
            return Err(BuildError::new(what, "issue a plan that has one"));
        };
        let wall = Wall::from_unix(now.wall.as_unix().saturating_add(cx.skew));
        if !self.plan.is_usable(planned, wall) {
            let what = format!("the URL for the {} has expired, or is about to", step.kind());
            return Err(BuildError::new(what, "issue a fresh one"));
        }
        let mut headers = planned.headers().clone();
        let body = if let Step::PutPart { number, range, .. } = step {
            check_range(&self.plan, *number, *range)?;
            Body::Source(*range)
        } else {
            let said = self.body(step, planned, cx)?;
            if let Some(kind) = said.content_type {
                headers.entry(header::CONTENT_TYPE).or_insert(kind);
            }
            if said.bytes.is_empty() { Body::Empty } else { Body::Inline(said.bytes) }
        };
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        if !body.is_empty() || [Method::PUT, Method::POST, Method::PATCH].contains(planned.method()) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let mut request = Request::new(body);
        *request.method_mut() = planned.method().clone();
        *request.uri_mut() = planned.uri().clone();
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn interpret(
        &self,
        step: &Step,
        _cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        let success = fault::class(head.status) == Class::Success;
        match step {
            Step::PutPart { number, .. } if matches!(head.status.as_u16(), 200 | 201 | 204) => {
                self.stored(step, *number, head)
            }
            Step::Commit if success => self.committed(step, head, body),
            Step::Confirm if success => Ok(Reply::Committed(receipt(head))),
            Step::Confirm if matches!(head.status.as_u16(), 404 | 410) => Ok(Reply::NotCommitted),
            Step::Abort if success => Ok(Reply::Aborted),
            _ => Err(self.refused(step, head, body, now)),
        }
    }

    fn is_ready(&self, step: &Step, wall: Wall) -> bool {
        match (self.planned(step), step) {
            (Some(planned), _) => self.plan.is_usable(planned, wall),
            (None, Step::PutPart { .. }) => false,
            // That the plan has no such request is said when it is to be built.
            (None, _) => true,
        }
    }

    fn plan(&self) -> Option<&UploadPlan> {
        Some(&self.plan)
    }

    fn with_plan(&self, plan: UploadPlan) -> Option<Arc<dyn Provider>> {
        Some(Arc::new(Self { plan, ..self.clone() }))
    }
}

impl PresignedUpload {
    /// A part is there: by what name?
    fn stored(&self, step: &Step, number: u64, head: Head<'_>) -> Result<Reply, Verdict> {
        let id = self.plan.part_id(number);
        let tag = match self.plan.tag() {
            TagSource::Header(name) => match tag::read(head.headers, name) {
                Some(tag) => tag,
                None => {
                    let detail = format!("the answer has no usable {name}, which the plan takes for the part's tag");
                    return Err(Verdict::Fatal(fault::protocol(step, head.status, detail)));
                }
            },
            _ => "",
        };
        Ok(Reply::Part { tag: tag::join(id, tag), next: None, receipt: None })
    }

    fn committed(&self, step: &Step, head: Head<'_>, body: &[u8]) -> Result<Reply, Verdict> {
        let s3 = self.complete.is_none() && self.plan.complete().map(PlannedRequest::body) == Some(&PlannedBody::S3Xml);
        match (s3, head.status.as_u16()) {
            (true, _) => self.s3_committed(step, head, body),
            // It will be, perhaps.
            (false, 202) => Err(Verdict::Unknown(fault::protocol(step, head.status, "accepted, and not yet done"))),
            (false, _) => Ok(Reply::Committed(receipt(head))),
        }
    }

    /// S3 may answer 200 and say in the body that it failed; a body that ends too early says nothing.
    fn s3_committed(&self, step: &Step, head: Head<'_>, body: &[u8]) -> Result<Reply, Verdict> {
        let root = xml::parse(body, &Limits::SMALL).ok();
        match root.as_ref().map(|root| (root.name(), root)) {
            Some(("CompleteMultipartUploadResult", root)) => {
                let mut receipt = receipt(head);
                receipt.etag = root.text_at(&["ETag"]).map(Into::into).or(receipt.etag);
                Ok(Reply::Committed(receipt))
            }
            Some(("Error", root)) => {
                let code = root.text_at(&["Code"]).unwrap_or_default();
                let kind = match code {
                    "NoSuchUpload" => ServerFaultKind::NotFound,
                    "InternalError" | "ServiceUnavailable" | "SlowDown" | "OperationAborted" => {
                        ServerFaultKind::Unavailable
                    }
                    _ => ServerFaultKind::Refused,
                };
                let fault = fault::fault(kind, step, head, body, &self.hide(step));
                Err(if kind == ServerFaultKind::Unavailable {
                    Verdict::Retry { fault, after: None }
                } else {
                    Verdict::Fatal(fault)
                })
            }
            _ => Err(Verdict::Unknown(fault::protocol(
                step,
                head.status,
                "the answer does not say whether it took effect",
            ))),
        }
    }

    fn refused(&self, step: &Step, head: Head<'_>, body: &[u8], now: Now) -> Verdict {
        let planned = self.planned(step);
        // One that went out before a fresh plan came, which does not have it, is judged without its signature.
        let unknown = Uri::default();
        let uri = planned.map_or(&unknown, PlannedRequest::uri);
        let asked = Asked { uri, hide: self.hide(step), refresh: self.plan.is_refreshable(), now };
        if fault::class(head.status) == Class::Redirect && planned.is_some() {
            return fault::not_redirected(step, head, body, &asked);
        }
        match fault::verdict(step, head, body, &asked) {
            // S3 gave up waiting for the body; that is no fault of the request.
            Verdict::Fatal(mut fault) if fault.code.as_deref() == Some("RequestTimeout") => {
                fault.kind = ServerFaultKind::Unavailable;
                Verdict::Retry { fault, after: None }
            }
            verdict => verdict,
        }
    }
}

/// The plan's part is what is to be sent.
fn check_range(plan: &UploadPlan, number: u64, range: ByteRange) -> Result<(), BuildError> {
    let offset = number.saturating_sub(1).saturating_mul(plan.part_size());
    let planned = ByteRange::at(offset, plan.part_size().min(plan.total().saturating_sub(offset)));
    if range == planned {
        return Ok(());
    }
    let what = format!("part {number} of the plan has the bytes {planned}, and {range} are to be sent");
    Err(BuildError::new(what, "leave the part size to the plan"))
}

fn receipt(head: Head<'_>) -> Receipt {
    let mut receipt = Receipt::default();
    receipt.etag = etag(head.headers).ok().flatten().map(|tag| ETag::as_str(&tag).into());
    receipt
}
