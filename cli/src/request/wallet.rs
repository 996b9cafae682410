//! `--credentials-command`: access keys, and shared access signatures, that a program prints.
//!
//! The command is run by the system's shell, with standard error left as it is and nothing to read. What it prints is never shown.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longhaul::s3::{Access, AccessKey};
use longhaul::{Credentials, Rights, azblob};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::exit::{Code, Failure};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most that is read of what it prints, in bytes.
const LARGEST: u64 = 64 << 10;

/// The keys and signatures of this run: one per command, for all transfers that have it.
#[derive(Debug, Default)]
pub(crate) struct Wallet {
    keys: Known<Access>,
    signatures: Known<azblob::Access>,
}

/// What commands gave, by command.
type Known<A> = Mutex<BTreeMap<String, Credentials<A>>>;

impl Wallet {
    /// The key that `command` gives now, and where others will come from.
    pub(super) async fn open(&self, command: &str) -> Result<(Access, Credentials<Access>), Failure> {
        open(&self.keys, command, |text| AccessKey::from_process(text).map(Access::from).map_err(|e| e.to_string()))
            .await
    }

    /// The SAS that `command` gives now, and where others will come from.
    pub(super) async fn open_azure(
        &self,
        command: &str,
    ) -> Result<(azblob::Access, Credentials<azblob::Access>), Failure> {
        open(&self.signatures, command, signature).await
    }
}

async fn open<A: Rights>(
    known: &Known<A>,
    command: &str,
    read: fn(&[u8]) -> Result<A, String>,
) -> Result<(A, Credentials<A>), Failure> {
    let credentials = {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = command.to_owned();
        let source = move || {
            let own = own.clone();
            async move { read(&printed(own).await?).map_err(|error| failed(&format!("cannot be used: {error}"))) }
        };
        known.entry(command.to_owned()).or_insert_with(|| Credentials::new(source)).clone()
    };
    let access = credentials.current().await.map_err(|error| Failure::new(Code::Refused, error.to_string()))?;
    Ok((access, credentials))
}

/// A SAS on a line of its own, in quotes where it was printed as JSON.
fn signature(text: &[u8]) -> Result<azblob::Access, String> {
    let text = str::from_utf8(text).map_err(|_| "it is no text")?.trim();
    let token = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    azblob::Access::sas(token).map_err(|error| error.what)
}

fn failed(what: &str) -> String {
    format!("--credentials-command {what}")
}

/// What a command prints.
async fn printed(command: String) -> Result<Vec<u8>, String> {
    let mut child = shell(&command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(&format!("cannot be run: {error}")))?;
    let stdout = child.stdout.take().ok_or_else(|| failed("has no output"))?;
    let run = async {
        let mut text = Vec::new();
        stdout.take(LARGEST).read_to_end(&mut text).await?;
        Ok::<_, std::io::Error>((text, child.wait().await?))
    };
    let (text, status) = match tokio::time::timeout(PATIENCE, run).await {
        Ok(run) => run.map_err(|error| failed(&format!("cannot be read: {error}")))?,
        Err(_) => return Err(failed(&format!("did not end within {} seconds", PATIENCE.as_secs()))),
    };
    if !status.success() {
        return Err(failed(&ended(status)));
    }
    Ok(text)
}

fn ended(status: ExitStatus) -> String {
    status.code().map_or_else(|| "was killed".to_owned(), |code| format!("failed with exit code {code}"))
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}
