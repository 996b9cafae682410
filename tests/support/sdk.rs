//! A store as its vendor's own SDK sees it: the oracle script's answers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use super::stores;

/// One SDK, with a server to ask about.
pub struct Sdk {
    /// It ends when its input does.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Sdk {
    /// The SDK for `store`, as the oracle script calls it, about the server at `endpoint`.
    ///
    /// # Panics
    /// When it cannot be had, with the way to get it.
    pub fn start(store: &str, endpoint: &str) -> Self {
        let mut command = stores::script();
        command.args(["sdk", store, endpoint]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut sdk = Self { _child: child, input, output: BufReader::new(output) };
        let mut said = String::new();
        sdk.output.read_line(&mut said).unwrap();
        assert!(
            said == "ready\n",
            "the SDK for {store} failed as said above: `tests/oracles/stores.sh install sdk` brings it"
        );
        sdk
    }

    /// The answer to a question: see the head of the script's `sdk.py`.
    ///
    /// # Panics
    /// When there is none.
    pub fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut told: Value = serde_json::from_str(&line).expect("an answer");
        assert!(told["failed"].is_null(), "{question}: {told}");
        told["is"].take()
    }
}
