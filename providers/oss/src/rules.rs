//! What OSS allows, as data.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/user-guide/limits>.

use longhaul_core::layout::PartLimits;

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// Limits of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// Part rules.
    pub parts: PartLimits,
    /// Largest object that goes up in one request, in bytes.
    pub single: u64,
}

impl Rules {
    /// Aliyun's: parts of 100 KiB to 5 GiB, 10,000 of them, so objects up to 48.8 TiB.
    pub const ALIYUN: Self =
        Self { parts: PartLimits::new(100 * KIB, 5 * GIB, 10_000, 10_000 * 5 * GIB), single: 5 * GIB };

    /// The same with other part rules.
    #[must_use]
    pub const fn with_parts(mut self, parts: PartLimits) -> Self {
        self.parts = parts;
        self
    }
}
