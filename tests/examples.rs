//! Every example runs as it is and comes to the end that it is about (B6). Cargo builds them before it runs tests.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/stores.rs"]
#[allow(dead_code, unreachable_pub, reason = "only where the servers are is asked here")]
mod stores;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where cargo puts examples: beside the folder of this test.
fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples")
}

/// What an example says at its end, on whichever output.
fn run(name: &str) -> String {
    run_with(name, &[], &[])
}

fn run_with(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let example = built().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "{}: `cargo build --examples` makes it", example.display());
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(&example);
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder.path()).stdin(Stdio::null());
    let run = command.output().unwrap();
    let said = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(run.status.success(), "{name}: {}\n{said}", run.status);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "{name}: leaves nothing behind");
    said
}

macro_rules! examples {
    ($($name:ident says $words:expr;)*) => {
        $(#[test]
        fn $name() {
            let said = run(stringify!($name));
            for words in $words {
                assert!(said.contains(words), "{words:?} is not in\n{said}");
            }
        })*

        #[test]
        fn none_is_left_out() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
            let mut there: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|kind| kind == "rs") || path.join("main.rs").exists())
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            there.sort();
            assert_eq!(there, [$(stringify!($name)),*]);
        }
    };
}

examples! {
    another_client says ["33554432 bytes down", "33554432 bytes up"];
    azure says [
        "by key: 12582912 bytes up, 12582912 bytes down, Verified(md5:",
        "by SAS: 12582912 bytes up, 12582912 bytes down, Verified(md5:",
    ];
    blocking_transport says ["Completed { total: 33554432"];
    custom_protocol says ["8388608 bytes stored as Some(\"object-7\") after 1 retries", "the same: true"];
    custom_transport says ["33554432 bytes arrived, 33554432 went through"];
    download says ["33554432 bytes in "];
    listeners says ["33554432 of Some(33554432) bytes", "over, well: true", "t0.1: Failed(", "there to the end: true"];
    oss says ["12582912 bytes up", "12582912 bytes down, Verified(crc64xz:", "the same: true"];
    own_runtime says ["33554432 bytes down", "33554432 bytes up, stored as Some("];
    pause_resume says ["0 of them moved twice"];
    presigned says ["fresh URLs for the parts 2, 3", "bytes down, the same: true"];
    restore_paused says ["one.bin: 33554432 bytes", "three.bin: Paused(Queued)", "two.bin: Paused(Queued)"];
    upload says ["33554432 bytes stored as "];
}

/// The same example for another store: OSS, by a server that recomputes every signature.
#[test]
fn presigned_for_oss() {
    let endpoint = stores::endpoint("OSS", "oss");
    let environment = [
        ("OSS_ENDPOINT", &*endpoint),
        ("OSS_REGION", "cn-hangzhou"),
        ("OSS_ACCESS_KEY_ID", "TESTAK"),
        ("OSS_ACCESS_KEY_SECRET", "TESTSK0123456789"),
    ];
    let said = run_with("presigned", &["oss", "tbucket"], &environment);
    for words in ["fresh URLs for the parts 2, 3", "12582912 bytes up", "12582912 bytes down, the same: true"] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
}

#[test]
fn b3_a_transport_for_another_client_and_a_provider_for_an_api_of_ones_own_are_short() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (file, most) in
        [("another_client.rs", 100), ("custom_protocol/provider.rs", 80), ("blocking_transport.rs", 100)]
    {
        let lines = std::fs::read_to_string(examples.join(file)).unwrap().lines().count();
        assert!(lines <= most, "{file} has {lines} lines, {most} are promised");
    }
}
