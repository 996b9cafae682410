//! From an error of S3 to a verdict: what is tried again, what needs fresh credentials or another clock, and what to change
//! where trying again is no use.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>. Stores that are not Amazon's send the same codes
//! with other statuses, or a status without a code (always to `HEAD`): the code counts where there is one.

mod table;

use alloc::format;
use alloc::string::{String, ToString};

use http::{HeaderMap, StatusCode};
use longhaul_core::error::{ServerFault, ServerFaultKind};
use longhaul_core::provider::{Context, Head, Step, Verdict};
use longhaul_core::{Now, Wall};
use longhaul_http::fault::{self as plain, Class, Hide};
use longhaul_http::read::{date, http_date, retry_after};
use longhaul_sign::date::parse_iso8601;
use longhaul_sign::xml::{self, Element, Limits};

pub use table::{Judgement, judge};

/// Clocks may differ by this much, in seconds, before signatures are refused.
const WINDOW: u64 = 900;

/// An `<Error>`, read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    message: String,
    request_id: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    server_time: Option<Wall>,
    /// `ActualObjectSize` of an unsatisfiable range.
    pub(crate) object_size: Option<u64>,
}

impl ErrorBody {
    /// Reads an answer's body. What is no `<Error>` gives an empty value: a proxy's page has no code.
    pub(crate) fn read(body: &[u8]) -> Self {
        match xml::parse(body, &Limits::SMALL) {
            Ok(root) => Self::of(&root),
            Err(_) => Self::default(),
        }
    }

    /// Reads a parsed document; the error may be wrapped (`<ErrorResponse><Error>`).
    pub(crate) fn of(root: &Element) -> Self {
        let error = if root.name() == "Error" { Some(root) } else { root.find(&["Error"]) };
        let Some(error) = error else { return Self::default() };
        let short =
            |name: &str| error.text_at(&[name]).map(str::trim).filter(|text| is_short_name(text)).map(String::from);
        let time = error.text_at(&["ServerTime"]).map(str::trim);
        Self {
            code: short("Code"),
            message: error.text_at(&["Message"]).unwrap_or_default().to_string(),
            request_id: short("RequestId").or_else(|| {
                root.text_at(&["RequestId"]).map(str::trim).filter(|id| is_short_name(id)).map(String::from)
            }),
            region: short("Region").or_else(|| short("BucketRegion")),
            endpoint: short("Endpoint"),
            server_time: time
                .and_then(|time| parse_iso8601(time).ok().map(Wall::from_unix).or_else(|| http_date(time.as_bytes()))),
            object_size: error.text_at(&["ActualObjectSize"]).and_then(|size| size.trim().parse().ok()),
        }
    }
}

/// Codes, regions, host names, ids: short, printable, no white space.
fn is_short_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&\"'".contains(&byte))
}

/// An answer that is no success, and what is needed to judge it.
pub(crate) struct Refusal<'a> {
    pub(crate) step: &'a Step,
    pub(crate) cx: &'a Context<'a>,
    pub(crate) head: Head<'a>,
    pub(crate) body: &'a [u8],
    pub(crate) now: Now,
    pub(crate) hide: Hide,
    /// The region that the requests are signed for.
    pub(crate) region: &'a str,
    /// Whether the upload has a condition.
    pub(crate) conditional: bool,
}

impl Refusal<'_> {
    /// The verdict on the answer.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict_on(&ErrorBody::read(self.body))
    }

    /// The verdict, the body being read already.
    pub(crate) fn verdict_on(&self, error: &ErrorBody) -> Verdict {
        let code = error.code.as_deref();
        let judgement = code.and_then(|code| judge(code, self.step.kind())).unwrap_or_else(|| self.by_status());
        match judgement {
            Judgement::Retry(kind, hint) => {
                Verdict::Retry { fault: self.fault(kind, hint, error), after: retry_after(self.head.headers) }
            }
            Judgement::Refresh(hint) => Verdict::Refresh(self.fault(ServerFaultKind::Denied, hint, error)),
            Judgement::Clock => self.clock(error),
            Judgement::Elsewhere => self.elsewhere(error),
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

    /// Where there is no code, or one that nobody knows.
    fn by_status(&self) -> Judgement {
        let status = self.head.status;
        match plain::class(status) {
            // The head of a refused HEAD tells nothing but the time.
            Class::Denied if self.is_skewed().is_some() => Judgement::Clock,
            Class::Denied if status == StatusCode::UNAUTHORIZED => Judgement::Refresh(""),
            Class::Denied => Judgement::Fatal(ServerFaultKind::Denied, table::allowance(self.step.kind())),
            Class::Retry(kind) => Judgement::Retry(kind, ""),
            Class::Redirect => Judgement::Elsewhere,
            _ if status == StatusCode::BAD_REQUEST
                && region(self.head.headers).is_some_and(|region| region != self.region) =>
            {
                Judgement::Elsewhere
            }
            _ if status == StatusCode::PRECONDITION_FAILED => Judgement::Condition,
            _ if status == StatusCode::CONFLICT => {
                Judgement::Retry(ServerFaultKind::Conflict, "another request changes the object")
            }
            Class::Fatal(kind) => Judgement::Fatal(kind, ""),
            _ => Judgement::Fatal(ServerFaultKind::Protocol, "a success of a kind that is not expected here"),
        }
    }

    /// The server's time, where it is too far from the one that was signed with.
    fn is_skewed(&self) -> Option<Wall> {
        let server = date(self.head.headers)?;
        let signed = self.now.wall.as_unix().saturating_add(self.cx.skew);
        (server.as_unix().abs_diff(signed) > WINDOW).then_some(server)
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
        let region = error.region.as_deref().map(String::from).or_else(|| region(self.head.headers));
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
        let detail = match (hint.is_empty(), words.is_empty()) {
            (false, false) => format!("{hint}; the server says: {words}"),
            _ => format!("{hint}{words}"),
        };
        let status = Some(self.head.status.as_u16());
        ServerFault::new(kind, self.step.kind(), status, detail)
            .with_provider(error.code.clone(), self.request_id(error))
    }

    /// Both ids that Amazon's support asks for: `x-amz-request-id` and, behind a slash, `x-amz-id-2`.
    fn request_id(&self, error: &ErrorBody) -> Option<String> {
        let short = |id: String| plain::excerpt(id.as_bytes(), &self.hide);
        let first = plain::request_id(self.head.headers).or_else(|| error.request_id.clone()).map(short)?;
        let second = self.head.headers.get("x-amz-id-2").and_then(|id| id.to_str().ok()).filter(|id| is_short_name(id));
        Some(match second {
            Some(second) if second != first => format!("{first} / {}", short(second.to_string())),
            _ => first,
        })
    }
}

/// The region a bucket is in, as the server tells it.
fn region(headers: &HeaderMap) -> Option<String> {
    let region = headers.get("x-amz-bucket-region")?.to_str().ok()?;
    is_short_name(region).then(|| region.to_string())
}
