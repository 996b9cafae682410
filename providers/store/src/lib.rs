//! What object stores have in common, for `longhaul`: the providers of S3, OSS and Azure are made of it.
//!
//! Pure request builders and answer readers: no socket, no clock, no file. How a store differs from the others is its own
//! crate's business, told here by data and by a [`Dialect`].
//!
//! | module | what it owns |
//! |---|---|
//! | [`access`] | [`Access`]: anonymous, or the holder of an access key |
//! | [`endpoint`] | [`Endpoint`]: scheme, host and path that a bucket's URL begins with |
//! | [`key`] | what a key may be |
//! | [`item`] | [`Item`]: an object of a store, where it is and who asks for it |
//! | [`fields`] | [`Fields`]: the caller's header fields, sorted to the requests they belong to |
//! | [`etag`] | entity tags of single objects and of those made of parts |
//! | [`fault`] | [`Refusal`](fault::Refusal): from a store's `<Error>` to a verdict, with a remedy |
//! | [`download`] | [`Download`]: `HEAD`, and `GET` by ranges |
//! | [`multipart`] | the requests and answers of an upload in parts, as S3 and OSS have them |
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
pub mod download;
pub mod endpoint;
pub mod etag;
pub mod fault;
pub mod fields;
pub mod item;
pub mod key;
pub mod multipart;

pub use access::Access;
pub use download::Download;
pub use endpoint::Endpoint;
pub use fields::{Fields, Kind};
pub use item::Item;
pub use multipart::Dialect;
