//! What may be shown of a command line: everything but URL queries, userinfo and header values.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use longhaul::http::Url;

/// Stands for what is left out.
pub(crate) const REDACTED: &str = "<redacted>";

/// A URL without userinfo, query and fragment, and a word in the place of what was left out.
pub(crate) fn url(text: &str) -> String {
    let Ok(url) = Url::parse(text) else {
        return rough(text);
    };
    let mut shown = url.object().to_owned();
    if url.uri().query().is_some() {
        shown.push('?');
        shown.push_str(REDACTED);
    }
    if url.authorization().is_some()
        && let Some(at) = shown.find("://")
    {
        shown.insert_str(at + 3, &format!("{REDACTED}@"));
    }
    shown
}

/// The same for what is no URL, but may have been meant to be one.
fn rough(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (rest, tail) = rest.split_at(end);
    // Userinfo may hold a slash that should have been encoded.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{REDACTED}@"), rest),
        None => (String::new(), rest),
    };
    let tail = if tail.is_empty() { String::new() } else { format!("?{REDACTED}") };
    format!("{scheme}{user}{rest}{tail}")
}

/// `text`, a message about the command line `args`, without the secrets in `args`.
pub(crate) fn without_secrets(text: &str, args: &[OsString]) -> String {
    let mut text = text.to_owned();
    let mut secret = false;
    for arg in args.iter().skip(1) {
        let arg = arg.to_string_lossy();
        let value = match arg.split_once('=') {
            Some(("--header" | "--proxy", value)) => value,
            _ if !arg.starts_with("--") && arg.starts_with("-H") && arg.len() > 2 => arg.get(2..).unwrap_or(&arg),
            _ => &arg,
        };
        let inside = secret || value.len() < arg.len();
        secret = matches!(&*arg, "--header" | "-H" | "--proxy");
        if value.is_empty() || (value.starts_with('-') && !inside) {
            continue;
        }
        let shown = if inside {
            REDACTED.to_owned()
        } else if value.contains("://") || value.contains('?') || value.contains('@') {
            rough(value)
        } else {
            continue;
        };
        text = text.replace(value, &shown);
    }
    text
}

/// A path for messages.
pub(crate) fn path(path: &Path) -> String {
    text(&path.to_string_lossy()).into_owned()
}

/// One line for messages: names, and what servers say, may hold control characters, which steer a terminal; they are escaped.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for what may have several lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !stays(c);
    if !text.contains(steers) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.into()
}

/// A word for a POSIX shell.
pub(crate) fn quoted(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%_-+=:,./~".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && !text.starts_with('~') && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            // As bash, zsh, ksh and POSIX.1-2024 read it.
            let escaped: String = word
                .as_encoded_bytes()
                .iter()
                .map(|byte| match byte {
                    b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                    0x20..=0x7e => char::from(*byte).to_string(),
                    byte => format!("\\x{byte:02x}"),
                })
                .collect();
            format!("$'{escaped}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k2_urls_show_neither_query_nor_userinfo() {
        for (full, shown) in [
            ("http://h/p", "http://h/p"),
            ("https://u:canary@h/p?t=canary#canary", "https://<redacted>@h/p?<redacted>"),
            ("htp://u:canary@h/p?canary", "htp://<redacted>@h/p?<redacted>"),
            ("h/p?canary", "h/p?<redacted>"),
            ("http://u:can/ary@h:x/p", "http://<redacted>@h:x/p"),
        ] {
            assert_eq!(url(full), shown);
        }
    }

    #[test]
    fn k1_messages_about_the_command_line_hold_no_secret_of_it() {
        let args = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        for list in [
            args(&["longhaul", "get", "a", "http://h/?canary"]),
            args(&["longhaul", "get", "--header", "canary"]),
            args(&["longhaul", "get", "--header=A: canary"]),
            args(&["longhaul", "get", "-HA: canary"]),
            args(&["longhaul", "get", "--proxy", "u:canary@h"]),
            args(&["longhaul", "get", "-H", "-canary"]),
        ] {
            let message = format!("unexpected argument '{}' found", list.last().expect("not empty").to_string_lossy());
            let shown = without_secrets(&message, &list);
            assert!(!shown.contains("canary"), "{shown}");
        }
        let list = args(&["longhaul", "get", "--parts", "x"]);
        assert_eq!(without_secrets("invalid value 'x' for --parts", &list), "invalid value 'x' for --parts");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, shown) in [
            ("a.iso", "a.iso"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("~", "'~'"),
            ("ü", "'ü'"),
            ("a\nb", r"$'a\x0ab'"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), shown);
        }
    }
}
