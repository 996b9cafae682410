//! No secret is shown or stored, whatever goes wrong.

use longhaul_serve::{Fault, What, When};

use crate::support::{CANARY, Place, Told, files};

/// `http://user:canary@host/path?canary`
fn secret_url(place: &Place, name: &str) -> String {
    place.url(name).replacen("://", &format!("://user:{CANARY}@"), 1) + &format!("?token={CANARY}")
}

fn check(told: &Told) {
    assert!(!told.stdout.contains(CANARY), "{}", told.stdout);
    assert!(!told.stderr.contains(CANARY), "{}", told.stderr);
    // The credentials as they cross the wire.
    for encoded in ["dXNlcjpjNG40cnktN1F4", "YzRuNHJ5"] {
        assert!(!told.stderr.contains(encoded) && !told.stdout.contains(encoded), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_a_broken_transfer_leaves_no_secret_anywhere() {
    let place = Place::new().await;
    place.remote("a.bin", 8 << 20);
    let (file, _) = place.local("x.bin", 8 << 20);
    let header = format!("X-Key: {CANARY}");
    let more = ["-vvv", "-H", &header, "--retries", "1", "--part-size", "1MiB", "--limit-rate", "64MiB"];
    place.server.set_faults(Fault::new(When::After(4), What::Status { code: 500, retry_after: None }));
    let url = secret_url(&place, "a.bin");
    let mut get = vec!["get", &url, "-o", "a.bin"];
    get.extend(more);
    check(&place.run(&get).await.expect(1));
    place.server.set_faults(Fault::new(When::After(3), What::Status { code: 500, retry_after: None }));
    let (url, path) = (secret_url(&place, "up"), file.display().to_string());
    let mut put = vec!["put", &path, &url];
    put.extend(more);
    check(&place.run(&put).await.expect(1));

    let kept: Vec<_> = ["state", "out", "home"].iter().flat_map(|name| files(&place.path(name))).collect();
    assert!(kept.iter().any(|path| path.to_string_lossy().ends_with(".longhaul")), "{kept:?}");
    assert_eq!(place.records().len(), 2, "{kept:?}");
    for path in kept {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", path.display());
        assert!(!path.to_string_lossy().contains(CANARY));
    }

    // The records say what has to be run again, and by whom.
    place.server.set_faults(Vec::new());
    let told = place.words("resume").await.expect(2);
    check(&told);
    assert!(told.stderr.contains("longhaul get -o") && told.stderr.contains("longhaul put"), "{told:?}");
    assert!(told.stderr.contains("?<redacted>") && told.stderr.contains("X-Key: <redacted>"), "{told:?}");
    check(&place.words("resume --list").await.expect(0));
    check(&place.words("resume --list --json").await.expect(0));
    check(&place.run(&get).await.expect(0));
    check(&place.run(&put).await.expect(0));
    assert!(place.records().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_errors_about_the_command_line_hold_no_secret() {
    let place = Place::new().await;
    let (secret, bad) = (secret_url(&place, "a"), format!("htp://u:{CANARY}@h/?{CANARY}"));
    let proxy = format!("ftp://u:{CANARY}@h");
    for args in [
        vec!["get", &secret, &secret],
        vec!["get", &bad],
        vec!["get", "http://h/x", "--header", CANARY],
        vec!["get", "http://h/x", "-H", "Host: c4n4ry-7Qx"],
        vec!["get", "http://h/x", "--proxy", &proxy],
        vec!["get", "http://h/x", "--nonsense", &secret],
    ] {
        check(&place.run(&args).await.expect(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_from_a_file_are_sent_and_not_recorded() {
    let place = Place::with_faults(Fault::new(When::After(2), What::Status { code: 500, retry_after: None })).await;
    place.remote("a.bin", 4 << 20);
    std::fs::write(place.path("headers"), format!("X-Key: {CANARY}\n\nX-Other: 1\n")).unwrap();
    let at = format!("@{}", place.path("headers").display());
    let args = ["get", &place.url("a.bin"), "-o", "a.bin", "--header", &at, "--part-size", "1M", "--retries", "0"];
    check(&place.run(args).await.expect(1));
    let [record] = &place.records()[..] else { panic!("one record") };
    assert!(!std::fs::read_to_string(record).unwrap().contains(CANARY));
    place.server.set_faults(Vec::new());
    // Nothing is withheld: the file is still there to be read.
    check(&place.words("resume").await.expect(0));
    assert!(place.out("a.bin").exists());
}

/// `--header @<(command)`: read once, so it counts as a line.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn headers_from_a_pipe_are_withheld_like_lines() {
    let place = Place::with_faults(Fault::new(When::After(2), What::Status { code: 500, retry_after: None })).await;
    place.remote("a.bin", 4 << 20);
    let mut command = tokio::process::Command::new("sh");
    command
        .args([
            "-c",
            r#"printf 'X-Key: %s\n' "$CANARY" | "$0" "$@" --header @/dev/stdin"#,
            env!("CARGO_BIN_EXE_longhaul"),
        ])
        .args(["get", &place.url("a.bin"), "-o", "a.bin", "--part-size", "1M", "--retries", "0", "--proxy", "none"])
        .env("CANARY", CANARY)
        .env("LONGHAUL_STATE", place.path("state"))
        .current_dir(place.path("out"))
        .kill_on_drop(true);
    check(&Told::of(command).await.expect(1));
    place.server.set_faults(Vec::new());
    let told = place.words("resume").await.expect(2);
    assert!(told.stderr.contains("X-Key: <redacted>"), "{told:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn records_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_faults(Fault::new(When::After(2), What::Status { code: 500, retry_after: None })).await;
    place.remote("a.bin", 4 << 20);
    place.words(&format!("get {} -o a.bin --part-size 1M --retries 0", place.url("a.bin"))).await.expect(1);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path("state")), 0o700);
    assert_eq!(mode(&place.records()[0]), 0o600);
}
