//! Writing to standard output and standard error. A reader that has gone is no reason to panic, or to stop.

use std::io::{self, IsTerminal, Write};

use crate::shown;

/// All of `text`; whoever does not want it any more does not get it.
pub(crate) fn stdout(text: &str) {
    stdout_bytes(text.as_bytes());
}

/// A line that may not be UTF-8: a path, or a server's name for a file. As it is for a program, and so that it steers nothing on a terminal.
pub(crate) fn stdout_line(line: &[u8]) {
    let mut line = if io::stdout().is_terminal() {
        shown::text(&String::from_utf8_lossy(line)).into_owned().into_bytes()
    } else {
        line.to_vec()
    };
    line.push(b'\n');
    stdout_bytes(&line);
}

fn stdout_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// All of `text`, as far as somebody reads it. Control characters in it are escaped: where they came from nobody knows here.
pub(crate) fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(shown::lines(text).as_bytes());
}
