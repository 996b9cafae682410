//! What an application reads off the core's values: codes, blame, estimates, lengths.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use bytes::Bytes;
use longhaul_core::ByteRange;
use longhaul_core::digest::{Algorithm, Digest};
use longhaul_core::error::{
    Blame, BuildError, Changed, Deadline, Error, Fault, FaultKind, FileFault, FileFaultKind, Sent, ServerFault,
    ServerFaultKind, Usage,
};
use longhaul_core::event::Progress;
use longhaul_core::intent::{Body, Deadlines, Piece};
use longhaul_core::layout::LayoutError;
use longhaul_core::provider::StepKind;

fn server(kind: ServerFaultKind) -> Error {
    Error::Server(ServerFault::new(kind, StepKind::Probe, None, ""))
}

fn network(kind: FaultKind) -> Error {
    Error::Network(Fault::new(kind, Sent::No, ""))
}

fn disk(kind: FileFaultKind) -> Error {
    Error::Disk(FileFault::new(kind, ""))
}

/// Every error with its number, whose it is, and whether trying again without any change may help: docs/error-codes.md.
#[test]
fn each_error_has_its_number_and_its_blame() {
    let layout = LayoutError::ObjectTooLarge { size: 2, limit: 1 };
    let unsupported = Usage::Unsupported { what: String::new() };
    let digest = Digest::new(Algorithm::Crc32c, &[0; 4]).unwrap();
    let issuer = Error::Issuer(ServerFault::new(ServerFaultKind::Denied, StepKind::Probe, Some(403), ""));
    let table = [
        (Error::Usage(layout.into()), 101, Blame::You, false),
        (Error::Usage(BuildError::new("", "").into()), 102, Blame::You, false),
        (Error::Usage(unsupported), 103, Blame::You, false),
        (issuer, 201, Blame::Issuer, false),
        (server(ServerFaultKind::NotFound), 301, Blame::Server, false),
        (server(ServerFaultKind::Denied), 302, Blame::Server, false),
        (server(ServerFaultKind::Refused), 303, Blame::Server, false),
        (server(ServerFaultKind::Throttled), 304, Blame::Server, true),
        (server(ServerFaultKind::Unavailable), 305, Blame::Server, true),
        (server(ServerFaultKind::Redirected), 306, Blame::Server, false),
        (server(ServerFaultKind::Protocol), 307, Blame::Server, false),
        (server(ServerFaultKind::Conflict), 308, Blame::Server, false),
        (Error::Changed(Changed::Condition), 320, Blame::Server, true),
        (Error::Integrity { expected: digest, actual: digest }, 330, Blame::Server, false),
        (network(FaultKind::Resolve), 401, Blame::Network, true),
        (network(FaultKind::Connect), 402, Blame::Network, true),
        (network(FaultKind::Tls), 403, Blame::Network, true),
        (network(FaultKind::Proxy), 404, Blame::Network, true),
        (network(FaultKind::Stale), 405, Blame::Network, true),
        (network(FaultKind::Reset), 406, Blame::Network, true),
        (network(FaultKind::Truncated), 407, Blame::Network, true),
        (network(FaultKind::Protocol), 408, Blame::Network, true),
        (network(FaultKind::Other), 409, Blame::Network, true),
        (network(FaultKind::Timeout(Deadline::Idle)), 410, Blame::Network, true),
        (disk(FileFaultKind::NotFound), 501, Blame::Disk, false),
        (disk(FileFaultKind::Denied), 502, Blame::Disk, false),
        (disk(FileFaultKind::ReadOnly), 503, Blame::Disk, false),
        (disk(FileFaultKind::Full), 504, Blame::Disk, true),
        (disk(FileFaultKind::Busy), 505, Blame::Disk, true),
        (disk(FileFaultKind::Exists), 506, Blame::Disk, false),
        (disk(FileFaultKind::Changed), 507, Blame::Disk, false),
        (disk(FileFaultKind::Lost), 508, Blame::Disk, false),
        (disk(FileFaultKind::Unusable), 509, Blame::Disk, false),
        (disk(FileFaultKind::Cancelled), 510, Blame::Disk, false),
        (disk(FileFaultKind::Io), 511, Blame::Disk, false),
        (Error::Cancelled, 601, Blame::Nobody, false),
        (Error::Closed, 602, Blame::Nobody, true),
    ];
    for (error, code, blame, later) in table {
        assert_eq!((error.code(), error.blame(), error.may_succeed_later()), (code, blame, later), "{error}");
    }
}

#[test]
fn an_estimate_needs_a_size_and_a_rate() {
    let mut progress = Progress::default();
    progress.acknowledged = 40;
    progress.rate = 30;
    assert_eq!(progress.eta(), None);
    progress.total = Some(100);
    assert_eq!(progress.eta(), Some(Duration::from_secs(2)));
    progress.rate = 1;
    assert_eq!(progress.eta(), Some(Duration::from_secs(60)));
    progress.rate = 0;
    assert_eq!(progress.eta(), None);
}

/// Nothing to ask a server with is no word of the server's.
#[test]
fn only_a_server_that_was_asked_denies_access() {
    let denied = |status| ServerFault::new(ServerFaultKind::Denied, StepKind::PutPart, status, "why").to_string();
    assert_eq!(denied(Some(403)), "the server denies access (HTTP 403 to upload of a part): why");
    assert_eq!(denied(None), "no URL or credentials to go on with (upload of a part): why");
}

#[test]
fn a_body_is_as_long_as_its_pieces() {
    let (inline, source) = (Piece::Inline(Bytes::from_static(b"head")), Piece::Source(ByteRange::at(7, 3)));
    assert_eq!((inline.len(), inline.is_empty(), source.len(), source.is_empty()), (4, false, 3, false));
    let none = [Piece::Inline(Bytes::new()), Piece::Source(ByteRange::at(7, 0))];
    assert!(none.iter().all(Piece::is_empty));
    let pieces = Body::Pieces(vec![inline.clone(), source.clone()]);
    let (a, b) = (Body::Inline(Bytes::from_static(b"head")), Body::Source(ByteRange::at(7, 3)));
    assert_eq!([&Body::Empty, &a, &b, &pieces].map(Body::len), [0, 4, 3, 7]);
    assert_eq!([&Body::Empty, &a, &b, &pieces].map(Body::is_empty), [true, false, false, false]);
    assert!(Body::Pieces(none.to_vec()).is_empty());
    assert_eq!((Body::Empty.into_pieces(), a.into_pieces()), (vec![], vec![inline.clone()]));
    assert_eq!((b.into_pieces(), pieces.into_pieces()), (vec![source.clone()], vec![inline, source]));
}

#[test]
fn each_clock_can_be_set_alone() {
    let plain = Deadlines::default();
    let span = Some(Duration::from_secs(1));
    assert_eq!((plain.with_connect(span).connect, plain.with_first_byte(span).first_byte), (span, span));
    assert_eq!((plain.with_idle(span).idle, plain.with_total(span).total), (span, span));
    assert_eq!(plain.with_idle(None), {
        let mut silent = plain;
        silent.idle = None;
        silent
    });
}
