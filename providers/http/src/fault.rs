//! From status and error body to a fault that may be shown: which statuses are worth another try (RFC 9110 §15), and what of
//! the server's own words reaches people.

mod hide;
mod signature;
mod writing;

use alloc::format;
use alloc::string::{String, ToString};

use http::header::LOCATION;
use http::{HeaderMap, StatusCode, Uri};
use longhaul_core::Now;
use longhaul_core::error::{ServerFault, ServerFaultKind};
use longhaul_core::provider::{Head, Step, Verdict};

use crate::read::{Malformed, retry_after};
use crate::text::printable;
use crate::url::{resolve, shown};

pub use hide::Hide;

/// Most characters of one of the server's own texts in an error.
pub const MOST_TEXT: usize = 200;

/// What a status asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Class {
    /// 2xx.
    Success,
    /// 3xx.
    Redirect,
    /// Worth another try.
    Retry(ServerFaultKind),
    /// 401, 403: fresh credentials may help.
    Denied,
    /// No use in trying again.
    Fatal(ServerFaultKind),
}

/// What `status` asks for. Retried are 408, 425, 429 and the 5xx, except those that speak of the request rather than of the
/// moment: 501, 505, 506, 507, 508, 510, 511.
#[must_use]
pub const fn class(status: StatusCode) -> Class {
    use ServerFaultKind::{Conflict, Denied, NotFound, Protocol, Refused, Throttled, Unavailable};
    match status.as_u16() {
        200..=299 => Class::Success,
        300..=399 => Class::Redirect,
        408 | 425 => Class::Retry(Unavailable),
        429 | 509 | 529 => Class::Retry(Throttled),
        401 | 403 => Class::Denied,
        407 | 511 => Class::Fatal(Denied),
        404 | 410 => Class::Fatal(NotFound),
        409 | 412 => Class::Fatal(Conflict),
        501 | 505..=508 | 510 => Class::Fatal(Refused),
        400..=499 => Class::Fatal(Refused),
        500..=599 => Class::Retry(Unavailable),
        _ => Class::Fatal(Protocol),
    }
}

/// What was asked, as far as an answer is judged by it.
pub struct Asked<'a> {
    /// Whose signature a refusal may be about.
    pub uri: &'a Uri,
    /// What must not be shown.
    pub hide: Hide,
    /// Whether 401 and 403 ask for fresh credentials.
    pub refresh: bool,
    /// When the answer came.
    pub now: Now,
}

impl core::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The query may hold secrets.
        let Self { uri, hide, refresh, now } = self;
        let mut asked = f.debug_struct("Asked");
        asked.field("uri", &shown(uri)).field("hide", hide).field("refresh", refresh).field("now", now).finish()
    }
}

/// The verdict on an answer that is no success: by its [`class`]. A refusal of the URL's own signature asks for a fresh URL.
#[must_use]
pub fn verdict(step: &Step, head: Head<'_>, body: &[u8], asked: &Asked<'_>) -> Verdict {
    if let Some(hint) = signature::refused(asked.uri, head, body, asked.now) {
        let detail = and_then(&excerpt(body, &asked.hide), &hint);
        return Verdict::Refresh(told(ServerFaultKind::Denied, step, head, body, &asked.hide, detail));
    }
    let fault = |kind| fault(kind, step, head, body, &asked.hide);
    match class(head.status) {
        Class::Retry(kind) => Verdict::Retry { fault: fault(kind), after: retry_after(head.headers) },
        Class::Denied if asked.refresh => Verdict::Refresh(fault(ServerFaultKind::Denied)),
        Class::Denied => Verdict::Fatal(fault(ServerFaultKind::Denied)),
        Class::Fatal(kind) => Verdict::Fatal(fault(kind)),
        Class::Redirect => Verdict::Fatal(fault(ServerFaultKind::Redirected)),
        Class::Success => Verdict::Fatal(protocol(step, head.status, "a success of a kind that is not expected here")),
    }
}

/// A fault with the server's error code, request id and words.
#[must_use]
pub fn fault(kind: ServerFaultKind, step: &Step, head: Head<'_>, body: &[u8], hide: &Hide) -> ServerFault {
    explained(kind, step, head, body, hide, hint(head.status))
}

/// The server's words, and behind them what to do about them: who shows it adds how the transfer goes on then.
#[must_use]
pub fn and_then(words: &str, remedy: &str) -> String {
    match (words.trim_end_matches('.'), remedy) {
        ("", remedy) => remedy.into(),
        (_, "") => words.into(),
        (words, remedy) => format!("the server says: {words}; {remedy}"),
    }
}

/// A fault with the server's error code, request id and words, behind what there is to say of it here.
#[must_use]
pub fn explained(
    kind: ServerFaultKind,
    step: &Step,
    head: Head<'_>,
    body: &[u8],
    hide: &Hide,
    hint: &str,
) -> ServerFault {
    let words = excerpt(body, hide);
    let detail = if hint.is_empty() || words.is_empty() {
        format!("{hint}{words}")
    } else {
        format!("{hint}; the server says: {words}")
    };
    told(kind, step, head, body, hide, detail)
}

