//! Who asks. A signature is made when its request is built, with the wall time of that moment on the server's clock, and is never
//! used twice; how is each store's own.

use alloc::format;
use alloc::sync::Arc;
use core::fmt;

use longhaul_core::Wall;
use longhaul_core::error::BuildError;
use longhaul_http::fault::Hide;
use longhaul_sign::{AccessKey, SignError};

/// A key is used until this many seconds before it ends: a request takes a moment to arrive.
const MARGIN: i64 = 5;

/// With which rights an object is asked for.
pub trait Rights: Clone + fmt::Debug + Send + Sync {
    /// Whether they are still good for a request made when the store's clock shows `wall`. What does not say when it ends always is.
    fn are_good_at(&self, wall: Wall) -> bool;

    /// What must not be shown of a server's words.
    fn hide(&self) -> Hide;
}

/// Who asks. `Debug` shows the key's id only.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Access {
    /// Nobody in particular: for public objects.
    Anonymous,
    /// The holder of a key. A clone shares it.
    Key(Arc<AccessKey>),
}

impl From<AccessKey> for Access {
    fn from(key: AccessKey) -> Self {
        Self::Key(Arc::new(key))
    }
}

impl From<Arc<AccessKey>> for Access {
    fn from(key: Arc<AccessKey>) -> Self {
        Self::Key(key)
    }
}

impl Access {
    /// The key, where there is one.
    #[must_use]
    pub fn key(&self) -> Option<&AccessKey> {
        match self {
            Self::Anonymous => None,
            Self::Key(key) => Some(key),
        }
    }
}

impl Rights for Access {
    fn are_good_at(&self, wall: Wall) -> bool {
        self.key().is_none_or(|key| key.is_valid_for(MARGIN, wall.as_unix()))
    }

    fn hide(&self) -> Hide {
        let Some(key) = self.key() else { return Hide::new() };
        let hide = Hide::new().value(key.secret.expose().as_bytes());
        match &key.session_token {
            Some(token) => hide.value(token.expose().as_bytes()),
            None => hide,
        }
    }
}

/// The error for a request that cannot be signed, with what to change.
#[must_use]
pub fn unsigned(error: &SignError) -> BuildError {
    let remedy = match error {
        SignError::BadScope(_) => "check the access key's id and the region",
        SignError::HeaderNotText(_) => "use header values of UTF-8 text",
        SignError::TimeOutOfRange(_) => "set the clock",
        _ => "check access key, endpoint and header fields",
    };
    BuildError::new(format!("the request cannot be signed: {error}"), remedy)
}
