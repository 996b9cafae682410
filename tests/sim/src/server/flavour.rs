//! How multipart stores differ, as data.

use longhaul_core::layout::PartLimits;

/// A kind of multipart store, with limits made small enough for small objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flavour {
    /// What a part may be.
    pub parts: PartLimits,
    /// Objects up to this size, in bytes, go up in one request. An empty one has no part.
    pub single: u64,
    /// Where a condition is looked at.
    pub conditions: Conditions,
    /// Who opens sessions.
    pub opener: Opener,
}

/// Where a condition on the object is looked at, and how it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conditions {
    /// At the commit: 412.
    AtCommit,
    /// When a session is opened, and at the commit: 409.
    AlsoAtOpen,
}

/// Who opens sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opener {
    /// The upload itself.
    Upload,
    /// The application's back end: the upload gets a plan of signed URLs, and can neither open nor list.
    Plan,
}

impl Flavour {
    /// A store with small parts and no more rules than any has.
    pub const PLAIN: Self = Self {
        parts: PartLimits::new(1 << 10, 64 << 10, 1_000, 1 << 40),
        single: 0,
        conditions: Conditions::AtCommit,
        opener: Opener::Upload,
    };
    /// As Amazon S3: a minimum for all parts but the last, and a number of parts.
    pub const S3: Self =
        Self { parts: PartLimits::new(5 << 10, 5 << 20, 100, 50 << 30), single: 16 << 10, ..Self::PLAIN };
    /// As Cloudflare R2: and all parts but the last of one size.
    pub const R2: Self = Self { parts: equal(Self::S3.parts), ..Self::S3 };
    /// As Aliyun OSS: smaller parts, and a condition that is looked at twice.
    pub const OSS: Self = Self {
        parts: PartLimits::new(2 << 10, 5 << 20, 100, 48 << 30),
        single: 16 << 10,
        conditions: Conditions::AlsoAtOpen,
        ..Self::PLAIN
    };
    /// Presigned URLs to a store like S3.
    pub const PRESIGNED: Self = Self { opener: Opener::Plan, ..Self::S3 };

    /// All of them.
    pub const ALL: [Self; 5] = [Self::PLAIN, Self::S3, Self::R2, Self::OSS, Self::PRESIGNED];
}

const fn equal(mut parts: PartLimits) -> PartLimits {
    parts.equal = true;
    parts
}
