//! When a failed request is tried again: full jitter, the server's own `Retry-After`, and a budget shared by all transfers to
//! one server.
//!
//! Full jitter after Brooker, *Exponential Backoff And Jitter*; the budget follows the token scheme that gRPC and the AWS SDKs
//! use, with waiting in place of failing: a request that finds no token waits for one.

use core::time::Duration;

use crate::rng::Rng;
use crate::time::{Now, Time, Wall, micros};

/// How often and how patiently one request is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Retries of one piece of work without any progress between them. Default 8.
    pub retries: u32,
    /// Upper bound of the first delay; it doubles per retry. Default 250 ms.
    pub base: Duration,
    /// Upper bound of any delay we choose ourselves. Default 30 s.
    pub cap: Duration,
    /// The longest `Retry-After` that is honoured; a longer one is cut to it. Default 5 min.
    pub retry_after_cap: Duration,
    /// How often a transfer starts over because the object changed. Default 3.
    pub restarts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 8,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(30),
            retry_after_cap: Duration::from_secs(300),
            restarts: 3,
        }
    }
}

impl RetryPolicy {
    /// This policy with another number of retries.
    #[must_use]
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// This policy with other bounds for the delays chosen here.
    #[must_use]
    pub const fn with_delays(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// When retry number `attempt` (from 1) may start: never before the server's word, else after a random share of the
    /// doubled base.
    pub(crate) fn due(&self, attempt: u32, asked: Option<RetryAfter>, rng: &mut Rng, now: Now) -> Time {
        let doublings = attempt.saturating_sub(1).min(20);
        let ceiling = micros(self.base).saturating_mul(1 << doublings).min(micros(self.cap));
        let jitter = Duration::from_micros(rng.up_to(ceiling));
        match asked.map(|asked| asked.wait(now.wall).min(self.retry_after_cap)) {
            // A share of jitter on top keeps many clients from returning in the same moment.
            Some(wait) => now.mono + wait + jitter / 8,
            None => now.mono + jitter,
        }
    }
}

/// A server's `Retry-After`, in either of its two forms (RFC 9110 §10.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryAfter {
    /// Wait this long.
    Delay(Duration),
    /// Wait until then.
    At(Wall),
}

impl RetryAfter {
    /// How long to wait when it is `now`.
    #[must_use]
    pub const fn wait(self, now: Wall) -> Duration {
        match self {
            Self::Delay(delay) => delay,
            Self::At(when) => now.until(when),
        }
    }
}

/// Tokens are counted in tenths: a first attempt earns one, a retry costs ten.
const RETRY_COST: u64 = 10;
const BUDGET_CAP: u64 = 100 * RETRY_COST;
/// Without any traffic one retry per second is still allowed, so that a lone transfer can always go on.
const REFILL: Duration = Duration::from_secs(1);

/// What is known of a server's recent answers: the share of requests that failed, of `WHOLE`, where each new one counts for one in `MEMORY`.
const WHOLE: u32 = 1 << 16;
const MEMORY: u32 = 16;
/// Below this share a server is fit and its failures are accidents; to wait before they are repeated helps nobody. One that refuses a fifth of all
/// requests by chance is below it nearly always, one that refuses half of them hardly ever.
const CALM: u32 = WHOLE / 3;

/// The retry budget of one server: under a storm of failures retries add at most a tenth to the load. One that goes well where most
/// do costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct RetryBudget {
    tenths: u64,
    refilled: Time,
    /// The share of recent requests that failed.
    failing: u32,
}

impl RetryBudget {
    pub(crate) const fn new(now: Time) -> Self {
        Self { tenths: 10 * RETRY_COST, refilled: now, failing: 0 }
    }

    /// A first attempt went out; whether there is something for a retry now that was not there before.
    pub(crate) fn earn(&mut self) -> bool {
        self.tenths = (self.tenths + 1).min(BUDGET_CAP);
        self.tenths == RETRY_COST
    }

    /// Whether a retry could be paid for now.
    pub(crate) fn affords(&mut self, now: Time) -> bool {
        let periods = micros(now.since(self.refilled)) / micros(REFILL);
        if periods > 0 {
            self.refilled = self.refilled + REFILL * u32::try_from(periods).unwrap_or(u32::MAX);
            self.tenths = (self.tenths + periods.saturating_mul(RETRY_COST)).min(BUDGET_CAP);
        }
        self.tenths >= RETRY_COST
    }

    /// Pays for a retry that was affordable.
    pub(crate) fn spend(&mut self) {
        self.tenths = self.tenths.saturating_sub(RETRY_COST);
    }

    /// A request failed in a way that calls for another one.
    pub(crate) fn failed(&mut self) {
        self.failing += (WHOLE - self.failing) / MEMORY;
    }

    /// A request went well; whether what it had cost, as a retry, is there again.
    pub(crate) fn went_well(&mut self, retry: bool) -> bool {
        self.failing -= self.failing.div_ceil(MEMORY);
        let returned = retry && self.failing < CALM;
        if returned {
            self.tenths = (self.tenths + RETRY_COST).min(BUDGET_CAP);
        }
        returned
    }

    /// When the next retry becomes affordable at the latest.
    pub(crate) fn next(&self) -> Time {
        self.refilled + REFILL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now::new(Time::from_micros(seconds * 1_000_000), Wall::from_unix(1_000_000 + seconds.cast_signed()))
    }

