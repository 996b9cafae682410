//! The server's end of a transfer, as it was named: a URL, an object of a store, a plan.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use longhaul::AzureBlob;
use longhaul::http::{Url, safe_file_name};

use super::absolute;
use super::plan::Plan;
use super::store::Store;
use crate::args::Method;
use crate::exit::Failure;
use crate::shown;

/// Largest file that holds a URL, in bytes.
const LARGEST: u64 = 64 << 10;

/// The server's end of a transfer.
#[derive(Clone, Debug)]
pub(crate) enum Remote {
    /// A plain URL, in full. Never shown and never stored: see [`Remote::shown`].
    Http(String),
    /// The URL of a blob of Azure, with its shared access signature. Never shown and never stored.
    Sas(String),
    /// An object of a store.
    Store(Store),
    /// What a presigned plan is for.
    Plan(Plan),
}

impl Remote {
    /// Reads a URL; where it is none of a store, `http` says what kind.
    pub(crate) fn plain(url: &str) -> Result<Self, Failure> {
        let parsed = Url::parse(url).map_err(|error| {
            let given = shown::url(url);
            let words = match meant(url) {
                Some(meant) => {
                    format!("URL {given}: two slashes follow the colon; {} may be meant", shown::url(&meant))
                }
                None => format!("URL {given}: {error}"),
            };
            Failure { words, ..error.into() }
        })?;
        // What looks like a SAS and names no blob is some other service's.
        let sas = parsed.is_signed() && AzureBlob::from_sas_url(url).is_ok();
        Ok(if sas { Self::Sas(url.to_owned()) } else { Self::Http(url.to_owned()) })
    }

    /// The object of a store, if it is one.
    pub(super) const fn store(&self) -> Option<&Store> {
        match self {
            Self::Store(store) => Some(store),
            _ => None,
        }
    }

    /// Reads the URL, none of a store, that a file holds.
    pub(crate) fn in_file(path: &Path) -> Result<Self, Failure> {
        Self::plain(&url_in(path)?)
    }

    /// For messages and records: without anything secret.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Http(url) | Self::Sas(url) => object(url),
            Self::Store(store) => store.shown(),
            Self::Plan(plan) => plan.object().to_owned(),
        }
    }

    /// What tells it from all others, as long as it is the same object. The query of a URL is not part of it.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Store(store) => store.identity(),
            _ => self.shown(),
        }
    }

    /// The whole of it, where the query may be all that tells two objects apart: a signature is another one each time.
    pub(super) fn whole(&self) -> String {
        match self {
            Self::Http(url) => Url::parse(url).map_or_else(|_| self.identity(), |url| url.unsigned()),
            _ => self.identity(),
        }
    }

    /// The file name in it, if there is one.
    pub(super) fn file_name(&self) -> Option<String> {
        match self {
            Self::Http(url) | Self::Sas(url) => Url::parse(url).ok()?.file_name().map(str::to_owned),
            Self::Store(store) => safe_file_name(store.key()),
            Self::Plan(plan) => Url::parse(plan.object()).ok()?.file_name().map(str::to_owned),
        }
    }

    /// How it is uploaded to, where nothing was said; `None` where there is nothing to choose.
    pub(super) fn method(&self) -> Option<Method> {
        match self {
            Self::Http(url) if Url::parse(url).is_ok_and(|url| url.is_signed()) => Some(Method::Put),
            Self::Http(_) => Some(Method::Form),
            _ => None,
        }
    }

    /// What of it must not be recorded, in words.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        match self {
            Self::Http(url) | Self::Sas(url) => {
                if let Ok(url) = Url::parse(url) {
                    if url.uri().query().is_some() {
                        secrets.push("the URL's query".to_owned());
                    }
                    if url.authorization().is_some() {
                        secrets.push("the URL's user and password".to_owned());
                    }
                }
            }
            Self::Store(_) => {}
            Self::Plan(plan) if plan.is_file() => {}
            Self::Plan(_) => secrets.push("the plan".to_owned()),
        }
        secrets
    }
}

/// What was mistyped with one slash, or none, behind the scheme.
fn meant(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    let known = ["http", "https", "s3", "oss", "az"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    (known && !rest.is_empty() && !rest.starts_with('/')).then(|| format!("{scheme}://{rest}"))
}

/// A URL without query and userinfo.
fn object(url: &str) -> String {
    Url::parse(url).map_or_else(|_| shown::url(url), |url| url.object().to_owned())
}

/// What was given in the place of a URL, and the file it was read from, if it was.
pub(super) fn given(text: &str) -> Result<(String, Option<PathBuf>), Failure> {
    let Some(file) = text.strip_prefix('@') else { return Ok((text.to_owned(), None)) };
    let path = absolute(Path::new(file))?;
    let url = url_in(&path)?;
    // A pipe, as `<(command)` makes one, can be read once only.
    let again = path.is_file().then_some(path);
    Ok((url, again))
}

/// The URL that a file holds.
fn url_in(path: &Path) -> Result<String, Failure> {
    let shown = shown::path(path);
    let failed = |error| Failure::usage(format!("cannot read the URL in {shown}: {error}"));
    let mut text = String::new();
    fs::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(url), None) if text.len() as u64 <= LARGEST => Ok(url.to_owned()),
        _ => Err(Failure::usage(format!("{shown} is to hold one line, a URL"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_blob_with_its_signature_is_azures() {
        let sas = Remote::plain("https://acme.blob.core.windows.net/data/a%20b?sv=2023-11-03&sp=r&sig=canary")
            .expect("sound");
        assert!(matches!(sas, Remote::Sas(_)));
        assert_eq!(sas.shown(), "https://acme.blob.core.windows.net/data/a%20b");
        assert_eq!(sas.file_name().as_deref(), Some("a b"));
        let other = Remote::plain("https://example.org/?sv=1&sig=canary").expect("sound");
        assert!(matches!(other, Remote::Http(_)));
    }
}
