//! Waiting for rate limits: buckets shared by all exchanges, changed while they run.

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use longhaul_core::Time;

use crate::rate::{Bucket, FEW, Rate};
use crate::runtime::Timer;

/// One limit that many exchanges share.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// The slice in bytes; 0 while there is no limit. Read without the lock.
    slice: AtomicU64,
    /// Streams of the one transfer that this is the limit of.
    streams: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bucket: Option<Bucket>,
    /// Counts changes of the rate: reservations of a former one are void.
    generation: u64,
}

impl Limiter {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let limiter = Self::default();
        limiter.set(rate);
        limiter
    }

    /// Another rate from now on; those who wait are reckoned anew.
    pub(crate) fn set(&self, rate: Option<Rate>) {
        let mut state = self.lock();
        if state.bucket.map(|bucket| bucket.rate()) != rate {
            state.bucket = rate.map(Bucket::new);
            state.generation += 1;
            self.slice.store(state.bucket.map_or(0, |bucket| bucket.slice()), Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits that apply to one exchange: those of all, of its direction, of its transfer.
#[derive(Clone)]
pub(crate) struct Throttle {
    limiters: [Arc<Limiter>; 3],
    timer: Arc<dyn Timer>,
}

/// How long a waiter may sleep before it looks whether the rate was changed.
const PATIENCE: Duration = Duration::from_millis(100);

impl Throttle {
    pub(crate) fn new(limiters: [Arc<Limiter>; 3], timer: Arc<dyn Timer>) -> Self {
        Self { limiters, timer }
    }

    /// The most bytes to ask for at once; `None` while nothing is limited, which costs no lock. Streams take turns slice by slice, and
    /// those of one transfer have one slice in all, as long as that leaves a few bytes for each: more requests are no greater share.
    pub(crate) fn slice(&self) -> Option<u64> {
        let slices = self.limiters.iter().map(|limiter| limiter.slice.load(Ordering::Acquire));
        let slice = slices.filter(|&slice| slice > 0).min()?;
        Some((slice / self.own().streams.load(Ordering::Relaxed).max(1) as u64).max(slice.min(FEW)))
    }

    fn own(&self) -> &Limiter {
        let [.., own] = &self.limiters;
        own
    }

    /// Reserves `bytes`; the future, if there is one, ends when they may move.
    pub(crate) fn reserve(&self, bytes: u64) -> Option<impl Future<Output = ()> + Send + 'static> {
        let now = self.timer.now().mono;
        let mut tickets = self.limiters.each_ref().map(|limiter| Ticket::new(Arc::clone(limiter), bytes));
        if Ticket::latest(&mut tickets, now) <= now {
            tickets.iter_mut().for_each(Ticket::spend);
            return None;
        }
        let timer = Arc::clone(&self.timer);
        Some(async move {
            loop {
                let now = timer.now().mono;
                let at = Ticket::latest(&mut tickets, now);
                if at <= now {
                    break;
                }
                timer.sleep_until(at.min(now + PATIENCE)).await;
            }
            tickets.iter_mut().for_each(Ticket::spend);
        })
    }
}

/// Lets one stream of bytes through slice by slice.
pub(crate) struct Gate {
    throttle: Throttle,
    /// The slice that waits.
    granted: Option<(BoxFuture<'static, ()>, usize)>,
    /// It is one of its transfer's streams.
    counted: bool,
}

impl Gate {
    pub(crate) fn new(throttle: Throttle) -> Self {
        Self { throttle, granted: None, counted: false }
    }

    /// How many of `len` bytes are worth having at hand: as many as may move at once.
    pub(crate) fn most(&self, len: usize) -> usize {
        self.throttle.slice().map_or(len, |slice| usize::try_from(slice).unwrap_or(usize::MAX).clamp(1, len.max(1)))
    }

    /// How many of the `len` bytes at hand may move now: all of them where nothing is limited. Must be asked with no fewer bytes
    /// after it was pending.
    pub(crate) fn poll(&mut self, len: usize, cx: &mut Context<'_>) -> Poll<usize> {
        if !std::mem::replace(&mut self.counted, true) {
            self.throttle.own().streams.fetch_add(1, Ordering::Relaxed);
        }
        if self.granted.is_none() {
            let Some(most) = self.throttle.slice() else {
                return Poll::Ready(len);
            };
            let slice = usize::try_from(most).unwrap_or(usize::MAX).min(len);
            let Some(grant) = self.throttle.reserve(slice as u64) else {
                return Poll::Ready(slice);
            };
            self.granted = Some((Box::pin(grant), slice));
        }
        let Some((grant, slice)) = &mut self.granted else {
            return Poll::Ready(len);
        };
        ready!(grant.poll_unpin(cx));
        let slice = *slice;
        self.granted = None;
        Poll::Ready(slice)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.counted {
            self.throttle.own().streams.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A reservation in one bucket; dropped unused, it is given back.
struct Ticket {
    limiter: Arc<Limiter>,
    bytes: u64,
    held: Option<(u64, Time)>,
}

impl Ticket {
    fn new(limiter: Arc<Limiter>, bytes: u64) -> Self {
        Self { limiter, bytes, held: None }
    }

    /// When all of `tickets` are good.
    fn latest(tickets: &mut [Self], now: Time) -> Time {
        tickets.iter_mut().map(|ticket| ticket.due(now)).max().unwrap_or(now)
    }

    fn due(&mut self, now: Time) -> Time {
        if self.held.is_none() && self.limiter.slice.load(Ordering::Acquire) == 0 {
            return now;
        }
        let mut state = self.limiter.lock();
        let generation = state.generation;
        match (self.held, &mut state.bucket) {
            (Some((held, at)), Some(_)) if held == generation => at,
            (_, Some(bucket)) => {
                let at = bucket.reserve(self.bytes, now);
                self.held = Some((generation, at));
                at
            }
            (_, None) => now,
        }
    }

    fn spend(&mut self) {
        self.held = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some((generation, _)) = self.held {
            let mut state = self.limiter.lock();
            if state.generation == generation
                && let Some(bucket) = &mut state.bucket
            {
                bucket.refund(self.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "they measure real time")]

    use super::*;
    use std::time::Instant;

    use crate::common::{Runtime, run};

    fn throttle(runtime: &Arc<Runtime>, rates: [Option<u64>; 3]) -> Throttle {
        let limiters = rates.map(|rate| Arc::new(Limiter::new(rate.and_then(Rate::new))));
        Throttle::new(limiters, runtime.clone())
    }

    fn drain(throttle: &Throttle) {
        while throttle.reserve(10).is_none() {}
    }

    #[test]
    fn nothing_limited_waits_for_nothing() {
        let runtime = Runtime::new();
        let throttle = throttle(&runtime, [None; 3]);
        assert_eq!(throttle.slice(), None);
        assert!(throttle.reserve(u64::MAX).is_none());
    }

    #[test]
    fn the_tightest_of_the_limits_holds() {
        let runtime = Runtime::new();
        let throttle = throttle(&runtime, [Some(1_000_000), Some(1000), Some(5000)]);
        assert_eq!(throttle.slice(), Some(100));
        drain(&throttle);
        let begin = Instant::now();
        for _ in 0..20 {
            if let Some(wait) = throttle.reserve(10) {
                run(wait);
            }
        }
        assert!((150..400).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    }

    #[test]
    fn v9_the_streams_of_one_transfer_have_one_slice_together() {
        let runtime = Runtime::new();
        let all = throttle(&runtime, [Some(1_000_000), None, None]);
        let [total, direction, _] = all.limiters.clone();
        let other = Throttle::new([total, direction, Arc::default()], runtime);
        let mut gates: Vec<Gate> = (0..4).map(|_| Gate::new(all.clone())).collect();
        let mut alone = Gate::new(other.clone());
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let begun = gates.iter_mut().chain([&mut alone]).all(|gate| gate.poll(1, cx) == Poll::Ready(1));
        assert!(begun);
        assert_eq!((all.slice(), other.slice()), (Some(2_500), Some(10_000)));
        gates.truncate(1);
        assert_eq!(all.slice(), Some(10_000));
        // Many are not cut to crumbs.
        gates.extend((1..64).map(|_| Gate::new(all.clone())));
        assert!(gates.iter_mut().all(|gate| gate.poll(1, cx) == Poll::Ready(1)));
        assert_eq!(all.slice(), Some(FEW));
    }

    #[test]
    fn a_change_reaches_those_who_wait() {
        let runtime = Runtime::new();
        for change in [None, Rate::new(1_000_000)] {
            let throttle = throttle(&runtime, [None, Some(1), None]);
            drain(&throttle);
            // Ten seconds at this rate.
            let wait = throttle.reserve(10).expect("has to wait");
            throttle.limiters[1].set(change);
            let begin = Instant::now();
            run(wait);
            assert!(begin.elapsed() < Duration::from_millis(200), "{:?}", begin.elapsed());
        }
    }

    #[test]
    fn whoever_gives_up_leaves_his_place_to_the_next() {
        let runtime = Runtime::new();
        let throttle = throttle(&runtime, [Some(100), None, None]);
        drain(&throttle);
        // Each of these would take a second.
        let waiting: Vec<_> = (0..10).map(|_| throttle.reserve(100)).collect();
        drop(waiting);
        let begin = Instant::now();
        run(throttle.reserve(10).expect("has to wait"));
        assert!(begin.elapsed() < Duration::from_millis(400), "{:?}", begin.elapsed());
    }
}
