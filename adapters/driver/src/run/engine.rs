//! The engine as the loop calls it: the one place where a trace can listen.
//!
//! Without a trace each call costs one branch more than the engine's own.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use longhaul_core::error::FileFault;
use longhaul_core::event::{Progress, Snapshot, State};
use longhaul_core::intent::{Answer, Disposition, FileReply, Moved, Outcome};
use longhaul_core::provider::Head;
use longhaul_core::spec::{CommandError, Limits, SubmitError};
use longhaul_core::time::{Now, Time};
use longhaul_core::{Config, Engine, Event, Intent, OpId, Spec, TaskId};

use crate::trace::{Said, Told, Trace};

/// [`Engine`], and who listens.
pub(super) struct Heard {
    engine: Engine,
    trace: Option<Box<dyn Trace>>,
}

impl Heard {
    pub(super) fn new(config: Config, seed: u64, mut trace: Option<Box<dyn Trace>>) -> Self {
        if let Some(trace) = &mut trace {
            trace.begin(&config, seed);
        }
        Self { engine: Engine::new(config, seed), trace }
    }

    /// A turn begins.
    pub(super) fn turn(&mut self, now: Now) {
        if let Some(trace) = &mut self.trace {
            trace.turn(now);
        }
    }

    fn tell(&mut self, told: &Told<'_>) {
        if let Some(trace) = &mut self.trace {
            trace.told(told);
        }
    }

    fn say(&mut self, said: &Said<'_>) {
        if let Some(trace) = &mut self.trace {
            trace.said(said);
        }
    }

    pub(super) fn submit(&mut self, mut spec: Spec, now: Now) -> Result<TaskId, SubmitError> {
        if let Some(trace) = &mut self.trace {
            spec.provider = trace.provider(Arc::clone(&spec.provider));
        }
        self.tell(&Told::Submit(&spec));
        let task = self.engine.submit(spec, now);
        self.say(&Said::Submitted(task));
        task
    }

    pub(super) fn pause(&mut self, id: TaskId, now: Now) -> Result<(), CommandError> {
        self.command(&Told::Pause(id), |engine| engine.pause(id, now))
    }

    pub(super) fn resume(&mut self, id: TaskId, now: Now) -> Result<(), CommandError> {
        self.command(&Told::Resume(id), |engine| engine.resume(id, now))
    }

    pub(super) fn cancel(&mut self, id: TaskId, now: Now) -> Result<(), CommandError> {
        self.command(&Told::Cancel(id), |engine| engine.cancel(id, now))
    }

    pub(super) fn set_weight(&mut self, id: TaskId, weight: NonZeroU32) -> Result<(), CommandError> {
        self.command(&Told::Weight(id, weight), |engine| engine.set_weight(id, weight))
    }

    fn command(
        &mut self,
        told: &Told<'_>,
        command: impl FnOnce(&mut Engine) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        self.tell(told);
        let done = command(&mut self.engine);
        self.say(&Said::Commanded(done));
        done
    }

    pub(super) fn set_limits(&mut self, limits: Limits, now: Now) {
        self.tell(&Told::Limits(&limits));
        self.engine.set_limits(limits, now);
    }

    pub(super) fn shutdown(&mut self, now: Now) {
        self.tell(&Told::Shutdown);
        self.engine.shutdown(now);
    }

    pub(super) fn forget(&mut self, id: TaskId) {
        self.tell(&Told::Forget(id));
        self.engine.forget(id);
    }

    pub(super) fn handle_consumed(&mut self, id: TaskId, upto: u64, now: Now) {
        self.tell(&Told::Consumed(id, upto));
        self.engine.handle_consumed(id, upto, now);
    }

    pub(super) fn handle_head(&mut self, op: OpId, head: Head<'_>, now: Now) -> Disposition {
        self.tell(&Told::Head(op, head));
        let disposition = self.engine.handle_head(op, head, now);
        self.say(&Said::Disposition(disposition));
        disposition
    }

    pub(super) fn handle_progress(&mut self, op: OpId, moved: Moved, now: Now) {
        self.tell(&Told::Progress(op, &moved));
        self.engine.handle_progress(op, moved, now);
    }

    pub(super) fn handle_done(&mut self, op: OpId, outcome: Outcome, now: Now) {
        self.tell(&Told::Done(op, &outcome));
        self.engine.handle_done(op, outcome, now);
    }

    pub(super) fn handle_file(&mut self, op: OpId, reply: Result<FileReply, FileFault>, now: Now) {
        self.tell(&Told::File(op, &reply));
        self.engine.handle_file(op, reply, now);
    }

    pub(super) fn handle_journal(&mut self, op: OpId, reply: Result<(), FileFault>, now: Now) {
        self.tell(&Told::Journal(op, &reply));
        self.engine.handle_journal(op, reply, now);
    }

    pub(super) fn handle_recalled(&mut self, op: OpId, reply: Result<Option<Bytes>, FileFault>, now: Now) {
        self.tell(&Told::Recalled(op, &reply));
        self.engine.handle_recalled(op, reply, now);
    }

    pub(super) fn handle_answer(&mut self, op: OpId, mut answer: Answer, now: Now) {
        if let (Some(trace), Answer::Provider(provider)) = (&mut self.trace, &mut answer) {
            *provider = trace.provider(Arc::clone(provider));
        }
        self.tell(&Told::Answer(op, &answer));
        self.engine.handle_answer(op, answer, now);
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.tell(&Told::Timeout);
        self.engine.handle_timeout(now);
    }

    pub(super) fn poll_intent(&mut self, now: Now) -> Option<Intent> {
        let intent = self.engine.poll_intent(now)?;
        self.say(&Said::Intent(&intent));
        Some(intent)
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        let event = self.engine.poll_event()?;
        if self.trace.is_some() {
            let progress = self.engine.progress(event.task);
            self.say(&Said::Event(&event, progress));
        }
        Some(event)
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.engine.poll_timeout()
    }

    pub(super) fn is_drained(&self) -> bool {
        self.engine.is_drained()
    }

    pub(super) fn progress(&self, id: TaskId) -> Option<Progress> {
        self.engine.progress(id)
    }

    pub(super) fn status(&self, id: TaskId) -> Option<State> {
        self.engine.status(id)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.engine.snapshot()
    }
}
