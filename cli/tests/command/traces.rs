//! Traces and pages of runs, and the commands that read them.

use longhaul_serve::{Fault, What, When};

use crate::support::{CANARY, Place};

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_done_leaves_a_trace_that_replays_and_a_page() {
    let place = Place::new().await;
    place.remote("a.bin", 300_000);
    let url = place.url("a.bin");
    place.words(&format!("get {url} -o a.bin --part-size 64KiB --trace run.jsonl --report run.html")).await.expect(0);
    let told = place.words("replay run.jsonl").await.expect(0);
    assert!(told.stdout.contains("o0.0 t0.0 HEAD") || told.stdout.contains("t0.0 HEAD"), "{}", told.stdout);
    assert!(told.stdout.lines().last().unwrap().ends_with("all as they were recorded"), "{}", told.stdout);
    let page = std::fs::read_to_string(place.out("run.html")).unwrap();
    assert!(page.contains("Completed") && page.contains("Download of a.bin"), "{page}");
    let again = place.words("report run.jsonl -o -").await.expect(0);
    assert_eq!(again.stdout, page, "the page is a function of the trace");

    let (file, _) = place.local("up.bin", 300_000);
    place.words(&format!("put {} {} --report put.html", file.display(), place.url("up"))).await.expect(0);
    assert!(std::fs::read_to_string(place.out("put.html")).unwrap().contains("Upload of"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b9_a_transfer_that_failed_says_why_in_its_page_and_fails_the_same_in_its_replay() {
    let place = Place::with_faults(Fault::new(When::After(3), What::Status { code: 403, retry_after: None })).await;
    place.remote("a.bin", 300_000);
    let url = format!("{}?token={CANARY}", place.url("a.bin").replacen("://", &format!("://user:{CANARY}@"), 1));
    let args = ["get", &url, "-o", "a.bin", "--part-size", "64KiB", "--trace", "run.jsonl", "--report", "run.html"];
    place.run([&args[..], &["-H", &format!("X-Key: {CANARY}")]].concat()).await.expect(4);
    let page = std::fs::read_to_string(place.out("run.html")).unwrap();
    assert!(page.contains("The server denies access (HTTP 403") && page.contains("error 302"), "{page}");
    let trace = std::fs::read_to_string(place.out("run.jsonl")).unwrap();
    for text in [&page, &trace] {
        assert!(!text.contains(CANARY));
    }
    let told = place.words("replay run.jsonl").await.expect(0);
    assert!(told.stdout.contains("failed 302: the server denies access"), "{}", told.stdout);

    // Somebody edits it: the first decision that this changes is named.
    std::fs::write(place.out("edited.jsonl"), trace.replacen("\"total\":300000", "\"total\":300001", 1)).unwrap();
    let told = place.words("replay --quiet edited.jsonl").await.expect(1);
    assert!(told.stderr.contains("the core decides otherwise: line ") && told.stdout.is_empty(), "{told:?}");
}

/// An older page must not pass for this run's.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_fails_before_it_begins_has_its_page_too() {
    let place = Place::new().await;
    let (file, _) = place.local("up.bin", 300_000);
    let put = format!("put {} {} --report put.html", file.display(), place.url("up"));
    place.words(&put).await.expect(0);
    place.words(&format!("{put} --checksum md5:00000000000000000000000000000000")).await.expect(3);
    let page = std::fs::read_to_string(place.out("put.html")).unwrap();
    assert!(page.contains("Nothing was submitted"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_written_is_named() {
    let place = Place::new().await;
    place.remote("a.bin", 10);
    std::fs::write(place.out("text"), "no trace\n").unwrap();
    let told = place.words("replay text").await.expect(2);
    assert!(told.stderr.contains("text") && told.stderr.contains("no trace"), "{told:?}");
    place.words("replay not-there").await.expect(5);
    place.words("report text -o page.html").await.expect(2);
    let told = place.words(&format!("get {} --report no/such/folder.html", place.url("a.bin"))).await.expect(5);
    assert!(told.stderr.contains("folder.html"), "{told:?}");
    assert!(!place.out("a.bin").exists(), "it is known before anything is transferred");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_replaces_no_file_that_is_none() {
    let place = Place::new().await;
    place.remote("a.bin", 10);
    let (url, (source, content)) = (place.url("a.bin"), place.local("up.bin", 300_000));
    let shown = source.display();
    for words in [
        format!("put {shown} {} --trace {shown}", place.url("up")),
        format!("put {shown} {} --report {shown}", place.url("up")),
        format!("get {url} -o new --trace {shown}"),
        format!("get {url} -o new --trace ./new"),
        format!("get {url} -o new --trace x --report x"),
        format!("report {shown} -o {shown}"),
    ] {
        let told = place.words(&words).await.expect(2);
        let why = ["name another file for it", "need files of their own"];
        assert!(why.iter().any(|why| told.stderr.contains(why)), "{words}: {told:?}");
        assert_eq!(std::fs::read(&source).unwrap(), content, "{words}");
        assert!(!place.out("new").exists(), "{words}");
    }
    // Earlier ones of their kind are replaced.
    for _ in 0..2 {
        place.words(&format!("get {url} -o new --trace run.jsonl --report run.html")).await.expect(0);
    }
    let told = place.words("report run.jsonl -o run.jsonl").await.expect(2);
    assert!(told.stderr.contains("is no page"), "{told:?}");
    place.words("replay --quiet run.jsonl").await.expect(0);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_costs_the_trace_and_not_the_transfer_and_is_told_in_any_case() {
    let place = Place::new().await;
    let content = place.remote("a.bin", 300_000);
    for quiet in ["", " --quiet"] {
        let told =
            place.words(&format!("get {} -o a.bin --trace /dev/full{quiet}", place.url("a.bin"))).await.expect(0);
        assert!(told.stderr.contains("the trace is not whole: /dev/full: No space left"), "{told:?}");
        assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_ends_too_soon_is_replayed_as_far_as_it_goes_and_says_so() {
    let place = Place::new().await;
    place.remote("a.bin", 300_000);
    place.words(&format!("get {} -o a.bin --trace run.jsonl", place.url("a.bin"))).await.expect(0);
    let trace = std::fs::read_to_string(place.out("run.jsonl")).unwrap();
    let half: String = trace.lines().take(20).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(place.out("half.jsonl"), half).unwrap();
    let told = place.words("replay --quiet half.jsonl").await.expect(0);
    assert!(told.stdout.ends_with("the trace is not whole: it ends before its transfer does\n"), "{told:?}");
}
