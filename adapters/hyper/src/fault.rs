//! What hyper, rustls and the system report, as the faults the core tells apart.
//!
//! Their messages hold neither URLs nor header values, so they may be passed on.

use std::error::Error;
use std::io;

use h2::Reason;
use longhaul_core::error::{Fault, FaultKind, Sent};
use longhaul_driver::causes::{self, find};
use longhaul_driver::storage::is_refusal;
use longhaul_driver::transport::SourceGone;

use crate::link::Exchange;
use crate::spans::ByKernel;
use crate::tls;

/// A request that got no answer.
pub(crate) fn of_request(error: &hyper::Error, exchange: &Exchange) -> Fault {
    // Never begun by the connection that had it: no server has seen it.
    if error.is_canceled() || refused(error) {
        return unsent(error);
    }
    if find::<SourceGone>(error).is_some() {
        return Fault::new(FaultKind::Other, Sent::Maybe, SourceGone.to_string());
    }
    let kind = match kind(error) {
        // Closed or reset before a byte of the answer: what servers do to connections they find idle for too long.
        FaultKind::Reset | FaultKind::Truncated if exchange.was_stale() => FaultKind::Stale,
        FaultKind::Truncated => FaultKind::Reset,
        kind => kind,
    };
    Fault::new(kind, Sent::Maybe, words(error))
}

/// A request that its connection gave back, or never took.
pub(crate) fn unsent(error: &hyper::Error) -> Fault {
    let kind = match kind(error) {
        FaultKind::Tls => FaultKind::Tls,
        _ => FaultKind::Stale,
    };
    Fault::new(kind, Sent::No, words(error))
}

/// An answer whose body broke off.
pub(crate) fn of_answer(error: &hyper::Error) -> Fault {
    Fault::new(kind(error), Sent::Maybe, words(error))
}

/// An answer whose body broke off while the kernel moved it, in hyper's words. Where the kernel does not do that at all, nothing is wrong
/// with the connection or the server.
pub(crate) fn of_splice(error: &io::Error, by_kernel: Option<&ByKernel>) -> Fault {
    let refused = is_refusal(error);
    let kind = if refused { FaultKind::Reset } else { causes::broken(error) };
    if let Some(by_kernel) = by_kernel.filter(|_| refused) {
        by_kernel.refuses_to_receive();
    }
    Fault::new(kind, Sent::Maybe, format!("error reading a body from connection: {}", words(error)))
}

fn kind(error: &(dyn Error + 'static)) -> FaultKind {
    if let Some(tls) = find::<rustls::Error>(error) {
        // Certificates of clients are refused after the handshake, as seen from here.
        return if matches!(tls, rustls::Error::AlertReceived(_)) { FaultKind::Tls } else { FaultKind::Protocol };
    }
    if let Some(h2) = find::<h2::Error>(error) {
        return if h2.is_io() || h2.is_remote() { FaultKind::Reset } else { FaultKind::Protocol };
    }
    if let Some(hyper) = find::<hyper::Error>(error) {
        if hyper.is_parse() {
            return FaultKind::Protocol;
        }
        if hyper.is_incomplete_message() {
            return FaultKind::Truncated;
        }
    }
    causes::broken(error)
}

/// Whether an HTTP/2 server says that it has not looked at the request (RFC 9113 §8.7).
fn refused(error: &(dyn Error + 'static)) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        error.is_remote()
            && (error.reason() == Some(Reason::REFUSED_STREAM)
                || error.is_go_away() && error.reason() == Some(Reason::NO_ERROR))
    })
}

/// The messages of an error and its causes, each once.
pub(crate) fn words(error: &(dyn Error + 'static)) -> String {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls::explain(tls);
    }
    causes::words(error)
}
