//! GET and HEAD of what lies below the root.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};

use crate::answer::{Answer, Content};
use crate::condition::{self, Verdict};
use crate::exchange::Exchange;
use crate::file_body::FileBody;
use crate::path::Refusal;
use crate::plan::Validators;
use crate::range::{self, Wanted};
use crate::version::{Tags, Version};
use crate::{digest, listing, path};

/// What a path names.
enum Found {
    File(PathBuf, Arc<File>, Version),
    Page(String),
    Refused(Refusal),
    /// Somebody writes to the file all the time.
    Busy,
}

/// How often a file is looked at, about 20 ms apart, until its time stamp is old enough to tell versions apart.
const MAX_LOOKS: usize = 50;

pub(crate) async fn answer(exchange: &Exchange, headers: &HeaderMap) -> Answer {
    if exchange.method == Method::HEAD
        && let Some(code) = exchange.plan.refuse_head
    {
        exchange.fired("refuse-head");
        return Answer::of_fault(code, None);
    }
    let found = find(exchange).await;
    let result = match found {
        Ok(Found::File(path, file, version)) => serve_file(exchange, headers, &path, file, version).await,
        Ok(Found::Page(html)) => Ok(Answer::html(html)),
        Ok(Found::Refused(refusal)) => Ok(refused(&refusal)),
        Ok(Found::Busy) => {
            let answer = Answer::error(StatusCode::SERVICE_UNAVAILABLE, "the file is being written");
            Ok(answer.with(header::RETRY_AFTER, "1"))
        }
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| Answer::disk(&error))
}

/// The answer to a path that leads nowhere.
pub(crate) fn refused(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::Bad(why) => Answer::error(StatusCode::BAD_REQUEST, why),
        Refusal::Missing => Answer::error(StatusCode::NOT_FOUND, "there is no such file"),
        Refusal::NotFolder => Answer::error(StatusCode::CONFLICT, "the path names a file, not a folder"),
    }
}

async fn find(exchange: &Exchange) -> io::Result<Found> {
    for _ in 0..MAX_LOOKS {
        let (shared, url_path) = (Arc::clone(&exchange.shared), exchange.path.clone());
        let looked = exchange.shared.blocking(move |_| {
            let path = match path::find(&shared, &url_path) {
                Ok(path) => path,
                Err(refusal) => return Ok(Found::Refused(refusal)),
            };
            let kind = path.metadata()?.file_type();
            if kind.is_dir() && shared.config.listing {
                return listing::page(&path, &url_path).map(Found::Page);
            }
            // A pipe, say, would block on opening.
            if !kind.is_file() || url_path.ends_with('/') {
                return Ok(Found::Refused(Refusal::Missing));
            }
            let file = File::open(&path)?;
            let version = Version::of(&file.metadata()?);
            Ok(Found::File(path, Arc::new(file), version))
        });
        let found = match looked.await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Refused(Refusal::Missing),
            other => other?,
        };
        match &found {
            Found::File(_, _, version) => match version.unsettled(SystemTime::now()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Ok(found),
            },
            _ => return Ok(found),
        }
    }
    Ok(Found::Busy)
}

async fn serve_file(
    exchange: &Exchange,
    headers: &HeaderMap,
    path: &Path,
    file: Arc<File>,
    version: Version,
) -> io::Result<Answer> {
    let plan = &exchange.plan;
    match plan.validators {
        Validators::Strong => {}
        Validators::Weak => exchange.fired("weak-validators"),
        Validators::Missing => exchange.fired("no-validators"),
    }
    let tags = Tags::new(&version, plan.validators, SystemTime::now());
    match condition::evaluate(headers, &tags) {
        Verdict::Proceed => {}
        Verdict::NotModified => return Ok(tagged(Answer::empty(StatusCode::NOT_MODIFIED), &tags)),
        Verdict::Failed => {
            let answer =
                Answer::error(StatusCode::PRECONDITION_FAILED, "the file is another version than the one asked for");
            return Ok(tagged(answer, &tags));
        }
    }
    let total = version.len;
    let wanted = wanted(exchange, headers, &tags, total);
    if wanted == Wanted::Unsatisfiable {
        let answer = Answer::error(StatusCode::RANGE_NOT_SATISFIABLE, "the range begins beyond the end of the file");
        let answer = answer.with(header::CONTENT_RANGE, &format!("bytes */{total}"));
        return Ok(tagged(answer, &tags));
    }
    let mut answer = tagged(Answer::empty(StatusCode::OK), &tags);
    if digest::wants_sha256(headers) {
        let value = digest::sha256(&exchange.shared, path, &file, &version).await?;
        answer = answer.with(digest::REPR_DIGEST, &value);
    }
    let (start, len) = match wanted {
        Wanted::Part { start, len } => {
            answer.status = StatusCode::PARTIAL_CONTENT;
            let last = start + len - 1;
            answer = answer.with(header::CONTENT_RANGE, &format!("bytes {start}-{last}/{total}"));
            (start, len)
        }
        Wanted::Whole | Wanted::Unsatisfiable => (0, total),
    };
    answer.len = len;
    answer.content = if exchange.method == Method::HEAD || len == 0 {
        Content::Bytes(Bytes::new())
    } else {
        let shared = Arc::clone(&exchange.shared);
        Content::File(FileBody::new(shared, file, version, (start, len), plan.corrupt.clone()))
    };
    let ranges = if plan.no_ranges { "none" } else { "bytes" };
    Ok(answer.with(header::ACCEPT_RANGES, ranges).with(header::CONTENT_TYPE, "application/octet-stream"))
}

/// The range to serve, after If-Range and the faults that concern ranges.
fn wanted(exchange: &Exchange, headers: &HeaderMap, tags: &Tags, total: u64) -> Wanted {
    // Range means nothing to HEAD (RFC 9110 §14.2).
    if exchange.method == Method::HEAD || !condition::range_holds(headers, tags) {
        return Wanted::Whole;
    }
    if exchange.plan.no_ranges {
        exchange.fired("no-ranges");
        return Wanted::Whole;
    }
    match (range::wanted(headers, total), exchange.plan.short_range) {
        (Wanted::Part { start, len }, Some(most)) if len > most => {
            exchange.fired("short-range");
            Wanted::Part { start, len: most }
        }
        (wanted, _) => wanted,
    }
}

fn tagged(mut answer: Answer, tags: &Tags) -> Answer {
    if let Some(etag) = &tags.etag {
        answer = answer.with(header::ETAG, etag);
    }
    if let Some(modified) = tags.modified {
        answer = answer.with(header::LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    }
    answer
}
