//! What clients and handles ask for.

use std::sync::Arc;

use longhaul_core::TaskId;
use longhaul_core::event::State;
use longhaul_core::spec::{CommandError, Durability};
use longhaul_core::time::Now;

use super::{Loop, Task};
use crate::client::SubmitError;
use crate::handle::{Shared, Transfer};
use crate::job::Job;
use crate::mailbox::{Command, Control};
use crate::measure;
use crate::storage::Link;
use crate::throttle::{Limiter, Throttle};

impl Loop {
    /// A reply that nobody waits for any more is dropped: the command has been carried out all the same.
    pub(super) fn command(&mut self, command: Command, now: Now) {
        match command {
            Command::Submit(submissions) => {
                for submission in submissions {
                    // Withdrawn while it waited.
                    if !submission.reply.is_canceled() {
                        let _ = submission.reply.send(self.submit(submission.job, now));
                    }
                }
            }
            Command::Control(task, control, reply) => {
                let _ = reply.send(self.control(task, control, now));
            }
            Command::SetLimits(limits, reply) => {
                self.engine.set_limits(limits, now);
                let _ = reply.send(());
            }
            Command::Snapshot(reply) => {
                let _ = reply.send(self.engine.snapshot());
            }
        }
    }

    fn submit(&mut self, job: Job, now: Now) -> Result<Transfer, SubmitError> {
        // The last handle is gone with its client: nobody could hold another.
        let client = self.client.upgrade().ok_or(SubmitError::Closed)?;
        let Job { mut spec, storage, journal, refresher, on_progress, on_end, rate } = job;
        spec.journal &= journal.is_some();
        spec.recall &= journal.is_some();
        let durable = spec.durability == Durability::Power;
        let provider = Arc::clone(&spec.provider);
        let direction = spec.direction;
        let id = self.engine.submit(spec, now)?;

        let state = self.engine.status(id).unwrap_or(State::Queued);
        let progress = self.engine.progress(id).unwrap_or_default();
        let shared = Arc::new(Shared::new(id, self.config.event_capacity, state, progress));
        self.hub.transfers().insert(id, Arc::clone(&shared));
        let limiter = Arc::new(Limiter::new(rate));
        let throttle = |direction: &Arc<Limiter>| {
            let limiters = [Arc::clone(&self.hub.total), Arc::clone(direction), Arc::clone(&limiter)];
            Throttle::new(limiters, Arc::clone(&self.seams.timer))
        };
        let span = tracing::info_span!("transfer", %id, ?direction, object = provider.object());
        tracing::debug!(parent: &span, ?state, "submitted");
        storage.attach(Link::new(id, &self.mailbox));
        let task = Task {
            storage,
            journal,
            durable,
            refresher,
            send: throttle(&self.hub.upload),
            receive: throttle(&self.hub.download),
            shared: Arc::clone(&shared),
            on_progress,
            on_end,
            span,
            measured: measure::Transfer::new(direction),
            abandoned: false,
        };
        self.tasks.insert(id, Box::new(task));
        Ok(Transfer::new(shared, limiter, client))
    }

    fn control(&mut self, id: TaskId, control: Control, now: Now) -> Result<(), CommandError> {
        tracing::debug!(parent: self.span(id), ?control, "command");
        match control {
            Control::Pause => self.engine.pause(id, now),
            Control::Resume => self.engine.resume(id, now),
            Control::Cancel => self.engine.cancel(id, now),
            Control::Weight(weight) => self.engine.set_weight(id, weight),
        }?;
        // Whoever asked sees the effect in the getters as soon as the command is answered.
        if let Some(task) = self.tasks.get(&id) {
            task.shared.look(self.engine.status(id), None);
        }
        self.touched.push(id);
        Ok(())
    }

    /// The handle of a transfer is gone: so is its id, once the transfer is over.
    pub(super) fn abandon(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.abandoned = true;
            if task.shared.status() == State::Ended {
                self.forget(id);
            }
        }
    }

    pub(super) fn forget(&mut self, id: TaskId) {
        self.engine.forget(id);
        self.tasks.remove(&id);
        self.hub.transfers().remove(&id);
    }
}
