//! The caller's own header fields, sorted to the requests they belong to (U11).
//!
//! A multipart upload is made of requests that take different fields: what describes the object goes where the upload begins,
//! conditions mostly where it ends, a customer's encryption key on every request that touches content, the payer on all. A single
//! upload takes them all. Which field belongs where is each store's own.

use http::header::{HeaderMap, HeaderName};
use longhaul_core::error::BuildError;
use longhaul_http::Headers;
use longhaul_http::fault::Hide;

/// Requests that take different fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Everything in one request.
    Put,
    /// The beginning of an upload in parts: what describes the object.
    Create,
    /// A part, or the list of them.
    Part,
    /// The list of parts, where it takes other fields than a part does.
    List,
    /// The end of an upload in parts: also conditions.
    Complete,
    /// `HEAD`, `GET`.
    Read,
    /// Giving an upload up.
    Abort,
}

/// Which fields go on which requests, and which are longhaul's own.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Fields that would contradict what is computed, with the reason. A name that ends with `*` stands for all that begin so.
    pub own: &'static [(&'static str, &'static str)],
    /// Whether a field goes on a request.
    pub belongs: fn(&str, Kind) -> bool,
}

/// The caller's fields, checked.
#[derive(Clone, Debug)]
pub struct Fields {
    headers: Headers,
    rules: &'static Rules,
}

impl Fields {
    /// No fields.
    #[must_use]
    pub fn none(rules: &'static Rules) -> Self {
        Self { headers: Headers::new(), rules }
    }

    /// The caller's fields.
    ///
    /// # Errors
    /// When one of them is longhaul's own.
    pub fn new(headers: Headers, rules: &'static Rules) -> Result<Self, BuildError> {
        for name in headers.names() {
            let is =
                |own: &str| own.strip_suffix('*').map_or(own == name.as_str(), |own| name.as_str().starts_with(own));
            if let Some((_, reason)) = rules.own.iter().find(|(own, _)| is(own)) {
                headers.refuse(&[(name.clone(), *reason)])?;
            }
        }
        Ok(Self { headers, rules })
    }

    /// The fields that belong on a request.
    #[must_use]
    pub fn on(&self, kind: Kind) -> HeaderMap {
        let mut head = HeaderMap::new();
        for (name, value) in self.headers.iter().filter(|(name, _)| (self.rules.belongs)(name.as_str(), kind)) {
            // Fails beyond 32,768 fields only, and these came out of a map.
            let _ = head.try_append(name.clone(), value.clone());
        }
        head
    }

    /// Whether a field of that name is present.
    #[must_use]
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.headers.contains(name)
    }

    /// Adds what must not be shown of a server's words.
    #[must_use]
    pub fn hide(&self, hide: Hide) -> Hide {
        self.headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "content-type" | "user-agent" | "cache-control"))
            .fold(hide, |hide, (_, value)| hide.value(value.as_bytes()))
    }
}
