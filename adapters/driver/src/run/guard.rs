//! What happens when the loop ends, in order or not.

use std::panic::{AssertUnwindSafe, catch_unwind};

use longhaul_core::Error;
use longhaul_core::event::End;

use super::Loop;
use crate::cancel::Cancel;

impl Drop for Loop {
    /// Also when the runtime drops the loop, or a provider's panic ends it: no handle waits for ever, no request goes on.
    fn drop(&mut self) {
        if !self.closing || !self.ops.is_empty() {
            tracing::error!("the client's loop was dropped by its runtime, or ended by a panic of a provider");
        }
        self.mailbox.close();
        self.mailbox.desert();
        for op in self.ops.values() {
            op.cancel.iter().for_each(Cancel::set);
        }
        let unfinished: Vec<_> = self.tasks.keys().copied().collect();
        for id in unfinished {
            // A second panic while the first one unwinds would end the process.
            let _ = catch_unwind(AssertUnwindSafe(|| self.end(id, End::Failed(Error::Closed))));
        }
    }
}
