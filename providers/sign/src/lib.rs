//! Request signing and answer reading for object stores, as pure functions of their arguments.
//!
//! Time comes in as unix seconds, secrets as [`Secret`] types that print nothing, requests as `http` values. Nothing here
//! reads a clock, an environment variable or a socket, and nothing panics on input. What goes out is a set of headers or a
//! URL, together with a [`Diagnosis`]: the canonical request and the string to sign, so that a refused signature can be
//! compared with what the server says it computed.
//!
//! | module | what it does | vendor page |
//! |---|---|---|
//! | [`sigv4`] | Amazon S3 and S3-style stores, headers or presigned URL | <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html> |
//! | [`oss_v4`] | Aliyun OSS, headers or presigned URL | <https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4> |
//! | [`azure::shared_key`] | Azure Blob, Shared Key header | <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key> |
//! | [`azure::sas`], [`azure::token`] | Azure SAS, issued and read | <https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature> |
//! | [`encode`], [`date`], [`hash`] | the bricks of the above | RFC 3986 §2, RFC 9110 §5.6.7, RFC 2104 |
//! | [`xml`], [`json`] | bounded readers for what servers answer | |
//! | [`skew`] | the difference between our clock and the server's | |
//!
//! # The order of things
//!
//! Build the request completely (path and query through [`encode`], every header that will be sent), sign last, change
//! nothing afterwards: an HTTP client that normalises `..` in the path or adds a `Content-Type` breaks the signature.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod azure;
mod credentials;
pub mod date;
pub mod encode;
mod error;
pub mod hash;
mod headers;
pub mod json;
pub mod oss_v4;
mod request;
mod secret;
pub mod sigv4;
pub mod skew;
pub mod xml;

pub use credentials::{AccessKey, ProcessError};
pub use error::SignError;
pub use request::{Diagnosis, MAX_PRESIGN_SECONDS, Presigned, Signed, Target};
pub use secret::{Secret, SecretBytes, SecretUri};