fn told(kind: ServerFaultKind, step: &Step, head: Head<'_>, body: &[u8], hide: &Hide, detail: String) -> ServerFault {
    ServerFault::new(kind, step.kind(), Some(head.status.as_u16()), detail)
        .with_provider(code(body).map(|code| hide.apply(&code)), request_id(head.headers, hide))
}

/// The fault of an answer outside its protocol.
#[must_use]
pub fn protocol(step: &Step, status: StatusCode, detail: impl Into<String>) -> ServerFault {
    ServerFault::new(ServerFaultKind::Protocol, step.kind(), Some(status.as_u16()), detail)
}

/// The verdict on an answer with an unusable header field.
#[must_use]
pub fn malformed(step: &Step, status: StatusCode, error: Malformed) -> Verdict {
    Verdict::Fatal(protocol(step, status, error.to_string()))
}

/// The verdict on a redirect of an upload: never followed, for what follows would store nothing and look like success. Names the
/// target, so that it can be used in the first place; where there is none, the server may say one in words, as S3 does.
#[must_use]
pub fn not_redirected(step: &Step, head: Head<'_>, body: &[u8], asked: &Asked<'_>) -> Verdict {
    let target = head.headers.get(LOCATION).and_then(|location| resolve(asked.uri, location.as_bytes()).ok());
    Verdict::Fatal(match target {
        Some(target) => {
            let detail = format!("uploads do not follow redirects; upload to {} itself", shown(&target));
            ServerFault::new(ServerFaultKind::Redirected, step.kind(), Some(head.status.as_u16()), detail)
        }
        None => {
            let hint = "uploads do not follow redirects; give the URL that takes the upload";
            explained(ServerFaultKind::Redirected, step, head, body, &asked.hide, hint)
        }
    })
}

const fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        407 => "the proxy asks for credentials",
        411 => "the server does not take a body of this length",
        413 => "the request is too large for the server: use smaller parts",
        414 => "the URL is too long for the server",
        431 => "the header fields are too large for the server",
        507 => "the server has no storage left",
        511 => "the network asks for a login first",
        _ => "",
    }
}

/// What a store's error document has beside its message that says what to do: where the bucket is to be asked for, what Azure has against
/// a signature, what time it is there.
const TELLING: [&str; 3] = ["Endpoint", "AuthenticationErrorDetail", "ServerTime"];

/// The server's own words in one line of printable characters: a page's title, the text itself, or a store's message and what tells
/// more than that. Each is of at most [`MOST_TEXT`].
#[must_use]
pub fn excerpt(body: &[u8], hide: &Hide) -> String {
    let text = String::from_utf8_lossy(body);
    let shown = |text: &str| printable(&hide.apply(text), MOST_TEXT);
    if code(body).is_none() {
        return shown(title(&text).unwrap_or(&text));
    }
    // The rest repeats the request. Azure says the id and the time once more behind the message.
    let message = element(&text, "Message").and_then(|message| message.split("\nRequestId:").next());
    let mut words = shown(&unescaped(message.unwrap_or_default()));
    for (name, more) in TELLING.into_iter().filter_map(|name| Some((name, element(&text, name)?))) {
        let gap = if words.is_empty() { "" } else { " " };
        words.push_str(&format!("{gap}({name}: {})", shown(&unescaped(more))));
    }
    words
}

/// The text of an element, as it was before it was written in XML.
fn unescaped(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.into(), |text: String, (escape, stands_for)| text.replace(escape, stands_for))
}

/// The text in the first element of this name that has neither attributes nor elements.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

fn title(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    text.get(start..end)
}

