//! What of a request must not be shown, however a server that echoes it writes it.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;

use super::writing::{self, Letters};
use crate::text::{is_unprintable, percent_decode};

/// Shorter texts are not hidden: they occur by chance and give nothing away.
const LEAST_SECRET: usize = 4;

/// Shorter secrets, and shorter parts of credentials, may be what the end of one word and the start of the next look like.
const LEAST_DISTINCT: usize = 8;

/// Texts that must not appear in anything shown: servers echo requests in their errors.
#[derive(Clone, Default)]
pub struct Hide {
    /// Each with its escapes undone more and more, as [`Letters`].
    secrets: BTreeSet<String>,
}

impl Hide {
    /// Nothing to hide.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hides a URL's query: as a whole, and each value in it, as sent and decoded; of credentials each part.
    #[must_use]
    pub fn query(mut self, uri: &Uri) -> Self {
        let Some(query) = uri.query() else {
            return self;
        };
        self.push(query.as_bytes());
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            self.push(value.as_bytes());
            let value = percent_decode(value.as_bytes());
            self.push(&value);
            self.push_parts(name.as_bytes(), &value);
        }
        self
    }

    /// Hides a header value: as a whole, each word in it, the parts of a credential, and what a Basic credential decodes to.
    #[must_use]
    pub fn value(mut self, value: &[u8]) -> Self {
        self.push(value);
        for word in value.split(|byte| matches!(byte, b' ' | b';' | b',')) {
            self.push(word);
            if let Some(at) = word.iter().position(|byte| *byte == b'=') {
                let (name, value) = (word.get(..at).unwrap_or_default(), word.get(at + 1..).unwrap_or_default());
                self.push(value);
                self.push_parts(name, value);
            }
        }
        if let Some(pair) = value.strip_prefix(b"Basic ").and_then(|pair| STANDARD.decode(pair).ok()) {
            self.push(&pair);
            for half in pair.splitn(2, |byte| *byte == b':') {
                self.push(half);
            }
        }
        self
    }

    /// `text` with every hidden text replaced, in whichever writing it is there.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        // What is left out of shown text must not split a secret.
        let clean: String = text.chars().filter(|c| c.is_whitespace() || !is_unprintable(*c)).collect();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for writing in writing::of(&clean) {
            for secret in &self.secrets {
                let is_one = |&(start, end): &(usize, usize)| {
                    secret.len() >= LEAST_DISTINCT
                        || !clean.get(start..end).unwrap_or_default().contains(char::is_whitespace)
                };
                found.extend(writing.find(secret).filter(is_one));
            }
        }
        found.sort_unstable();
        let (mut out, mut done) = (String::new(), 0);
        for (start, end) in found {
            // Where two overlap or meet, both are one: no part stays behind.
            if out.is_empty() || start > done {
                out.push_str(clean.get(done..start).unwrap_or_default());
                out.push_str("[hidden]");
            }
            done = done.max(end);
        }
        out.push_str(clean.get(done..).unwrap_or_default());
        out
    }

    /// The parts of a credential of a signature: its key's id stands before day, region and service, and is echoed alone.
    fn push_parts(&mut self, name: &[u8], value: &[u8]) {
        const CREDENTIAL: &[u8] = b"credential";
        let end = name.get(name.len().saturating_sub(CREDENTIAL.len())..).unwrap_or_default();
        if end.eq_ignore_ascii_case(CREDENTIAL) {
            let parts = value.split(|byte| *byte == b'/');
            parts.filter(|part| part.len() >= LEAST_DISTINCT).for_each(|part| self.push(part));
        }
    }

    fn push(&mut self, secret: &[u8]) {
        // Names of authentication schemes are no secrets.
        const SCHEMES: [&str; 4] = ["Basic", "Bearer", "Digest", "Negotiate"];
        let secret = String::from_utf8_lossy(secret);
        let secret = secret.trim();
        if secret.len() >= LEAST_SECRET && !SCHEMES.contains(&secret) {
            let writings = writing::of(secret).map(Letters::into_text);
            self.secrets.extend(writings.filter(|letters| letters.len() >= LEAST_SECRET));
        }
    }
}

