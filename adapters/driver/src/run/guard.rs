//! What happens when the loop ends, in order or not.

use longhaul_core::Error;
use longhaul_core::event::End;

use super::Loop;

impl Drop for Loop {
    /// Also when the runtime drops the loop, or a provider's panic ends it: no handle waits for ever, no request goes on.
    fn drop(&mut self) {
        self.mailbox.close();
        self.mailbox.desert();
        for op in self.ops.values() {
            op.cancel.set();
        }
        let unfinished: Vec<_> = self.tasks.keys().copied().collect();
        for id in unfinished {
            self.end(id, End::Failed(Error::Closed));
        }
    }
}
