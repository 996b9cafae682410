//! The seam to whoever wants to keep what passes between the loop and the engine.
//!
//! The engine is a function of its config, seed and calls, so what is heard here is all there is to know about a run: enough to
//! repeat it elsewhere. This module says what is heard and in which order; it keeps nothing, and knows no format.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use longhaul_core::error::FileFault;
use longhaul_core::event::Progress;
use longhaul_core::intent::{Answer, Disposition, FileReply, Moved, Outcome};
use longhaul_core::provider::Head;
use longhaul_core::spec::{CommandError, Limits, SubmitError};
use longhaul_core::time::Now;
use longhaul_core::{Config, Event, Intent, OpId, Provider, Spec, TaskId};

/// Hears every call to the engine and all that it says, in order. Called on the loop's task: it must not block.
///
/// The order is that of the calls: [`begin`](Self::begin); then for each turn [`turn`](Self::turn), what is
/// [`told`](Self::told), each followed by what the engine [`said`](Self::said) to it, and at the turn's end its intents and events. What a
/// provider says inside comes in between, through the one that [`provider`](Self::provider) gave.
pub trait Trace: fmt::Debug + Send + 'static {
    /// The engine was made.
    fn begin(&mut self, config: &Config, seed: u64);

    /// A turn of the loop begins; all in it happens at `now`.
    fn turn(&mut self, now: Now);

    /// The engine is about to be told this.
    fn told(&mut self, told: &Told<'_>);

    /// The engine said this.
    fn said(&mut self, said: &Said<'_>);

    /// `provider` is about to be handed to the engine: a new transfer's, or in answer to a question. What is given back takes its place.
    fn provider(&mut self, provider: Arc<dyn Provider>) -> Arc<dyn Provider>;
}

/// What the engine is told. The methods of [`Engine`](longhaul_core::Engine), as values.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told<'a> {
    /// `submit`; the provider is the one that [`Trace::provider`] gave.
    Submit(&'a Spec),
    /// `pause`.
    Pause(TaskId),
    /// `resume`.
    Resume(TaskId),
    /// `cancel`.
    Cancel(TaskId),
    /// `set_weight`.
    Weight(TaskId, NonZeroU32),
    /// `set_limits`.
    Limits(&'a Limits),
    /// `shutdown`.
    Shutdown,
    /// `forget`.
    Forget(TaskId),
    /// `handle_consumed`.
    Consumed(TaskId, u64),
    /// `handle_head`.
    Head(OpId, Head<'a>),
    /// `handle_progress`.
    Progress(OpId, &'a Moved),
    /// `handle_done`.
    Done(OpId, &'a Outcome),
    /// `handle_file`.
    File(OpId, &'a Result<FileReply, FileFault>),
    /// `handle_journal`.
    Journal(OpId, &'a Result<(), FileFault>),
    /// `handle_recalled`.
    Recalled(OpId, &'a Result<Option<Bytes>, FileFault>),
    /// `handle_answer`; a provider in it is the one that [`Trace::provider`] gave.
    Answer(OpId, &'a Answer),
    /// `handle_timeout`.
    Timeout,
}

/// What the engine says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Said<'a> {
    /// To `submit`.
    Submitted(Result<TaskId, SubmitError>),
    /// To `pause`, `resume`, `cancel` and `set_weight`.
    Commanded(Result<(), CommandError>),
    /// To `handle_head`.
    Disposition(Disposition),
    /// By `poll_intent`.
    Intent(&'a Intent),
    /// By `poll_event`, with the transfer's numbers at that moment.
    Event(&'a Event, Option<Progress>),
}
