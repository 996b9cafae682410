//! Aliyun OSS, for `longhaul`.
//!
//! Pure request builders and answer readers: no socket, no clock, no file. Every request is signed when it is built, with the
//! wall time it is given, corrected by what was learned of the server's clock.
//!
//! | module | what it owns | vendor page |
//! |---|---|---|
//! | [`bucket`] | [`Bucket`]: endpoint, region, bucket name, addressing style | <https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints> |
//! | [`object`] | [`Object`]: a key in a bucket and who asks for it; signatures in headers and URLs | <https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4> |
//! | [`rules`] | [`Rules`]: limits, as data | <https://www.alibabacloud.com/help/en/oss/user-guide/limits> |
//! | [`checksum`] | [`Integrity`]: the CRC-64 that OSS tells of everything, Content-MD5 | <https://www.alibabacloud.com/help/en/oss/user-guide/check-data-transmission-integrity-by-using-crc-64> |
//! | [`fields`] | which of the caller's header fields goes on which request | |
//! | [`download`] | [`OssDownload`]: `HeadObject`, `GetObject` by ranges | <https://www.alibabacloud.com/help/en/oss/developer-reference/getobject> |
//! | [`upload`] | [`OssUpload`]: `PutObject`, multipart uploads | <https://www.alibabacloud.com/help/en/oss/developer-reference/multipart-upload-operations/> |
//! | [`fault`] | from error code to judgement, with a remedy | <https://www.alibabacloud.com/help/en/oss/support/error-handling-1> |
//!
//! What OSS has in common with other stores, the multipart protocol first of all, is in `longhaul-store`.
//!
//! # What is never shown
//!
//! `Debug`, `Display` and every error of this crate leave out secrets, security tokens, URL queries and the values of the
//! caller's header fields.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod bucket;
pub mod checksum;
pub mod download;
pub mod fault;
pub mod fields;
pub mod object;
pub mod rules;
pub mod upload;

pub use bucket::{Bucket, Style};
pub use checksum::Integrity;
pub use download::OssDownload;
pub use longhaul_sign::{AccessKey, ProcessError};
pub use longhaul_store::Access;
pub use object::Object;
pub use rules::Rules;
pub use upload::OssUpload;
