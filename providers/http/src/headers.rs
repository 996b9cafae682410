//! The caller's own header fields: checked when given, never shown, kept from other origins.

use alloc::format;
use alloc::string::String;
use core::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use longhaul_core::error::BuildError;

/// Fields that frame the message or belong to one connection: the transport sets them (RFC 9110 §7.6.1, RFC 9112 §6).
const FRAMING: [(&str, &str); 12] = [
    ("host", "the request's URL decides it"),
    ("content-length", "it follows from the body"),
    ("transfer-encoding", "the transport decides it"),
    ("connection", "the transport decides it"),
    ("keep-alive", "the transport decides it"),
    ("proxy-connection", "the transport decides it"),
    ("te", "the transport decides it"),
    ("trailer", "the transport decides it"),
    ("upgrade", "the transport decides it"),
    ("expect", "the transport decides it"),
    ("http2-settings", "the transport decides it"),
    ("content-range", "parts are cut by longhaul"),
];

/// Fields that a message has once: a second value replaces the first.
const SINGLE: [HeaderName; 6] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::PROXY_AUTHORIZATION,
    header::REFERER,
    header::USER_AGENT,
];

/// Fields that go along when a redirect leaves the origin: they say nothing about the caller's rights.
const HARMLESS: [HeaderName; 3] = [header::ACCEPT, header::ACCEPT_LANGUAGE, header::USER_AGENT];

/// Longest value, in bytes: servers refuse heads longer than a few times this.
const MOST_VALUE: usize = 16 << 10;

/// Checked header fields. `Debug` shows names only; all values are marked sensitive.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    map: HeaderMap,
}

impl Headers {
    /// No field.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These fields and one more.
    ///
    /// # Errors
    /// As [`Headers::add`].
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, BuildError> {
        self.add(name, value)?;
        Ok(self)
    }

    /// Adds a field. Those a message has once (`Authorization`, `User-Agent`, …) are replaced, others are added.
    ///
    /// # Errors
    /// A name that is no token (RFC 9110 §5.1), a value with a control character (§5.5), or a field that longhaul or the
    /// transport sets. The value is never repeated.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), BuildError> {
        let name = read_name(name)?;
        if let Some((_, reason)) = FRAMING.iter().find(|(framing, _)| name == *framing) {
            return Err(refused(&name, reason));
        }
        let value = read_value(&name, value)?;
        if SINGLE.contains(&name) {
            self.map.insert(name, value);
        } else {
            // Fails only beyond 32,768 fields.
            self.map
                .try_append(name, value)
                .map_err(|_| BuildError::new("there are too many header fields", "send fewer"))?;
        }
        Ok(())
    }

    /// Adds a field written as `Name: value`, as on a command line.
    ///
    /// # Errors
    /// As [`Headers::add`], and when there is no colon.
    pub fn add_line(&mut self, line: &str) -> Result<(), BuildError> {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| BuildError::new("a header field has no colon", "write it as 'Name: value'"))?;
        self.add(name, value)
    }

    /// The names present, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.map.keys()
    }

    /// Whether a field of that name is present.
    #[must_use]
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.map.contains_key(name)
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The fields, in no particular order. The values are marked sensitive and must not be shown.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.map.iter()
    }

    /// Refuses fields that a provider sets itself, each with the reason.
    ///
    /// # Errors
    /// Names the first one that is present.
    pub fn refuse(&self, fields: &[(HeaderName, &str)]) -> Result<(), BuildError> {
        match fields.iter().find(|(name, _)| self.map.contains_key(name)) {
            Some((name, reason)) => Err(refused(name, reason)),
            None => Ok(()),
        }
    }

    /// Puts the fields into a request's head, over what is there: all of them for the caller's own origin, else the harmless.
    pub(crate) fn apply(&self, head: &mut HeaderMap, own_origin: bool) {
        for name in self.map.keys().filter(|name| own_origin || HARMLESS.contains(name)) {
            head.remove(name);
            for value in self.map.get_all(name) {
                // Cannot fail: these came out of a map.
                let _ = head.try_append(name.clone(), value.clone());
            }
        }
    }

    /// Values that must not show up in anything printed.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        let plain = |name: &HeaderName| HARMLESS.contains(name) || *name == header::CONTENT_TYPE;
        self.map.iter().filter(move |(name, _)| !plain(name)).map(|(_, value)| value.as_bytes())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.map.keys().map(HeaderName::as_str)).finish()
    }
}

