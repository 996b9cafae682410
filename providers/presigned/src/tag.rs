//! How an uploaded part is recorded: the store's own id for it, a space, and the tag of the answer. Either may be empty. The
//! record survives a restart, after which the plan may not speak of the part any more.

use alloc::format;
use alloc::string::String;

use http::{HeaderMap, HeaderName};

/// Longest tag, in bytes.
const MOST: usize = 1024;

/// The record of a part.
pub(crate) fn join(id: Option<&str>, tag: &str) -> String {
    format!("{} {tag}", id.unwrap_or_default())
}

/// Id and tag of a record.
pub(crate) fn split(record: &str) -> (Option<&str>, Option<&str>) {
    let (id, tag) = record.split_once(' ').unwrap_or(("", record));
    ((!id.is_empty()).then_some(id), (!tag.is_empty()).then_some(tag))
}

/// The tag in an answer. `None` where there is none that could be repeated.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    // Two different ones are no tag.
    let first = headers.get(name)?;
    let same = headers.get_all(name).iter().all(|other| other == first);
    let text = first.to_str().ok()?.trim();
    (same && (1..=MOST).contains(&text.len())).then_some(text)
}
