//! Other people's clients download from `longhaul serve`.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{PATIENCE, Place};

const SIZE: usize = 6 << 20;

/// The command `serve` on the test's own root; its URL.
async fn serve(place: &Place) -> (Child, String) {
    let mut command = place.command(["serve", "--listen", "127.0.0.1:0", "--read-only"]);
    let mut child = command.arg(place.path("root")).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, stdout.read_line(&mut line)).await.expect("starts").unwrap();
    (child, line.trim().to_owned())
}

async fn run(program: &str, args: &[&str], folder: &Path) {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env("no_proxy", "*").stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await.expect("ends in time") {
        Ok(output) => output,
        Err(error) => panic!(
            "cannot run {program} ({error}): install it (apt-get install {}), it is the other side of this test",
            if program == "aria2c" { "aria2" } else { program }
        ),
    };
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_goes_on_with_a_range() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", SIZE);
    let (_server, url) = serve(&place).await;
    std::fs::write(place.out("a.bin"), &bytes[..1_000_001]).unwrap();
    run("curl", &["-sS", "--fail", "-C", "-", "-o", "a.bin", &format!("{url}a.bin")], &place.path("out")).await;
    assert!(std::fs::read(place.out("a.bin")).unwrap() == bytes);
    run("curl", &["-sS", "--fail", "-r", "5-9", "-o", "part", &format!("{url}a.bin")], &place.path("out")).await;
    assert_eq!(std::fs::read(place.out("part")).unwrap(), &bytes[5..10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn aria2c_fetches_ranges_side_by_side() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", SIZE);
    let (_server, url) = serve(&place).await;
    let sum = format!("--checksum=sha-256={}", crate::support::sha256(&bytes));
    let args =
        ["-q", "--no-conf", "-x", "4", "-s", "4", "-k", "1M", "--file-allocation=none", &sum, &format!("{url}a.bin")];
    run("aria2c", &args, &place.path("out")).await;
    assert!(std::fs::read(place.out("a.bin")).unwrap() == bytes);
}
