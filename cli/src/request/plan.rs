//! `--plan`: presigned plans in files.
//!
//! A plan is read when the command begins. When its URLs run out or are refused the file is read again: whoever wrote a fresh plan
//! of the same transfer over it keeps the transfer going.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longhaul::core::plan::{HostRule, Hosts, PlainHttp};
use longhaul::presigned::json::{self, MOST_BYTES};
use longhaul::presigned::{DownloadDraft, JsonError, Policy, UploadDraft};
use longhaul::{PlannedDownload, PlannedUpload};

use super::absolute;
use super::job::{Down, Up};
use crate::args;
use crate::exit::Failure;
use crate::shown;

/// Most parts: what Azure takes.
const MOST_PARTS: u64 = 50_000;
/// How long a fresh plan is waited for, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(500);
/// Parts that a fresh plan is asked for at once.
const BATCH: u32 = 50_000;

/// A plan that was read.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    path: PathBuf,
    /// Whether it can be read again.
    file: bool,
    hosts: Vec<String>,
    object: String,
    draft: Draft,
    text: Text,
}

/// What was read last. `Debug` shows nothing of it.
#[derive(Clone)]
struct Text(Arc<Vec<u8>>);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[derive(Clone, Debug)]
enum Draft {
    Up(Box<UploadDraft>),
    Down(Box<DownloadDraft>),
}

impl Plan {
    /// The plan of an upload, if one was given.
    pub(super) fn of_upload(args: &args::Plan) -> Option<Result<Self, Failure>> {
        args.plan.as_deref().map(|path| Self::up_in(path, args.allow_host.clone()))
    }

    /// The plan of a download, if one was given.
    pub(super) fn of_download(args: &args::Plan) -> Option<Result<Self, Failure>> {
        args.plan.as_deref().map(|path| Self::down_in(path, args.allow_host.clone()))
    }

    pub(crate) fn up_in(path: &Path, hosts: Vec<String>) -> Result<Self, Failure> {
        let (path, text) = open(path)?;
        let draft = json::upload_draft(&text).map_err(|error| malformed(&path, &error))?;
        let requests = [&draft.complete, &draft.confirm, &draft.abort].into_iter().flatten();
        let first = draft.parts.first().map(|part| &part.url).or(requests.map(|request| &request.url).next());
        let object = draft.object.clone().or(first.map(|url| shown::url(url))).unwrap_or_default();
        Ok(Self::new(path, hosts, object, Draft::Up(Box::new(draft)), text))
    }

    pub(crate) fn down_in(path: &Path, hosts: Vec<String>) -> Result<Self, Failure> {
        let (path, text) = open(path)?;
        let draft = json::download_draft(&text).map_err(|error| malformed(&path, &error))?;
        let object = draft.object.clone().unwrap_or_else(|| shown::url(&draft.url));
        Ok(Self::new(path, hosts, object, Draft::Down(Box::new(draft)), text))
    }

    fn new(path: PathBuf, hosts: Vec<String>, object: String, draft: Draft, text: Vec<u8>) -> Self {
        let object = object.split('?').next().unwrap_or_default().to_owned();
        Self { file: path.is_file(), path, hosts, object, draft, text: Text(Arc::new(text)) }
    }

    /// The object's name, without secrets.
    pub(super) fn object(&self) -> &str {
        &self.object
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Whether it can be read again.
    pub(super) const fn is_file(&self) -> bool {
        self.file
    }

    /// What it may ask for.
    fn policy(&self) -> Policy {
        let rule = |host: &String| match host.strip_prefix('.') {
            Some(parent) => HostRule::Below(parent.to_owned()),
            None => HostRule::Exact(host.clone()),
        };
        let hosts =
            if self.hosts.is_empty() { Hosts::Any } else { Hosts::These(self.hosts.iter().map(rule).collect()) };
        // As with a URL on the command line, plain http is the caller's choice; a host that is named is chosen.
        let plain = if self.hosts.is_empty() { PlainHttp::Loopback } else { PlainHttp::Anywhere };
        // Reading a file again takes no time: not before there is nothing else to do, and then for all that is missing.
        Policy::new(hosts).with_plain_http(plain).with_most_parts(MOST_PARTS).with_batch(BATCH, 1)
    }

    pub(super) fn up(&self) -> Result<Box<dyn Up>, Failure> {
        let Draft::Up(draft) = &self.draft else { return Err(Failure::usage("the plan is one for a download")) };
        let upload = PlannedUpload::new((**draft).clone(), self.policy());
        if !self.file {
            return Ok(Box::new(upload));
        }
        let again = self.again();
        Ok(Box::new(upload.asking(move |wanted| {
            let what = match wanted.parts.first() {
                Some(number) => format!("part {number}"),
                None => format!("the {}", wanted.step),
            };
            let again = Arc::clone(&again);
            async move {
                let text = again.renewed(&what).await?;
                json::upload_draft(&text).map_err(|error| malformed(&again.path, &error).to_string())
            }
        })))
    }

    pub(super) fn down(&self) -> Result<Box<dyn Down>, Failure> {
        let Draft::Down(draft) = &self.draft else { return Err(Failure::usage("the plan is one for an upload")) };
        let download = PlannedDownload::new((**draft).clone(), self.policy());
        if !self.file {
            return Ok(Box::new(download));
        }
        let again = self.again();
        Ok(Box::new(download.asking(move |_| {
            let again = Arc::clone(&again);
            async move {
                let text = again.renewed("the download").await?;
                json::download_draft(&text).map_err(|error| malformed(&again.path, &error).to_string())
            }
        })))
    }

    fn again(&self) -> Arc<Again> {
        Arc::new(Again { path: self.path.clone(), last: Mutex::new(Arc::clone(&self.text.0)) })
    }
}

/// Reads a plan's file again, when its URLs are used up.
struct Again {
    path: PathBuf,
    last: Mutex<Arc<Vec<u8>>>,
}

impl Again {
    /// The plan, as soon as it is another one than before. Whoever writes it needs a moment, and so does what is under way.
    async fn renewed(&self, what: &str) -> Result<Vec<u8>, String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let text = read(&self.path).map_err(|failure| failure.to_string())?;
            let is_new = {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                let is_new = **last != text;
                if is_new {
                    *last = Arc::new(text.clone());
                }
                is_new
            };
            if is_new {
                return Ok(text);
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(format!(
                    "the plan has no URL for {what} that is good any more: write a fresh plan of the same transfer to {} and \
                     run the command again",
                    shown::path(&self.path)
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn open(path: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let path = absolute(path)?;
    let text = read(&path)?;
    Ok((path, text))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::usage(format!("--plan: cannot read {}: {error}", shown::path(path)));
    let mut text = Vec::new();
    // One byte more than is read: the reader of JSON says what is too large.
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    fs::File::open(path).map_err(failed)?.take(most).read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

fn malformed(path: &Path, error: &JsonError) -> Failure {
    Failure::usage(format!("--plan {}: {error}", shown::path(path)))
}
