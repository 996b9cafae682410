//! Ctrl-C and its like: state is kept, and the way on is told.

use longhaul_serve::{Fault, What, When};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{CANARY, PATIENCE, Place, Told};

const SIZE: usize = 24 << 20;

fn signal(child: &tokio::process::Child, signal: Signal) {
    let id = i32::try_from(child.id().expect("still running")).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_download_goes_on_where_it_was() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", SIZE);
    for (round, which) in [Signal::INT, Signal::TERM].into_iter().enumerate() {
        let name = format!("{round}.bin");
        let url = place.url("a.bin");
        let args = ["get", &url, "-o", &name, "--json", "--limit-rate", "12MiB", "--parts", "2", "--part-size", "1MiB"];
        let mut run = place.start(args);
        run.until_bytes(8 << 20).await;
        signal(&run.child, which);
        let (status, lines) = run.finish().await;
        assert_eq!(status.code(), Some(130));
        let last = lines.last().expect("a summary");
        assert_eq!((&last["outcome"], &last["exit_code"]), (&"interrupted".into(), &130.into()));
        assert!(!place.out(&name).exists());
        assert_eq!(place.records().len(), 1);
        // Whatever had come is kept: a pause loses nothing that was written.
        let told = place.words("resume --json").await.expect(0);
        let summary = told.summary();
        assert!(summary["reused"].as_u64() >= last["acknowledged"].as_u64(), "{summary} after {last}");
        assert_eq!(std::fs::read(place.out(&name)).unwrap(), bytes);
        assert!(place.records().is_empty());
    }
}

/// `timeout` signals its child and then the group that the child is in; a terminal's Ctrl-C may come twice, too.
#[tokio::test(flavor = "multi_thread")]
async fn one_wish_to_stop_that_is_signalled_twice_is_one() {
    let place = Place::with_faults(Fault::new(When::After(1), What::StallAfter { bytes: 1000 })).await;
    place.remote("a.bin", SIZE);
    let url = place.url("a.bin");
    let mut run = place.start(["get", &url, "-o", "a.bin", "--json", "--part-size", "1MiB"]);
    run.until(|line| line["event"] == "moving").await;
    signal(&run.child, Signal::INT);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    signal(&run.child, Signal::INT);
    let (status, lines) = run.finish().await;
    assert_eq!((status.code(), lines.last().map(|line| &line["outcome"])), (Some(130), Some(&"interrupted".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_on_is_the_exact_command_without_secrets() {
    let place = Place::with_faults(Fault::new(When::After(1), What::StallAfter { bytes: 1000 })).await;
    place.remote("a.bin", 1 << 20);
    let url = format!("{}?token={CANARY}", place.url("a.bin"));
    let header = format!("X-Key: {CANARY}");
    let mut child = place.command(["get", &url, "-o", "it's.bin", "-H", &header, "--retries", "3"]).spawn().unwrap();
    wait_for(&place, |place| place.server.stats().faults_of("stall") > 0).await;
    wait_for(&place, |place| !place.records().is_empty()).await;
    signal(&child, Signal::INT);
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("ends at once").unwrap();
    assert_eq!(status.code(), Some(130));
    let output = child.wait_with_output().await.unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let expected = format!(
        r"longhaul get -o '{}' --retries 3 --header 'X-Key: <redacted>'",
        place.out("it's.bin").display().to_string().replace('\'', r"'\''")
    );
    assert!(words.contains(&expected), "{words}\n{expected}");
    assert!(words.contains("a.bin?<redacted>") && !words.contains(CANARY), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_and_says_nothing_more() {
    let place = Place::new().await;
    let mut command = place.command(["serve", ".", "--listen", "127.0.0.1:0"]);
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut line))
        .await
        .expect("starts")
        .unwrap();
    assert!(line.starts_with("http://127.0.0.1:"), "{line}");
    signal(&child, Signal::INT);
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("ends").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_demo_leaves_nothing() {
    let place = Place::new().await;
    let temporary = place.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = place.command(["demo", "--size", "24MiB"]);
    let child = command.env("TMPDIR", &temporary).spawn().unwrap();
    wait_for(&place, |_| std::fs::read_dir(&temporary).unwrap().count() > 0).await;
    signal(&child, Signal::INT);
    let told = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("ends").unwrap();
    assert_eq!(told.status.code(), Some(130), "{told:?}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

/// Looks every few milliseconds, until it is so.
async fn wait_for(place: &Place, so: impl Fn(&Place) -> bool) {
    let wait = async {
        while !so(place) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("comes true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_checksum_does_not_hold_the_end_up() {
    let place = Place::new().await;
    // Takes minutes to read, and no room.
    std::fs::File::create(place.out("huge")).unwrap().set_len(1 << 40).unwrap();
    let sum = format!("md5:{}", "0".repeat(32));
    let mut run = place.start(["put", "huge", &place.url("up"), "--checksum", &sum, "--json"]);
    run.until(|line| line["event"] == "start").await;
    signal(&run.child, Signal::INT);
    let (status, lines) = run.finish().await;
    assert_eq!((status.code(), lines.last().map(|line| &line["outcome"])), (Some(130), Some(&"interrupted".into())));
    assert_eq!(place.server.stats().requests_total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_does_not_hold_the_end_up() {
    let place = Place::new().await;
    place.remote("a.bin", 64 << 20);
    let mut child = place.command(["get", &place.url("a.bin"), "-o", "-"]).spawn().unwrap();
    // Held, and not read.
    let _stdout = child.stdout.take();
    wait_for(&place, |place| place.server.stats().body_bytes_sent > 1 << 20).await;
    signal(&child, Signal::TERM);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("ends").unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_standard_input_can_be_stopped() {
    let place = Place::new().await;
    let mut command = place.command(["put", "-", &place.url("up"), "--name", "x", "--json"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    // Held open: nothing ever comes.
    let _stdin = child.stdin.take();
    let mut line = String::new();
    let mut stdout = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut line))
        .await
        .expect("starts")
        .unwrap();
    signal(&child, Signal::INT);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("ends").unwrap();
    let told =
        Told { code: output.status.code(), stdout: line, stderr: String::from_utf8_lossy(&output.stderr).into_owned() };
    told.expect(130);
}
