//! What of a run may stand in a trace.
//!
//! * URLs without query, fragment and user information.
//! * Of header fields only those in [`SHOWN`], and `location` as a URL.
//! * Sessions (upload ids) and listing markers by a number: `session#1`. The replay needs to know which are the same, nothing more.
//! * Of bodies and contents the length and, where the core has one, the digest.
//! * What is said in words comes from the core's errors, which hold no secret by their own rule; names of sessions in it are replaced.
//!
//! Not a secret here: object names, local paths in errors, ETags, request ids, digests.

use std::collections::BTreeMap;

use http::{HeaderMap, Uri};
use longhaul_core::spec::TransferKey;

/// The header fields of answers whose values are recorded.
pub const SHOWN: [&str; 22] = [
    "accept-ranges",
    "age",
    "cache-control",
    "connection",
    "content-digest",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "digest",
    "etag",
    "last-modified",
    "repr-digest",
    "retry-after",
    "server",
    "transfer-encoding",
    "x-amz-request-id",
    "x-ms-request-id",
    "x-oss-request-id",
];
/// Longest value recorded, in bytes.
const MOST_VALUE: usize = 256;
/// A name shorter than this is not looked for in texts: it would be found everywhere.
const LEAST_NAME: usize = 8;

/// A URL without query, fragment and user information.
#[must_use]
pub fn url(uri: &Uri) -> String {
    let mut shown = String::new();
    if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        shown = format!("{scheme}://{host}");
    }
    shown + uri.path()
}

/// The fields that may be shown, in the order they came.
#[must_use]
pub fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let value = match name.as_str() {
            "location" => match Uri::try_from(value) {
                Ok(uri) => url(&uri),
                Err(_) => continue,
            },
            name if SHOWN.contains(&name) => value.get(..MOST_VALUE).unwrap_or(value).to_owned(),
            _ => continue,
        };
        shown.push((name.as_str().to_owned(), value));
    }
    shown
}

/// The names that stand for what is not shown: the same for the same.
#[derive(Debug)]
pub(crate) struct Names {
    /// `None` where names are taken as they are: in a replay, which knows no others.
    sessions: Option<BTreeMap<String, String>>,
    markers: BTreeMap<String, String>,
    keys: BTreeMap<TransferKey, u64>,
}

impl Names {
    /// For a recording: every name is replaced.
    pub(crate) fn new() -> Self {
        Self { sessions: Some(BTreeMap::new()), markers: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// For a replay: the names are replaced ones already.
    pub(crate) fn kept() -> Self {
        Self { sessions: None, ..Self::new() }
    }

    pub(crate) fn session(&mut self, session: &str) -> String {
        // What a plan without an upload id is tied by: no name of anything.
        if session == "plan" {
            return session.to_owned();
        }
        match &mut self.sessions {
            None => session.to_owned(),
            Some(known) => replaced(known, "session", session),
        }
    }

    pub(crate) fn marker(&mut self, marker: &str) -> String {
        if self.sessions.is_none() { marker.to_owned() } else { replaced(&mut self.markers, "marker", marker) }
    }

    pub(crate) fn key(&mut self, key: TransferKey) -> u64 {
        let next = self.keys.len() as u64 + 1;
        *self.keys.entry(key).or_insert(next)
    }

    /// A text with the names of known sessions replaced.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (session, name) in self.sessions.iter().flatten() {
            if session.len() >= LEAST_NAME && text.contains(session.as_str()) {
                text = text.replace(session.as_str(), name);
            }
        }
        text
    }
}

fn replaced(known: &mut BTreeMap<String, String>, kind: &str, real: &str) -> String {
    let next = known.len() + 1;
    known.entry(real.to_owned()).or_insert_with(|| format!("{kind}#{next}")).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn k2_a_url_loses_query_and_user_information() {
        let uri = Uri::from_static("https://me:canary@host:8080/a/b?X-Amz-Signature=canary");
        assert_eq!(url(&uri), "https://host:8080/a/b");
    }

    #[test]
    fn k2_only_fields_known_to_be_harmless_are_shown() {
        let mut all = HeaderMap::new();
        for name in ["authorization", "cookie", "set-cookie", "x-amz-security-token", "x-anything-else"] {
            all.insert(name, HeaderValue::from_static("canary"));
        }
        all.insert("etag", HeaderValue::from_static("\"v1\""));
        all.insert("location", HeaderValue::from_static("https://u:canary@host/there?sig=canary"));
        let shown = headers(&all);
        assert!(!format!("{shown:?}").contains("canary"), "{shown:?}");
        assert_eq!(shown.len(), 2);
    }

    #[test]
    fn names_are_the_same_for_the_same_and_replaced_in_texts() {
        let mut names = Names::new();
        assert_eq!(
            (names.session("upload-id-1"), names.session("upload-id-2")),
            ("session#1".into(), "session#2".into())
        );
        assert_eq!(names.session("upload-id-1"), "session#1");
        assert_eq!(names.text("no such upload: upload-id-2"), "no such upload: session#2");
        assert_eq!(Names::kept().session("session#1"), "session#1");
    }
}
