//! Plans written as JSON (RFC 8259), read within bounds and strictly: a member that is not known is an error, for a mistyped
//! `expires_at` would otherwise make a URL that never expires.

use alloc::format;
use alloc::string::{String, ToString};

use longhaul_core::plan::{DownloadDraft, UploadDraft};
use serde::de::DeserializeOwned;

/// Longest plan, in bytes: 10,000 parts with URLs of 1.5 KiB each.
pub const MOST_BYTES: usize = 16 << 20;

/// Why a text is no plan. Holds nothing of the text but names of members.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the plan cannot be read at line {line}, column {column}: {problem}")]
pub struct JsonError {
    /// From 1; 0 where it is about the whole text.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

/// Reads an upload plan.
///
/// # Errors
/// When the text is too long, no JSON, or not of the plan's form.
pub fn upload_draft(text: &[u8]) -> Result<UploadDraft, JsonError> {
    read(text)
}

/// Reads a download plan.
///
/// # Errors
/// As [`upload_draft`].
pub fn download_draft(text: &[u8]) -> Result<DownloadDraft, JsonError> {
    read(text)
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    if text.len() > MOST_BYTES {
        let problem = format!("it has {} bytes, and at most {MOST_BYTES} are read", text.len());
        return Err(JsonError { line: 0, column: 0, problem });
    }
    // The parser bounds the depth by itself.
    serde_json::from_slice(text).map_err(|error| JsonError {
        line: error.line(),
        column: error.column(),
        problem: problem(&error.to_string(), error.is_data()),
    })
}

/// The parser's words, where they do not repeat a value.
fn problem(words: &str, data: bool) -> String {
    // `message at line 1 column 2`
    let words = words.rsplit_once(" at line ").map_or(words, |(words, _)| words);
    // What is expected follows what was found, and only the former is ours.
    let expected = words.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let begins = |start| words.starts_with(start);
    if !data || begins("missing field") || begins("duplicate field") {
        words.into()
    } else if begins("unknown field") {
        format!("a member is not known here, or misspelt; known are {}", expected.trim_start_matches("one of "))
    } else if begins("unknown variant") {
        format!("a value is not {expected}")
    } else if expected.starts_with("struct") || expected.starts_with("a map") {
        "an object is wanted here".into()
    } else if expected.is_empty() {
        "a value is of the wrong kind".into()
    } else {
        format!("{expected} is wanted here")
    }
}
