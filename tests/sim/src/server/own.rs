//! The embedder's own servers: whatever speaks the protocol of a provider under test.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

use crate::content::Content;
use crate::wire::{Moment, WireAnswer, WireRequest};

/// A model server: a plain value that is asked and answers. The network around it, with its faults, is the world's.
pub trait Server: Debug {
    /// The answer to a request that has arrived in full.
    fn answer(&mut self, request: &WireRequest, now: Moment) -> WireAnswer;

    /// What is stored as finished under this name, which is the provider's [`object`](longhaul_core::Provider::object). What a
    /// transfer says is complete is compared with it.
    fn object(&self, name: &str) -> Option<Content>;

    /// Forgets what a server may forget: sessions, bytes of unfinished uploads. Nothing unless it says so.
    fn forget(&mut self) {}
}

/// A server that its owner goes on looking into.
impl<S: Server> Server for Rc<RefCell<S>> {
    fn answer(&mut self, request: &WireRequest, now: Moment) -> WireAnswer {
        self.borrow_mut().answer(request, now)
    }

    fn object(&self, name: &str) -> Option<Content> {
        self.borrow().object(name)
    }

    fn forget(&mut self) {
        self.borrow_mut().forget();
    }
}
