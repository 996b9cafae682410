//! A small Azure on loopback, for the examples that go to one. Their `support` is the tests'.

#[path = "../../tests/azblob/store.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the tests' own"
)]
mod store;

use std::error::Error;

use longhaul::azblob::{AccountKey, Container, SasToken};

use crate::backend;
use crate::support::raw::Raw;
pub(crate) use store::CONTAINER;

/// It lets in whoever has the account's key, or the SAS for one blob.
pub(crate) struct Azure {
    _store: store::Store,
    server: Raw,
    sas: SasToken,
}

impl Azure {
    /// One whose SAS is for `blob`.
    pub(crate) async fn start(blob: &str) -> Result<Self, Box<dyn Error>> {
        let own = store::Store::new();
        // A backend grants it; whoever uses it never sees the key.
        let sas = backend::grant(CONTAINER, blob, &store::key())?;
        own.state().sas = Some(sas.expose().to_owned());
        let server = own.serve(|_, answer| answer).await;
        Ok(Self { _store: own, server, sas })
    }

    pub(crate) fn container(&self) -> Result<Container, Box<dyn Error>> {
        Ok(Container::at(&self.server.url(""), store::ACCOUNT, CONTAINER)?)
    }

    /// The account's key.
    #[allow(clippy::unused_self, reason = "as if each had its own")]
    pub(crate) fn key(&self) -> AccountKey {
        store::key()
    }

    pub(crate) fn sas(&self) -> SasToken {
        self.sas.clone()
    }
}
