//! In the place of `measure` without the feature `metrics`: nothing.

use longhaul_core::event::End;
use longhaul_core::intent::Outcome;
use longhaul_core::time::Time;
use longhaul_core::{Direction, EventKind};

use crate::runtime::Timer;

pub(crate) fn describe() {}

#[derive(Clone, Copy)]
pub(crate) struct Transfer;

impl Transfer {
    pub(crate) fn new(_: Direction) -> Self {
        Self
    }

    pub(crate) fn event(self, _: &EventKind) {}

    pub(crate) fn end(self, _: &End) {}

    pub(crate) fn request(self, _: &dyn Timer) -> Request {
        Request
    }
}

pub(crate) struct Request;

impl Request {
    pub(crate) fn head(&self, _: Time) {}

    pub(crate) fn done(&self, _: &Outcome, _: Time) {}
}
