//! What a plan may ask of this side. A plan is somebody else's word: it must not make this program send a file, a cookie or a
//! request to wherever it likes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use http::HeaderName;

use super::error::{Place, PlanError};

/// Which hosts, schemes, headers and sizes a plan may name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    hosts: Hosts,
    plain: PlainHttp,
    headers: Option<Vec<HeaderRule>>,
    most_parts: u64,
    most_bytes: u64,
    refresh: bool,
    batch: u32,
    ahead: u32,
}

/// The hosts that may be named.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Hosts {
    /// Any: whoever issues plans may have this machine send to any host that it can reach.
    Any,
    /// These.
    These(Vec<HostRule>),
}

/// A host, or hosts.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HostRule {
    /// This one.
    Exact(String),
    /// All names below this one, and not the name itself: `amazonaws.com` admits `bucket.s3.amazonaws.com`. Never an address.
    Below(String),
}

/// Whether `http:` is admitted beside `https:`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PlainHttp {
    /// Not at all.
    #[default]
    Never,
    /// To this machine itself: tests, emulators.
    Loopback,
    /// Anywhere: whoever is on the way can read and change what is sent.
    Anywhere,
}

/// A header field, or several, that a plan may set.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HeaderRule {
    /// This one.
    Exact(HeaderName),
    /// All that begin so, in lower case: `x-amz-`.
    Prefix(String),
}

/// Fields that a plan never sets: they frame the message, or belong to one connection, or say which bytes are meant.
const OURS: [&str; 15] = [
    "connection",
    "content-range",
    "expect",
    "http2-settings",
    "if-range",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "accept-encoding",
];

impl Policy {
    /// `https:` to these hosts; at most 10,000 parts; nothing can be asked for again.
    #[must_use]
    pub const fn new(hosts: Hosts) -> Self {
        Self {
            hosts,
            plain: PlainHttp::Never,
            headers: None,
            most_parts: 10_000,
            most_bytes: 1 << 50,
            refresh: false,
            batch: 32,
            ahead: 8,
        }
    }

    /// With `http:` where this says. Default [`PlainHttp::Never`].
    #[must_use]
    pub const fn with_plain_http(mut self, plain: PlainHttp) -> Self {
        self.plain = plain;
        self
    }

    /// With these header fields only. Default: all but those that the transport sets.
    #[must_use]
    pub fn with_headers(mut self, rules: Vec<HeaderRule>) -> Self {
        self.headers = Some(rules);
        self
    }

    /// With another bound on the number of parts (Azure: 50,000).
    #[must_use]
    pub const fn with_most_parts(mut self, parts: u64) -> Self {
        self.most_parts = parts;
        self
    }

    /// With another bound on the size of an object, in bytes. Default 1 PiB.
    #[must_use]
    pub const fn with_most_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = bytes;
        self
    }

    /// Whether the application answers questions for fresh URLs. Without, a plan must be complete.
    #[must_use]
    pub const fn refreshable(mut self, refresh: bool) -> Self {
        self.refresh = refresh;
        self
    }

    /// Fresh URLs are asked for `batch` parts at a time, when those for fewer than `ahead` of the parts still to be sent are
    /// there. Default 32 and 8. A batch should be used up well before its URLs expire.
    #[must_use]
    pub const fn with_batch(mut self, batch: u32, ahead: u32) -> Self {
        self.batch = if batch == 0 { 1 } else { batch };
        self.ahead = if ahead == 0 { 1 } else { ahead };
        self
    }

    /// Whether the application answers questions for fresh URLs.
    #[must_use]
    pub const fn is_refreshable(&self) -> bool {
        self.refresh
    }

    pub(super) const fn batch(&self) -> (u32, u32) {
        (self.batch, self.ahead)
    }

    /// Whether an object of this size in this many parts is admitted.
    pub(super) fn check_size(&self, total: u64, parts: u64) -> Result<(), PlanError> {
        if total > self.most_bytes {
            let problem = format!("{total} bytes are more than the {} of the policy", self.most_bytes);
            return Err(PlanError::new(Place::Plan, "total_size", problem, "raise Policy::with_most_bytes"));
        }
        if parts > self.most_parts {
            let problem = format!("{parts} parts are more than the {} of the policy", self.most_parts);
            return Err(PlanError::new(Place::Plan, "parts", problem, "issue larger parts"));
        }
        Ok(())
    }

    /// Whether requests may go to `host` by `scheme`. The host is in lower case, an IPv6 address in its brackets.
    pub(super) fn check_host(&self, place: Place, scheme: &str, host: &str) -> Result<(), PlanError> {
        let admitted = match (scheme, self.plain) {
            ("https", _) | ("http", PlainHttp::Anywhere) => true,
            ("http", PlainHttp::Loopback) => is_loopback(host),
            _ => false,
        };
        if !admitted {
            let problem = format!("the policy does not admit {scheme} to {host}");
            return Err(PlanError::new(place, "url", problem, "issue an https URL"));
        }
        match &self.hosts {
            Hosts::Any => Ok(()),
            Hosts::These(rules) if rules.iter().any(|rule| rule.admits(host)) => Ok(()),
            Hosts::These(_) => {
                let problem = format!("the policy does not admit the host {host}");
                Err(PlanError::new(place, "url", problem, "issue a URL of an admitted host, or admit this one"))
            }
        }
    }

    /// Whether a plan may set this field.
    pub(super) fn check_header(&self, place: Place, name: &HeaderName) -> Result<(), PlanError> {
        let ours = OURS.contains(&name.as_str());
        let listed = self.headers.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule.admits(name)));
        match (ours, listed) {
            (true, _) => {
                let problem = format!("{name} is not a plan's to set");
                Err(PlanError::new(place, "headers", problem, "leave it out, and do not sign it"))
            }
            (false, false) => {
                let problem = format!("the policy does not admit {name}");
                Err(PlanError::new(place, "headers", problem, "leave it out, or admit it"))
            }
            (false, true) => Ok(()),
        }
    }
}

impl HostRule {
    fn admits(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name),
            Self::Below(parent) => {
                let parent = parent.trim_start_matches('.');
                let Some(at) = host.len().checked_sub(parent.len()) else { return false };
                let (Some(head), Some(tail)) = (host.get(..at), host.get(at..)) else { return false };
                address(host).is_none()
                    && !parent.is_empty()
                    && tail.eq_ignore_ascii_case(parent)
                    && head.strip_suffix('.').is_some_and(|label| !label.is_empty())
            }
        }
    }
}

impl HeaderRule {
    fn admits(&self, name: &HeaderName) -> bool {
        match self {
            Self::Exact(admitted) => admitted == name,
            Self::Prefix(prefix) => name.as_str().starts_with(prefix.as_str()),
        }
    }
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}
