//! Amazon S3 and the many stores that speak like it, for `longhaul`.
//!
//! Pure request builders and answer readers: no socket, no clock, no file. Every request is signed when it is built, with the
//! wall time it is given, corrected by what was learned of the server's clock.
//!
//! | module | what it owns | vendor page |
//! |---|---|---|
//! | [`bucket`] | [`Bucket`]: endpoint, region, bucket name, addressing style | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html> |
//! | [`object`] | [`Object`]: a key in a bucket and who asks for it | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html> |
//! | [`access`] | [`Payload`]: what the signature says of the body | <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html> |
//! | [`rules`] | [`Rules`]: limits and habits of a store, as data | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html> |
//! | [`checksum`] | [`Integrity`]: which checksums go along, how they combine | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html> |
//! | [`fields`] | which of the caller's header fields goes on which request | |
//! | [`download`] | [`S3Download`]: `HeadObject`, `GetObject` by ranges | <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> |
//! | [`upload`] | [`S3Upload`]: `PutObject`, multipart uploads | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html> |
//! | [`fault`] | from error code to judgement, with a remedy | <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html> |
//!
//! What S3 has in common with other stores, the multipart protocol first of all, is in `longhaul-store`.
//!
//! # What is never shown
//!
//! `Debug`, `Display` and every error of this crate leave out secrets, session tokens, URL queries and the values of the
//! caller's header fields.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access;
pub mod bucket;
pub mod checksum;
pub mod download;
pub mod fault;
pub mod fields;
pub mod object;
pub mod rules;
pub mod upload;

pub use access::{Access, Payload};
pub use bucket::{Bucket, Style};
pub use checksum::Integrity;
pub use download::S3Download;
pub use longhaul_sign::{AccessKey, ProcessError};
pub use object::Object;
pub use rules::{Etags, Rules};
pub use upload::S3Upload;
