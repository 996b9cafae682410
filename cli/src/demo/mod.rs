//! `longhaul demo`: moves a file to a server and back on this machine, through faults and kills, and checks everything.
//!
//! The transfers are ordinary `longhaul put` and `longhaul get` commands in processes of their own, which are ended with
//! SIGKILL at about half and started again. Nothing leaves the loopback interface, and nothing stays on the disk.

mod child;
mod content;
mod faults;
mod stage;
mod table;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use longhaul_serve::{ServeConfig, Server};
use tempfile::TempDir;

use crate::args;
use crate::exit::{Code, Failure};
use crate::report::{self, hint, out, text};
use crate::signal::Signals;
use stage::{Stage, Told};

/// Where the upload is stored on the server.
const FOLDER: &str = "inbox";
const NAME: &str = "demo.bin";

/// Runs the demo. Exit code 0 means that everything it claims was checked.
pub(crate) async fn demo(args: args::Demo, mut signals: Signals) -> Result<Code, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("longhaul-demo-")
        .tempdir()
        .map_err(|error| Failure::disk("make a folder in", &std::env::temp_dir(), &error))?;
    let began = Instant::now();
    let outcome = tokio::select! {
        biased;
        () = signals.wait() => Err(Failure::new(Code::Interrupted, "the demo was stopped; nothing of it is left")),
        outcome = perform(folder.path(), args.size.get()) => outcome,
    };
    // Children went with their future; what they wrote goes here.
    let removed = remove(folder).await;
    let table = outcome?;
    removed?;
    out::stdout(&table);
    out::stdout(&format!("Everything arrived unharmed, in {}.\n", text::time(began.elapsed())));
    Ok(Code::Done)
}

/// Removes the demo's files. What was in the middle of making some may need a moment to end.
async fn remove(folder: TempDir) -> Result<(), Failure> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let (path, began) = (folder.keep(), Instant::now());
    loop {
        match std::fs::remove_dir_all(&path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if began.elapsed() > PATIENCE => return Err(Failure::disk("remove", &path, &error)),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn perform(folder: &Path, size: u64) -> Result<String, Failure> {
    let source = folder.join(NAME);
    let root = folder.join("server");
    std::fs::create_dir(&root).map_err(|error| Failure::disk("create", &root, &error))?;
    hint(&format!("making {} of pseudo-random content in {}", text::bytes(size), crate::shown::path(folder)));
    let original = content::make(source.clone(), size).await?;

    let config = ServeConfig::new(&root).uploads(true);
    let server = Server::bind(([127, 0, 0, 1], 0).into(), config)
        .await
        .map_err(|error| Failure::new(Code::Failed, format!("cannot start the server of the demo: {error}")))?;
    hint(&format!("serving on {}, with faults", server.url("/")));
    let stored = root.join(FOLDER).join(NAME);
    let fetched = folder.join("fetched.bin");

    let output = args::Output { json: false, quiet: false, verbose: 0 };
    let mut report = report::new(&output);
    let mut stages = Vec::new();
    let plans = [
        Stage::upload(&source, &server.url(&format!("/{FOLDER}")), &stored, size, folder),
        Stage::download(&server.url(&format!("/{FOLDER}/{NAME}")), &fetched, size, folder),
    ];
    for (index, plan) in plans.iter().enumerate() {
        server.set_faults(plan.faults());
        stages.push(plan.run(index, &server, report.as_mut()).await?);
    }
    report.close();
    server.shutdown().await;

    hint("comparing SHA-256 of the three files");
    let digests = [
        ("original", original),
        ("uploaded", content::sha256(stored).await?),
        ("downloaded", content::sha256(fetched).await?),
    ];
    if let Some((which, _)) = digests.iter().find(|(_, digest)| *digest != original) {
        return Err(broken(&format!("the {which} file differs from the original")));
    }
    for told in &stages {
        check(told)?;
    }
    Ok(table::of(&stages, &digests, size))
}

/// What the demo claims about one direction must have happened.
fn check(told: &Told) -> Result<(), Failure> {
    let what = told.what;
    for kind in faults::KINDS {
        if told.faults.get(kind.0).copied().unwrap_or(0) == 0 {
            return Err(broken(&format!("no {} happened during the {what}, so it shows nothing", kind.1)));
        }
    }
    if told.reused == 0 {
        return Err(broken(&format!("the {what} did not go on after the kill but started again")));
    }
    if told.lost > told.allowed {
        return Err(broken(&format!(
            "after the kill the {what} moved {} again; {} were in flight or since the last checkpoint at most",
            text::bytes(told.lost),
            text::bytes(told.allowed)
        )));
    }
    Ok(())
}

fn broken(words: &str) -> Failure {
    Failure::new(Code::Failed, format!("the demo failed: {words}"))
}
