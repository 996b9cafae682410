//! Moves large files to and from HTTP servers and object stores, and finishes them: through bad networks, pauses, crashes,
//! expired URLs and objects that change under way.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use longhaul::{Download, Upload};
//!
//! let client = longhaul::client()?;
//! let done = client.submit(Download::new("https://example.org/big.iso")?.to("big.iso")).await?.await?;
//! println!("{} bytes, {:?}", done.total, done.verification);
//!
//! client.submit(Upload::new("https://example.org/upload", "big.iso")?.from("big.iso")).await?.await?;
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! A killed program that is started again and submits the same download goes on where it was: what is on disk is compared with
//! its recorded checksums, the object with its recorded version, and only what is missing is fetched.
//!
//! # The parts
//!
//! * [`Client`] and [`Transfer`]: submit, pause, resume, cancel; a transfer is a `Stream` of [`Event`]s and a `Future` of its
//!   outcome.
//! * [`Download`] and [`Upload`] (feature `http`) describe a transfer; [`Job`] is one ready to be submitted.
//! * [`core`](mod@core): the machines, free of I/O, for those who bring their own loop; [`driver`]: the loop and its seams
//!   ([`Transport`], [`Storage`], [`Journal`], [`Timer`], [`Spawn`]) for those who bring their own client, files or runtime.
//! * [`http`](mod@http): the plain HTTP providers; [`tokio`](mod@tokio): the adapter for tokio, hyper and rustls.
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `http` | yes | ranged download, the default multipart/form-data upload protocol, single `PUT` |
//! | `s3` | no | Amazon S3 and S3-style stores, both directions |
//! | `oss` | no | Aliyun OSS, both directions |
//! | `azblob` | no | Azure Blob Storage (block blobs), both directions |
//! | `presigned` | no | plans of URLs that a backend signed, both directions (`longhaul::presigned`) |
//! | `tokio` | yes | tokio + hyper + rustls, files, journals, [`client()`] and [`ClientBuilder`] |
//! | `smol` | no | the same on smol: `ClientBuilder::start_on(longhaul::smol::runtime())` |
//! | `async-std` | no | the same on async-std, which is no longer maintained: new code should take `smol` or `tokio` |
//! | `trace` | no | runs recorded, replayed and drawn as a page (`longhaul::trace`) |
//! | `reqwest` | no | a `reqwest::Client` of yours as transport, on tokio (`longhaul::reqwest`) |
//! | `metrics` | no | bytes, requests, retries, latencies for the `metrics` facade, all under `longhaul_…` |
//!
//! Transfers and jobs know no runtime; whoever makes the client chooses one, and several can be in one program.

#![forbid(unsafe_code)]

#[cfg(feature = "azblob")]
mod azure_blob;
#[cfg(feature = "store")]
mod credentials;
#[cfg(feature = "http")]
mod download;
#[cfg(any(feature = "s3", feature = "oss", feature = "azblob"))]
mod environment;
#[cfg(all(feature = "files", any(feature = "store", feature = "presigned")))]
mod files;
#[cfg(feature = "oss")]
mod oss_object;
#[cfg(feature = "presigned")]
mod planned;
pub mod prelude;
#[cfg(feature = "s3")]
mod s3_object;
#[cfg(feature = "hyper")]
mod start;
#[cfg(feature = "store")]
mod store_object;
#[cfg(any(feature = "http", feature = "store", feature = "presigned"))]
mod targets;
#[cfg(feature = "http")]
mod upload;

#[cfg(feature = "async-std")]
pub use longhaul_async_std as async_std;
#[cfg(feature = "azblob")]
pub use longhaul_azblob as azblob;
pub use longhaul_core as core;
pub use longhaul_driver as driver;
#[cfg(feature = "http")]
pub use longhaul_http as http;
#[cfg(feature = "oss")]
pub use longhaul_oss as oss;
#[cfg(feature = "presigned")]
pub use longhaul_presigned as presigned;
#[cfg(feature = "reqwest")]
pub use longhaul_reqwest as reqwest;
#[cfg(feature = "s3")]
pub use longhaul_s3 as s3;
#[cfg(feature = "smol")]
pub use longhaul_smol as smol;
#[cfg(feature = "tokio")]
pub use longhaul_tokio as tokio;
#[cfg(feature = "trace")]
pub use longhaul_trace as trace;

#[cfg(feature = "azblob")]
pub use azure_blob::{Azure, AzureBlob};
#[cfg(feature = "store")]
pub use credentials::{Credentials, CredentialsError, Rights};
#[cfg(feature = "http")]
pub use download::Download;
#[cfg(any(feature = "s3", feature = "oss", feature = "azblob"))]
pub use environment::{Environment, Place};
pub use longhaul_core::error::{Blame, FileFaultKind, ServerFaultKind};
pub use longhaul_core::event::{Completed, Progress, Restart, Snapshot, State};
pub use longhaul_core::intent::Deadlines;
pub use longhaul_core::layout::PartSize;
pub use longhaul_core::retry::RetryPolicy;
pub use longhaul_core::spec::{Durability, Limits, OnChange};
pub use longhaul_core::{Algorithm, Digest, Direction, Error, Event, EventKind, Phase, Spec, TaskId, Verification};
#[cfg(feature = "files")]
pub use longhaul_disk::Overwrite;
pub use longhaul_driver::journal::Journal;
pub use longhaul_driver::log::LogListener;
pub use longhaul_driver::rate::{Rate, Rates};
pub use longhaul_driver::runtime::{Spawn, Timer};
pub use longhaul_driver::storage::Storage;
pub use longhaul_driver::transport::Transport;
pub use longhaul_driver::{Client, ClientConfig, Job, Listener, ListenerId, SubmitError, Transfer};
#[cfg(any(feature = "http", feature = "store"))]
pub use longhaul_http::Headers;
#[cfg(feature = "hyper")]
pub use longhaul_hyper::Net;
#[cfg(feature = "oss")]
pub use oss_object::{Oss, OssObject};
#[cfg(feature = "presigned")]
pub use planned::{PlannedDownload, PlannedUpload};
#[cfg(feature = "s3")]
pub use s3_object::{S3, S3Object};
#[cfg(feature = "tokio")]
pub use start::client;
#[cfg(feature = "hyper")]
pub use start::{ClientBuilder, StartError};
#[cfg(feature = "store")]
pub use store_object::{Store, StoreObject};
#[cfg(feature = "http")]
pub use upload::Upload;

/// A name for a local end that is one of its own: a stream, a piece of memory. No other in this process has it.
#[cfg(any(feature = "http", feature = "store", feature = "presigned"))]
fn own_name(kind: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("{kind} {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The README's code compiles.
#[cfg(all(doctest, feature = "http", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
