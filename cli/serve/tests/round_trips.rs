//! Other people's clients: curl and aria2c.
#![allow(clippy::panic, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use longhaul_serve::{Fault, What, When};
use support::{Rig, md5, pattern};

fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; apt-get install {}", package(program)));
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    output
}

fn package(program: &str) -> &str {
    if program == "aria2c" { "aria2" } else { program }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn curl_downloads_whole_in_parts_and_on_from_a_broken_end() {
    let rig = Rig::new();
    let bytes = rig.file("big", 20_000_000);
    let url = rig.server().url("/big");
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("big");
    run("curl", &["-sSf", "-o", text(&target), &url]);
    assert!(fs::read(&target).unwrap() == bytes);

    let part = run("curl", &["-sSf", "-r", "1000000-1000099", &url]);
    assert_eq!(part.stdout, bytes[1_000_000..1_000_100]);

    fs::write(&target, &bytes[..7_654_321]).unwrap();
    run("curl", &["-sSf", "-C", "-", "-o", text(&target), &url]);
    assert!(fs::read(&target).unwrap() == bytes);

    rig.faults(Fault::new(When::First(1), What::CloseAfter { bytes: 5_000_000 }));
    fs::remove_file(&target).unwrap();
    let broken = Command::new("curl").args(["-sSf", "-o", text(&target), &url]).output().unwrap();
    assert_eq!(broken.status.code(), Some(18), "curl calls this a partial file");
    run("curl", &["-sSf", "-C", "-", "-o", text(&target), &url]);
    assert!(fs::read(&target).unwrap() == bytes);
}

#[test]
fn curl_uploads_in_chunks() {
    let rig = Rig::new();
    let bytes = pattern(5_000_000);
    let out = tempfile::tempdir().unwrap();
    let url = rig.server().url("/up/");
    let fields = |offset: usize, len: usize| {
        let piece = out.path().join(format!("piece-{offset}"));
        fs::write(&piece, &bytes[offset..offset + len]).unwrap();
        [
            format!("file=@{};filename=upload_chunk_data", text(&piece)),
            format!("fileMd5={}", md5(&bytes)),
            "fileName=big.bin".to_owned(),
            "category=".to_owned(),
            format!("offset={offset}"),
            format!("partSize={len}"),
            format!("totalSize={}", bytes.len()),
        ]
    };
    let send = |fields: [String; 7]| {
        let mut args = vec!["-sSf"];
        for field in &fields {
            args.extend(["-F", field]);
        }
        args.push(&url);
        String::from_utf8(run("curl", &args).stdout).unwrap()
    };
    assert_eq!(send(fields(0, 3_000_000)), "{\"nextByte\":3000000}");
    assert_eq!(send(fields(3_000_000, 2_000_000)), "{\"fileId\":\"/up/big.bin\"}");
    assert!(fs::read(rig.path("up/big.bin")).unwrap() == bytes);
}

#[test]
fn aria2c_downloads_over_eight_connections() {
    let rig = Rig::new();
    let bytes = rig.file("big", 40_000_000);
    let out = tempfile::tempdir().unwrap();
    let dir = format!("--dir={}", text(out.path()));
    let url = rig.server().url("/big");
    run("aria2c", &["--no-conf", "-q", "-x8", "-s8", "-k1M", &dir, &url]);
    assert!(fs::read(out.path().join("big")).unwrap() == bytes);
    let stats = rig.settle();
    assert!(stats.requests_max >= 4, "{stats:?}");
    assert!(stats.requests["GET"] >= 8, "{stats:?}");
}

#[test]
fn aria2c_gets_through_resets() {
    let rule = Fault::new(When::Every(3), What::ResetAfter { bytes: 700_000 });
    let rig = Rig::with(|config| config.faults(rule));
    let bytes = rig.file("big", 20_000_000);
    let out = tempfile::tempdir().unwrap();
    let dir = format!("--dir={}", text(out.path()));
    let url = rig.server().url("/big");
    run("aria2c", &["--no-conf", "-q", "-x4", "-s4", "-k1M", "--retry-wait=0", "-m0", &dir, &url]);
    assert!(fs::read(out.path().join("big")).unwrap() == bytes);
    assert!(rig.settle().faults_of("reset") > 0);
}
