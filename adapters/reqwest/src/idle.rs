//! Which requests get a connection that had served before, as far as that can be told from outside: an answer read to its end leaves
//! one idle, and the next request to that server takes it.
//!
//! A connection that was closed meanwhile is still counted. Then a fault of a new one may pass for the old one's, which costs a few
//! tries that the core does not count, and bounds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Uri;
use http::uri::{Authority, Scheme};

type Server = (Option<Scheme>, Option<Authority>);

/// Idle connections by server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Idle(Arc<Mutex<HashMap<Server, usize>>>);

/// One request's claim on its connection.
pub(crate) struct Claim {
    idle: Idle,
    server: Server,
    /// It got a connection that had served before.
    pub(crate) reused: bool,
}

impl Idle {
    pub(crate) fn claim(&self, uri: &Uri) -> Claim {
        let server = (uri.scheme().cloned(), uri.authority().cloned());
        let mut servers = self.servers();
        let reused = match servers.get_mut(&server) {
            Some(1) => servers.remove(&server).is_some(),
            Some(idle) => {
                *idle -= 1;
                true
            }
            None => false,
        };
        drop(servers);
        Claim { idle: self.clone(), server, reused }
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<Server, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// The answer has been read to its end.
    pub(crate) fn give_back(self) {
        *self.idle.servers().entry(self.server).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_only_what_was_read_to_its_end_serves_again() {
        let (idle, here) = (Idle::default(), Uri::from_static("http://here/a"));
        let (first, second) = (idle.claim(&here), idle.claim(&here));
        assert!(!first.reused && !second.reused);
        first.give_back();
        drop(second);
        assert!(!idle.claim(&Uri::from_static("http://there/a")).reused);
        assert!(!idle.claim(&Uri::from_static("https://here/a")).reused);
        let again = idle.claim(&Uri::from_static("http://here/b"));
        assert!(again.reused && !idle.claim(&here).reused);
        again.give_back();
        assert!(idle.claim(&here).reused);
    }
}
