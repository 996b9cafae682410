//! What most programs name: `use longhaul::prelude::*`.
//!
//! Of the stores only what an object is called; their buckets, keys and access come from the modules `s3`, `oss`, `azblob` and
//! `presigned`, where these features are on.

#[doc(no_inline)]
pub use futures::StreamExt as _;

#[cfg(feature = "azblob")]
#[doc(no_inline)]
pub use crate::AzureBlob;
#[cfg(feature = "oss")]
#[doc(no_inline)]
pub use crate::OssObject;
#[cfg(feature = "s3")]
#[doc(no_inline)]
pub use crate::S3Object;
#[doc(no_inline)]
pub use crate::{
    Algorithm, Client, ClientConfig, Digest, Direction, Error, Event, EventKind, Job, Progress, State, Transfer,
};
#[cfg(feature = "hyper")]
#[doc(no_inline)]
pub use crate::{ClientBuilder, StartError};
#[cfg(feature = "http")]
#[doc(no_inline)]
pub use crate::{Download, Upload};
#[cfg(feature = "presigned")]
#[doc(no_inline)]
pub use crate::{PlannedDownload, PlannedUpload};
