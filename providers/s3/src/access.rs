//! Signing: who asks, and what the signature says of the body.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>. A signature is made when its request
//! is built, with the wall time of that moment on the server's clock, and is never used twice.

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::{Algorithm, Digest};
use longhaul_sign::{Target, hash, sigv4};
use longhaul_store::access::unsigned;

pub use longhaul_store::Access;

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

/// Puts the signature on a complete request. `content` is the digest of its source bytes, where they are signed; `wall` is unix
/// seconds on the server's clock.
pub(crate) fn sign(
    access: &Access,
    request: &mut Request<Body>,
    region: &str,
    payload: Payload,
    content: Option<&Digest>,
    wall: i64,
) -> Result<(), BuildError> {
    let Some(key) = access.key() else { return Ok(()) };
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
    let signer = sigv4::Signer::new(key, region, wall);
    let signed = signer.sign(Target::from(&*request), payload).map_err(|error| unsigned(&error))?;
    signed.apply(request.headers_mut());
    Ok(())
}
