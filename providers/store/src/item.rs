//! An object of a store: where it is, and who asks for it.

use core::fmt;

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::provider::Context;
use longhaul_core::{Digest, Now, Wall};

use crate::access::Rights;
use crate::fault::Errors;
use crate::fields::Rules;

/// An object of a store. What the downloads and uploads of this crate are made for.
pub trait Item: Clone + fmt::Debug + Send + Sync {
    /// Which of the caller's header fields go where.
    const RULES: &'static Rules;
    /// How the store speaks of what went wrong.
    const ERRORS: Errors;
    /// Who asks.
    type Access: Rights;

    /// The object's URL without any query.
    fn url(&self) -> &str;

    /// `host:port`.
    fn authority(&self) -> &str;

    /// The region that requests are signed for; empty where there is none.
    fn region(&self) -> &str;

    /// Who asks.
    fn access(&self) -> &Self::Access;

    /// The same asked for with other rights.
    #[must_use]
    fn renewed(self, access: Self::Access) -> Self;

    /// Whether a request can be made now, or fresh rights are to be asked for first, where somebody supplies them.
    fn is_ready(&self, refreshable: bool, wall: Wall) -> bool {
        // With nobody to ask, the store's word counts: it is this machine's clock that may be wrong.
        !refreshable || self.access().are_good_at(wall)
    }

    /// Signs a complete request. `content` is the digest of the source bytes in its body, where it is known.
    ///
    /// # Errors
    /// When it cannot be signed.
    fn sign(
        &self,
        request: &mut Request<Body>,
        content: Option<&Digest>,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<(), BuildError>;
}
