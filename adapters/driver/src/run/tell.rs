//! What is told: views behind the getters, events to handles and listeners.

use longhaul_core::event::{End, State};
use longhaul_core::{Event, EventKind, TaskId};

use super::Loop;

impl Loop {
    /// Brings views up to date, then tells events: whoever hears of something sees it in the getters too.
    pub(super) fn tell(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        while let Some(event) = self.engine.poll_event() {
            self.touched.push(event.task);
            events.push(event);
        }
        self.look(false);
        for event in events.drain(..) {
            self.event(event);
        }
        self.events = events;
    }

    /// Brings the views of all touched transfers up to date; on a tick their progress callbacks are called.
    pub(super) fn look(&mut self, tick: bool) {
        self.touched.sort_unstable();
        self.touched.dedup();
        for id in self.touched.drain(..) {
            let Some(task) = self.tasks.get(&id) else {
                continue;
            };
            let Some(progress) = self.engine.progress(id) else {
                continue;
            };
            task.shared.look(self.engine.status(id), Some(progress));
            if tick {
                self.hub.board.progress(id, progress, task.on_progress.as_ref());
            }
        }
    }

    fn event(&mut self, event: Event) {
        let id = event.task;
        let Some(task) = self.tasks.get(&id) else {
            return;
        };
        if let EventKind::Ended(end) = event.kind {
            return self.end(id, end);
        }
        tracing::debug!(parent: &task.span, event = ?event.kind, "state");
        task.measured.event(&event.kind);
        self.hub.board.event(&event);
        task.shared.event(event);
    }

    /// The end of a transfer, told once: to the local end, to listeners, then to the handle, so that whoever has awaited the handle
    /// knows that the rest is under way.
    pub(super) fn end(&mut self, id: TaskId, end: End) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        if task.shared.status() == State::Ended {
            return;
        }
        let progress = task.shared.progress();
        match &end {
            End::Completed(completed) => tracing::info!(
                parent: &task.span,
                total = completed.total, moved = progress.moved, reused = progress.reused, resent = progress.resent,
                requests = progress.requests, retries = progress.retries, "completed"
            ),
            End::Failed(error) => {
                tracing::info!(parent: &task.span, code = error.code(), %error, "failed");
            }
            // No other end exists today.
            _ => tracing::info!(parent: &task.span, "over"),
        }
        task.measured.end(&end);
        task.storage.ended(&end);
        self.hub.board.progress(id, progress, task.on_progress.as_ref());
        self.hub.board.end(id, &end, task.on_end.take());
        task.shared.end(end);
        if task.abandoned {
            self.forget(id);
        }
    }
}
