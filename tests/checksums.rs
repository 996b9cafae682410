//! Checksums of downloads, by the caller or the server: verified, mismatched or not provided (D13).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use longhaul::{Algorithm, Error, Verification};
use longhaul_serve::{Fault, Faults, What, When};
use support::raw::{Object, Raw};
use support::{Folder, Reference, client, content, digest, download, run};

const LEN: usize = 50_000;

async fn d13_the_callers_checksum_is_compared_by_every_algorithm() {
    let good = content(LEN, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    for algorithm in Algorithm::ALL {
        let folder = Folder::new();
        let target = folder.file("target", b"old");
        let (right, wrong) = (digest(algorithm, &good), digest(algorithm, b"another"));
        let job = download(&server.url("/object"), 7000).checksum(wrong).to(&target);
        let error = run(&client(), job).await.unwrap_err();
        assert_eq!(error, Error::Integrity { expected: wrong, actual: right }, "{algorithm:?}");
        assert_eq!(std::fs::read(&target).unwrap(), b"old", "{algorithm:?}");
        assert_eq!(folder.names(), ["target"], "what is wrong is not kept");

        let job = download(&server.url("/object"), 7000).checksum(right).to(&target);
        let done = run(&client(), job).await.unwrap();
        assert_eq!(done.verification, Verification::Verified(right), "{algorithm:?}");
        assert_eq!(std::fs::read(&target).unwrap(), good);
        // From text, as a user would give it.
        let text = longhaul::Digest::from_hex(algorithm, &right.hex().to_uppercase()).unwrap();
        assert_eq!(text, right);
    }
}

async fn d13_all_of_the_callers_checksums_must_match() {
    let good = content(LEN, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let folder = Folder::new();
    let right = digest(Algorithm::Sha256, &good);
    let wrong = digest(Algorithm::Md5, b"another");
    let job = download(&server.url("/object"), 7000).checksum(right).checksum(wrong).to(folder.join("target"));
    assert!(matches!(run(&client(), job).await, Err(Error::Integrity { expected, .. }) if expected == wrong));
    assert_eq!(folder.names(), Vec::<String>::new());
}

/// What a reader has taken cannot be read again: it is digested as it is handed on.
async fn d13_the_callers_checksums_are_compared_where_the_content_is_streamed() {
    let good = content(LEN, 1);
    let server = Raw::object(Object::new(good.clone()), |_, right| right).await;
    let wrong = digest(Algorithm::Crc32c, b"another");
    for (window, more) in [(9_000, None), (1 << 20, None), (9_000, Some(wrong))] {
        let right = Algorithm::ALL.map(|algorithm| digest(algorithm, &good));
        let described = download(&server.url("/object"), 7000);
        let described = right.into_iter().chain(more).fold(described, longhaul::Download::checksum);
        let (job, mut reader) = described.to_stream(window);
        let client = client();
        let (mut all, transfer) = (Vec::new(), client.submit(job).await.unwrap());
        let read = futures::AsyncReadExt::read_to_end(&mut reader, &mut all).await;
        assert_eq!((all == good, read.is_ok()), (true, more.is_none()), "{window}: {read:?}");
        match transfer.await {
            Ok(done) => assert_eq!(done.verification, Verification::Verified(right[0])),
            Err(error) => {
                assert!(matches!(error, Error::Integrity { expected, .. } if Some(expected) == more), "{error}")
            }
        }
    }
}

async fn d13_the_servers_digest_is_compared_and_a_missing_one_is_said_to_be_missing() {
    // SHA-256 of b"abc", as RFC 9530 writes it.
    let right = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    let cases = [
        (Some(("Repr-Digest", right)), Some(true)),
        (Some(("Repr-Digest", "sha-256=:AAAAv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:")), Some(false)),
        (Some(("Content-MD5", "kAFQmDzST7DWlj99KOF/cg==")), Some(true)),
        (Some(("Content-MD5", "AAFQmDzST7DWlj99KOF/cg==")), Some(false)),
        (Some(("Repr-Digest", "sha-256=:not base64:")), None),
        (Some(("Repr-Digest", "unheard-of=:AAAA:")), None),
        (None, None),
    ];
    for (field, verdict) in cases {
        let server = Raw::object(Object::new(b"abc".to_vec()), move |_, right| match field {
            Some((name, value)) => right.set(name, value),
            None => right,
        })
        .await;
        let folder = Folder::new();
        let outcome = run(&client(), download(&server.url("/object"), 7000).to(folder.join("target"))).await;
        match (verdict, outcome) {
            (Some(true), Ok(done)) => assert!(matches!(done.verification, Verification::Verified(_)), "{field:?}"),
            (Some(false), Err(Error::Integrity { .. })) => assert!(!folder.join("target").exists()),
            (None, Ok(done)) => assert_eq!(done.verification, Verification::NotProvided, "{field:?}"),
            (verdict, outcome) => panic!("{field:?}: not {verdict:?} but {outcome:?}"),
        }
    }
}

async fn d13_a_flipped_bit_anywhere_is_caught_where_there_is_a_checksum() {
    let good = content(LEN, 1);
    let server = Reference::start(&[("object", &good)], |config| config).await;
    for at in [0, 1, 6999, 7000, LEN as u64 / 2, LEN as u64 - 1] {
        server.faults(Fault::new(When::Always, What::CorruptByte { at }).method("GET"));
        let folder = Folder::new();
        let expected = digest(Algorithm::Crc32c, &good);
        let job = download(&server.url("object"), 7000).checksum(expected).to(folder.join("target"));
        let error = run(&client(), job).await.unwrap_err();
        assert!(matches!(error, Error::Integrity { .. }), "{at}: {error:?}");
        assert_eq!(folder.names(), Vec::<String>::new());
        // The damage is not kept for the next run.
        server.faults(Faults::none());
        let job = download(&server.url("object"), 7000).checksum(expected).to(folder.join("target"));
        run(&client(), job).await.unwrap();
        assert_eq!(std::fs::read(folder.join("target")).unwrap(), good);
    }
}

support::adapters::on_every_adapter!(
    d13_the_callers_checksum_is_compared_by_every_algorithm,
    d13_all_of_the_callers_checksums_must_match,
    d13_the_callers_checksums_are_compared_where_the_content_is_streamed,
    d13_the_servers_digest_is_compared_and_a_missing_one_is_said_to_be_missing,
    d13_a_flipped_bit_anywhere_is_caught_where_there_is_a_checksum,
);
