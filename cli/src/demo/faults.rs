//! The faults of the demo: often enough that each direction meets every kind, on fixed requests.

use longhaul_serve::{Fault, Faults, RetryAfter, What, When};

/// Kinds as the server counts them, and in words.
pub(super) const KINDS: [(&str, &str); 4] = [
    ("reset", "connection reset in mid-body"),
    ("status", "503 with Retry-After"),
    ("stall", "stall until the idle timeout"),
    ("drop-answer", "lost answer"),
];

/// Where in the order of requests faults happen: each so many resets, each so many lost answers, the one 503, the one stall.
/// No two fall on one request, of which only the first to act would show.
pub(super) struct Rhythm {
    pub(super) reset: u64,
    pub(super) lost: u64,
    pub(super) busy: u64,
    pub(super) stall: u64,
}

/// The faults for requests of `method` that move `part` bytes each.
pub(super) fn of(method: &str, rhythm: &Rhythm, part: u64) -> Faults {
    let busy = What::Status { code: 503, retry_after: Some(RetryAfter::Seconds(1)) };
    let rules = [
        Fault::new(When::Every(rhythm.reset), What::ResetAfter { bytes: part / 3 }),
        Fault::new(When::Every(rhythm.lost), What::DropAnswer),
        Fault::new(When::Nth(rhythm.busy), busy),
        Fault::new(When::Nth(rhythm.stall), What::StallAfter { bytes: part / 4 }),
    ];
    rules.into_iter().fold(Faults::seeded(1), |faults, rule| faults.with(rule.method(method)))
}
