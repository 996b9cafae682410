//! What killed processes leave in the state folder.

use std::fs::File;
use std::process::Stdio;

use crate::support::Place;

const DEAD: &str = "00000000000000000000000000000000";
const LIVE: &str = "11111111111111111111111111111111";

#[tokio::test(flavor = "multi_thread")]
async fn locks_and_drafts_of_the_dead_are_swept_and_those_of_the_living_are_not() {
    let place = Place::new().await;
    place.remote("a.bin", 1000);
    std::fs::create_dir(place.path("state")).unwrap();
    let left = |id: &str, suffix: &str| place.path(format!("state/{id}.{suffix}"));
    for id in [DEAD, LIVE] {
        std::fs::write(left(id, "lock"), "").unwrap();
        std::fs::write(left(id, "new"), "{").unwrap();
    }
    // Somebody else's file, for all we know.
    std::fs::write(place.path("state/mine.lock"), "").unwrap();
    let living = File::open(left(LIVE, "lock")).unwrap();
    living.lock().unwrap();

    place.words(&format!("get {}", place.url("a.bin"))).await.expect(0);
    let mut names: Vec<_> = std::fs::read_dir(place.path("state"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "journals")
        .collect();
    names.sort();
    assert_eq!(names, [format!("{LIVE}.lock"), format!("{LIVE}.new"), "mine.lock".to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_command_leaves_nothing_that_the_next_one_does_not_remove() {
    let place = Place::new().await;
    place.remote("a.bin", 8 << 20);
    place.remote("b.bin", 10);
    let url = place.url("a.bin");
    let mut run = place.start(["get", &url, "-o", "a.bin", "--json", "--limit-rate", "2MiB"]);
    run.until_bytes(1 << 20).await;
    run.kill().await;
    let locks = || {
        let entries = std::fs::read_dir(place.path("state")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "lock")).count()
    };
    assert_eq!(locks(), 1);
    // Another transfer altogether.
    let status = place.command(["get", &place.url("b.bin")]).stdout(Stdio::null()).status().await.unwrap();
    assert!(status.success());
    assert_eq!((locks(), place.records().len()), (0, 1), "what can go on does");
    place.words("resume").await.expect(0);
    assert_eq!((locks(), place.records().len()), (0, 0));
}