fn read_name(name: &str) -> Result<HeaderName, BuildError> {
    let trimmed = name.trim_matches(' ');
    if trimmed.is_empty() {
        return Err(BuildError::new("a header field has no name", "write it as 'Name: value'"));
    }
    // Whoever writes a whole line as a name must not see its value in the error.
    HeaderName::from_bytes(trimmed.as_bytes()).map_err(|_| {
        let bad = trimmed.chars().find(|c| !is_token(*c)).unwrap_or(' ');
        BuildError::new(
            format!("a header field's name has the character {bad:?}, or is too long"),
            "a name has letters, digits and any of !#$%&'*+-.^_`|~",
        )
    })
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn read_value(name: &HeaderName, value: &str) -> Result<HeaderValue, BuildError> {
    let value = value.trim_matches([' ', '\t']);
    if let Some(c) = value.chars().find(|c| c.is_control() && *c != '\t') {
        let which = match c {
            '\r' => String::from("a carriage return"),
            '\n' => String::from("a line feed"),
            '\0' => String::from("a NUL"),
            c => format!("the control character U+{:04X}", u32::from(c)),
        };
        return Err(BuildError::new(format!("the value of header {name} has {which}"), "remove it"));
    }
    if value.len() > MOST_VALUE {
        return Err(BuildError::new(
            format!("the value of header {name} has {} bytes", value.len()),
            format!("send at most {MOST_VALUE}"),
        ));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        BuildError::new(format!("the value of header {name} cannot be sent"), "use printable characters")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn refused(name: &HeaderName, reason: &str) -> BuildError {
    BuildError::new(format!("header {name} cannot be given"), format!("leave it out: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn k3_control_characters_are_refused_and_never_repeated() {
        for (name, value) in [
            ("X-A", "canary\r\nX-B: 1"),
            ("X-A", "canary\0"),
            ("X-A\r\nX-B", "canary"),
            ("X A", "canary"),
            ("", "canary"),
            ("X-A: canary", "x"),
        ] {
            let error = Headers::new().with(name, value).expect_err(name);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let error = Headers::new().add_line("no colon canary").expect_err("no colon");
        assert!(!error.to_string().contains("canary"));
    }

    #[test]
    fn fields_that_frame_the_message_are_refused_with_the_reason() {
        for (name, reason) in FRAMING {
            let error = Headers::new().with(name, "1").expect_err(name);
            assert!(error.what.contains(name) && error.remedy.contains(reason), "{error}");
        }
    }

    #[test]
    fn k1_debug_shows_names_only() {
        let headers = Headers::new()
            .with("Authorization", "Bearer canary")
            .and_then(|h| h.with("X-Key", "canary"))
            .expect("sound");
        let shown = format!("{headers:?}");
        assert!(shown.contains("authorization") && shown.contains("x-key") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn fields_of_one_value_are_replaced_and_others_added() {
        let mut headers = Headers::new();
        for line in ["User-Agent: a", "User-Agent:b ", "X-Tag: 1", "X-Tag: 2", "X-Empty:"] {
            headers.add_line(line).expect(line);
        }
        let mut head = HeaderMap::new();
        headers.apply(&mut head, true);
        let values = |name: &str| {
            head.get_all(name).iter().map(|v| v.to_str().expect("text").to_string()).collect::<alloc::vec::Vec<_>>()
        };
        assert_eq!(
            (values("user-agent"), values("x-tag"), values("x-empty")),
            (alloc::vec!["b".to_string()], alloc::vec!["1".to_string(), "2".to_string()], alloc::vec![String::new()])
        );
    }
}
