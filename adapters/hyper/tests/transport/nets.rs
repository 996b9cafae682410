//! Every behaviour on every kind of socket. The test and its servers are on a tokio runtime; the transport is on what is tested.

use std::cell::Cell;
use std::sync::Arc;

use longhaul_hyper::Net;
use longhaul_tokio::TokioRuntime;

/// Whose sockets, clock and tasks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Sockets {
    Tokio,
    AsyncIo,
}

thread_local! {
    static CURRENT: Cell<Sockets> = const { Cell::new(Sockets::Tokio) };
}

/// The runtime that is tested.
pub(crate) fn net() -> Arc<dyn Net> {
    match CURRENT.get() {
        Sockets::Tokio => Arc::new(TokioRuntime::current().unwrap()),
        Sockets::AsyncIo => Arc::new(longhaul_smol::runtime()),
    }
}

/// Whether the kernel sends and receives files by itself there.
#[cfg(unix)]
pub(crate) fn sends_files() -> bool {
    cfg!(target_os = "linux") && CURRENT.get() == Sockets::Tokio
}

/// Runs a behaviour with its transports on `sockets`.
pub(crate) fn run<F: Future<Output = ()>>(sockets: Sockets, behaviour: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    CURRENT.set(sockets);
    runtime.block_on(Box::pin(behaviour()));
}

/// Makes a test of each behaviour (an `async fn` without arguments beside the call) on each kind of socket.
macro_rules! on_every_net {
    ($($behaviour:ident),* $(,)?) => {
        mod tokio_sockets {
            $(#[test]
            fn $behaviour() {
                crate::nets::run(crate::nets::Sockets::Tokio, super::$behaviour);
            })*
        }
        mod async_io_sockets {
            $(#[test]
            fn $behaviour() {
                crate::nets::run(crate::nets::Sockets::AsyncIo, super::$behaviour);
            })*
        }
    };
}
pub(crate) use on_every_net;
