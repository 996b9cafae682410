//! Readers that go away.

use std::process::Stdio;

use crate::support::{PATIENCE, Place};

/// A transfer goes on when nobody wants to hear of it any more.
#[tokio::test(flavor = "multi_thread")]
async fn closed_output_does_not_stop_a_transfer() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 1 << 20);
    for args in [vec!["--json"], vec!["-vvv"], vec![]] {
        let mut command = place.command(["get", &place.url("a.bin"), "-o", "a.bin", "--overwrite", "always"]);
        let mut child = command.args(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("ends").unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}");
        assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), bytes);
    }
}

/// Where the content itself goes to standard output, its reader's end is the transfer's.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_content_that_goes_ends_the_transfer() {
    let place = Place::new().await;
    place.remote("a.bin", 64 << 20);
    let mut child = place.command(["get", &place.url("a.bin"), "-o", "-"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("ends").unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{words}");
    assert!(words.contains("standard output") && !words.contains("panicked"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_into_a_closed_pipe() {
    let place = Place::new().await;
    let mut child = place.command(["--help"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("ends").unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
