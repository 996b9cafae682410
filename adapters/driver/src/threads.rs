//! A client's threads for work that blocks: few while the work is quick, more as soon as it is not.
//!
//! To wake a thread costs more than most of the work here does: opening, writing or renaming a small file. So what comes while a
//! thread is at work waits for that thread, which takes it up without being woken. Nothing waits long for something slow: where
//! it would, one more thread is asked for, up to one for each piece of work, the sooner the fewer there are. With quick work and many
//! transfers one or two threads do it all; on a disk that takes milliseconds for everything, dozens wait for it side by side. In
//! the order they came, work is taken up, never ended.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longhaul_core::time::Time;

use crate::runtime::{Spawn, Timer};

/// Longer work, and longer waiting, is slow, where there is one thread; with more of them in proportion.
const QUICK: Duration = Duration::from_micros(500);

/// How long work may wait for other work before somebody looks, and then looks again.
const PATIENCE: Duration = Duration::from_millis(2);

/// Something to run. It lets no panic out.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// The threads of one client.
pub(crate) struct Threads {
    spawn: Arc<dyn Spawn>,
    timer: Arc<dyn Timer>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// What waits, and since when.
    waiting: VecDeque<(Work, Time)>,
    /// Threads at work, and those that were asked for and have not begun.
    threads: usize,
    /// When one of them last took something up, or was asked for.
    begun: Time,
    /// A task looks after what waits.
    watched: bool,
}

impl Threads {
    pub(crate) fn new(spawn: Arc<dyn Spawn>, timer: Arc<dyn Timer>) -> Arc<Self> {
        Arc::new(Self { spawn, timer, line: Mutex::default() })
    }

    /// Has `work` run, `at_once` with one more thread.
    pub(crate) fn run(self: &Arc<Self>, work: Work, at_once: bool) {
        let now = self.timer.now().mono;
        let mut line = self.line();
        line.waiting.push_back((work, now));
        let wanted = at_once || line.threads == 0 || line.is_slow(now);
        let unwatched = !wanted && !mem::replace(&mut line.watched, true);
        self.enlist(line, wanted, now);
        if unwatched {
            let watch = Watch(Arc::clone(self));
            self.spawn.spawn(Box::pin(watch.run()));
        }
    }

    /// One more thread, if anything waits and has done so for too long. Whether anything waits.
    fn hurry(self: &Arc<Self>) -> bool {
        let now = self.timer.now().mono;
        let mut line = self.line();
        line.watched = !line.waiting.is_empty();
        let (waits, wanted) = (line.watched, line.watched && line.is_slow(now));
        self.enlist(line, wanted, now);
        waits
    }

