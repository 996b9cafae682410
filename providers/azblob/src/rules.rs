//! The version of the service that requests ask for, and what it allows, as data.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/put-block#remarks> and
//! <https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services>.

use longhaul_core::layout::PartLimits;

const MIB: u64 = 1 << 20;

/// Most blocks that a blob is made of.
const MOST_BLOCKS: u64 = 50_000;

/// A version of the service and its limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// `x-ms-version` of every request.
    pub version: &'static str,
    /// Block rules.
    pub parts: PartLimits,
    /// Largest blob that goes up in one request, in bytes.
    pub single: u64,
}

impl Rules {
    /// 2023-11-03: blocks up to 4,000 MiB, blobs up to 190.7 TiB, in one request up to 5,000 MiB.
    pub const CURRENT: Self = Self::new("2023-11-03", 4000, 5000);

    /// 2019-07-07, the newest of some private clouds (Azure Stack Hub): blocks up to 100 MiB, in one request up to 256 MiB.
    pub const UNTIL_2019: Self = Self::new("2019-07-07", 100, 256);

    /// A version by its name, with the largest block and the largest single request in MiB.
    #[must_use]
    pub const fn new(version: &'static str, block_mib: u64, single_mib: u64) -> Self {
        let block = block_mib * MIB;
        Self { version, parts: PartLimits::new(1, block, MOST_BLOCKS, block * MOST_BLOCKS), single: single_mib * MIB }
    }

    /// The same with other block rules.
    #[must_use]
    pub const fn with_parts(mut self, parts: PartLimits) -> Self {
        self.parts = parts;
        self
    }
}
