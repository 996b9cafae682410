//! SIGKILL at any moment: what is there is used, nothing half is seen, and records come and go.

use longhaul_serve::{Fault, What, When};

use crate::support::{Place, content, files};

const SIZE: usize = 32 << 20;
const PART: u64 = 1 << 20;
const PARTS: u64 = 4;
const CHECKPOINT: u64 = 2 << 20;

fn get(place: &Place, name: &str) -> Vec<String> {
    let words = format!(
        "get {} -o {name} --json --limit-rate 16MiB --parts {PARTS} --part-size {PART} --checkpoint {CHECKPOINT}",
        place.url("a.bin")
    );
    words.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_killed_download_is_resumed_and_little_is_fetched_again() {
    for again in ["resume --json", "the same command"] {
        let place = Place::new().await;
        let bytes = place.remote("a.bin", SIZE);
        let mut run = place.start(get(&place, "b.bin"));
        run.until_bytes(SIZE as u64 / 3).await;
        run.kill().await;
        assert!(!place.out("b.bin").exists(), "never under its name before it is complete");
        assert_eq!(place.records().len(), 1);

        let told = match again {
            "the same command" => place.run(get(&place, "b.bin")).await,
            words => place.words(words).await,
        }
        .expect(0);
        let summary = told.summary();
        assert!(summary["reused"].as_u64().expect("bytes") > 0, "{summary}");
        assert!(std::fs::read(place.out("b.bin")).unwrap() == bytes);
        assert_eq!(place.outputs(), ["b.bin"], "nothing else is left");
        assert!(place.records().is_empty());
        let sent = place.server.stats().body_bytes_sent;
        let allowed = SIZE as u64 + PARTS * PART + CHECKPOINT;
        assert!(sent <= allowed, "{sent} of {allowed} bytes in both runs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_download_into_a_folder_is_resumed_under_the_servers_name() {
    for again in ["resume --json", "the same command"] {
        let place = Place::new().await;
        let bytes = place.remote("a.bin", SIZE);
        let mut run = place.start(get(&place, "./"));
        run.until_bytes(SIZE as u64 / 3).await;
        run.kill().await;
        assert!(!place.out("a.bin").exists());
        let told = match again {
            "the same command" => place.run(get(&place, "./")).await,
            words => place.words(words).await,
        }
        .expect(0);
        let summary = told.summary();
        assert!(summary["reused"].as_u64().expect("bytes") > 0, "{summary}");
        assert_eq!(summary["path"], place.out("a.bin").to_str().unwrap());
        assert!(std::fs::read(place.out("a.bin")).unwrap() == bytes);
        assert_eq!(place.outputs(), ["a.bin"]);
        let left = files(&place.path("state"));
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_a_killed_upload_is_resumed_and_little_is_sent_again() {
    let place = Place::new().await;
    let (file, bytes) = place.local("x.bin", SIZE);
    let words = format!("put {} {} --json --limit-rate 16MiB --part-size {PART}", file.display(), place.url("up"));
    let mut run = place.start(words.split_whitespace());
    run.until_bytes(SIZE as u64 / 3).await;
    run.kill().await;
    assert!(!place.path("root/up/x.bin").exists());
    assert_eq!(place.records().len(), 1);
    let told = place.words("resume --json").await.expect(0);
    assert!(told.summary()["reused"].as_u64().expect("bytes") >= SIZE as u64 / 3);
    assert!(std::fs::read(place.path("root/up/x.bin")).unwrap() == bytes);
    let stats = place.server.stats();
    assert!(stats.content_resent() <= PART, "{stats:?}");
    assert!(place.records().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_unfinished_is_resumed_and_one_failure_does_not_hinder_the_others() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", SIZE);
    let (file, _) = place.local("x.bin", SIZE);
    let put = format!("put {} {} --json --limit-rate 16MiB --part-size {PART}", file.display(), place.url("up"));
    let mut runs =
        vec![place.start(get(&place, "1.bin")), place.start(get(&place, "2.bin")), place.start(put.split_whitespace())];
    for run in &mut runs {
        run.until_bytes(PART * 3).await;
    }
    for run in runs {
        run.kill().await;
    }
    let told = place.words("resume --list").await.expect(0);
    assert_eq!(told.stdout.lines().count(), 3, "{told:?}");
    // What the upload sends is gone.
    std::fs::remove_file(&file).unwrap();
    let told = place.words("resume --json").await.expect(5);
    let end = told.lines().pop().expect("an end");
    assert_eq!((&end["event"], &end["done"], &end["failed"]), (&"end".into(), &2.into(), &1.into()));
    for name in ["1.bin", "2.bin"] {
        assert!(std::fs::read(place.out(name)).unwrap() == bytes, "{name}");
    }
    assert_eq!(place.records().len(), 1, "what failed can be tried again");
    std::fs::write(&file, content(SIZE)).unwrap();
    place.words("resume -q").await.expect(0);
    let told = place.words("resume").await.expect(0);
    assert!(told.stderr.contains("nothing is unfinished"), "{told:?}");
}

/// A mistyped path, and a server that takes no such request: nothing is anywhere, and `resume` could only fail again.
#[tokio::test(flavor = "multi_thread")]
async fn what_never_began_is_not_remembered() {
    let place = Place::new().await;
    let (file, _) = place.local("x.bin", 1000);
    place.words(&format!("put {} {}", file.with_file_name("typo.bin").display(), place.url("up"))).await.expect(5);
    assert!(place.records().is_empty());
    place.words(&format!("put --method put {} {}", file.display(), place.url("up"))).await.expect(4);
    assert!(place.records().is_empty());
    for code in [404, 501] {
        place.server.set_faults(Fault::new(When::Always, What::Status { code, retry_after: None }));
        place.words(&format!("put {} {}", file.display(), place.url("up"))).await.expect(4);
        assert_eq!(files(&place.path("state")), [] as [std::path::PathBuf; 0], "{code}");
    }
    let told = place.words("resume").await.expect(0);
    assert!(told.stderr.contains("nothing is unfinished"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_its_files_starts_afresh_and_says_so() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", SIZE);
    let mut run = place.start(get(&place, "b.bin"));
    run.until_bytes(SIZE as u64 / 3).await;
    run.kill().await;
    for name in place.outputs() {
        std::fs::remove_file(place.out(name)).unwrap();
    }
    let told = place.words("resume").await.expect(0);
    assert!(told.stderr.contains("it begins anew"), "{told:?}");
    assert!(std::fs::read(place.out("b.bin")).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_two_processes_on_one_target_are_one_too_many() {
    let place = Place::with_faults(Fault::new(When::Always, What::StallAfter { bytes: 1000 }).method("GET")).await;
    place.remote("a.bin", SIZE);
    let mut first = place.start(get(&place, "b.bin"));
    first.until(|line| line["event"] == "moving").await;
    let told = place.run(get(&place, "b.bin")).await.expect(5);
    assert!(told.stderr.contains("another process"), "{told:?}");
    // Another state folder does not help.
    let mut args = get(&place, "b.bin");
    args.extend(["--state".to_owned(), place.path("other").display().to_string()]);
    let told = place.run(args).await.expect(5);
    assert!(told.stderr.contains("another transfer"), "{told:?}");
    assert_eq!(place.records().len(), 1, "the record stays with the first");
    first.kill().await;
    place.server.set_faults(Vec::new());
    place.words("resume").await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_tampered_with_is_named_and_left_alone() {
    let place = Place::new().await;
    std::fs::create_dir(place.path("state")).unwrap();
    let version = r#"{"version": 99}"#;
    let path = r#"{"version":1,"kind":"get","url":"http://h/x","path":"relative","started":1,"command":""}"#;
    let id = r#"{"version":1,"kind":"get","url":"http://h/x","path":"/x","started":1,"command":""}"#;
    for (name, text) in [("a", "no json"), ("b", version), ("c", path), ("d", id), ("e", "")] {
        std::fs::write(place.path("state").join(format!("{name}.json")), text).unwrap();
    }
    let told = place.words("resume").await.expect(5);
    for name in ["a.json", "b.json", "c.json", "d.json", "e.json"] {
        assert!(told.stderr.contains(name), "{name}: {told:?}");
    }
    assert!(told.stderr.contains("newer version") && told.stderr.contains("remove it"), "{told:?}");
    assert_eq!(place.records().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_is_told_when_it_comes() {
    let place = Place::new().await;
    for (name, size, rate) in [("quick.bin", 5 << 20, "1MiB"), ("slow.bin", 10 << 20, "1MiB")] {
        place.remote(name, size);
        let args = ["get", &place.url(name), "-o", name, "--json", "--limit-rate", rate];
        let mut run = place.start(args);
        run.until_bytes(1 << 20).await;
        run.kill().await;
    }
    let told = place.words("resume --json").await.expect(0);
    let lines = told.lines();
    let quick = lines.iter().position(|line| line["event"] == "summary").expect("a summary");
    let later =
        lines[quick..].iter().filter(|line| line["event"] == "progress" && line["acknowledged"] != line["total"]);
    assert!(later.count() > 0, "the other one is still at work: {told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_to_a_url_by_one_method_at_a_time_and_under_as_many_names_as_asked_for() {
    let place = Place::with_faults(Fault::new(When::After(1), What::Status { code: 503, retry_after: None })).await;
    let (file, bytes) = place.local("x.bin", 1 << 20);
    let put = format!("put {} {} --retries 0", file.display(), place.url("up"));
    place.words(&put).await.expect(1);
    assert_eq!(files(&place.path("state/journals")).len(), 1);
    place.words(&format!("{put} --method put")).await.expect(1);
    let records = place.words("resume --list --json").await.expect(0).lines();
    assert_eq!(records.len(), 1, "{records:?}");
    assert!(records[0]["command"].as_str().unwrap().contains("--method put"), "the last word counts: {records:?}");
    assert!(files(&place.path("state/journals")).is_empty(), "nothing goes on by the first one any more");

    let place = Place::with_faults(Fault::new(When::Always, What::Status { code: 503, retry_after: None })).await;
    let (file, _) = place.local("x.bin", 1 << 20);
    let put = format!("put {} {} --retries 0", file.display(), place.url("up"));
    for name in ["--name a", "--name b"] {
        place.words(&format!("{put} {name}")).await.expect(1);
    }
    place.server.set_faults(Vec::new());
    place.words("resume").await.expect(0);
    for name in ["a", "b"] {
        assert!(std::fs::read(place.path("root/up").join(name)).unwrap() == bytes);
    }
}