impl fmt::Debug for Hide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hide({})", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    const QUERY: &str =
        "X-Amz-Credential=AKIACANARY%2F20261122%2FCANARYregion%2Fs3%2Faws4_request&X-Amz-Signature=CANARYa%2Fb%2Bc%3D";

    fn hide() -> Hide {
        Hide::new().query(&format!("https://h/p?{QUERY}").parse().expect("a URL"))
    }

    #[test]
    fn k1_a_secret_is_hidden_in_every_writing() {
        for echo in [
            "CANARYa%2Fb%2Bc%3D",
            "CANARYa%2fb%2bc%3d",
            "CANARYa/b+c=",
            "CANARYa/b c=",
            "CANARYa/b%20c=",
            "%43ANARYa/b+c%3D",
            "CANARYa%252Fb%252Bc%253D",
            "CANARYa&#x2F;b&#43;c&#61;",
            "&#67;ANARYa&#X2f;b&#0000043;c&#x3D",
            "CANARYa&sol;b&plus;c&equals;",
            "CANARYa&amp;#x2F;b&amp;#43;c=",
            "CANARYa\\/b+c=",
            "CANARYa\\/b\\u002Bc\\u003d",
            "CANARYa\\x2fb\\x2Bc=",
            "CANA\nRYa/b+c=",
            "CANA\\nRYa/b+c=",
            "CANA\r\n\t RYa%2\nFb%2Bc%3D",
            "CANA\u{7}RYa/b\u{200b}+c=",
            "CANA&#10;RYa&#x7;/b+c=",
            "C\0A\0N\0A\0R\0Y\0a\0/\0b\0+\0c\0=\0",
            "AKIACANARY",
            "AKIACANARY/20261122/CANARYregion/s3/aws4_request",
            "CANARYregion",
        ] {
            assert_eq!(hide().apply(&format!("é [{echo}] <é>")), "é [[hidden]] <é>", "{echo:?}");
            // Before it stands an escape, or what looks like the beginning of one or of the secret.
            for before in ["%3D", "%!", "\\", "\\n", "&", "&#", "&#61;", "CANA", "é"] {
                let shown = hide().apply(&format!("{before}{echo}"));
                assert!(!shown.contains("NARY") && shown.contains("[hidden]"), "{before:?} {echo:?}: {shown}");
            }
        }
    }

    #[test]
    fn k1_the_key_of_an_authorization_field_is_hidden_alone() {
        let hide =
            Hide::new().value(b"AWS4-HMAC-SHA256 Credential=AKIACANARY/20261122/r/s3/aws4_request, Signature=f00df00d");
        assert_eq!(hide.apply("key AKIACANARY signed f00d\nf00d"), "key [hidden] signed [hidden]");
    }

    #[test]
    fn words_that_only_meet_are_no_short_secret() {
        let hide = Hide::new().query(&Uri::from_static("https://h/p?uploads"));
        assert_eq!(hide.apply("no upload so far, uploads"), "no upload so far, [hidden]");
        assert_eq!(Hide::new().apply("a%2Fb &lt;"), "a%2Fb &lt;");
    }

    #[test]
    fn bodies_made_to_cost_time_cost_little() {
        let secret = format!("{}b", "a".repeat(1000));
        let hide = hide().value(secret.as_bytes());
        for unit in ["a", "%25", "&amp;", "\\\\", "&#", "&#0", "%2", "CANARYa/b+c= ", "\n"] {
            let shown = hide.apply(&unit.repeat((1 << 20) / unit.len()));
            assert!(!shown.contains("CANARY"));
        }
    }

    /// `secret` with each character in the writing that a number asks for.
    fn written(secret: &str, how: &[u8]) -> String {
        let one = |(c, how): (char, &u8)| match how % 8 {
            0 => format!("%{:02x}", u32::from(c)),
            1 => format!("%{:02X}", u32::from(c)),
            2 => format!("&#{};", u32::from(c)),
            3 => format!("&#x{:X};", u32::from(c)),
            4 => format!("\\u{:04x}", u32::from(c)),
            5 => format!("{c}\n"),
            6 => format!("%25{:02x}", u32::from(c)),
            _ => c.to_string(),
        };
        secret.chars().zip(how.iter().cycle()).map(one).collect()
    }

    proptest! {
        #[test]
        fn k1_a_secret_is_hidden_however_each_of_its_characters_is_written(secret in "[A-Za-z0-9/=]{12,40}", how in prop::collection::vec(any::<u8>(), 1..20)) {
            let hide = Hide::new().value(secret.as_bytes());
            let shown = hide.apply(&format!("<{}>", written(&secret, &how)));
            prop_assert_eq!(shown.replace('\n', ""), "<[hidden]>");
        }

        #[test]
        fn any_text_can_be_compared(text in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60), escapes in "[%&#x\\\\u0-9a-f;+é\n]{0,60}") {
            let hide = hide().value(&bytes).value(escapes.as_bytes());
            for text in [&*text, &*String::from_utf8_lossy(&bytes), &*escapes] {
                let shown = hide.apply(text);
                prop_assert!(shown.len() <= text.len() + 10 * text.len());
            }
            prop_assert_eq!(Hide::new().apply("plain é"), "plain é");
        }
    }

    #[test]
    fn k1_debug_shows_no_secret() {
        assert!(!format!("{:?}", hide()).contains("CANARY"));
    }
}
