//! How many requests to one authority are worth having at once: grows while the goodput grows with it, holds when it does
//! not, halves when the server says it is too much.
//!
//! It doubles up to a threshold and goes on by quarters from there. At first there is no threshold; a growth that did not pay, and a
//! cut, set one, so that after a storm most of what was lost is back soon and the rest is found with care.

use core::time::Duration;

use crate::spec::Concurrency;
use crate::time::{Time, micros};

/// Goodput is compared between windows of this length.
const WINDOW: Duration = Duration::from_millis(500);
/// After a cut nothing changes for this long: the answers to requests already sent say nothing new.
const COOLDOWN: Duration = Duration::from_secs(1);

/// One authority's controller.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    bounds: Concurrency,
    target: u32,
    opened: Time,
    bytes: u64,
    /// All places were taken at some moment of the window: more could have helped.
    saturated: bool,
    /// Bytes per second in the last window that was saturated, and the target it was reached with.
    last: Option<(u64, u32)>,
    /// Below it the target doubles.
    threshold: u32,
    /// The target grew since the last cut.
    grown: bool,
    quiet_until: Time,
}

impl Controller {
    pub(crate) fn new(bounds: Concurrency, now: Time) -> Self {
        let floor = bounds.floor.max(1);
        let bounds = Concurrency { floor, ceiling: bounds.ceiling.max(floor), ..bounds };
        let target = bounds.initial.clamp(floor, bounds.ceiling);
        Self {
            bounds,
            target,
            opened: now,
            bytes: 0,
            saturated: false,
            last: None,
            threshold: bounds.ceiling,
            grown: true,
            quiet_until: Time::ZERO,
        }
    }

    /// Requests worth having in flight.
    pub(crate) const fn target(&self) -> u32 {
        self.target
    }

    /// A request had to wait for a place.
    pub(crate) fn saturate(&mut self) {
        self.saturated = true;
    }

    /// `bytes` of content moved.
    pub(crate) fn moved(&mut self, bytes: u64, now: Time) {
        self.bytes = self.bytes.saturating_add(bytes);
        let span = now.since(self.opened);
        if span < WINDOW {
            return;
        }
        let rate =
            u64::try_from(u128::from(self.bytes) * 1_000_000 / u128::from(micros(span).max(1))).unwrap_or(u64::MAX);
        if self.saturated && now >= self.quiet_until {
            self.compare(rate);
        }
        self.opened = now;
        self.bytes = 0;
        self.saturated = false;
    }

    fn compare(&mut self, rate: u64) {
        let grow = match self.last {
            None => true,
            // At least a sixteenth more for the last growth, else it was not worth it.
            Some((before, target)) if self.target > target => rate > before.saturating_add(before / 16),
            Some((before, _)) => rate > before.saturating_add(before / 4),
        };
        match self.last {
            Some((before, target)) if !grow && self.target > target => {
                // Back to where it was as good.
                self.target = target;
                self.threshold = target;
                self.last = Some((before.max(rate), target));
            }
            _ if grow => {
                self.last = Some((rate, self.target));
                self.target = self.next().min(self.bounds.ceiling);
                self.grown = true;
            }
            _ => {}
        }
    }

    fn next(&self) -> u32 {
        if self.target < self.threshold {
            self.target.saturating_mul(2).min(self.threshold)
        } else {
            self.target.saturating_add((self.target / 4).max(1))
        }
    }