    fn enlist(self: &Arc<Self>, mut line: MutexGuard<'_, Line>, wanted: bool, now: Time) {
        if wanted {
            line.threads += 1;
            line.begun = now;
            drop(line);
            let thread = Thread { threads: Arc::clone(self), over: false };
            self.spawn.spawn_blocking(Box::new(move || thread.work()));
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Whether what waits would wait too long: all threads are at something slow, or there is more than they can do.
    fn is_slow(&self, now: Time) -> bool {
        let quick = QUICK.saturating_mul(u32::try_from(self.threads).unwrap_or(u32::MAX));
        now.since(self.begun) > quick || self.waiting.front().is_some_and(|(_, since)| now.since(*since) > quick)
    }
}

/// Looks after what waits, as long as anything does: a thread that is at something slow cannot.
struct Watch(Arc<Threads>);

impl Watch {
    async fn run(self) {
        loop {
            let timer = &self.0.timer;
            timer.sleep_until(timer.now().mono + PATIENCE).await;
            if !self.0.hurry() {
                return;
            }
        }
    }
}

/// One thread at work, as long as something waits.
struct Thread {
    threads: Arc<Threads>,
    /// It has signed off.
    over: bool,
}

impl Thread {
    fn work(mut self) {
        let mut lingered = false;
        loop {
            let threads = &self.threads;
            let mut line = threads.line();
            let Some((work, _)) = line.waiting.pop_front() else {
                // Whoever waited for what is done may want more at once: others run first, and then nobody has to be woken for it.
                if !mem::replace(&mut lingered, true) {
                    drop(line);
                    std::thread::yield_now();
                    continue;
                }
                line.threads -= 1;
                drop(line);
                self.over = true;
                return;
            };
            let now = threads.timer.now().mono;
            let wanted = !line.waiting.is_empty() && line.is_slow(now);
            line.begun = now;
            threads.enlist(line, wanted, now);
            work();
            lingered = false;
        }
    }
}

impl Drop for Thread {
    /// When its runtime drops it instead of running it, nobody may be left to run what waits: whoever waits for that learns it.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut line = self.threads.line();
        line.threads -= 1;
        let left = if line.threads == 0 { mem::take(&mut line.waiting) } else { VecDeque::new() };
        drop(line);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::sync_channel;

    use futures::future::BoxFuture;
    use longhaul_core::time::Now;

    use super::*;

    /// Threads asked for, to be run or dropped by hand, and a clock to be set by hand.
    #[derive(Default)]
    struct Hand {
        asked: Mutex<VecDeque<Work>>,
        watches: Mutex<Vec<BoxFuture<'static, ()>>>,
        micros: AtomicUsize,
    }

    impl Hand {
        fn asked(&self) -> usize {
            self.asked.lock().unwrap().len()
        }

        fn thread(&self) -> Work {
            self.asked.lock().unwrap().pop_front().expect("a thread was asked for")
        }

        fn watches(&self) -> usize {
            self.watches.lock().unwrap().len()
        }

        fn pass(&self, span: Duration) {
            self.micros.fetch_add(usize::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
        }
    }

    impl Spawn for Hand {
        fn spawn(&self, task: BoxFuture<'static, ()>) {
            self.watches.lock().unwrap().push(task);
        }

        fn spawn_blocking(&self, work: Work) {
            self.asked.lock().unwrap().push_back(work);
        }
    }

    impl Timer for Hand {
        fn now(&self) -> Now {
            let at = Time::ZERO + Duration::from_micros(self.micros.load(Ordering::SeqCst) as u64);
            Now::new(at, longhaul_core::time::Wall::from_unix(0))
        }

        fn sleep_until(&self, _: Time) -> BoxFuture<'static, ()> {
            Box::pin(futures::future::pending())
        }
    }

    struct Told(Arc<Mutex<Vec<&'static str>>>, &'static str);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1);
        }
    }

    fn threads() -> (Arc<Hand>, Arc<Threads>) {
        let hand = Arc::new(Hand::default());
        (Arc::clone(&hand), Threads::new(Arc::clone(&hand) as _, hand))
    }

    #[test]
    fn quick_work_is_done_by_one_thread_in_order() {
        let (hand, threads) = threads();
        let done = Arc::new(Mutex::new(Vec::new()));
        for (at, watches) in [0, 1, 1].into_iter().enumerate() {
            let done = Arc::clone(&done);
            threads.run(Box::new(move || done.lock().unwrap().push(at)), false);
            assert_eq!(hand.watches(), watches, "one looks after all that waits");
        }
        assert_eq!(hand.asked(), 1);
        hand.thread()();
        assert_eq!(*done.lock().unwrap(), [0, 1, 2]);
        // It went when nothing was left.
        threads.run(Box::new(|| {}), false);
        assert_eq!((hand.asked(), hand.watches()), (1, 1));
        // So does who looked after it, and the next that waits gets another one.
        hand.thread()();
        assert!(!threads.hurry());
        for _ in 0..2 {
            threads.run(Box::new(|| {}), false);
        }
        assert_eq!(hand.watches(), 2);
    }

    #[test]
    fn nothing_waits_for_something_slow() {
        let (hand, threads) = threads();
        let (begin, begun) = sync_channel::<()>(0);
        let (end, ended) = sync_channel::<()>(0);
        threads.run(
            Box::new(move || {
                begin.send(()).unwrap();
                ended.recv().unwrap();
            }),
            false,
        );
        let slow = std::thread::spawn(hand.thread());
        begun.recv().unwrap();
        // Nobody knows yet that it is slow.
        let (also, seen) = sync_channel::<&str>(4);
        let say = |word: &'static str| {
            let also = also.clone();
            Box::new(move || also.send(word).unwrap())
        };
        threads.run(say("first"), false);
        assert_eq!((hand.asked(), hand.watches()), (0, 1));
        // Whoever looks after it becomes impatient,
        assert!(threads.hurry());
        assert_eq!(hand.asked(), 0, "not that soon");
        hand.pass(QUICK * 2);
        assert!(threads.hurry());
        hand.thread()();
        assert_eq!(seen.try_recv(), Ok("first"));
        // and what comes later does not wait at all.
        hand.pass(QUICK * 2);
        threads.run(say("second"), false);
        hand.thread()();
        assert_eq!(seen.try_recv(), Ok("second"));
        assert!(!threads.hurry());
        assert_eq!(hand.asked(), 0, "nothing waits any more");
        end.send(()).unwrap();
        slow.join().unwrap();
    }

    #[test]
    fn lengthy_work_has_a_thread_at_once() {
        let (hand, threads) = threads();
        for _ in 0..3 {
            threads.run(Box::new(|| {}), true);
        }
        assert_eq!((hand.asked(), hand.watches()), (3, 0));
    }

    #[test]
    fn more_than_one_thread_can_do_becomes_two_threads() {
        let (hand, threads) = threads();
        let tick = |span| {
            let hand = Arc::clone(&hand);
            Box::new(move || hand.pass(span))
        };
        threads.run(tick(QUICK / 2), false);
        for _ in 0..5 {
            threads.run(tick(QUICK / 2), false);
        }
        hand.thread()();
        // Each of them was quick, but the last ones had waited for all the others.
        assert!(hand.asked() > 0);
    }

    #[test]
    fn a_runtime_that_drops_its_threads_drops_what_waits() {
        let (hand, threads) = threads();
        let gone = Arc::new(Mutex::new(Vec::new()));
        for name in ["first", "second"] {
            let told = Told(Arc::clone(&gone), name);
            threads.run(Box::new(move || drop(told)), false);
        }
        drop(hand.thread());
        assert_eq!(*gone.lock().unwrap(), ["first", "second"]);
        // And the next one asks anew.
        threads.run(Box::new(|| {}), false);
        assert_eq!(hand.asked(), 1);
    }
}
