//! Rights that can be renewed: one source for any number of transfers.
//!
//! Owns what is known at the moment, and the one call of the source that may be under way. Never signs anything: each transfer
//! works with a snapshot, and asks here when the store refuses it or its end is near.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

/// What is known to end within this many seconds is not handed out to another transfer.
const AHEAD: i64 = 60;

/// Rights of a kind, and when they end.
pub trait Rights: Clone + PartialEq + Send + Sync + sealed::Sealed + 'static {
    /// When they end, in unix seconds, where that is known.
    fn ends_at(&self) -> Option<i64>;
}

mod sealed {
    /// Keeps [`Rights`](super::Rights) free to grow.
    pub trait Sealed {}
}

impl sealed::Sealed for longhaul_store::Access {}

impl Rights for longhaul_store::Access {
    fn ends_at(&self) -> Option<i64> {
        self.key()?.expires_at
    }
}

#[cfg(feature = "azblob")]
impl sealed::Sealed for longhaul_azblob::Access {}

#[cfg(feature = "azblob")]
impl Rights for longhaul_azblob::Access {
    fn ends_at(&self) -> Option<i64> {
        match self {
            Self::Sas(token) => token.expires_at(),
            _ => None,
        }
    }
}

type Flight<A> = Shared<BoxFuture<'static, Result<A, String>>>;

/// Rights that a source of the application's gives: a call to a token service, a file that somebody keeps fresh, a command. A clone
/// shares them.
///
/// The source is asked by one transfer at a time, however many need an answer, and they all get it. What it gave is handed out
/// until a minute before its end, where it says when that is, or until the store refuses it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longhaul::s3::{Access, AccessKey, Bucket};
/// use longhaul::{Credentials, S3Object};
///
/// let credentials = Credentials::new(|| async {
///     let printed = std::fs::read("/run/secrets/key.json").map_err(|error| error.to_string())?;
///     AccessKey::from_process(&printed).map(Access::from).map_err(|error| error.to_string())
/// });
/// let bucket = Bucket::amazon("eu-central-1", "my-bucket")?;
/// let object = S3Object::new(bucket, "big.iso", credentials.current().await?)?.renewed_by(&credentials);
/// # Ok(())
/// # }
/// ```
pub struct Credentials<A> {
    inner: Arc<Inner<A>>,
}

struct Inner<A> {
    source: Box<dyn Fn() -> BoxFuture<'static, Result<A, String>> + Send + Sync>,
    state: Mutex<State<A>>,
}

struct State<A> {
    known: Option<A>,
    flight: Option<Flight<A>>,
}

impl<A: Rights> Credentials<A> {
    /// Rights that `source` gives, or says why there are none; what it says must hold no secret. It is not asked before they are
    /// needed.
    pub fn new<F, R>(source: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<A, String>> + Send + 'static,
    {
        let source = Box::new(move || source().boxed());
        Self { inner: Arc::new(Inner { source, state: Mutex::new(State { known: None, flight: None }) }) }
    }

    /// What is good now; asks the source where nothing is.
    ///
    /// # Errors
    /// Why there is nothing.
    pub async fn current(&self) -> Result<A, CredentialsError> {
        self.other_than(None).await
    }

    /// Something good other than `used`, which was refused or is about to end.
    pub(crate) async fn other_than(&self, used: Option<&A>) -> Result<A, CredentialsError> {
        let flight = {
            let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = state.known.as_ref().filter(|known| Some(*known) != used && lasts(*known)) {
                return Ok(known.clone());
            }
            state.flight.get_or_insert_with(|| self.ask()).clone()
        };
        // Whoever is dropped while it waits leaves the call to the others.
        let answer = flight.clone().await;
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.flight.as_ref().is_some_and(|current| current.ptr_eq(&flight)) {
            state.flight = None;
            state.known = answer.as_ref().ok().cloned();
        }
        answer.map_err(CredentialsError)
    }

    fn ask(&self) -> Flight<A> {
        let inner = Arc::clone(&self.inner);
        let call = async move { (inner.source)().await };
        let call = AssertUnwindSafe(call).catch_unwind();
        call.map(|answer| answer.unwrap_or_else(|_| Err("the source of credentials panicked".to_owned())))
            .boxed()
            .shared()
    }
}

/// Whether rights are good for a while, by this machine's clock.
fn lasts<A: Rights>(rights: &A) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    rights.ends_at().is_none_or(|end| now.saturating_add(AHEAD) < end)
}

impl<A> Clone for Credentials<A> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// Without the rights.
impl<A> fmt::Debug for Credentials<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why there are no rights: the words of the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialsError(String);

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no credentials: {}", self.0)
    }
}

impl std::error::Error for CredentialsError {}

#[cfg(test)]
mod tests;