    /// The server said that it is too much, or did not answer in time.
    pub(crate) fn overload(&mut self, now: Time) {
        if now >= self.quiet_until {
            // Of one storm the first cut tells what was too much.
            if core::mem::replace(&mut self.grown, false) {
                self.threshold = self.target - self.target / 4;
            }
            self.target = (self.target / 2).max(self.bounds.floor);
            self.quiet_until = now + COOLDOWN;
            self.last = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link whose goodput grows with the number of requests up to `knee`.
    fn run(knee: u32, seconds: u64) -> Controller {
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        for tick in 1..=seconds * 10 {
            controller.saturate();
            let useful = u64::from(controller.target().min(knee));
            controller.moved(useful * 100_000, Time::from_micros(tick * 100_000));
        }
        controller
    }

    #[test]
    fn it_grows_while_goodput_grows_and_stops_near_the_knee() {
        assert!((8..=12).contains(&run(8, 60).target()));
        assert!((14..=20).contains(&run(16, 60).target()));
        assert_eq!(run(100, 60).target(), Concurrency::default().ceiling);
    }

    #[test]
    fn overload_halves_once_per_cooldown_and_never_below_the_floor() {
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        let at = |millis: u64| Time::from_micros(millis * 1000);
        for millis in [0, 10, 20] {
            controller.overload(at(millis));
        }
        assert_eq!(controller.target(), 4);
        for second in 1..20 {
            controller.overload(at(second * 1100));
        }
        assert_eq!(controller.target(), 1);
    }

    #[test]
    fn an_unsaturated_controller_does_not_grow() {
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        for tick in 1..100u64 {
            controller.moved(1_000_000, Time::from_micros(tick * 100_000));
        }
        assert_eq!(controller.target(), Concurrency::default().initial);
    }

    /// One saturated window of `millis`, with so many bytes in it.
    fn window(controller: &mut Controller, at: &mut u64, millis: u64, bytes: u64) -> u32 {
        controller.saturate();
        *at += millis * 1000;
        controller.moved(bytes, Time::from_micros(*at));
        controller.target()
    }

    #[test]
    fn a_growth_is_kept_for_a_sixteenth_more_and_taken_back_for_less() {
        let fresh = || Controller::new(Concurrency::default(), Time::ZERO);
        let mut at = 0;
        let mut controller = fresh();
        assert_eq!(window(&mut controller, &mut at, 499, 799_000), 8, "the window is not over");
        assert_eq!(window(&mut controller, &mut at, 1, 1_000), 16, "1,600,000 bytes a second; nothing to compare with");
        // At exactly a sixteenth more it was not worth it.
        let before = (controller.clone(), at);
        assert_eq!(window(&mut controller, &mut at, 500, 850_000), 8);
        // Back, it takes a quarter more than the better of the two to try again.
        let back = (controller.clone(), at);
        assert_eq!(window(&mut controller, &mut at, 1_000, 2_125_000), 8);
        (controller, at) = back;
        assert_eq!(window(&mut controller, &mut at, 1_000, 2_125_001), 10, "by a quarter: twice as many were too many");
        (controller, at) = before;
        assert_eq!(window(&mut controller, &mut at, 1_000, 1_700_001), 32);
    }

    #[test]
    fn goodput_that_rises_slowly_is_held_against_where_it_was_when_the_growth_was_taken_back() {
        let (mut controller, mut at) = (Controller::new(Concurrency::default(), Time::ZERO), 0);
        assert_eq!(window(&mut controller, &mut at, 500, 800_000), 16);
        assert_eq!(window(&mut controller, &mut at, 500, 850_000), 8, "1,700,000 bytes a second are what counts now");
        assert_eq!(window(&mut controller, &mut at, 1_000, 2_000_000), 8);
        assert_eq!(window(&mut controller, &mut at, 1_000, 2_200_000), 10);
    }

    #[test]
    fn after_a_storm_three_quarters_are_back_at_once_and_a_cut_after_growth_is_heeded() {
        let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
        let mut controller = Controller::new(Concurrency { initial: 16, ..Concurrency::default() }, Time::ZERO);
        (0..3).for_each(|second| controller.overload(at(second)));
        assert_eq!(controller.target(), 2);
        // Each has 100,000 bytes a second.
        let grow = |controller: &mut Controller, millis: &mut u64| {
            let bytes = u64::from(controller.target()) * 50_000;
            window(controller, millis, 500, bytes)
        };
        let mut now = 2_500_000;
        let mut grown: [u32; 7] = core::array::from_fn(|_| grow(&mut controller, &mut now));
        assert_eq!(grown, [4, 8, 12, 15, 18, 22, 27]);
        controller.overload(Time::from_micros(now));
        assert_eq!(controller.target(), 13);
        now += 500_000;
        grown = core::array::from_fn(|_| grow(&mut controller, &mut now));
        assert_eq!(grown, [21, 26, 32, 32, 32, 32, 32]);
    }

    #[test]
    fn after_a_cut_nothing_changes_for_a_second() {
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        controller.overload(Time::ZERO);
        assert_eq!(controller.target(), 4);
        let mut at = 0;
        assert_eq!(window(&mut controller, &mut at, 999, 1_000_000), 4);
        assert_eq!(window(&mut controller, &mut at, 501, 1_000_000), 6);
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        controller.overload(Time::ZERO);
        controller.overload(Time::from_micros(999_999));
        assert_eq!(controller.target(), 4);
        controller.overload(Time::from_micros(1_000_000));
        assert_eq!(controller.target(), 2);
    }
}
