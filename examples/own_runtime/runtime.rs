//! What the driver asks of a runtime, out of nothing but threads: each task and each piece of blocking work has one, and one more keeps
//! the alarms. The simplest there is; a runtime for many tasks at once would poll them on a few threads.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::{BoxFuture, poll_fn};
use longhaul::core::time::{Now, Time, Wall};
use longhaul::{Spawn, Timer};

/// A runtime of threads. Its monotonic clock counts from when it was made.
pub(crate) struct Threads {
    origin: Instant,
    alarms: Arc<Alarms>,
}

impl Threads {
    /// One with no thread but that of its alarms, which ends after the runtime.
    pub(crate) fn new() -> std::io::Result<Self> {
        let alarms = Arc::new(Alarms::default());
        let watched = Arc::downgrade(&alarms);
        thread::Builder::new().name("alarms".into()).spawn(move || ring(&watched))?;
        Ok(Self { origin: Instant::now(), alarms })
    }
}

impl Timer for Threads {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Now::new(Time::ZERO + self.origin.elapsed(), Wall::from_unix(i64::try_from(wall).unwrap_or(i64::MAX)))
    }

    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()> {
        let due = self.origin.checked_add(Duration::from_micros(at.as_micros()));
        let mut alarm = Alarm { due, number: None, alarms: Arc::clone(&self.alarms) };
        Box::pin(poll_fn(move |cx| alarm.poll(cx)))
    }
}

impl Spawn for Threads {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // Without a thread the task is dropped, and the driver takes that for its answer.
        drop(thread::Builder::new().name("task".into()).spawn(move || block_on(task)));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(thread::Builder::new().name("work".into()).spawn(work));
    }
}

/// Runs `future` on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

/// Who is to be woken when.
#[derive(Default)]
struct Alarms {
    sleepers: Mutex<Sleepers>,
    changed: Condvar,
}

#[derive(Default)]
struct Sleepers {
    by_time: BTreeMap<(Instant, u64), Waker>,
    last: u64,
}

/// One's place among them.
struct Alarm {
    /// `None`: never.
    due: Option<Instant>,
    number: Option<u64>,
    alarms: Arc<Alarms>,
}

impl Alarms {
    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarm {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(due) = self.due else { return Poll::Pending };
        if due <= Instant::now() {
            return Poll::Ready(());
        }
        let mut sleepers = self.alarms.sleepers();
        sleepers.last += 1;
        let number = *self.number.get_or_insert(sleepers.last);
        sleepers.by_time.insert((due, number), cx.waker().clone());
        drop(sleepers);
        self.alarms.changed.notify_one();
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let (Some(due), Some(number)) = (self.due, self.number) {
            self.alarms.sleepers().by_time.remove(&(due, number));
        }
    }
}

/// Wakes whoever is due, until nobody is there who could be.
fn ring(alarms: &Weak<Alarms>) {
    while let Some(alarms) = alarms.upgrade() {
        let (mut sleepers, now) = (alarms.sleepers(), Instant::now());
        while let Some(first) = sleepers.by_time.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().wake();
        }
        let next = sleepers.by_time.first_key_value().map(|((due, _), _)| due.saturating_duration_since(now));
        // Not for ever: somebody has to notice that the runtime is gone.
        let pause = next.unwrap_or(Duration::MAX).min(Duration::from_secs(1));
        drop(alarms.changed.wait_timeout(sleepers, pause));
    }
}
