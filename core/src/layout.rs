//! How an object is cut into parts. Pure arithmetic: a part is computed from its number, never stored.
//!
//! Limits come from the provider's profile (for S3: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).

use crate::range::ByteRange;

/// The part rules of a provider, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PartLimits {
    /// Smallest part; the last one is exempt.
    pub min: u64,
    /// Largest part.
    pub max: u64,
    /// Most parts an object may have.
    pub count: u64,
    /// Part sizes are multiples of this; the last one is exempt.
    pub multiple: u64,
    /// All parts but the last have the same size (Cloudflare R2).
    pub equal: bool,
    /// Largest object.
    pub object: u64,
}

impl PartLimits {
    /// No rule but that of sixty-four-bit sizes.
    pub const UNLIMITED: Self =
        Self { min: 1, max: u64::MAX, count: u64::MAX, multiple: 1, equal: false, object: u64::MAX };

    /// Rules for parts of `min..=max` bytes, at most `count` of them, in an object of at most `object` bytes.
    #[must_use]
    pub const fn new(min: u64, max: u64, count: u64, object: u64) -> Self {
        Self { min, max, count, multiple: 1, equal: false, object }
    }
}

/// The caller's wish for the size of parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum PartSize {
    /// Chosen from the size of the object and the provider's limits.
    #[default]
    Auto,
    /// This many bytes; raised when the object would need more parts than the provider allows.
    Bytes(u64),
}

/// Why an object cannot be cut into parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The object is larger than the provider stores.
    #[error("the object has {size} bytes, the provider stores at most {limit}")]
    ObjectTooLarge {
        /// Size of the object in bytes.
        size: u64,
        /// The provider's limit in bytes.
        limit: u64,
    },
    /// The wished part size lies outside the provider's limits.
    #[error("part size {size} is outside the provider's {min} to {max} bytes")]
    PartSize {
        /// The wish in bytes.
        size: u64,
        /// Smallest part allowed, in bytes.
        min: u64,
        /// Largest part allowed, in bytes.
        max: u64,
    },
    /// The provider's limits leave no size for a part.
    #[error("the provider's limits contradict each other: parts of at least {min} and at most {max} bytes")]
    Limits {
        /// Smallest part allowed, in bytes.
        min: u64,
        /// Largest part allowed, in bytes.
        max: u64,
    },
    /// No part size within the limits covers the object.
    #[error("{size} bytes do not fit into {count} parts of at most {max} bytes")]
    TooManyParts {
        /// Size of the object in bytes.
        size: u64,
        /// Most parts allowed.
        count: u64,
        /// Largest part allowed, in bytes.
        max: u64,
    },
}

/// Parts of one size, the last one possibly shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    total: u64,
    part: u64,
}

/// Automatic part sizes aim at this many parts, so that a broken one costs little and slots stay busy.
const AUTO_PARTS: u64 = 64;
/// Automatic part sizes stay within these, in bytes, unless the provider's limits force otherwise.
const AUTO_MIN: u64 = 8 << 20;
const AUTO_MAX: u64 = 64 << 20;

impl Layout {
    /// Cuts `total` bytes: the wish, grown as far as the provider's part count asks.
    ///
    /// # Errors
    /// When the object, or the wish, cannot be brought within the limits.
    pub fn plan(total: u64, wish: PartSize, limits: &PartLimits) -> Result<Self, LayoutError> {
        if total > limits.object {
            return Err(LayoutError::ObjectTooLarge { size: total, limit: limits.object });
        }
        if limits.max == 0 || limits.min > limits.max {
            return Err(LayoutError::Limits { min: limits.min, max: limits.max });
        }
        let wished = match wish {
            PartSize::Auto => {
                (total / AUTO_PARTS).next_power_of_two().clamp(AUTO_MIN, AUTO_MAX).clamp(limits.min, limits.max)
            }
            PartSize::Bytes(size) if size == 0 || size > limits.max || (size < limits.min && size < total) => {
                return Err(LayoutError::PartSize { size, min: limits.min, max: limits.max });
            }
            PartSize::Bytes(size) => size,
        };
        let needed = total.div_ceil(limits.count.max(1)).max(wished).max(1);
        let multiple = limits.multiple.max(1);
        let part = needed.div_ceil(multiple).saturating_mul(multiple);
        // Rounding up may pass the maximum; the object then needs more parts than there are.
        if part > limits.max && total > limits.max {
            return Err(LayoutError::TooManyParts { size: total, count: limits.count, max: limits.max });
        }
        Ok(Self { total, part: part.min(limits.max) })
    }

