//! `--overwrite`.

use crate::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn if_changed_is_the_default_and_fetches_nothing_twice() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 400_000);
    let words = format!("get {} -o a.bin --json", place.url("a.bin"));
    place.words(&words).await.expect(0);
    let sent = place.server.stats().body_bytes_sent;
    let told = place.words(&words).await.expect(0);
    assert_eq!(told.summary()["outcome"], "unchanged");
    assert_eq!(place.server.stats().body_bytes_sent, sent, "not one byte more");
    // Another size, another content.
    let other = place.remote("a.bin", 400_001);
    assert_ne!(bytes, other);
    assert_eq!(place.words(&words).await.expect(0).summary()["outcome"], "done");
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), other);
}

#[tokio::test(flavor = "multi_thread")]
async fn never_refuses_before_anything_is_fetched() {
    let place = Place::new().await;
    place.remote("a.bin", 400_000);
    std::fs::write(place.out("a.bin"), "mine").unwrap();
    let told = place.words(&format!("get {} -o a.bin --overwrite never", place.url("a.bin"))).await.expect(5);
    assert!(told.stderr.contains("--overwrite"), "{told:?}");
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), b"mine");
    assert_eq!(place.server.stats().body_bytes_sent, 0);
    place.words(&format!("get {} -o b.bin --overwrite never", place.url("a.bin"))).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn always_fetches_again() {
    let place = Place::new().await;
    place.remote("a.bin", 400_000);
    let words = format!("get {} -o a.bin --overwrite always", place.url("a.bin"));
    place.words(&words).await.expect(0);
    place.words(&words).await.expect(0);
    assert_eq!(place.server.stats().body_bytes_sent, 800_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_file_must_have_the_checksum_that_was_asked_for() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 100_000);
    let sum = crate::support::sha256(&bytes);
    let words = format!("get {} -o a.bin --json --checksum sha-256:{sum}", place.url("a.bin"));
    place.words(&words).await.expect(0);
    assert_eq!(place.words(&words).await.expect(0).summary()["digest"]["verdict"], "verified");
    // Damaged behind its size and time.
    let modified = std::fs::metadata(place.out("a.bin")).unwrap().modified().unwrap();
    let mut damaged = bytes.clone();
    damaged[5] ^= 1;
    std::fs::write(place.out("a.bin"), damaged).unwrap();
    std::fs::File::options().write(true).open(place.out("a.bin")).unwrap().set_modified(modified).unwrap();
    place.words(&words).await.expect(0);
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), bytes, "fetched again");
}
