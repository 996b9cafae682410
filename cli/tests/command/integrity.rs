//! Checksums that the user gives.

use longhaul_serve::{Fault, What, When};

use crate::support::{Place, sha256};

#[tokio::test(flavor = "multi_thread")]
async fn d13_a_checksum_that_fits_is_told() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 200_000);
    let sum = sha256(&bytes);
    let told =
        place.words(&format!("get {} -o a.bin --json --checksum SHA256:{sum}", place.url("a.bin"))).await.expect(0);
    let digest = &told.summary()["digest"];
    assert_eq!(
        (&digest["verdict"], &digest["algorithm"], &digest["value"]),
        (&"verified".into(), &"sha-256".into(), &sum.into())
    );
    let told = place.words(&format!("get {} -o b.bin --json", place.url("a.bin"))).await.expect(0);
    assert_eq!(told.summary()["digest"]["verdict"], "not-provided");
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_a_flipped_bit_is_3_and_nothing_is_published() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 200_000);
    place.server.set_faults(Fault::new(When::Always, What::CorruptByte { at: 77_777 }).method("GET"));
    let words = format!("get {} -o a.bin --json --checksum sha-256:{}", place.url("a.bin"), sha256(&bytes));
    let told = place.words(&words).await.expect(3);
    let summary = told.summary();
    assert_eq!((&summary["digest"]["verdict"], &summary["exit_code"]), (&"mismatch".into(), &3.into()));
    assert_eq!(summary["digest"]["expected"], sha256(&bytes));
    assert!(!place.out("a.bin").exists());
    assert!(place.records().is_empty());

    // A good file survives.
    std::fs::write(place.out("a.bin"), "good").unwrap();
    place.words(&words).await.expect(3);
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), b"good");
    // The server mended, the same command succeeds.
    place.server.set_faults(Vec::new());
    place.words(&words).await.expect(0);
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_a_wrong_checksum_is_3_and_sends_nothing() {
    let place = Place::new().await;
    let (file, bytes) = place.local("x.bin", 50_000);
    let words = |sum: &str| format!("put {} {} --checksum sha-256:{sum}", file.display(), place.url("up"));
    place.words(&words(&sha256(b"other"))).await.expect(3);
    assert_eq!(place.server.stats().requests_total(), 0);
    place.words(&words(&sha256(&bytes))).await.expect(0);
}
