//! A `longhaul` command in a process of its own, heard through its `--json`.

use std::ffi::OsString;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::exit::{Code, Failure};

/// Bytes of its standard error that are kept, for when it fails.
const WORDS: u64 = 16 << 10;

/// A running command. It is killed when this is dropped.
pub(super) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    words: JoinHandle<String>,
}

impl Running {
    /// Starts this program with other arguments.
    pub(super) fn start(args: &[OsString]) -> Result<Self, Failure> {
        let failed =
            |error| Failure::new(Code::Failed, format!("cannot start a second process of this program: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::new(Code::Failed, "a second process has no output"));
        };
        let words = tokio::spawn(async move {
            let mut words = Vec::new();
            let mut stderr = stderr;
            // What comes after is read, too, or the child would wait for ever.
            let _ = (&mut stderr).take(WORDS).read_to_end(&mut words).await;
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            String::from_utf8_lossy(&words).into_owned()
        });
        Ok(Self { child, lines: BufReader::new(stdout).lines(), words })
    }

    /// The next thing it says; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        let failed =
            |error: String| Failure::new(Code::Failed, format!("cannot understand the second process: {error}"));
        match self.lines.next_line().await.map_err(|error| failed(error.to_string()))? {
            Some(line) => serde_json::from_str(&line).map(Some).map_err(|error| failed(error.to_string())),
            None => Ok(None),
        }
    }

    /// Ends it as hard as the system can (SIGKILL), and waits until it is gone.
    pub(super) async fn kill(mut self) -> Result<(), Failure> {
        self.child
            .kill()
            .await
            .map_err(|error| Failure::new(Code::Failed, format!("cannot kill the second process: {error}")))
    }

    /// Waits for its end, which must be a good one.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        let status = self.child.wait().await;
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                let words = self.words.await.unwrap_or_default();
                Err(Failure::new(
                    Code::Failed,
                    format!("the demo failed: a transfer ended with {status}\n{}", words.trim_end()),
                ))
            }
            Err(error) => Err(Failure::new(Code::Failed, format!("cannot wait for the second process: {error}"))),
        }
    }
}
