//! From a host name to a TCP connection.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::{Either, FutureExt, select};
use futures::stream::{FuturesUnordered, StreamExt};
use longhaul_core::error::{Fault, FaultKind, Sent};

use crate::net::{Io, Runtime};

/// How long an address has before the next one is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to whichever address of `host` answers first, IPv6 and IPv4 in turn (RFC 8305). No time limit: the caller has one.
pub(crate) async fn dial(runtime: &Runtime, host: &str, port: u16) -> Result<Box<dyn Io>, Fault> {
    let mut addresses = resolve(runtime, host, port).await?.into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut first_failure = None;
    loop {
        if let Some(address) = addresses.next() {
            attempts.push(runtime.net().connect(address).map(move |outcome| outcome.map_err(|error| (address, error))));
        }
        let outcome = match addresses.peek() {
            None => attempts.next().await,
            Some(_) => match select(attempts.next(), runtime.sleep(HEAD_START)).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => continue,
            },
        };
        match outcome {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err((address, error))) => {
                first_failure.get_or_insert_with(|| format!("{host}:{port} at {}: {error}", address.ip()));
            }
            None => {
                let words = first_failure.unwrap_or_else(|| format!("{host}:{port} has no address"));
                return Err(Fault::new(FaultKind::Connect, Sent::No, words));
            }
        }
    }
}

async fn resolve(runtime: &Runtime, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let failed = |words: String| Fault::new(FaultKind::Resolve, Sent::No, format!("{host}: {words}"));
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let addresses = runtime.net().resolve(bare.to_owned(), port).await.map_err(|error| failed(error.to_string()))?;
    // The system has sorted them (RFC 6724); the families take turns, its favourite first.
    let favourite = addresses.first().ok_or_else(|| failed(String::from("no address")))?.is_ipv6();
    let (mine, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == favourite);
    let mut turns = Vec::with_capacity(mine.len() + others.len());
    let (mut mine, mut others) = (mine.into_iter(), others.into_iter());
    loop {
        let pair = (mine.next(), others.next());
        turns.extend(pair.0);
        turns.extend(pair.1);
        if pair == (None, None) {
            return Ok(turns);
        }
    }
}
