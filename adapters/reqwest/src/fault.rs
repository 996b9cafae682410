//! What reqwest reports, as the faults the core tells apart. URLs are taken out: they may hold secrets.

use std::error::Error;

use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::causes::{broken, find, words};
use longhaul_driver::transport::SourceGone;

/// A request that got no answer. `reused`: its connection had served before.
pub(crate) fn of_exchange(error: reqwest::Error, reused: bool) -> Fault {
    let error = error.without_url();
    let words = words(&error);
    if error.is_builder() {
        return Fault::new(FaultKind::Other, Sent::No, words);
    }
    if error.is_connect() {
        let kind = match words.to_ascii_lowercase() {
            words if words.contains("dns error") => FaultKind::Resolve,
            words if words.contains("certificate") || words.contains("handshake") => FaultKind::Tls,
            words if words.contains("proxy") || words.contains("tunnel") => FaultKind::Proxy,
            _ => FaultKind::Connect,
        };
        return Fault::new(kind, Sent::No, words);
    }
    if find::<SourceGone>(&error).is_some() {
        return Fault::new(FaultKind::Other, Sent::Maybe, words);
    }
    match find::<hyper::Error>(&error) {
        // Never begun by the connection that had it: no server has seen it.
        Some(hyper) if hyper.is_canceled() => Fault::new(FaultKind::Stale, Sent::No, words),
        _ => match kind(&error) {
            // What servers do to connections they find idle for too long.
            FaultKind::Reset | FaultKind::Truncated if reused => Fault::new(FaultKind::Stale, Sent::Maybe, words),
            FaultKind::Truncated => Fault::new(FaultKind::Reset, Sent::Maybe, words),
            kind => Fault::new(kind, Sent::Maybe, words),
        },
    }
}

/// An answer whose body broke off.
pub(crate) fn of_answer(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    Fault::new(kind(&error), Sent::Maybe, words(&error))
}

fn kind(error: &(dyn Error + 'static)) -> FaultKind {
    if let Some(hyper) = find::<hyper::Error>(error) {
        if hyper.is_parse() {
            return FaultKind::Protocol;
        }
        if hyper.is_incomplete_message() {
            return FaultKind::Truncated;
        }
    }
    broken(error)
}