    /// A layout as recorded by an earlier run. `None` for a part size of zero.
    #[must_use]
    pub const fn recorded(total: u64, part: u64) -> Option<Self> {
        if part == 0 { None } else { Some(Self { total, part }) }
    }

    /// Size of the object in bytes.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Size of every part but the last, in bytes.
    #[must_use]
    pub const fn part_size(&self) -> u64 {
        self.part
    }

    /// Number of parts; 0 for an empty object.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total.div_ceil(self.part)
    }

    /// The bytes of part `index`, counted from 0. Empty past the end.
    #[must_use]
    pub fn part(&self, index: u64) -> ByteRange {
        let start = index.saturating_mul(self.part).min(self.total);
        ByteRange::at(start, self.part.min(self.total - start))
    }

    /// The part that holds byte `offset`, counted from 0.
    #[must_use]
    pub const fn index_of(&self, offset: u64) -> u64 {
        offset / self.part
    }
}

/// Part sizes for a source of unknown length: they grow so that the provider's largest object stays reachable (P3).
///
/// The first parts are small, then sizes double in steps, and never fall so far behind that the parts left could not hold the
/// rest. With [`PartLimits::equal`] the one size that reaches the largest object is used from the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Growth {
    first: u64,
    limits: PartLimits,
}

/// Parts of an unknown length double once per this share of the allowed count.
const GROWTH_STEPS: u64 = 200;

impl Growth {
    /// Growing parts within `limits`, the first of them of the wished size.
    #[must_use]
    pub fn new(wish: PartSize, limits: PartLimits) -> Self {
        let wished = match wish {
            PartSize::Auto => AUTO_MIN,
            PartSize::Bytes(size) => size,
        };
        // No clamp: limits that contradict each other must not panic.
        Self { first: wished.max(limits.min).min(limits.max).max(1), limits }
    }

