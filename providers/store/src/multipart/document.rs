//! The documents of a multipart upload: the part list that is sent, the results and lists that come.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

use longhaul_core::ByteRange;
use longhaul_core::error::BuildError;
use longhaul_core::provider::{Context, UploadedPart};
use longhaul_sign::xml::{self, Element, Limits};

use super::Dialect;
use crate::etag::bare;

/// Largest answer that is read, in bytes: a page of 1,000 parts with all checksums has about 600 KB.
pub const MOST_ANSWER: usize = 2 << 20;

const LIMITS: Limits = Limits { bytes: MOST_ANSWER, depth: 8, elements: 30_000 };

/// Longest upload id and tag, in bytes. Amazon's ids have about 130.
const MOST_ID: usize = 2048;

/// Highest number of a part, of all stores of this kind. A list is at its end there, whatever it says.
const MOST_PARTS: u64 = 10_000;

/// The exact list of parts, ascending, each with its tag and what the store wants besides.
pub(super) fn part_list<D: Dialect>(dialect: &D, cx: &Context<'_>) -> Result<String, BuildError> {
    let mut list = String::with_capacity(96 + cx.parts.len() * 128);
    let namespace = D::NAMESPACE.map(|name| format!(" xmlns=\"{name}\"")).unwrap_or_default();
    list += &format!("<CompleteMultipartUpload{namespace}>");
    for (number, part) in cx.parts {
        let tag = xml::escape(&format!("\"{}\"", bare(&part.tag)));
        list += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag>");
        dialect.dress_part(*number, cx, &mut list)?;
        list.push_str("</Part>");
    }
    list.push_str("</CompleteMultipartUpload>");
    Ok(list)
}

/// The `UploadId` of an `InitiateMultipartUploadResult`.
pub(super) fn upload_id(body: &[u8]) -> Result<String, String> {
    let root = parse(body, &["InitiateMultipartUploadResult"])?;
    let id = root.text_at(&["UploadId"]).map(str::trim).unwrap_or_default();
    if id.is_empty() || id.len() > MOST_ID || id.chars().any(char::is_control) {
        return Err("the answer names no usable upload id".into());
    }
    Ok(id.to_string())
}

/// One page of a `ListPartsResult`, asked for from behind part `after` on: the parts, and where the next page starts. That is further on
/// with each page, so that a list comes to its end even where a store always says that there is more.
///
/// Moto calls it a `ListPartsResponse`, which the SDKs do not look at. Stores tell sizes, not places: a part of the size we recorded has the place we recorded. Those that list no tags (s3s) are
/// taken at their sizes.
pub(super) fn part_page(
    body: &[u8],
    after: Option<&str>,
    cx: &Context<'_>,
) -> Result<(Vec<UploadedPart>, Option<String>), String> {
    let root = parse(body, &["ListPartsResult", "ListPartsResponse"])?;
    let mut parts = Vec::new();
    for part in root.all("Part") {
        let part_number = number(part, "PartNumber").filter(|at| *at > 0).ok_or("a part in the list has no number")?;
        if part_number > MOST_PARTS {
            return Err(format!("the list has a part {part_number}, and there are at most {MOST_PARTS}"));
        }
        let size = number(part, "Size").ok_or("a part in the list has no size")?;
        let ours = cx.parts.get(&part_number);
        let tag = match part.text_at(&["ETag"]).map(bare).filter(|tag| !tag.is_empty()) {
            Some(tag) if tag.len() > MOST_ID => return Err("a part in the list has an endless tag".into()),
            Some(tag) => tag.to_string(),
            None => ours.map(|part| part.tag.clone()).unwrap_or_default(),
        };
        let range = ours.map(|part| part.range).filter(|range| range.len() == size).unwrap_or(ByteRange::at(0, size));
        parts.push(UploadedPart::new(part_number, range, tag));
    }
    if root.text_at(&["IsTruncated"]).map(str::trim) != Some("true") {
        return Ok((parts, None));
    }
    let next = root.text_at(&["NextPartNumberMarker"]).map(str::trim).unwrap_or_default();
    let next = match next.parse::<u64>() {
        // A list that says it goes on and does not say where cannot be read to its end.
        Ok(next) if next > 0 => next,
        _ => match parts.iter().map(|part| part.number).max() {
            Some(last) => last,
            None => return Err("the list goes on and does not say where".into()),
        },
    };
    let after = after.and_then(|after| after.parse().ok()).unwrap_or(0);
    if next <= after {
        return Err(format!("the list goes on at part {next}, where it was before"));
    }
    match next.cmp(&MOST_PARTS) {
        Ordering::Less => Ok((parts, Some(next.to_string()))),
        Ordering::Equal => Ok((parts, None)),
        Ordering::Greater => Err(format!("the list goes on behind part {next}, and there are at most {MOST_PARTS}")),
    }
}

/// The root of a document, which must have one of these names.
fn parse(body: &[u8], names: &[&str]) -> Result<Element, String> {
    let root = xml::parse(body, &LIMITS).map_err(|error| format!("the answer is not the XML it should be: {error}"))?;
    if names.contains(&root.name()) {
        Ok(root)
    } else {
        Err(format!("the answer is not a {}", names.first().unwrap_or(&"")))
    }
}

fn number(element: &Element, name: &str) -> Option<u64> {
    element.text_at(&[name])?.trim().parse().ok()
}

/// What a commit's body, sent with 200, turns out to be.
#[derive(Debug)]
pub(super) enum Completed {
    /// A whole result.
    Result(Element),
    /// An `<Error>` after all.
    Error(Element),
    /// Cut off, empty, or something else.
    Unclear(String),
}

/// Reads the body of a commit: success is a well-formed `CompleteMultipartUploadResult`, nothing less.
pub(super) fn completed(body: &[u8]) -> Completed {
    match xml::parse(body, &LIMITS) {
        Ok(root) if root.name() == "CompleteMultipartUploadResult" => Completed::Result(root),
        Ok(root) if root.name() == "Error" || root.find(&["Error"]).is_some() => Completed::Error(root),
        Ok(root) => {
            Completed::Unclear(format!("the answer is a <{}>", root.name().chars().take(40).collect::<String>()))
        }
        Err(error) => Completed::Unclear(error.to_string()),
    }
}

/// The object's tag in a result.
pub(super) fn etag_of(result: &Element) -> Option<&str> {
    result.text_at(&["ETag"]).map(str::trim).filter(|tag| !tag.is_empty() && tag.len() <= MOST_ID)
}
