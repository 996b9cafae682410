//! The seams to a runtime: clocks and spawning.

use futures::future::BoxFuture;
use longhaul_core::time::{Now, Time};

/// Both clocks, and sleeping by the monotonic one.
pub trait Timer: Send + Sync + 'static {
    /// Both clocks now.
    fn now(&self) -> Now;

    /// Ends at `at`, or at once if that has passed.
    fn sleep_until(&self, at: Time) -> BoxFuture<'static, ()>;
}

/// Running tasks in the background.
pub trait Spawn: Send + Sync + 'static {
    /// Runs `task` to its end, also when nobody waits for it.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Runs `work`, which may block, where that stalls no task: callbacks of the application and the I/O of files run there. The
    /// default runs it as a task and is only right where there are no files and callbacks are known to be short.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.spawn(Box::pin(async move { work() }));
    }
}
