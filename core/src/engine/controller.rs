//! How many requests to one authority are worth having at once: grows while the goodput grows with it, holds when it does
//! not, halves when the server says it is too much, and goes down to as many as it then took.
//!
//! It doubles up to a threshold and goes on by quarters from there. At first there is no threshold; a growth that did not pay or was
//! refused, and the first cut of a storm, set one, so that after a storm most of what was lost is back soon and the rest is found with
//! care. Where it holds it tries a quarter more now and then: networks change, and one window may have misled.

use core::time::Duration;

use crate::spec::Concurrency;
use crate::time::{Time, micros};

/// Goodput is compared between windows of this length.
const WINDOW: Duration = Duration::from_millis(500);
/// In a longer one nothing moved for most of the time, which tells nothing.
const LONGEST_WINDOW: Duration = Duration::from_secs(2);
/// After a growth by a quarter goodput counts from so much later on: the new requests have to begin, and a quarter is soon lost
/// among what the old ones brought.
const SETTLE: Duration = Duration::from_millis(250);
/// After a cut nothing grows for this long, and nothing is cut for what was sent since. In a storm that lasts it is doubled with
/// every cut beyond the third, up to four times.
const COOLDOWN: Duration = Duration::from_secs(1);
/// A cut so soon after that tells of the same storm.
const STORM: Duration = Duration::from_secs(3);
/// Saturated windows between two attempts at a quarter more, at first and at most; each that failed doubles it.
const PATIENCE: u32 = 4;
const LONGEST_PATIENCE: u32 = 64;

/// One authority's controller.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    bounds: Concurrency,
    target: u32,
    opened: Time,
    /// The first window after it begins with what is told then.
    settled: Time,
    bytes: u64,
    /// All places were taken at some moment of the window: more could have helped.
    saturated: bool,
    /// Bytes per second in the last window that was saturated, and the target it was reached with.
    last: Option<(u64, u32)>,
    /// Below it the target doubles.
    threshold: u32,
    /// Saturated windows without a growth since the last attempt, and how many there are to be.
    content: u32,
    patience: u32,
    quiet_until: Time,
    cut: Option<Cut>,
}

