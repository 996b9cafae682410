//! What a store allows and how it behaves, as data.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html> and
//! <https://developers.cloudflare.com/r2/platform/limits/>.

use longhaul_core::layout::PartLimits;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What a store's entity tags mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Etags {
    /// MD5 of the content for what went up at once, and `MD5(the parts' MD5s)-count` for multipart uploads, unless the object
    /// is encrypted with KMS or customer keys.
    Md5,
    /// The same for multipart uploads only: single objects may have any tag.
    Composite,
    /// Anything.
    Opaque,
}

/// Limits and habits of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// Part rules.
    pub parts: PartLimits,
    /// Largest object that goes up in one request, in bytes.
    pub single: u64,
    /// What entity tags mean.
    pub etags: Etags,
}

impl Rules {
    /// Amazon S3: parts of 5 MiB to 5 GiB, 10,000 of them, objects up to 50 TB.
    pub const AMAZON: Self = Self {
        parts: PartLimits::new(5 * MIB, 5 * GIB, 10_000, 50_000_000_000_000),
        single: 5 * GIB,
        etags: Etags::Md5,
    };

    /// Any other S3-style store: Amazon's limits, and no meaning read into the tags of single objects.
    pub const OTHERS: Self = Self { etags: Etags::Composite, ..Self::AMAZON };

    /// Cloudflare R2: all parts but the last have one size; objects up to 5 TiB.
    pub const R2: Self = {
        let mut rules = Self::OTHERS;
        rules.parts.equal = true;
        rules.parts.object = 5 * GIB * 1024;
        rules.single = 5 * GIB - 5 * MIB;
        rules
    };

    /// The rules of the store that a host name belongs to.
    pub(crate) fn of_host(host: &str) -> Self {
        if host.ends_with(".r2.cloudflarestorage.com") { Self::R2 } else { Self::OTHERS }
    }

    /// The same with other part rules.
    #[must_use]
    pub const fn with_parts(mut self, parts: PartLimits) -> Self {
        self.parts = parts;
        self
    }

    /// The same with another meaning of entity tags.
    #[must_use]
    pub const fn with_etags(mut self, etags: Etags) -> Self {
        self.etags = etags;
        self
    }
}
