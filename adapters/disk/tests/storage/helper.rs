//! Other processes: this test binary, started again with a part to play.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use longhaul_core::intent::FileReply;
use longhaul_disk::FileTarget;

use crate::support::{reserve, run, write};

const PART: &str = "LONGHAUL_TEST_PART";
const TARGET: &str = "LONGHAUL_TEST_TARGET";

/// A process that plays `part` on `target`.
pub(crate) fn command(part: &str, target: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    configure(&mut command, part, target);
    command
}

/// Makes `command` play `part` on `target`; what it runs must be, or become, this binary.
pub(crate) fn configure(command: &mut Command, part: &str, target: &Path) {
    command.args(["--exact", "helper::plays_its_part", "--nocapture", "--test-threads=1"]);
    command.env(PART, part).env(TARGET, target).stdin(Stdio::piped()).stdout(Stdio::piped());
}

/// Starts it and waits for its first word.
pub(crate) fn start(mut command: Command) -> (Child, String) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let word = lines.find_map(|line| line.unwrap().split_once("SAYS ").map(|(_, word)| String::from(word)));
    (child, word.expect("the helper says something"))
}

/// Runs it to its end; what it said first.
pub(crate) fn says(command: Command) -> String {
    let (mut child, word) = start(command);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    word
}

/// Nothing in an ordinary run.
#[tokio::test]
async fn plays_its_part() {
    let (Ok(part), Some(path)) = (std::env::var(PART), std::env::var_os(TARGET)) else {
        return;
    };
    let target = FileTarget::new(path);
    let reserved = match run(&target, reserve(None, true)).await {
        Ok(FileReply::Reserved { kept }) => {
            format!("kept={kept} {}", target.temporary().unwrap().display())
        }
        Ok(other) => format!("{other:?}"),
        Err(fault) => format!("{:?} {}", fault.kind, fault.detail),
    };
    match part.as_str() {
        "try" => say(&reserved),
        // Until its input ends, or it is killed.
        "hold" => {
            write(&target, 0, b"from the helper").await.unwrap();
            say(&reserved);
            let _ = std::io::stdin().read(&mut [0]);
        }
        #[cfg(target_os = "linux")]
        "few-descriptors" => say(&crate::trouble::few_descriptors(&target).await),
        #[cfg(target_os = "linux")]
        "full" => say(&crate::trouble::full_disk(&target).await),
        other => panic!("no part {other}"),
    }
}

fn say(word: &str) {
    println!("SAYS {word}");
    std::io::stdout().flush().unwrap();
}
