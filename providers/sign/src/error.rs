//! Why a request could not be signed.

use alloc::string::String;

use crate::azure::token::SasError;

/// Why a request could not be signed. Every case is a wrong argument: a server is never involved, a retry never helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The time cannot be written with four digits of year.
    #[error("the time {0} (unix seconds) is outside the years 0 to 9999")]
    TimeOutOfRange(i64),
    /// A presigned URL cannot live that long, or not at all.
    #[error("a presigned URL lives 1 to {max} seconds, not {seconds}")]
    ExpiresOutOfRange {
        /// What was asked for, in seconds.
        seconds: u32,
        /// What the store accepts, in seconds.
        max: u32,
    },
    /// The URL would be dead before the time written in it.
    #[error("the credentials end at {expires_at} (unix seconds), before the presigned URL would")]
    OutlivesCredentials {
        /// When the credentials end, in unix seconds.
        expires_at: i64,
    },
    /// There is neither a `Host` header nor an authority in the URL.
    #[error("the request names no host")]
    MissingHost,
    /// A presigned URL has to be absolute.
    #[error("the URL to presign is not absolute")]
    NotAbsolute,
    /// A header value that has to be signed is not UTF-8.
    #[error("the value of header {0} is not UTF-8")]
    HeaderNotText(String),
    /// Something that has to be sent as a header holds a line break or another forbidden byte.
    #[error("the value for header {0} holds a byte that no header may hold")]
    NotAHeaderValue(&'static str),
    /// A `%` in the URL is not followed by two hexadecimal digits.
    #[error("the URL holds a broken percent escape")]
    BrokenEscape,
    /// A decoded part of the URL has to be text and is not UTF-8.
    #[error("a query parameter is not UTF-8")]
    QueryNotText,
    /// The signed URL does not parse.
    #[error("the signed URL is not valid: one of its parts holds a forbidden byte, or it is too long")]
    NotAUrl,
    /// The account key is not base64.
    #[error("the account key is not base64")]
    KeyNotBase64,
    /// A part of the signature scope (region, service, version) is empty or cannot stand in it.
    #[error("the {0} is empty or holds a character that cannot stand in a signature scope")]
    BadScope(&'static str),
    /// What was put into a SAS does not make one, such as an expiry that is no time.
    #[error(transparent)]
    Sas(#[from] SasError),
    /// The service version is older than the string to sign that this crate writes.
    #[error("SAS version {0} is older than 2020-12-06")]
    VersionTooOld(String),
}
