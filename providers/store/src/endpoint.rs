//! Where a store is: what stands before bucket and key in every URL. Says nothing about either.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::Ipv4Addr;

use longhaul_core::error::BuildError;
use longhaul_http::Url;

/// Scheme, host and path of a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    scheme: &'static str,
    /// With its port, where it is not the scheme's own.
    host: String,
    /// `/` first, none last; mostly empty.
    base: String,
}

impl Endpoint {
    /// The endpoint of a public store: https, and nothing before the bucket in the path.
    #[must_use]
    pub const fn https(host: String) -> Self {
        Self { scheme: "https", host, base: String::new() }
    }

    /// Reads a URL such as `https://s3.example.com` or `http://127.0.0.1:9000`, never with a bucket's name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BuildError> {
        let url = Url::parse(text)?;
        if url.authorization().is_some() {
            return Err(BuildError::new("the endpoint has a user name", "give an access key instead"));
        }
        if url.uri().query().is_some() {
            return Err(BuildError::new("the endpoint has a query", "leave out everything from the '?' on"));
        }
        Ok(Self {
            scheme: if url.uri().scheme_str() == Some("http") { "http" } else { "https" },
            host: url.uri().authority().map(ToString::to_string).unwrap_or_default(),
            base: url.uri().path().trim_end_matches('/').to_string(),
        })
    }

    /// Whether requests are encrypted on the way.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }

    /// The host, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.host.strip_prefix('[') {
            Some(rest) => self.host.get(..rest.find(']').map_or(self.host.len(), |end| end + 2)).unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        }
    }

    /// Whether the host is an address, before which no bucket's name can stand.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.host.starts_with('[') || self.host().parse::<Ipv4Addr>().is_ok()
    }

    /// Whether something stands between the host and what it serves.
    #[must_use]
    pub const fn has_path(&self) -> bool {
        !self.base.is_empty()
    }

    /// What stands before a key where the bucket's name is part of the host: `https://bucket.host/`.
    #[must_use]
    pub fn before_host(&self, bucket: &str) -> String {
        format!("{}://{bucket}.{}{}/", self.scheme, self.host, self.base)
    }

    /// What stands before a key where the bucket's name is part of the path: `https://host/bucket/`.
    #[must_use]
    pub fn in_path(&self, bucket: &str) -> String {
        format!("{}://{}{}/{bucket}/", self.scheme, self.host, self.base)
    }

    /// What stands before a key where the host is the bucket's own.
    #[must_use]
    pub fn alone(&self) -> String {
        format!("{}://{}{}/", self.scheme, self.host, self.base)
    }
}

/// Whether a region can stand in signatures. `remedy` says what one looks like.
///
/// # Errors
/// When it cannot.
pub fn check_region(region: &str, remedy: &str) -> Result<(), BuildError> {
    let sound = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if region.is_empty() || region.len() > 64 || !sound {
        let what = if region.is_empty() { "the region is empty" } else { "the region is not a region's name" };
        return Err(BuildError::new(what, remedy));
    }
    Ok(())
}

/// Whether a bucket's name has 3 to 63 lower-case letters, digits, '-' and, where `dots` may be, '.', and begins and ends with a
/// letter or digit: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>,
/// <https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions>.
///
/// # Errors
/// What is wrong with it.
pub fn check_bucket(name: &str, dots: bool) -> Result<(), BuildError> {
    let refused = |why: &str| Err(refused(name, why, dots));
    if !(3..=63).contains(&name.len()) {
        return refused("has not between 3 and 63 characters");
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (dots && c == '.');
    if let Some(c) = name.chars().find(|c| !fits(*c)) {
        return refused(&format!("has the character {c:?}"));
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !edge(name.chars().next()) || !edge(name.chars().next_back()) {
        return refused(if dots { "begins or ends with '-' or '.'" } else { "begins or ends with '-'" });
    }
    if name.contains("..") {
        return refused("has two dots in a row");
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return refused("is an address");
    }
    Ok(())
}

/// The error for a bucket's name.
#[must_use]
pub fn refused(name: &str, why: &str, dots: bool) -> BuildError {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let signs = if dots { ", '-' and '.'" } else { " and '-'" };
    let remedy = format!("bucket names are 3 to 63 lower-case letters, digits{signs}");
    BuildError::new(format!("the bucket name {shown:?} {why}"), remedy)
}
