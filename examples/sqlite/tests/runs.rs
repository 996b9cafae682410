//! The example runs as it is, and comes to the end that it is about (B6).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

#[test]
fn what_was_stopped_is_restored_paused_and_a_selection_goes_on() {
    let run = Command::new(env!("CARGO_BIN_EXE_longhaul-example-sqlite")).output().unwrap();
    let said = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(run.status.success(), "{said}");
    for words in [
        "3 transfers are unfinished",
        "number 1: 33554432 bytes, from the first run: true",
        "number 2: 33554432 bytes, from the first run: true",
        "number 3 is left for another day, with a checkpoint: true",
        // Three that were closed in the first run; two that completed and one that was closed in the second.
        " events, 6 of them ends",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
}
