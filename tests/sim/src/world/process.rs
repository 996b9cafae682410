//! The processes of the application. One is at work at a time, so that what it has under way lies in the world itself; the other's
//! is put aside. They share the disk, the servers, the network and the journals, and know nothing of each other.

use std::collections::BTreeMap;
use std::mem::swap;

use longhaul_core::{Engine, OpId, TaskId, Time};

use super::{Local, World};
use crate::check::Books;
use crate::net::Exchange;

/// The process that every job belongs to unless it says otherwise.
pub const FIRST: usize = 0;
/// The one beside it.
pub const OTHER: usize = 1;

/// What a process has under way, while it is put aside.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) engine: Engine,
    exchanges: BTreeMap<OpId, Exchange>,
    locals: BTreeMap<OpId, Local>,
    books: Books,
    owners: BTreeMap<TaskId, usize>,
    closed: bool,
}

impl World {
    /// Goes on in this process.
    pub(crate) fn enter(&mut self, process: usize) {
        if self.present == process {
            return;
        }
        let mut aside = self.aside.take().unwrap_or_else(|| self.start_process());
        swap(&mut aside.engine, &mut self.engine);
        swap(&mut aside.exchanges, &mut self.exchanges);
        swap(&mut aside.locals, &mut self.locals);
        swap(&mut aside.books, &mut self.books);
        swap(&mut aside.owners, &mut self.owners);
        swap(&mut aside.closed, &mut self.closed);
        self.aside = Some(aside);
        self.present = process;
    }

    fn start_process(&mut self) -> Box<Process> {
        Box::new(Process {
            engine: Engine::new(self.config, self.rng.next_u64()),
            exchanges: BTreeMap::new(),
            locals: BTreeMap::new(),
            books: Books::default(),
            owners: BTreeMap::new(),
            closed: false,
        })
    }

    /// Does something in each process that there is.
    pub(crate) fn in_each_process(&mut self, mut act: impl FnMut(&mut Self)) {
        act(self);
        if self.aside.is_some() {
            let (here, there) = (self.present, FIRST + OTHER - self.present);
            self.enter(there);
            act(self);
            self.enter(here);
        }
    }

    /// Goes on in the process that a job belongs to.
    pub(crate) fn enter_of(&mut self, at: usize) {
        if let Some(process) = self.jobs.get(at).map(|job| job.process) {
            self.enter(process);
        }
    }

    /// The engine of a process.
    pub(crate) fn engine_of(&self, process: usize) -> Option<&Engine> {
        if process == self.present { Some(&self.engine) } else { self.aside.as_ref().map(|aside| &aside.engine) }
    }

    /// Whether a process was closed and not opened again.
    pub(crate) fn closed_of(&self, process: usize) -> bool {
        if process == self.present { self.closed } else { self.aside.as_ref().is_some_and(|aside| aside.closed) }
    }

    /// The next timeout of any engine, and whose it is.
    pub(crate) fn next_timeout(&self) -> Option<(Time, usize)> {
        let of = |process| Some((self.engine_of(process)?.poll_timeout()?, process));
        of(FIRST).into_iter().chain(of(OTHER)).min()
    }

    /// Whether a run of a job, wanted or not, is not over yet.
    pub(crate) fn is_at_work(&self, at: usize) -> bool {
        let owns = |owners: &BTreeMap<TaskId, usize>| owners.values().any(|&owner| owner == at);
        owns(&self.owners) || self.aside.as_ref().is_some_and(|aside| owns(&aside.owners))
    }
}
