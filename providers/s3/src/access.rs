//! Who asks, and what the signature says of the body.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>. A signature is made when its request
//! is built, with the wall time of that moment on the server's clock, and is never used twice.

use alloc::sync::Arc;

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::{Algorithm, Digest};
use longhaul_http::fault::Hide;
use longhaul_sign::{AccessKey, SignError, Target, hash, sigv4};

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

/// What the signature says of content from a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Payload {
    /// `UNSIGNED-PAYLOAD`: TLS and checksums protect it, and it is read once only.
    #[default]
    Unsigned,
    /// Its SHA-256: it is read twice. For stores that insist, and for plain http on networks that are not trusted.
    Signed,
}

impl Access {
    /// Puts the signature on a complete request. `content` is the digest of its source bytes, where they are signed; `wall` is
    /// unix seconds on the server's clock.
    pub(crate) fn sign(
        &self,
        request: &mut Request<Body>,
        region: &str,
        payload: Payload,
        content: Option<&Digest>,
        wall: i64,
    ) -> Result<(), BuildError> {
        let Self::Key(key) = self else { return Ok(()) };
        let literal;
        let payload = match (request.body(), payload) {
            (Body::Empty, _) => sigv4::Payload::EMPTY,
            (Body::Inline(bytes), _) => sigv4::Payload::Sha256(hash::sha256(bytes)),
            (_, Payload::Unsigned) => sigv4::Payload::Unsigned,
            (_, Payload::Signed) => {
                let digest = content.filter(|digest| digest.algorithm() == Algorithm::Sha256).ok_or_else(|| {
                    BuildError::new(
                        "the content's SHA-256 is not known when its request is signed",
                        "leave the payload unsigned",
                    )
                })?;
                literal = digest.hex();
                sigv4::Payload::Literal(&literal)
            }
        };
        let signed = sigv4::Signer::new(key, region, wall).sign(Target::from(&*request), payload).map_err(unsigned)?;
        signed.apply(request.headers_mut());
        Ok(())
    }

    /// Adds what must not be shown of a server's words.
    pub(crate) fn hide(&self, hide: Hide) -> Hide {
        let Self::Key(key) = self else { return hide };
        let hide = hide.value(key.secret.expose().as_bytes());
        match &key.session_token {
            Some(token) => hide.value(token.expose().as_bytes()),
            None => hide,
        }
    }
}

fn unsigned(error: SignError) -> BuildError {
    let remedy = match &error {
        SignError::BadScope(_) => "check the access key's id and the region",
        SignError::HeaderNotText(_) => "use header values of UTF-8 text",
        SignError::TimeOutOfRange(_) => "set the clock",
        _ => "check access key, endpoint and header fields",
    };
    BuildError::new(alloc::format!("the request cannot be signed: {error}"), remedy)
}
