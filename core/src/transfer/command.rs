//! What is wanted of a transfer: begin, pause, resume, stop.

use crate::error::Error;
use crate::event::EventKind;
use crate::spec::Direction;
use crate::transfer::parts::Tries;
use crate::transfer::phase::{self, Signal};
use crate::transfer::state::Recall;
use crate::transfer::{Cx, Phase, Run, Stop, Transfer};

impl Transfer {
    /// There is a place to work: begins, or goes on where a pause stopped it.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>) {
        if !core::mem::replace(&mut self.started, true) {
            cx.events.push(self.id, EventKind::Started);
        }
        self.begin(cx);
    }

    /// The first step of all, once it is known what an earlier run left.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        if self.phase != Phase::Queued || self.recall != Recall::Done || self.run != Run::Running || !self.started {
            return;
        }
        match self.spec.direction {
            Direction::Download => self.start_download(cx),
            Direction::Upload => self.signal(Signal::Start, cx),
        }
    }

    pub(crate) fn pause(&mut self, cx: &mut Cx<'_>) {
        if self.run == Run::Running && self.stop.is_none() {
            self.run = Run::Pausing;
            self.cancel_interruptible();
            self.settle(cx);
        }
    }

    pub(crate) fn resume(&mut self, cx: &mut Cx<'_>) {
        if self.run != Run::Running && self.stop.is_none() {
            let told = self.run == Run::Paused;
            self.run = Run::Running;
            self.parts.release_delayed();
            self.single.due = None;
            self.single.tries = Tries::default();
            if told {
                cx.events.push(self.id, EventKind::Resumed);
            }
            if self.spec.direction == Direction::Download {
                self.check_moved(cx);
            }
            self.begin(cx);
            self.settle(cx);
        }
    }

    /// Begins to end. The first reason stands, except that `Close` overrides a wish to clean up remotely.
    pub(crate) fn stop(&mut self, stop: Stop, cx: &mut Cx<'_>) {
        let closing = stop == Stop::Close;
        if self.stop.is_none() {
            self.stop = Some(stop);
            self.run = Run::Running;
            self.restart = None;
            self.refresh.wanted = None;
            if self.recall == Recall::Wanted && self.stop != Some(Stop::Cancel) {
                self.recall = Recall::Done;
            }
            self.obey_stop(cx);
        } else if closing && self.phase == Phase::Aborting {
            self.give_up_abort(Error::Closed, cx);
        } else if closing && self.stop == Some(Stop::Cancel) && self.spec.direction == Direction::Upload {
            // No time to give the session up: it stays, with its record, for a later run.
            if self.phase == Phase::Ending || self.phase.is_committing() || self.phase == Phase::Opening {
                self.stop = Some(Stop::Close);
            }
        }
        if closing {
            self.cancel_all();
        } else {
            self.cancel_interruptible();
        }
        self.settle(cx);
    }

    /// Takes the way out where the phase allows it. What an earlier run left must be known before it can be cleaned up.
    pub(super) fn obey_stop(&mut self, cx: &mut Cx<'_>) {
        let known = self.recall == Recall::Done;
        if known && phase::next(self.spec.direction, self.phase, Signal::Stop).is_some() {
            self.parts.clear();
            self.signal(Signal::Stop, cx);
        }
    }

    pub(crate) fn fail(&mut self, error: Error, cx: &mut Cx<'_>) {
        self.stop(Stop::Fail { error, discard: false }, cx);
    }
}
