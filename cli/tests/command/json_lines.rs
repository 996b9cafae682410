//! What `--json` says: one object per line, and a summary whose members scripts rely on.

use longhaul_serve::{Fault, What, When};

use crate::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_an_object_and_the_last_one_the_summary() {
    let place =
        Place::with_faults(Fault::new(When::Nth(2), What::Status { code: 503, retry_after: None }).method("GET")).await;
    place.remote("a.bin", 3 << 20);
    let told = place.words(&format!("get {} -o a.bin --json --part-size 1M", place.url("a.bin"))).await.expect(0);
    let lines = told.lines();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().expect("each has its event")).collect();
    assert_eq!((events.first(), events.last()), (Some(&"start"), Some(&"summary")));
    for event in ["phase", "moving", "retry", "progress"] {
        assert!(events.contains(&event), "{event} in {events:?}");
    }
    let id = &lines[0]["transfer"];
    assert!(id.is_string() && lines.iter().all(|line| line["transfer"] == *id));

    let summary = told.summary();
    for name in ["total", "transferred", "reused", "resent", "requests", "retries", "rate", "exit_code"] {
        assert!(summary[name].is_u64(), "{name} in {summary}");
    }
    assert!(summary["elapsed_seconds"].as_f64().expect("seconds") > 0.0);
    assert_eq!(summary["total"], 3 << 20);
    assert_eq!(summary["reused"], 0);
    assert_eq!(summary["transferred"], 3 << 20);
    assert_eq!(summary["retries"], 1);
    assert_eq!(summary["outcome"], "done");
    assert_eq!(summary["path"], place.out("a.bin").to_str().unwrap());
    assert!(summary["error"].is_null());
    assert!(told.stderr.is_empty(), "{}", told.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_names_the_servers_file_id() {
    let place = Place::new().await;
    let (file, _) = place.local("x.bin", 1 << 20);
    let told = place.words(&format!("put {} {} --json", file.display(), place.url("up"))).await.expect(0);
    assert_eq!(told.summary()["file_id"], "/up/x.bin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_has_its_number_its_blame_and_its_words() {
    let place = Place::new().await;
    let told = place.words(&format!("get {} --json", place.url("nothing"))).await.expect(4);
    let summary = told.summary();
    assert_eq!((&summary["outcome"], &summary["exit_code"]), (&"failed".into(), &4.into()));
    assert_eq!((&summary["error"]["code"], &summary["error"]["blame"]), (&301.into(), &"server".into()));
    assert!(summary["error"]["message"].as_str().expect("words").contains("404"));
    assert!(told.stderr.contains("404"), "errors are told on standard error, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_json_lines_are_few_and_quiet_means_quiet() {
    let place = Place::new().await;
    place.remote("a.bin", 1 << 20);
    let told = place.words(&format!("get {} -o a.bin", place.url("a.bin"))).await.expect(0);
    assert_eq!(told.stderr.lines().count(), 2, "start and end: {}", told.stderr);
    let told = place.words(&format!("get {} -o b.bin -q", place.url("a.bin"))).await.expect(0);
    assert_eq!(told.stderr, "");
    let told = place.words(&format!("get {} -q", place.url("nothing"))).await.expect(4);
    assert_eq!(told.stderr.lines().count(), 1, "errors are told: {}", told.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_the_command_before_there_is_a_transfer_is_an_object_too() {
    let place = Place::new().await;
    for (words, number, says) in [
        ("get htp://u:c4n4ry-7Qx@h/x", Some(102), "URL htp://<redacted>@h/x: the scheme htp"),
        ("get http://h/x --region r", None, "--region is for"),
        ("get http://h/x --parts none", None, "--parts"),
        ("get http://h/x?c4n4ry-7Qx http://h/y?c4n4ry-7Qx", None, "unexpected argument"),
        ("cancel nothing", None, "nothing unfinished is called nothing"),
    ] {
        let told = place.words(&format!("{words} --json")).await.expect(2);
        let lines = told.lines();
        let [error] = &lines[..] else { panic!("{told:?}") };
        assert_eq!((&error["event"], &error["exit_code"]), (&"error".into(), &2.into()));
        assert_eq!(error["error"]["code"].as_u64(), number, "{error}");
        let message = error["error"]["message"].as_str().expect("words");
        assert!(message.contains(says) && told.stderr.contains(says), "{told:?}");
        assert!(!told.stdout.contains(crate::support::CANARY), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_json_says_its_errors_in_words_only() {
    let place = Place::new().await;
    for words in ["serve . --json", "demo --json", "report a.trace --json", "--json serve .", "--json"] {
        let told = place.words(words).await.expect(2);
        assert!(told.stdout.is_empty() && told.stderr.contains("--json"), "{words}: {told:?}");
    }
}
