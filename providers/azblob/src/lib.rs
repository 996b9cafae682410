//! Azure Blob Storage (block blobs), for `longhaul`.
//!
//! Pure request builders and answer readers: no socket, no clock, no file. Every request is signed when it is built, with the
//! wall time it is given, corrected by what was learned of the server's clock; a SAS is appended as it came.
//!
//! | module | what it owns | vendor page |
//! |---|---|---|
//! | [`container`] | [`Container`]: account, endpoint, container name | <https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata> |
//! | [`blob`] | [`Blob`]: a name in a container and who asks for it | the same |
//! | [`access`] | [`Access`]: anonymous, Shared Key, shared access signature | <https://learn.microsoft.com/rest/api/storageservices/authorize-requests-to-azure-storage> |
//! | [`rules`] | [`Rules`]: the service version and its limits, as data | <https://learn.microsoft.com/rest/api/storageservices/put-block#remarks> |
//! | [`checksum`] | [`Integrity`]: which checksums go along with content | <https://learn.microsoft.com/rest/api/storageservices/put-block#request-headers> |
//! | [`fields`] | the caller's header fields, sorted to the requests they belong to | |
//! | [`download`] | [`AzureDownload`]: Get Blob Properties, Get Blob by ranges | <https://learn.microsoft.com/rest/api/storageservices/get-blob> |
//! | [`upload`] | [`AzureUpload`]: Put Blob, or Put Block and Put Block List | <https://learn.microsoft.com/rest/api/storageservices/put-block-list> |
//! | [`fault`] | from error code to verdict, with a remedy | <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes> |
//!
//! # What is never shown
//!
//! `Debug`, `Display` and every error of this crate leave out keys, signatures, URL queries and the values of the caller's
//! header fields.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access;
pub mod blob;
pub mod checksum;
pub mod container;
pub mod download;
pub mod fault;
pub mod fields;
pub mod rules;
pub mod upload;

pub use access::Access;
pub use blob::Blob;
pub use checksum::Integrity;
pub use container::Container;
pub use download::AzureDownload;
pub use longhaul_sign::azure::{AccountKey, SasToken};
pub use rules::Rules;
pub use upload::AzureUpload;
