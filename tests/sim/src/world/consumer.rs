//! A consumer that takes a download's bytes in order and at its own pace, and what a window promises it: the download never runs
//! farther ahead (I26), never stands still for it (I21), and never hands on bytes of two versions (I10).

use longhaul_core::{ByteRange, TaskId};

use super::{Event, World};
use crate::check::Invariant;
use crate::content::Fill;
use crate::disk::temporary;
use crate::net::Exchange;

/// A consumer.
#[derive(Clone, Copy, Debug)]
pub struct Consumer {
    /// How far the download may run ahead of it, in bytes.
    pub window: u64,
    /// Bytes it takes at once, at most.
    pub gulp: u64,
    /// Microseconds from one gulp to the next.
    pub every: u64,
    /// Bytes it has taken.
    taken: u64,
    /// What the engine was told of them.
    told: u64,
    /// What they were of.
    fill: Option<Fill>,
    /// Gulps of former runs are none of this one's.
    run: u64,
}

impl Consumer {
    /// One that takes `gulp` bytes at once and rests for `every` microseconds.
    #[must_use]
    pub const fn new(window: u64, gulp: u64, every: u64) -> Self {
        Self { window, gulp, every, taken: 0, told: 0, fill: None, run: 0 }
    }

    /// The first byte that may not be asked for yet.
    pub(crate) const fn ahead(&self) -> u64 {
        self.told.saturating_add(self.window)
    }

    /// Whether it has bytes that a target which starts over would have to take back.
    pub(crate) const fn has_taken(&self) -> bool {
        self.taken > 0
    }
}

impl World {
    /// A run with a consumer begins; what a former run's had is gone with it.
    pub(crate) fn open_consumer(&mut self, at: usize) {
        if let Some(consumer) = self.jobs.get_mut(at).and_then(|job| job.consumer.as_mut()) {
            *consumer =
                Consumer { run: consumer.run + 1, ..Consumer::new(consumer.window, consumer.gulp, consumer.every) };
            let (every, run) = (consumer.every, consumer.run);
            self.schedule(every, Event::Gulp(at, run));
        }
    }

    /// A consumer takes what is there in order.
    pub(crate) fn gulp(&mut self, at: usize, run: u64) {
        let Some(job) = self.jobs.get(at) else {
            return;
        };
        let (Some(task), Some(mut consumer)) = (job.task, job.consumer.filter(|consumer| consumer.run == run)) else {
            return;
        };
        let file = self.disk.file(&temporary(job.file())).filter(|_| self.disk.is_intact(job.file(), at));
        let pieces = file.map(|file| file.content.pieces(ByteRange::at(consumer.taken, consumer.gulp)));
        for (range, fill) in pieces.into_iter().flatten().take_while(|(_, fill)| *fill != Fill::Zero) {
            if *consumer.fill.get_or_insert(fill) != fill {
                let was = consumer.fill;
                self.broken(Invariant::NeverMixed, format!("the consumer of job {at} had {was:?} and gets {fill:?}"));
            }
            consumer.taken = range.end();
        }
        let told = consumer.taken - consumer.told >= (consumer.window / 4).max(1);
        if told {
            consumer.told = consumer.taken;
        }
        if let Some(job) = self.jobs.get_mut(at) {
            job.consumer = Some(consumer);
        }
        if told {
            self.trace.note(self.now, format_args!("{task} consumed {}", consumer.told));
            let now = self.now();
            self.engine.handle_consumed(task, consumer.told, now);
        }
        self.schedule(consumer.every, Event::Gulp(at, run));
    }

    /// Whether what an exchange brings up to `end` has no room beside what its consumer has not taken yet.
    pub(crate) fn overflows(&self, exchange: &Exchange, end: u64) -> bool {
        let job = self.job_of(exchange.task).and_then(|at| self.jobs.get(at));
        let Some((job, consumer)) = job.and_then(|job| Some((job, job.consumer?))) else {
            return false;
        };
        let file = self.disk.file(&temporary(job.file()));
        let next = file.map(|file| file.content.pieces(ByteRange::at(consumer.taken, 1)));
        // One that waits for this very byte gets what comes, however large, or all would stand still.
        let starving = next.is_none_or(|pieces| pieces.iter().all(|(_, fill)| *fill == Fill::Zero));
        !starving && end > consumer.taken.saturating_add(consumer.window)
    }

    /// A request for `range` is about to go out: does it stay within the window?
    pub(crate) fn watch_window(&mut self, task: TaskId, range: &str) {
        let Some((at, job)) = self.job_of(task).and_then(|at| Some((at, self.jobs.get(at)?))) else {
            return;
        };
        let last = range.rsplit_once('-').and_then(|(_, last)| last.parse::<u64>().ok());
        if let (Some(consumer), Some(last)) = (job.consumer, last)
            && last >= consumer.ahead()
        {
            let most = consumer.ahead();
            self.broken(
                Invariant::Window,
                format!("job {at} asks for {range}, and its consumer has room up to {most}"),
            );
        }
    }

    /// Whether a transfer has brought all that its consumer has room for.
    pub(crate) fn waits_for_consumer(&self, task: TaskId) -> bool {
        let job = self.job_of(task).and_then(|at| self.jobs.get(at));
        let Some((job, consumer)) = job.and_then(|job| Some((job, job.consumer?))) else {
            return false;
        };
        let file = self.disk.file(&temporary(job.file()));
        let there = file.map(|file| file.content.pieces(ByteRange::at(0, consumer.ahead())));
        let there: u64 =
            there.into_iter().flatten().filter(|(_, fill)| *fill != Fill::Zero).map(|(range, _)| range.len()).sum();
        there >= consumer.ahead()
    }
}
