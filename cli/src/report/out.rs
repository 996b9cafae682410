//! Writing to standard output and standard error. A reader that has gone is no reason to panic, or to stop.

use std::io::{self, Write};

/// All of `text`; whoever does not want it any more does not get it.
pub(crate) fn stdout(text: &str) {
    stdout_bytes(text.as_bytes());
}

/// The same for what may not be UTF-8: paths.
pub(crate) fn stdout_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// All of `text`, as far as somebody reads it.
pub(crate) fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