/// The error code in an XML answer as object stores write it, for display.
fn code(body: &[u8]) -> Option<String> {
    // One byte that is no UTF-8 must not turn the document into a text to be shown whole.
    let text = String::from_utf8_lossy(body);
    let code = element(&text, "Code")?;
    (!code.is_empty() && code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'))
        .then(|| code.into())
}

/// The request's id as the usual servers tell it; at most 128 printable characters.
#[must_use]
pub fn request_id(headers: &HeaderMap, hide: &Hide) -> Option<String> {
    ["x-amz-request-id", "x-oss-request-id", "x-ms-request-id", "x-request-id", "cf-ray"]
        .into_iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .map(|id| printable(&hide.apply(id), 128))
        .find(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn k1_what_a_server_echoes_of_the_request_is_hidden() {
        let uri = Uri::from_static("https://h/p?sig=ca%2Fnary1&n=1&X-Amz-Signature=canary2");
        let hide = Hide::new()
            .query(&uri)
            .value(b"Bearer canary3")
            .value(b"Basic dXNlcm5hbWU6Y2FuYXJ5NA==")
            .value(b"session=canary5; theme=canary6");
        let echo = "bad sig=ca%2Fnary1&n=1 or ca/nary1, X-Amz-Signature: canary2; Authorization: Bearer canary3, Basic dXNlcm5hbWU6Y2FuYXJ5NA== canary4 can\u{7}ary5 canary6";
        let shown = excerpt(echo.as_bytes(), &hide);
        assert!(!shown.contains("nary"), "{shown}");
        assert!(shown.starts_with("bad sig=[hidden]&n=1 or [hidden]"), "{shown}");
        assert!(!format!("{hide:?}").contains("nary"));
        let asked = Asked { uri: &uri, hide, refresh: false, now: Now::default() };
        let told = format!("{asked:?}");
        assert!(told.contains("https://h/p\"") && !told.contains("nary"), "{told}");
        // A secret that begins with another leaves no tail.
        let hide = Hide::new().value(b"cana").value(b"canary-tail");
        assert_eq!(hide.apply("canary-tail cana"), "[hidden] [hidden]");
    }

    #[test]
    fn the_servers_words_are_short_and_of_a_page_only_the_title() {
        assert_eq!(
            excerpt(b"<html><head><title>403 Forbidden</title></head><body>long</body>", &Hide::new()),
            "403 Forbidden"
        );
        let long = excerpt("é\n".repeat(500).as_bytes(), &Hide::new());
        assert!((MOST_TEXT - 1..=MOST_TEXT).contains(&long.chars().count()));
        assert_eq!(excerpt(b"", &Hide::new()), "");
        assert_eq!(code(b"<Error><Code>SlowDown</Code></Error>").as_deref(), Some("SlowDown"));
        assert_eq!(code(b"<Code>a b</Code>"), None);
        let error = b"<Error><Code>AccessDenied</Code><Message>Not &lt;b&gt;\x1b[2J\n&amp;lt;</Message><HostId>x</HostId></Error>";
        assert_eq!(excerpt(error, &Hide::new()), "Not <b>[2J &lt;");
        assert_eq!(excerpt(b"<Error><Code>AccessDenied</Code></Error>", &Hide::new()), "");
    }

    #[test]
    fn of_a_stores_error_document_what_says_what_to_do_is_shown_too() {
        let hide = Hide::new().query(&Uri::from_static("https://h/b?sig=canary"));
        for (document, shown) in [
            (
                "<Error><Code>PermanentRedirect</Code><Message>Ask there.</Message><Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint><Bucket>b</Bucket></Error>",
                "Ask there. (Endpoint: b.s3-eu-west-1.amazonaws.com)",
            ),
            (
                "<Error><Code>AuthenticationFailed</Code><Message>No.\nRequestId:1</Message><AuthenticationErrorDetail>Signature canary &gt; the\nframe</AuthenticationErrorDetail></Error>",
                "No. (AuthenticationErrorDetail: Signature [hidden] > the frame)",
            ),
            (
                "<Error><Code>RequestTimeTooSkewed</Code><RequestTime>20200101T000000Z</RequestTime><ServerTime>2026-11-22T09:00:00Z</ServerTime></Error>",
                "(ServerTime: 2026-11-22T09:00:00Z)",
            ),
        ] {
            assert_eq!(excerpt(document.as_bytes(), &hide), shown);
        }
        let long = format!("<Code>C</Code><Message>{0}</Message><Endpoint>{0}</Endpoint>", "x".repeat(1000));
        assert!(excerpt(long.as_bytes(), &hide).chars().count() < 2 * MOST_TEXT + 20);
    }

    #[test]
    fn k1_neither_code_nor_request_id_nor_a_broken_document_shows_what_is_hidden() {
        let hide = Hide::new().query(&Uri::from_static("https://h/b?sig=canary%2Ftail"));
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-request-id", http::HeaderValue::from_static("id-canary/tail"));
        assert_eq!(request_id(&headers, &hide).as_deref(), Some("id-[hidden]"));
        let document =
            b"<Error><Code>SignatureDoesNotMatch</Code><Message>x\xff</Message><StringToSign>s</StringToSign></Error>";
        assert_eq!(code(document).as_deref(), Some("SignatureDoesNotMatch"));
        assert_eq!(excerpt(document, &hide), "x");
        let page = b"<title>403 canary&#x2f;tail</title>";
        assert_eq!(excerpt(page, &hide), "403 [hidden]");
        let message = b"<Code>C</Code><Message>bad &lt;canary&#x2f;&#116;ail&gt;</Message>";
        assert_eq!(excerpt(message, &hide), "bad <[hidden]>");
    }

    #[test]
    fn r5_d5_only_what_speaks_of_the_moment_is_retried() {
        let retried: Vec<u16> = (100..600)
            .filter(|status| matches!(StatusCode::from_u16(*status).map(class), Ok(Class::Retry(_))))
            .filter(|status| *status < 512)
            .collect();
        assert_eq!(retried, [408, 425, 429, 500, 502, 503, 504, 509]);
    }
}
