//! Plain HTTP for `longhaul`: ranged downloads, the default upload protocol, and a single `PUT`.
//!
//! Pure request builders and answer readers: no socket, no clock, no file. A request comes out of
//! [`Provider::build`](longhaul_core::Provider::build), what the server said goes into
//! [`Provider::interpret`](longhaul_core::Provider::interpret).
//!
//! | module | what it owns |
//! |---|---|
//! | [`download`] | [`HttpDownload`]: any object that a plain `GET` serves (RFC 9110 §14) |
//! | [`upload`] | [`HttpUpload`]: the default multipart/form-data upload protocol |
//! | [`put`] | [`HttpPut`]: one `PUT` of everything (WebDAV, presigned single URLs) |
//! | [`url`] | reading http(s) URLs given as text (RFC 3986), redirect targets, origins |
//! | [`headers`] | the caller's own header fields, checked |
//! | [`read`] | strict readers of untrusted answer headers, for every provider |
//! | [`fault`] | from status and error body to a fault that can be shown |
//!
//! # What is never shown
//!
//! `Debug`, `Display` and every error of this crate leave out URL queries, userinfo and the values of request headers.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod download;
pub mod fault;
mod form;
pub mod headers;
pub mod put;
pub mod read;
mod request;
mod text;
pub mod upload;
pub mod url;

pub use download::HttpDownload;
pub use headers::Headers;
pub use put::HttpPut;
pub use read::safe_file_name;
pub use upload::HttpUpload;
pub use url::Url;