/// The last cut, and what became of the requests that were in flight then.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: Time,
    /// How many there have been in this storm.
    number: u32,
    /// Those of them that were not refused, as far as is known.
    left: u32,
    /// The target it set.
    target: u32,
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
            settled: Time::ZERO,
            bytes: 0,
            saturated: false,
            last: None,
            threshold: bounds.ceiling,
            content: 0,
            patience: PATIENCE,
            quiet_until: Time::ZERO,
            cut: None,
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

    /// Whether that is known of the present window.
    pub(crate) const fn is_saturated(&self) -> bool {
        self.saturated
    }

    /// `bytes` of content moved.
    pub(crate) fn moved(&mut self, bytes: u64, now: Time) {
        if self.opened < self.settled {
            if now >= self.settled {
                self.opened = now;
            }
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        let span = now.since(self.opened);
        if span < WINDOW {
            return;
        }
        if span > LONGEST_WINDOW {
            (self.opened, self.bytes) = (now, 0);
            return;
        }
        let rate =
            u64::try_from(u128::from(self.bytes) * 1_000_000 / u128::from(micros(span).max(1))).unwrap_or(u64::MAX);
        self.opened = now;
        self.bytes = 0;
        if core::mem::take(&mut self.saturated) && now >= self.quiet_until {
            self.compare(rate);
        }
    }

    fn compare(&mut self, rate: u64) {
        let Some((before, target)) = self.last else {
            return self.grow(rate);
        };
        if self.target > target {
            // At least a sixteenth more for the last growth, else it was not worth it.
            if rate > before.saturating_add(before / 16) {
                self.patience = PATIENCE;
                return self.grow(rate);
            }
            // Back to where it was as good.
            self.last = Some((before.max(rate), target));
            return self.retreat(target);
        }
        self.content += 1;
        if rate > before.saturating_add(before / 4) || self.content >= self.patience {
            self.grow(rate);
        }
    }

    fn grow(&mut self, rate: u64) {
        self.last = Some((rate, self.target));
        self.content = 0;
        let next = if self.target < self.threshold {
            self.target.saturating_mul(2).min(self.threshold)
        } else {
            self.settled = self.opened + SETTLE;
            self.target.saturating_add((self.target / 4).max(1))
        };
        self.target = next.min(self.bounds.ceiling);
    }

    /// The last growth was for nothing: the next attempt comes later.
    fn retreat(&mut self, target: u32) {
        self.target = target;
        self.threshold = target;
        self.content = 0;
        self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
    }

    /// The server said that it is too much, or did not answer in time: to a request sent at `issued`, of so many in flight.
    pub(crate) fn overload(&mut self, in_flight: usize, issued: Time, now: Time) {
        if now < self.quiet_until {
            return self.refused(issued);
        }
        let before = self.cut.filter(|_| now < self.quiet_until + STORM);
        let number = before.map_or(1, |cut| cut.number.saturating_add(1));
        self.quiet_until = now + COOLDOWN * (1 << number.saturating_sub(3).min(2));
        match self.last {
            // What was just tried is too much, and what was there before is not.
            Some((_, target)) if target < self.target && before.is_none() => self.retreat(target),
            _ => {
                // Of one storm the first cut tells what was too much.
                if before.is_none() {
                    self.threshold = self.target - self.target / 4;
                }
                self.target = (self.target / 2).max(self.bounds.floor);
                self.last = None;
            }
        }
        let left = u32::try_from(in_flight).unwrap_or(u32::MAX).saturating_sub(1);
        self.cut = Some(Cut { at: now, number, left, target: self.target });
    }

    /// After a cut, another one of those that had been sent before it is refused: what is left of them is what the server takes at a
    /// time. When nothing is left it takes none, and nobody knows how many it will.
    fn refused(&mut self, issued: Time) {
        if let Some(cut) = self.cut.as_mut().filter(|cut| issued < cut.at) {
            cut.left = cut.left.saturating_sub(1);
            self.target = match cut.left {
                0 => cut.target,
                taken => taken.clamp(self.bounds.floor.min(cut.target), cut.target),
            };
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

    /// A refusal of one of as many as there are to be, sent now.
    fn overload(controller: &mut Controller, at: u64) {
        controller.overload(controller.target() as usize, Time::from_micros(at), Time::from_micros(at));
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
        for millis in [0, 10, 20] {
            overload(&mut controller, millis * 1000);
        }
        assert_eq!(controller.target(), 4);
        for second in 1..20 {
            overload(&mut controller, second * 1_100_000);
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

    /// Windows of which each request brings 100,000 bytes a second, of those that are useful; the targets after each.
    fn windows<const N: usize>(controller: &mut Controller, at: &mut u64, useful: u32) -> [u32; N] {
        core::array::from_fn(|_| {
            let target = controller.target();
            for _ in 0..15 {
                controller.saturate();
                *at += 50_000;
                controller.moved(u64::from(controller.target().min(useful)) * 5_000, Time::from_micros(*at));
                if controller.target() != target {
                    break;
                }
            }
            controller.target()
        })
    }

    #[test]
    fn after_a_storm_three_quarters_are_back_at_once() {
        let mut controller = Controller::new(Concurrency { initial: 16, ..Concurrency::default() }, Time::ZERO);
        (0..3).for_each(|second| overload(&mut controller, second * 1_000_000));
        assert_eq!(controller.target(), 2);
        let mut at = 3_000_000;
        assert_eq!(windows(&mut controller, &mut at, 100), [4, 8, 12, 15, 18, 22, 27]);
        assert!(at <= 8_000_000, "{at}");
    }

    #[test]
    fn a_growth_that_is_refused_is_taken_back_and_a_cut_soon_after_it_is_one() {
        let (mut controller, mut at) = (Controller::new(Concurrency::default(), Time::ZERO), 0);
        assert_eq!(windows(&mut controller, &mut at, 100), [16]);
        overload(&mut controller, at);
        assert_eq!(controller.target(), 8, "eight were not too many");
        assert_eq!(windows(&mut controller, &mut at, 100), [8; 4]);
        overload(&mut controller, at);
        assert_eq!(controller.target(), 4, "but they are");
        at += 1_000_000;
        assert_eq!(windows(&mut controller, &mut at, 100), [8, 10], "below eight it doubles");
    }

    #[test]
    fn who_holds_tries_a_quarter_more_now_and_then_and_ever_more_rarely() {
        let (mut controller, mut at) = (Controller::new(Concurrency::default(), Time::ZERO), 0);
        assert_eq!(windows(&mut controller, &mut at, 8), [16, 8]);
        let mut tries = [0; 5];
        for tried in &mut tries {
            let since = at;
            while windows(&mut controller, &mut at, 8) == [8] {}
            assert_eq!(controller.target(), 10);
            *tried = (at - since) / 1_000_000;
            assert_eq!(windows(&mut controller, &mut at, 8), [8]);
        }
        assert_eq!(tries, [4, 8, 16, 32, 32], "seconds");
        // The network has become better.
        let since = at;
        while windows(&mut controller, &mut at, 100) == [8] {}
        assert!(at - since <= 33_000_000);
        assert_eq!(windows(&mut controller, &mut at, 100), [12, 15, 18]);
    }

    #[test]
    fn after_a_cut_nothing_changes_for_a_second() {
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        overload(&mut controller, 0);
        assert_eq!(controller.target(), 4);
        let mut at = 0;
        assert_eq!(window(&mut controller, &mut at, 999, 1_000_000), 4);
        assert_eq!(window(&mut controller, &mut at, 501, 1_000_000), 6);
        let mut controller = Controller::new(Concurrency::default(), Time::ZERO);
        overload(&mut controller, 0);
        overload(&mut controller, 999_999);
        assert_eq!(controller.target(), 4);
        overload(&mut controller, 1_000_000);
        assert_eq!(controller.target(), 2);
    }

    /// Refusals of so many out of eight that were sent before; the target after each.
    fn refuse<const N: usize>(controller: &mut Controller, at: u64) -> [u32; N] {
        core::array::from_fn(|number| {
            controller.overload(8 - number, Time::from_micros(at - 1), Time::from_micros(at));
            controller.target()
        })
    }

    #[test]
    fn r2_what_a_server_took_of_those_it_refused_the_rest_of_is_what_it_gets() {
        let fresh = || Controller::new(Concurrency::default(), Time::ZERO);
        assert_eq!(refuse(&mut fresh(), 10), [4, 4, 4, 4, 3, 2, 1]);
        assert_eq!(refuse::<8>(&mut fresh(), 10)[7], 4, "it takes none at all at the moment");
        let mut controller = fresh();
        assert_eq!(refuse(&mut controller, 10), [4; 4]);
        // Sent since.
        (0..8).for_each(|_| overload(&mut controller, 500_000));
        assert_eq!(controller.target(), 4);
        // A growth that was refused in part.
        let (mut controller, mut at) = (fresh(), 0);
        assert_eq!(windows(&mut controller, &mut at, 100), [16]);
        for number in 0..9 {
            controller.overload(16 - number, Time::from_micros(at - 1), Time::from_micros(at));
        }
        assert_eq!(controller.target(), 7);
        let floor = Concurrency { floor: 3, ..Concurrency::default() };
        assert_eq!(refuse::<7>(&mut Controller::new(floor, Time::ZERO), 10)[6], 3);
    }

    #[test]
    fn in_a_storm_that_lasts_more_is_tried_ever_more_rarely() {
        let (mut controller, mut at) = (Controller::new(Concurrency::default(), Time::ZERO), 0);
        let mut tries = [0; 7];
        for tried in &mut tries {
            overload(&mut controller, at);
            let (since, target) = (at, controller.target());
            while windows(&mut controller, &mut at, 100) == [target] {}
            *tried = (at - since).div_ceil(1_000_000);
        }
        assert_eq!(tries, [1, 1, 1, 2, 4, 4, 4], "seconds");
    }
}
