//! From an error of a store to a verdict: what is tried again, what needs fresh credentials or another clock, and what to change
//! where trying again is no use.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html> and
//! <https://www.alibabacloud.com/help/en/oss/support/error-handling-1>. What a code means is each store's own table. Stores send the same
//! codes with different statuses, or a status without a code (always to `HEAD`): the code counts where there is one.

mod body;

use alloc::format;
use alloc::string::{String, ToString};
use core::str;

use http::{HeaderMap, HeaderValue, StatusCode};
use longhaul_core::Now;
use longhaul_core::error::{ServerFault, ServerFaultKind};
use longhaul_core::provider::{Context, Head, Step, StepKind, Verdict};
use longhaul_http::fault::{self as plain, Class, Hide};
use longhaul_http::read::{date, retry_after};

pub use body::ErrorBody;
use body::is_short_name;

/// Clocks may differ by this much, in seconds, before signatures are refused.
const WINDOW: u64 = 900;

/// What an error asks for. The texts say what to change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Judgement {
    /// Another try.
    Retry(ServerFaultKind, &'static str),
    /// Fresh credentials.
    Refresh(&'static str),
    /// Signing with the server's time.
    Clock,
    /// Another region or endpoint.
    Elsewhere,
    /// Asking whether the commit took effect.
    Unknown(ServerFaultKind, &'static str),
    /// A condition of the caller's did not hold.
    Condition,
    /// Nothing that a program could do.
    Fatal(ServerFaultKind, &'static str),
}

/// How a store speaks of what went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Errors {
    /// What a code, sent in answer to a step, asks for. `None` for codes that are not known: the status decides.
    pub judge: fn(&str, StepKind) -> Option<Judgement>,
    /// What a policy has to allow for a step.
    pub allowance: fn(StepKind) -> &'static str,
    /// The header field that names a bucket's region.
    pub region: Option<&'static str>,
    /// The header field with a second id, which support asks for besides the request's.
    pub second_id: Option<&'static str>,
    /// The header field that has the `<Error>` in base64, where the answer can have no body.
    pub body: Option<&'static str>,
    /// The header field that has the cause, finer than the code.
    pub cause: Option<&'static str>,
    /// The header field that has the code, also where there is no body.
    pub code: Option<&'static str>,
}

impl Errors {
    /// Everything is said in the body.
    #[must_use]
    pub const fn new(judge: fn(&str, StepKind) -> Option<Judgement>, allowance: fn(StepKind) -> &'static str) -> Self {
        Self { judge, allowance, region: None, second_id: None, body: None, cause: None, code: None }
    }
}

/// An answer that is no success, and what is needed to judge it.
pub struct Refusal<'a> {
    /// How the store speaks.
    pub errors: &'a Errors,
    /// What was asked.
    pub step: &'a Step,
    /// What the transfer knew.
    pub cx: &'a Context<'a>,
    /// The answer's head.
    pub head: Head<'a>,
    /// Its body, cut at the limit.
    pub body: &'a [u8],
    /// When it came.
    pub now: Now,
    /// What must not be shown.
    pub hide: Hide,
    /// The region that the requests are signed for.
    pub region: &'a str,
    /// Whether the upload has a condition.
    pub conditional: bool,
}

impl Refusal<'_> {
    /// The verdict on the answer.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict_on(&self.error())
    }

    /// What the server says of the error, in the body or in the head.
    #[must_use]
    pub fn error(&self) -> ErrorBody {
        let field = |name: Option<&'static str>| self.head.headers.get(name?).map(HeaderValue::as_bytes);
        let mut error = match field(self.errors.body).filter(|_| self.body.is_empty()) {
            Some(base64) => ErrorBody::decode(base64),
            None => ErrorBody::read(self.body),
        };
        let short = |name| {
            let told = field(name).and_then(|told| str::from_utf8(told).ok());
            told.filter(|told| is_short_name(told)).map(String::from)
        };
        error.cause = error.cause.or_else(|| short(self.errors.cause));
        error.code = error.code.or_else(|| short(self.errors.code));
        error
    }

    /// The verdict, what the server says of the error being read already.
    #[must_use]
    pub fn verdict_on(&self, error: &ErrorBody) -> Verdict {
        self.verdict_as(self.judgement(error), error)
    }

    /// What the code asks for, or the status where there is none that is known.
    #[must_use]
    pub fn judgement(&self, error: &ErrorBody) -> Judgement {
        let code = error.code.as_deref();
        code.and_then(|code| (self.errors.judge)(code, self.step.kind())).unwrap_or_else(|| self.by_status())
    }

    /// The verdict, its judgement being made already.
    #[must_use]
    pub fn verdict_as(&self, judgement: Judgement, error: &ErrorBody) -> Verdict {
        match judgement {
            Judgement::Retry(kind, hint) => {
                Verdict::Retry { fault: self.fault(kind, hint, error), after: retry_after(self.head.headers) }
            }
            Judgement::Refresh(hint) => {
                let mut fault = self.fault(ServerFaultKind::Denied, "", error);
                fault.detail = plain::and_then(&fault.detail, hint);
                Verdict::Refresh(fault)
            }
            Judgement::Clock => self.clock(error),
            Judgement::Elsewhere => self.elsewhere(error),
            // Who names another endpoint does not mean that anybody lacks a right.
            Judgement::Fatal(ServerFaultKind::Denied, _) if error.endpoint.is_some() => self.elsewhere(error),
            Judgement::Unknown(kind, hint) => Verdict::Unknown(self.fault(kind, hint, error)),
            Judgement::Fatal(kind, hint) => Verdict::Fatal(self.fault(kind, hint, error)),
            Judgement::Condition => {
                let hint = if self.conditional {
                    "the condition given for the upload does not hold; nothing was replaced"
                } else {
                    ""
                };
                Verdict::Fatal(self.fault(ServerFaultKind::Conflict, hint, error))
            }
        }
    }

    /// Whether the answer's head says that the bucket is in another region.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.region_told().is_some_and(|told| told != self.region)
    }

    /// The region a bucket is in, as the server tells it.
    fn region_told(&self) -> Option<String> {
        let region = self.head.headers.get(self.errors.region?)?.to_str().ok()?;
        is_short_name(region).then(|| region.to_string())
    }

    /// Where there is no code, or one that nobody knows.
    fn by_status(&self) -> Judgement {
        let status = self.head.status;
        match plain::class(status) {
            // The head of a refused HEAD tells nothing but the time.
            Class::Denied if self.is_skewed() => Judgement::Clock,
            Class::Denied if status == StatusCode::UNAUTHORIZED => Judgement::Refresh(""),
            Class::Denied => Judgement::Fatal(ServerFaultKind::Denied, (self.errors.allowance)(self.step.kind())),
            Class::Retry(kind) => Judgement::Retry(kind, ""),
            Class::Redirect => Judgement::Elsewhere,
            _ if status == StatusCode::BAD_REQUEST && self.is_elsewhere() => Judgement::Elsewhere,
            _ if status == StatusCode::PRECONDITION_FAILED => Judgement::Condition,
            _ if status == StatusCode::CONFLICT => {
                Judgement::Retry(ServerFaultKind::Conflict, "another request changes the object")
            }
            Class::Fatal(kind) => Judgement::Fatal(kind, ""),
            _ => Judgement::Fatal(ServerFaultKind::Protocol, "a success of a kind that is not expected here"),
        }
    }

    /// Whether the server's time is too far from the one that was signed with.
    #[must_use]
    pub fn is_skewed(&self) -> bool {
        let signed = self.now.wall.as_unix().saturating_add(self.cx.skew);
        date(self.head.headers).is_some_and(|server| server.as_unix().abs_diff(signed) > WINDOW)
    }

    fn clock(&self, error: &ErrorBody) -> Verdict {
        let hint = "the clocks differ by more than the 15 minutes that signatures allow: set the clock";
        let fault = self.fault(ServerFaultKind::Denied, hint, error);
        match error.server_time.or_else(|| date(self.head.headers)) {
            Some(server) => Verdict::Skew { server, fault },
            None => Verdict::Fatal(fault),
        }
    }

    /// The bucket is in another region, or another endpoint serves it.
    fn elsewhere(&self, error: &ErrorBody) -> Verdict {
        let region = error.region.clone().or_else(|| self.region_told());
        let hint = match (region, &error.endpoint) {
            (Some(region), _) if region != self.region => {
                format!("the bucket is in region {region}, not {}: use that region and its endpoint", self.region)
            }
            (_, Some(endpoint)) => format!("the bucket has to be asked for at {endpoint}: use that endpoint"),
            _ => String::from("the bucket is in another region or at another endpoint: name its own"),
        };
        let kind =
            if self.head.status.is_redirection() { ServerFaultKind::Redirected } else { ServerFaultKind::Refused };
        Verdict::Fatal(self.fault(kind, &hint, error))
    }

    fn fault(&self, kind: ServerFaultKind, hint: &str, error: &ErrorBody) -> ServerFault {
        let words = if error.message.is_empty() && error.code.is_none() {
            plain::excerpt(self.body, &self.hide)
        } else {
            plain::excerpt(error.message.as_bytes(), &self.hide)
        };
        let cause = error.cause.as_ref().map(|cause| format!(" ({})", self.shown(cause))).unwrap_or_default();
        let detail = match (hint.is_empty(), words.is_empty()) {
            (false, false) => format!("{hint}; the server says: {words}{cause}"),
            _ => format!("{hint}{words}{cause}"),
        };
        let status = Some(self.head.status.as_u16());
        let code = error.code.as_deref().map(|code| self.shown(code));
        ServerFault::new(kind, self.step.kind(), status, detail).with_provider(code, self.request_id(error))
    }

    /// The ids that support asks for, the second behind a slash.
    fn request_id(&self, error: &ErrorBody) -> Option<String> {
        let first = plain::request_id(self.head.headers, &self.hide).or_else(|| error.request_id.clone())?;
        let first = self.shown(&first);
        Some(match self.errors.second_id.and_then(|name| second_id(self.head.headers, name)) {
            Some(second) if second != first => format!("{first} / {}", self.shown(second)),
            _ => first,
        })
    }

    fn shown(&self, text: &str) -> String {
        plain::excerpt(text.as_bytes(), &self.hide)
    }
}

fn second_id<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|id| is_short_name(id))
}
