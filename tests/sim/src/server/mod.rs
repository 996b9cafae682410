//! Model servers: plain values that take a request and give an answer.

pub mod blocks;
pub mod condition;
pub mod flavour;
pub mod form;
pub mod gate;
pub mod own;
pub mod presigner;
pub mod ranged;
pub mod store;

use std::collections::VecDeque;

use http::Method;
use longhaul_core::ByteRange;

use crate::content::{Content, Fill};
use crate::net::Fate;
use crate::wire::WireRequest;

/// A fault arranged for certain requests, for scenarios.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The method it is for; all if none.
    pub method: Option<Method>,
    /// A text the URL must contain; all if empty.
    pub url: &'static str,
    /// A text the request's own words (form fields, commit bodies) must contain.
    pub text: &'static str,
    /// Requests of this kind that pass before.
    pub skip: u32,
    /// Requests it then strikes.
    pub times: u32,
    /// What happens to them.
    pub act: Act,
}

/// What happens to a request that a [`Rule`] is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// The network does this to it.
    Net(Fate),
    /// The server answers with this status, and `Retry-After` if given.
    Status(u16, Option<&'static str>),
    /// The ranged server's answer is wrong in this way.
    Defect(ranged::Defect),
    /// The object changes before the request is answered.
    Change,
    /// The server forgets sessions or bytes before the request is answered.
    Forget,
    /// The server carries it out and answers with these words.
    Say(u16, &'static str),
}

impl Rule {
    /// `act` for every request.
    #[must_use]
    pub const fn new(act: Act) -> Self {
        Self { method: None, url: "", text: "", skip: 0, times: u32::MAX, act }
    }

    /// For this method only.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// For URLs that contain this.
    #[must_use]
    pub const fn url(mut self, url: &'static str) -> Self {
        self.url = url;
        self
    }

    /// For requests whose own words contain this.
    #[must_use]
    pub const fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    /// Not for the first `skip` of them.
    #[must_use]
    pub const fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// For so many of them.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn fits(&self, request: &WireRequest) -> bool {
        self.method.as_ref().is_none_or(|method| *method == request.method)
            && request.uri.to_string().contains(self.url)
            && (self.text.is_empty() || request.text().contains(self.text))
    }
}

/// The arranged faults, in order; the first that fits strikes.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub VecDeque<Rule>);

impl Rules {
    /// What happens to this request on its way, if something was arranged.
    pub fn strike_net(&mut self, request: &WireRequest) -> Option<Act> {
        self.find(request, true)
    }

    /// What happens to this request at its server, if something was arranged.
    pub fn strike(&mut self, request: &WireRequest) -> Option<Act> {
        self.find(request, false)
    }

    fn find(&mut self, request: &WireRequest, net: bool) -> Option<Act> {
        for rule in &mut self.0 {
            let of_net = matches!(rule.act, Act::Net(_));
            if of_net != net || rule.times == 0 || !rule.fits(request) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.act.clone());
        }
        None
    }
}

/// What a store makes of parts: they are joined end to end, wherever they came from. A byte that is not at its own place is noise.
fn join<'a>(parts: impl Iterator<Item = &'a [(ByteRange, Fill)]>) -> Content {
    let mut content = Content::empty();
    for (range, fill) in parts.flatten() {
        let to = ByteRange::at(content.len(), range.len());
        content.write(to, if to == *range { *fill } else { Fill::Noise(to.start()) });
    }
    content
}
