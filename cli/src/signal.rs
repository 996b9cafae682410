//! The wish to stop: Ctrl-C, SIGTERM and their like.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::exit::Code;

/// What comes so soon after the first signal is the same wish: `timeout` signals its child, and then the child's group.
const SAME: Duration = Duration::from_millis(250);

/// Told when somebody wants the command to stop. The second time, the process ends at once.
#[derive(Clone)]
pub(crate) struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Listens from now on. Where signals cannot be listened to, they keep their usual effect.
    pub(crate) fn new() -> Self {
        let (tell, told) = watch::channel(false);
        // Registered before anything else happens: what comes from now on counts.
        let listening = system::Listener::new();
        tokio::spawn(async move {
            let Ok(mut listener) = listening else {
                tracing::warn!("cannot listen to signals");
                tell.closed().await;
                return;
            };
            let mut first: Option<Instant> = None;
            while listener.next().await {
                if first.get_or_insert_with(Instant::now).elapsed() > SAME {
                    std::process::exit(i32::from(Code::Interrupted as u8));
                }
                tell.send_replace(true);
            }
        });
        Self(told)
    }

    /// Waits for the first one; returns at once when there was one.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|wish| *wish).await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(unix)]
mod system {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::no_end_by_a_large_file;

    /// SIGHUP keeps its usual effect, or none under nohup.
    pub(super) struct Listener([Signal; 2]);

    impl Listener {
        pub(super) fn new() -> io::Result<Self> {
            no_end_by_a_large_file();
            Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
        }

        /// Waits for the next one; false when there will be none.
        pub(super) async fn next(&mut self) -> bool {
            let [interrupt, terminate] = &mut self.0;
            tokio::select! {
                came = interrupt.recv() => came.is_some(),
                came = terminate.recv() => came.is_some(),
            }
        }
    }
}

/// A file that may not grow (`ulimit -f`) is an error of the write and not the end of the process.
#[cfg(unix)]
fn no_end_by_a_large_file() {
    // SIGXFSZ.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(25)));
}

#[cfg(not(unix))]
mod system {
    use std::io;

    pub(super) struct Listener;

    impl Listener {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for the next one; false when there will be none.
        pub(super) async fn next(&mut self) -> bool {
            tokio::signal::ctrl_c().await.is_ok()
        }
    }
}
