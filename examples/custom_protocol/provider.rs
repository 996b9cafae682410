//! The client's half of a made-up upload API, see `main.rs`: two pure functions, a request for each step and a meaning for each answer.
use std::fmt::Write;

use http::{Method, Request};
use longhaul::ServerFaultKind as Kind;
use longhaul::core::error::{BuildError, ServerFault};
use longhaul::core::intent::Body;
use longhaul::core::layout::PartLimits;
use longhaul::core::provider::{Begin, Context, Head, Profile, Provider, Receipt, Reply, Step, Verdict};
use longhaul::core::time::Now;

/// An upload into a box of the server at `authority`.
#[derive(Debug)]
pub(crate) struct BoxUpload {
    pub(crate) authority: String,
    pub(crate) name: String,
}

impl Provider for BoxUpload {
    fn authority(&self) -> &str {
        &self.authority
    }
    fn object(&self) -> &str {
        &self.name
    }
    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        // Parts of 64 KiB to 64 MiB, a thousand at most; a box is opened and closed, and thrown away when nobody wants it any more.
        profile.parts = PartLimits::new(64 << 10, 64 << 20, 1000, 64_000 << 20);
        (profile.begin, profile.commit, profile.abort) = (Begin::Creates, true, true);
        profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let mut url = format!("http://{}/boxes/{}", self.authority, cx.session.unwrap_or_default());
        let (method, body) = match step {
            Step::Begin => (Method::POST, Body::Inline(self.name.clone().into())),
            Step::PutPart { number, range, .. } => {
                let _ = write!(url, "/{number}");
                (Method::PUT, Body::Source(*range))
            }
            Step::Commit => {
                url += "/close";
                let tags: Vec<&str> = cx.parts.values().map(|part| &*part.tag).collect();
                (Method::POST, Body::Inline(tags.join("\n").into()))
            }
            Step::Abort => (Method::DELETE, Body::Empty),
            _ => return Err(BuildError::new("boxes know no such request", "this is longhaul's mistake")),
        };
        let request = Request::builder().method(method).uri(url).body(body);
        request.map_err(|error| BuildError::new(error.to_string(), "give host and port of the server"))
    }

    fn interpret(&self, step: &Step, _: &Context<'_>, head: Head<'_>, body: &[u8], _: Now) -> Result<Reply, Verdict> {
        let fault = |kind| ServerFault::new(kind, step.kind(), Some(head.status.as_u16()), "");
        let word = || String::from_utf8(body.to_vec()).map_err(|_| Verdict::Fatal(fault(Kind::Protocol)));
        match (head.status.as_u16(), step) {
            (200, Step::Begin) => Ok(Reply::Begun { session: Some(word()?), next: None, receipt: None }),
            (200, Step::PutPart { .. }) => Ok(Reply::Part { tag: word()?, next: None, receipt: None }),
            (200, Step::Commit) => {
                let mut receipt = Receipt::default();
                receipt.id = Some(word()?);
                Ok(Reply::Committed(receipt))
            }
            (204 | 404, Step::Abort) => Ok(Reply::Aborted),
            (404, _) => Err(Verdict::Fatal(fault(Kind::NotFound))),
            (408 | 429 | 500..=599, _) => Err(Verdict::Retry { fault: fault(Kind::Unavailable), after: None }),
            _ => Err(Verdict::Fatal(fault(Kind::Refused))),
        }
    }
}
