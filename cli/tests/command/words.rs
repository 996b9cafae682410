//! What is said of a transfer that broke: what the same command does then.

use longhaul_serve::{Fault, What, When};

use crate::support::{CANARY, Place};

const FAST: &str = "--retries 0 --idle-timeout 2s --parts 1 --part-size 1MiB";
const SIZE: usize = 4 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_download_says_what_the_same_command_does() {
    for (more, ranges, says) in [
        ("", true, "the same command goes on where it stopped"),
        ("--no-recheck", true, "the same command begins anew"),
        ("", false, "the same command begins anew"),
    ] {
        let place = Place::new().await;
        place.remote("a.bin", SIZE);
        // The first response of a server without ranges is all of it.
        let when = if ranges { When::After(1) } else { When::Always };
        let broken = Fault::new(when, What::ResetAfter { bytes: 700_000 }).method("GET");
        let whole = (!ranges).then(|| Fault::new(When::Always, What::NoRanges));
        place.server.set_faults(whole.clone().into_iter().chain([broken]).collect::<Vec<_>>());
        let words = format!("get {} -o a.bin {FAST} {more}", place.url("a.bin"));
        let told = place.words(&words).await;
        let told = told.expect(1);
        assert!(told.stderr.contains(says), "{more:?} {ranges}: {told:?}");
        let goes_on = says.contains("goes on");

        place.server.set_faults(whole.into_iter().collect::<Vec<_>>());
        let told = place.words(&format!("{words} --json")).await.expect(0);
        let (again, lines) = (told.summary(), told.lines());
        let notes: Vec<_> = lines.iter().filter(|line| line["event"] == "note").map(|line| &line["message"]).collect();
        assert_eq!(again["reused"].as_u64() > Some(0), goes_on, "and so it is: {again}");
        let gone = notes
            .iter()
            .any(|note| *note == "nothing is there of an earlier run that could be gone on with; it begins anew");
        assert_eq!(gone, !goes_on, "{notes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_whose_signature_has_expired_is_told_so_and_a_fresh_one_goes_on() {
    for output in ["", "-o a.bin"] {
        let place = Place::new().await;
        place.remote("a.bin", SIZE);
        place
            .server
            .set_faults(Fault::new(When::After(3), What::Status { code: 403, retry_after: None }).method("GET"));
        let signed = |date| format!("a.bin?versionId=1&X-Amz-Date={date}&X-Amz-Expires=3600&X-Amz-Signature={CANARY}");
        let words = |date| format!("get {} {output} --json {FAST}", place.url(&signed(date)));
        let told = place.words(&words("20200101T000000Z")).await.expect(4);
        assert!(told.stderr.contains("the URL's signature expired on 2020-01-01T01:00:00Z"), "{told:?}");
        assert!(told.stderr.contains(": get a fresh URL; the command then goes on where it stopped"), "{told:?}");
        assert!(!told.stderr.contains(CANARY) && !told.stdout.contains(CANARY), "{told:?}");
        assert_eq!(told.summary()["error"]["code"], 201);
        assert_eq!(place.records().len(), 1);

        place.server.set_faults(Vec::new());
        let summary = place.words(&words("20990101T000000Z")).await.expect(0).summary();
        assert!(summary["reused"].as_u64() > Some(0), "{summary}");
        assert!(place.records().is_empty(), "it is the same transfer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_by_a_signed_url_is_another_object() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", SIZE);
    let signed = |version: u8, date: &str| {
        let query = format!("versionId={version}&X-Amz-Date={date}&X-Amz-Expires=3600&X-Amz-Signature={CANARY}");
        format!("get {} --json {FAST}", place.url(&format!("a.bin?{query}")))
    };
    place.server.set_faults(Fault::new(When::After(3), What::Status { code: 403, retry_after: None }).method("GET"));
    place.words(&signed(1, "20200101T000000Z")).await.expect(4);
    assert_eq!(place.records().len(), 1);

    place.server.set_faults(Vec::new());
    let other = place.words(&signed(2, "20990101T000000Z")).await.expect(0).summary();
    assert_eq!(other["reused"], 0, "{other}");
    assert!(std::fs::read(place.out("a.bin")).unwrap() == bytes);
    assert_eq!(place.records().len(), 1, "the first one is unfinished");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_began_is_tried_again() {
    let place = Place::new().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}/a.bin", socket.local_addr().unwrap());
    let told = place.words(&format!("get {url} {FAST}")).await.expect(1);
    assert!(told.stderr.contains("the same command tries again"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_url_is_told_as_what_was_meant() {
    let place = Place::new().await;
    let (file, _) = place.local("x", 1);
    for (typed, meant) in [
        ("s3:/b/k", "s3://b/k"),
        ("oss:b/k", "oss://b/k"),
        ("AZ:/c/b", "AZ://c/b"),
        ("https:/h/x", "https://h/x"),
        ("http:/u:c4n4ry-7Qx@h/x?c4n4ry-7Qx", "http://<redacted>@h/x?<redacted>"),
    ] {
        let told = place.run(["put".as_ref(), file.as_os_str(), typed.as_ref()]).await.expect(2);
        assert!(told.stderr.contains(&format!("; {meant} may be meant")), "{typed}: {told:?}");
        assert!(!told.stderr.contains(CANARY), "{told:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_steers_a_terminal_is_escaped_wherever_a_name_is_shown() {
    let mut place = Place::new().await;
    // A store that is not there, and an object that is called so.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    place.env.push(("AWS_ENDPOINT_URL", format!("http://{}", socket.local_addr().unwrap())));
    for (name, value) in [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "r")] {
        place.env.push((name, value.into()));
    }
    let (file, _) = place.local("n\u{9b}31m", 1);
    let steers = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    for url in ["s3://b/k\u{1b}[31m", "s3://b/k\nx", "s3:/b/k\u{1b}[31m", "http://h:\u{1b}[31m/", "s3://B\u{1b}[2J/k"] {
        for more in ["-v", "-q"] {
            let args =
                ["put".as_ref(), file.as_os_str(), url.as_ref(), "--retries".as_ref(), "0".as_ref(), more.as_ref()];
            let told = place.run(args).await;
            assert!(told.code != Some(0) && !told.stderr.is_empty() && !steers(&told.stderr), "{url:?}: {told:?}");
            assert!(!told.stderr.lines().any(|line| line.starts_with('x')), "one line stays one: {told:?}");
        }
    }
    assert!(!place.records().is_empty());
    for words in ["resume --list", "resume", "cancel nothing\u{1b}[2J", "get --parts \u{1b}[2J"] {
        let told = place.words(words).await;
        assert!(!steers(&told.stdout) && !steers(&told.stderr), "{words}: {told:?}");
    }
}