    /// Size in bytes of part `index` (from 0) when `sent` bytes lie before it. `None` when no further part is allowed.
    #[must_use]
    pub fn size(&self, index: u64, sent: u64) -> Option<u64> {
        let limits = &self.limits;
        if index >= limits.count || sent >= limits.object {
            return None;
        }
        let size = if limits.equal {
            let largest = limits.object.min(limits.max.saturating_mul(limits.count));
            self.first.max(largest.div_ceil(limits.count))
        } else {
            let step = index / (limits.count / GROWTH_STEPS).max(1);
            let doubled = u32::try_from(step)
                .ok()
                .and_then(|step| 1u64.checked_shl(step))
                .map_or(limits.max, |factor| self.first.saturating_mul(factor));
            // Never so small that the parts left could not hold the rest at their largest.
            let after = (limits.count - index - 1).saturating_mul(limits.max);
            doubled.max((limits.object - sent).saturating_sub(after))
        };
        let multiple = limits.multiple.max(1);
        Some(size.div_ceil(multiple).saturating_mul(multiple).clamp(limits.min, limits.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S3: PartLimits = PartLimits::new(5 << 20, 5 << 30, 10_000, 50_000_000_000_000);
    const MIB: u64 = 1 << 20;

    fn profiles() -> impl Strategy<Value = PartLimits> {
        prop_oneof![
            Just(PartLimits::UNLIMITED),
            Just(S3),
            Just(PartLimits { multiple: 256 << 10, ..S3 }),
            Just(PartLimits { equal: true, ..S3 }),
            Just(PartLimits::new(1, 4000 << 20, 50_000, 50_000 * (4000 << 20))),
            Just(PartLimits::new(100 << 10, 5 << 30, 10_000, 48_800 << 30)),
        ]
    }

    fn sizes() -> impl Strategy<Value = u64> {
        prop_oneof![
            0u64..=64,
            0u64..=64 * MIB,
            0u64..=50_000_000_000_000,
            Just(5 * MIB),
            Just(5 * MIB + 1),
            Just(50_000_000_000_000)
        ]
    }

    proptest! {
        #[test]
        fn p1_parts_cover_the_object_exactly_within_limits_and_are_as_few_as_the_size_allows(
            total in sizes(), wish in prop_oneof![Just(PartSize::Auto), (5 * MIB..1 << 32).prop_map(PartSize::Bytes)], limits in profiles(),
        ) {
            let Ok(layout) = Layout::plan(total, wish, &limits) else {
                // Refused only when it truly cannot fit.
                prop_assert!(total > limits.object || total.div_ceil(limits.count) > limits.max / limits.multiple * limits.multiple
                    || matches!(wish, PartSize::Bytes(size) if size > limits.max));
                return Ok(());
            };
            prop_assert!(layout.count() <= limits.count);
            prop_assert_eq!(layout.count(), total.div_ceil(layout.part_size()));
            prop_assert!(layout.part_size() <= limits.max && layout.part_size().is_multiple_of(limits.multiple));
            let (mut at, last) = (0, layout.count().saturating_sub(1));
            let probes = [0, 1, last / 2, last.saturating_sub(1), last];
            for index in probes.into_iter().filter(|&index| index < layout.count()) {
                let part = layout.part(index);
                prop_assert_eq!(part.start(), index * layout.part_size());
                prop_assert!(!part.is_empty() && (part.len() >= limits.min.min(total) || index == last));
                prop_assert_eq!(layout.index_of(part.start()), index);
                prop_assert_eq!(layout.index_of(part.end() - 1), index);
                at = part.end();
            }
            prop_assert!(total == 0 || at == total);
            prop_assert!(layout.part(layout.count()).is_empty());
        }

        #[test]
        fn p3_growing_parts_reach_the_largest_object(limits in profiles().prop_filter("bounded", |l| l.count < u64::MAX)) {
            let growth = Growth::new(PartSize::Auto, limits);
            let (mut sent, mut index, mut last) = (0u64, 0, 0);
            while let Some(size) = growth.size(index, sent) {
                prop_assert!(size <= limits.max && size >= limits.min);
                prop_assert!(size >= last, "sizes never shrink");
                prop_assert!(!limits.equal || last == 0 || size == last);
                (sent, last, index) = (sent.saturating_add(size), size, index + 1);
            }
            prop_assert!(index <= limits.count);
            let reachable = limits.object.min(limits.max.saturating_mul(limits.count));
            prop_assert!(sent >= reachable, "{sent} of {reachable} in {index} parts");
        }
    }

    #[test]
    fn p2_the_part_size_grows_to_fit_the_part_count_and_an_impossible_size_is_refused() {
        let layout = Layout::plan(10_000 * 8 * MIB + 1, PartSize::Bytes(8 * MIB), &S3).expect("fits");
        assert!(layout.part_size() > 8 * MIB && layout.count() <= 10_000);
        assert!(matches!(
            Layout::plan(50_000_000_000_001, PartSize::Auto, &S3),
            Err(LayoutError::ObjectTooLarge { .. })
        ));
        assert!(matches!(Layout::plan(64 * MIB, PartSize::Bytes(1), &S3), Err(LayoutError::PartSize { .. })));
        assert!(matches!(Layout::plan(1, PartSize::Bytes(0), &S3), Err(LayoutError::PartSize { .. })));
        let narrow = PartLimits::new(1, 10, 5, u64::MAX);
        assert!(matches!(Layout::plan(51, PartSize::Auto, &narrow), Err(LayoutError::TooManyParts { .. })));
        assert_eq!(Layout::plan(50, PartSize::Auto, &narrow).expect("fits").count(), 5);
    }

    /// A provider of the application's may get its own limits wrong.
    #[test]
    fn p2_limits_that_leave_no_size_are_an_error() {
        for (min, max) in [(2, 1), (0, 0), (u64::MAX, 0)] {
            for (total, wish) in [(0, PartSize::Auto), (9, PartSize::Auto), (9, PartSize::Bytes(1))] {
                let limits = PartLimits::new(min, max, 10, 100);
                assert_eq!(Layout::plan(total, wish, &limits), Err(LayoutError::Limits { min, max }));
                let _no_panic = Growth::new(wish, limits);
            }
        }
    }

    #[test]
    fn p4_an_empty_object_has_no_part() {
        assert_eq!(Layout::plan(0, PartSize::Auto, &S3).expect("fits").count(), 0);
    }

    #[test]
    fn an_automatic_part_is_a_power_of_two_of_eight_to_sixty_four_mebibytes() {
        let part = |total| Layout::plan(total, PartSize::Auto, &PartLimits::UNLIMITED).expect("fits").part_size() / MIB;
        let sizes = [0, 512 * MIB, 512 * MIB + 64, 1024 * MIB, 1024 * MIB + 64, 4096 * MIB, 1 << 40];
        assert_eq!(sizes.map(part), [8, 8, 16, 16, 32, 64, 64]);
        assert_eq!(Layout::plan(5, PartSize::Auto, &PartLimits::UNLIMITED).expect("fits").total(), 5);
    }

    #[test]
    fn a_wish_at_a_limit_is_within_it() {
        let limits = PartLimits::new(10, 20, 5, u64::MAX);
        let part = |total, size| Layout::plan(total, PartSize::Bytes(size), &limits).map(|layout| layout.part_size());
        assert_eq!((part(100, 10), part(100, 20)), (Ok(20), Ok(20)));
        assert_eq!((part(50, 10), part(9, 9)), (Ok(10), Ok(9)), "one part may be as small as its object");
        let refused = |size| Err(LayoutError::PartSize { size, min: 10, max: 20 });
        assert_eq!((part(50, 9), part(50, 21)), (refused(9), refused(21)));
        let even = PartLimits { multiple: 8, ..limits };
        assert_eq!(Layout::plan(20, PartSize::Bytes(18), &even).map(|layout| layout.part_size()), Ok(20), "one part");
        assert!(Layout::plan(21, PartSize::Bytes(18), &even).is_err(), "24 bytes are too many, 16 too few parts");
    }

    #[test]
    fn p3_growing_parts_double_every_two_hundredth_of_their_count() {
        let growth = Growth::new(PartSize::Auto, S3);
        let size = |index| growth.size(index, 0).expect("allowed") / MIB;
        assert_eq!([0, 49, 50, 99, 100].map(size), [8, 8, 16, 16, 32]);
        assert_eq!(growth.size(9_999, 0), Some(S3.max));
        assert_eq!((growth.size(10_000, 0), growth.size(0, S3.object)), (None, None));
        // What is left has to fit into what follows: 100 bytes, of which 3 parts of 20 may still come.
        let narrow = Growth::new(PartSize::Bytes(1), PartLimits::new(1, 20, 5, 100));
        assert_eq!((narrow.size(0, 0), narrow.size(4, 85)), (Some(20), Some(16)));
        let equal = PartLimits { equal: true, ..PartLimits::new(1, 20, 5, 90) };
        assert_eq!(Growth::new(PartSize::Bytes(1), equal).size(0, 0), Some(18));
    }
}
