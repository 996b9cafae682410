//! What an engine and a transfer are set to, as forms.

use std::num::NonZeroU32;

use longhaul_core::intent::{Deadlines, MinimumRate};
use longhaul_core::layout::{PartLimits, PartSize};
use longhaul_core::provider::{Begin, Order, Profile};
use longhaul_core::retry::RetryPolicy;
use longhaul_core::spec::{Concurrency, Durability, Interval, Limits, OnChange, Parallel, Probing, Redirects, Start};
use longhaul_core::{Algorithm, Config, Digest, Direction};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::form::{Kept, forms};
use crate::record::Frames;

forms! {
    /// [`Limits`].
    LimitsForm of Limits, from Limits::default() => {
        uploads: usize, downloads: usize, requests: usize, per_authority: usize, per_task: usize, bytes_in_flight: u64,
    }
    /// [`Concurrency`].
    ConcurrencyForm of Concurrency, from Concurrency::default() => { floor: u32, initial: u32, ceiling: u32, }
    /// [`Interval`].
    IntervalForm of Interval, from Interval::default() => { bytes: u64, time: Duration, }
    /// [`Redirects`].
    RedirectsForm of Redirects, from Redirects::default() => { most: u32, downgrade: bool, }
    /// [`Config`].
    ConfigForm of Config, from Config::default() => {
        limits: Limits, concurrency: Concurrency, interval: Interval, redirects: Redirects,
    }
    /// [`RetryPolicy`].
    RetryForm of RetryPolicy, from RetryPolicy::default() => {
        retries: u32, base: Duration, cap: Duration, retry_after_cap: Duration, restarts: u32,
    }
    /// [`MinimumRate`].
    MinimumRateForm of MinimumRate, from MinimumRate { bytes: 0, window: Duration::ZERO } => { bytes: u64, window: Duration, }
    /// [`Deadlines`].
    DeadlinesForm of Deadlines, from Deadlines::default() => {
        connect: Option<Duration>, first_byte: Option<Duration>, idle: Option<Duration>,
        minimum_rate: Option<MinimumRate>, total: Option<Duration>,
    }
    /// [`PartLimits`].
    PartLimitsForm of PartLimits, from PartLimits::UNLIMITED => {
        min: u64, max: u64, count: u64, multiple: u64, equal: bool, object: u64,
    }
    /// [`Profile`].
    ProfileForm of Profile, from Profile::download() => {
        parts: PartLimits, single: Option<u64>, order: Order, begin: Begin, commit: bool, confirm: bool, list: bool,
        abort: bool, content_digest: Option<Algorithm>, part_digest: Option<Algorithm>, sent_digest: Option<Algorithm>,
        needs_total: bool, refresh: bool, answer_limit: usize,
    }
}

impl Kept for NonZeroU32 {
    type Form = u32;
    fn keep(&self) -> u32 {
        self.get()
    }
    fn give(form: &u32) -> Option<Self> {
        Self::new(*form)
    }
}

impl Kept for Parallel {
    /// `None` for automatic.
    type Form = Option<u32>;
    fn keep(&self) -> Option<u32> {
        match self {
            Self::Auto => None,
            Self::Most(most) => Some(most.get()),
        }
    }
    fn give(form: &Option<u32>) -> Option<Self> {
        match form {
            None => Some(Self::Auto),
            Some(most) => NonZeroU32::new(*most).map(Self::Most),
        }
    }
}

impl Kept for PartSize {
    /// `None` for automatic.
    type Form = Option<u64>;
    fn keep(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(*bytes),
            _ => None,
        }
    }
    fn give(form: &Option<u64>) -> Option<Self> {
        Some(form.map_or(Self::Auto, Self::Bytes))
    }
}

/// What a transfer is to do. Its provider and key stand beside it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SpecForm {
    pub(crate) direction: <Direction as Kept>::Form,
    #[serde(flatten)]
    pub(crate) choices: ChoicesForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<Frames>,
}

/// Those fields of a spec that are values on their own.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) start: Start,
    pub(crate) weight: NonZeroU32,
    pub(crate) parallel: Parallel,
    pub(crate) part_size: PartSize,
    pub(crate) retry: RetryPolicy,
    pub(crate) deadlines: Deadlines,
    pub(crate) probing: Probing,
    pub(crate) declared_size: Option<u64>,
    pub(crate) expected: Vec<Digest>,
    pub(crate) on_change: OnChange,
    pub(crate) durability: Durability,
    pub(crate) window: Option<u64>,
    pub(crate) keep_on_cancel: bool,
    pub(crate) recall: bool,
    pub(crate) journal: bool,
    pub(crate) recheck: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            start: Start::Now,
            weight: NonZeroU32::MIN,
            parallel: Parallel::Auto,
            part_size: PartSize::Auto,
            retry: RetryPolicy::default(),
            deadlines: Deadlines::default(),
            probing: Probing::Head,
            declared_size: None,
            expected: Vec::new(),
            on_change: OnChange::Restart,
            durability: Durability::Power,
            window: None,
            keep_on_cancel: false,
            recall: false,
            journal: true,
            recheck: true,
        }
    }
}

forms! {
    /// The choices of a [`Spec`](longhaul_core::Spec).
    ChoicesForm of Choices, from Choices::default() => {
        start: Start, weight: NonZeroU32, parallel: Parallel, part_size: PartSize, retry: RetryPolicy, deadlines: Deadlines,
        probing: Probing, declared_size: Option<u64>, expected: Vec<Digest>, on_change: OnChange, durability: Durability,
        window: Option<u64>, keep_on_cancel: bool, recall: bool, journal: bool, recheck: bool,
    }
}
