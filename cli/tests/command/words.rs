//! What is said of a transfer that broke: what the same command does then.

use longhaul_serve::{Fault, What, When};

use crate::support::Place;

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
        let again = place.words(&format!("{words} --json")).await.expect(0).summary();
        assert_eq!(again["reused"].as_u64() > Some(0), goes_on, "and so it is: {again}");
    }
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