    #[test]
    fn r2_delays_are_jittered_below_a_doubling_ceiling() {
        let policy = RetryPolicy::default();
        let mut rng = Rng::new(3);
        for attempt in 1..40 {
            let ceiling = policy.base.saturating_mul(1 << (attempt - 1u32).min(20)).min(policy.cap);
            let mut longest = Duration::ZERO;
            for _ in 0..200 {
                let delay = policy.due(attempt, None, &mut rng, at(10)).since(at(10).mono);
                assert!(delay <= ceiling);
                longest = longest.max(delay);
            }
            assert!(longest > ceiling / 2, "jitter uses the whole span");
        }
    }

    #[test]
    fn r2_retry_after_is_honoured_in_both_forms_and_capped() {
        let policy = RetryPolicy::default();
        let mut rng = Rng::new(3);
        let mut wait = |asked| policy.due(1, Some(asked), &mut rng, at(10)).since(at(10).mono);
        assert!(wait(RetryAfter::Delay(Duration::from_secs(7))) >= Duration::from_secs(7));
        assert!(wait(RetryAfter::At(Wall::from_unix(1_000_030))) >= Duration::from_secs(20));
        assert!(wait(RetryAfter::At(Wall::from_unix(0))) <= policy.base);
        assert!(wait(RetryAfter::Delay(Duration::from_secs(86_400))) <= policy.retry_after_cap + policy.cap);
    }

    #[test]
    fn r2_under_a_storm_retries_add_at_most_a_tenth() {
        let mut budget = RetryBudget::new(Time::ZERO);
        let mut retries = 0u64;
        for _ in 0..100_000 {
            budget.earn();
            if budget.affords(Time::ZERO) {
                budget.spend();
                retries += 1;
            }
        }
        assert!(retries <= 100_000 / 10 + 10, "{retries}");
    }

    #[test]
    fn r2_a_retry_that_goes_well_costs_nothing_while_most_requests_do() {
        let mut budget = RetryBudget::new(Time::ZERO);
        (0..10).for_each(|_| budget.spend());
        (0..100).for_each(|_| budget.failed());
        assert!((0..16).all(|_| !budget.went_well(true)), "it may have been luck");
        assert!(!budget.affords(Time::ZERO));
        assert!(budget.went_well(true) && budget.affords(Time::ZERO));
        assert!(!budget.went_well(false), "a first attempt has cost nothing");
        budget.spend();
        for _ in 0..100 {
            (0..4).for_each(|_| assert!(!budget.went_well(false)));
            budget.failed();
            assert!(budget.went_well(true) && budget.affords(Time::ZERO), "one in six fails");
            budget.spend();
        }
        let mut every_second = || {
            budget.failed();
            budget.went_well(true)
        };
        let returned: [bool; 200] = core::array::from_fn(|_| every_second());
        assert!(!returned[100..].contains(&true), "every second one fails");
    }

    #[test]
    fn an_empty_budget_refills_with_time() {
        let mut budget = RetryBudget::new(Time::ZERO);
        while budget.affords(Time::ZERO) {
            budget.spend();
        }
        assert!(budget.affords(budget.next()));
    }

    #[test]
    fn r2_a_servers_word_gets_an_eighth_of_the_jitter_on_top() {
        let policy = RetryPolicy::default().with_delays(Duration::from_secs(8), Duration::from_secs(9));
        assert_eq!((policy.base, policy.cap), (Duration::from_secs(8), Duration::from_secs(9)));
        let mut rng = Rng::new(3);
        let asked = RetryAfter::Delay(Duration::from_secs(7));
        let waits: [Duration; 200] =
            core::array::from_fn(|_| policy.due(1, Some(asked), &mut rng, at(10)).since(at(10).mono));
        let (least, most) = (waits.iter().min().expect("some"), waits.iter().max().expect("some"));
        assert!((Duration::from_secs(7)..Duration::from_millis(7_100)).contains(least), "{least:?}");
        assert!((Duration::from_millis(7_900)..=Duration::from_secs(8)).contains(most), "{most:?}");
    }

    #[test]
    fn r2_ten_first_attempts_earn_one_retry_and_no_more_than_a_hundred_are_saved() {
        let mut budget = RetryBudget::new(Time::ZERO);
        let drain = |budget: &mut RetryBudget, now| {
            let mut retries = 0;
            while budget.affords(now) {
                budget.spend();
                retries += 1;
            }
            retries
        };
        assert_eq!(drain(&mut budget, Time::ZERO), 10, "to begin with");
        for first in 1..=10 {
            assert!(!budget.affords(Time::ZERO), "{first}");
            budget.earn();
        }
        assert_eq!(drain(&mut budget, Time::ZERO), 1);
        for _ in 0..5_000 {
            budget.earn();
        }
        assert_eq!(drain(&mut budget, Time::ZERO), 100);
        assert_eq!(budget.next(), Time::from_micros(1_000_000));
        assert_eq!(drain(&mut budget, Time::from_micros(999_999)), 0);
        assert_eq!(drain(&mut budget, Time::from_micros(3_500_000)), 3, "one per second");
        assert_eq!(budget.next(), Time::from_micros(4_000_000));
        assert_eq!(drain(&mut budget, Time::from_micros(1_000_000_000_000)), 100);
    }
}
