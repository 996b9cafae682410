//! Providers for the model stores: every step such a store can have, in as few words as possible.

mod blocks;
mod store;

use http::{Method, Request};
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Receipt, Step, Verdict};
use longhaul_core::{Now, Wall};

pub use blocks::BlocksProvider;
pub use store::StoreProvider;

use crate::server::condition::Condition;

/// What the application hands out with a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Grant {
    /// When the credential, or URL, was issued.
    pub issued: Wall,
    /// How long it lasts from then on, in seconds, where that is known beforehand.
    pub lifetime: Option<i64>,
}

/// A request takes a moment to arrive: a credential is used until this many seconds before it ends.
const MARGIN: i64 = 2;

impl Grant {
    /// Whether it is good for a request made when the server's clock shows `wall`.
    pub(crate) fn is_good_at(&self, wall: Wall) -> bool {
        let age = wall.as_unix().saturating_sub(self.issued.as_unix());
        self.lifetime.is_none_or(|lifetime| age < lifetime - MARGIN)
    }

    /// A request with its date and credential.
    fn request(
        &self,
        method: Method,
        url: &str,
        condition: Option<&Condition>,
        body: Body,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<Request<Body>, BuildError> {
        let date = now.wall.as_unix().saturating_add(cx.skew);
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("x-date", date.to_string())
            .header("x-issued", self.issued.as_unix().to_string());
        if let Some((name, value)) = condition.and_then(Condition::field) {
            request = request.header(name, value);
        }
        request.body(body).map_err(|error| BuildError::new(error.to_string(), "use a plain key"))
    }
}

fn fault(step: &Step, status: u16, kind: ServerFaultKind, detail: &str) -> ServerFault {
    ServerFault::new(kind, step.kind(), Some(status), detail)
}

fn receipt(etag: Option<String>) -> Receipt {
    let mut receipt = Receipt::default();
    receipt.etag = etag;
    receipt
}

/// The verdict on an answer that is no success of any step.
fn refusal(step: &Step, head: Head<'_>, text: &str) -> Verdict {
    let status = head.status.as_u16();
    let fault = |kind| fault(step, status, kind, text);
    let after = longhaul_http::read::retry_after(head.headers);
    match status {
        408 | 425 => Verdict::Retry { fault: fault(ServerFaultKind::Unavailable), after },
        429 | 503 => Verdict::Retry { fault: fault(ServerFaultKind::Throttled), after },
        500..=599 => Verdict::Retry { fault: fault(ServerFaultKind::Unavailable), after },
        403 if head.headers.get("x-error").is_some_and(|code| code == "RequestTimeTooSkewed") => {
            let date = head.headers.get("date").and_then(|date| longhaul_http::read::http_date(date.as_bytes()));
            match date {
                Some(server) => Verdict::Skew { server, fault: fault(ServerFaultKind::Denied) },
                None => Verdict::Fatal(fault(ServerFaultKind::Denied)),
            }
        }
        401 | 403 => Verdict::Refresh(fault(ServerFaultKind::Denied)),
        404 => Verdict::Fatal(fault(ServerFaultKind::NotFound)),
        // Somebody else is writing at this moment.
        409 if text == "ConditionalRequestConflict" => {
            Verdict::Retry { fault: fault(ServerFaultKind::Conflict), after }
        }
        409 | 412 => Verdict::Fatal(fault(ServerFaultKind::Conflict)),
        300..=399 => Verdict::Fatal(fault(ServerFaultKind::Redirected)),
        _ => Verdict::Fatal(fault(ServerFaultKind::Refused)),
    }
}
