//! Who asks: nobody, the holder of an account key, or the holder of a shared access signature.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/authorize-requests-to-azure-storage>. A Shared Key signature is made
//! when its request is built, with the wall time of that moment on the server's clock, and is never used twice. A SAS is appended
//! byte for byte: only its issuer knows what was signed.

use alloc::string::ToString;
use alloc::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use longhaul_core::Wall;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_http::fault::Hide;
use longhaul_sign::azure::{AccountKey, SasToken, shared_key};
use longhaul_sign::encode::{decode_query, query_pairs};
use longhaul_sign::{SignError, Target};
use longhaul_store::access::Rights;

/// A SAS is used until this many seconds before it ends: a request takes a moment to arrive.
const MARGIN: i64 = 5;

/// Who asks. `Debug` shows neither key nor signature.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Access {
    /// Nobody in particular: for public containers.
    Anonymous,
    /// The holder of one of the account's keys (Shared Key). A clone shares it.
    Key(Arc<AccountKey>),
    /// The holder of a shared access signature, of whatever kind.
    Sas(Arc<SasToken>),
}

impl From<AccountKey> for Access {
    fn from(key: AccountKey) -> Self {
        Self::Key(Arc::new(key))
    }
}

impl From<SasToken> for Access {
    fn from(token: SasToken) -> Self {
        Self::Sas(Arc::new(token))
    }
}

impl Access {
    /// The account key of `account`, in base64 as the portal shows it.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn key(account: &str, key_base64: &str) -> Result<Self, BuildError> {
        let key = AccountKey::new(account, key_base64);
        key.map(Self::from).map_err(|error| BuildError::new(error.to_string(), "copy the whole key, in base64"))
    }

    /// A shared access signature, with or without the `?` in front.
    ///
    /// # Errors
    /// When it is none.
    pub fn sas(token: &str) -> Result<Self, BuildError> {
        let token = SasToken::parse(token);
        token.map(Self::from).map_err(|error| BuildError::new(error.to_string(), "copy the whole token"))
    }

    /// Puts the signature on a complete request. `wall` is unix seconds on the server's clock.
    pub(crate) fn sign(&self, request: &mut Request<Body>, wall: i64) -> Result<(), BuildError> {
        match self {
            Self::Anonymous => Ok(()),
            Self::Key(key) => {
                let signed = shared_key::sign(Target::from(&*request), key, wall).map_err(|error| unsigned(&error))?;
                signed.apply(request.headers_mut());
                Ok(())
            }
            Self::Sas(token) => {
                *request.uri_mut() = token.append_to(request.uri()).map_err(|error| unsigned(&error))?.into_inner();
                Ok(())
            }
        }
    }
}

impl Rights for Access {
    fn are_good_at(&self, wall: Wall) -> bool {
        match self {
            Self::Sas(token) => token.is_valid_for(MARGIN, wall.as_unix()),
            _ => true,
        }
    }

    fn hide(&self) -> Hide {
        let hide = Hide::new();
        match self {
            Self::Anonymous => hide,
            Self::Key(key) => hide.value(key.key.expose()).value(STANDARD.encode(key.key.expose()).as_bytes()),
            Self::Sas(token) => {
                let hide = hide.value(token.expose().as_bytes());
                let signature = query_pairs(token.expose()).filter(|(name, _)| name.eq_ignore_ascii_case("sig"));
                signature.fold(hide, |hide, (_, value)| {
                    let hide = hide.value(value.as_bytes());
                    match decode_query(value) {
                        Ok(decoded) => hide.value(&decoded),
                        Err(_) => hide,
                    }
                })
            }
        }
    }
}

fn unsigned(error: &SignError) -> BuildError {
    let remedy = match error {
        SignError::HeaderNotText(_) => "use header values of UTF-8 text",
        SignError::TimeOutOfRange(_) => "set the clock",
        _ => "check account, endpoint and header fields",
    };
    BuildError::new(alloc::format!("the request cannot be signed: {error}"), remedy)
}
