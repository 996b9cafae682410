//! What goes up is what is stored, and comes down again: sizes (O2), keys (O4), the caller's fields (U11), checksums (D13).

use std::sync::Arc;

use http::HeaderMap;
use longhaul::http::Headers;
use longhaul::{Algorithm, Verification};
use longhaul_s3::{AccessKey, Bucket, Integrity, Object, Payload, S3Download, S3Upload};

use crate::store::{BUCKET, Store};
use crate::support::jobs::{from_file, keys, to_file};
use crate::support::{Folder, client, content, digest, run, stores};
use crate::{PART, from_bytes, object, upload};

const SIZES: [u64; 6] = [0, 1, PART - 1, PART, PART + 1, 5 * PART + 7];

async fn o2_p5_every_size_goes_up_and_comes_down_unchanged_small_ones_in_one_request() {
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for size in SIZES {
        let bytes = content(size as usize, size + 1);
        let source = folder.file("source", &bytes);
        let key = format!("sizes/{size}.bin");
        let object = object(server.addr, &key);
        let done =
            run(&client, from_file(upload(object.clone()), &source, &folder.join("journals"), PART)).await.unwrap();
        {
            let state = store.state();
            let stored = &state.objects[&key];
            assert!(stored.content == bytes, "{size}: stored as it is");
            assert_eq!(done.receipt.etag.as_ref(), Some(&stored.etag), "{size}");
            assert!(state.sessions.is_empty(), "{size}: nothing is left behind");
        }
        let target = folder.join("target");
        let done = run(&client, to_file(S3Download::new(object).unwrap(), &target, PART)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == bytes, "{size}: comes back as it was");
        assert_eq!(done.verification, Verification::Verified(digest(Algorithm::Crc64Nvme, &bytes)), "{size}");
        std::fs::remove_file(&target).unwrap();
    }
    let uploads = server.log().iter().filter(|request| request.target.ends_with("?uploads")).count();
    assert_eq!(uploads, 3, "what is smaller than a part takes one request (P5)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_every_key_names_one_object() {
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for (number, key) in keys().into_iter().enumerate() {
        // Every other one in parts, so that keys and queries stand side by side.
        let bytes = content(10 + number % 2 * (2 * PART as usize), number as u64);
        let object = object(server.addr, &key);
        run(&client, from_bytes(upload(object.clone()), &bytes)).await.unwrap();
        assert!(store.state().objects.get(&key).is_some_and(|stored| stored.content == bytes), "{key}");
        let target = folder.join("target");
        run(&client, to_file(S3Download::new(object).unwrap(), &target, PART)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == bytes, "{key}");
        std::fs::remove_file(&target).unwrap();
    }
    assert_eq!(store.state().objects.len(), keys().len(), "no two of them are one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u11_the_callers_fields_reach_the_object_whichever_way_it_goes_up() {
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let client = client();
    let mut headers = Headers::new();
    for line in [
        "Content-Type: text/plain",
        "Cache-Control: no-store",
        "x-amz-meta-who: me",
        "x-amz-storage-class: STANDARD_IA",
    ] {
        headers.add_line(line).unwrap();
    }
    for size in [10, 3 * PART] {
        let key = format!("fields/{size}");
        let upload = upload(object(server.addr, &key)).with_headers(headers.clone()).unwrap();
        run(&client, from_bytes(upload, &content(size as usize, 1))).await.unwrap();
        let state = store.state();
        let there: &HeaderMap = &state.objects[&key].headers;
        for (name, value) in headers.iter() {
            assert_eq!(there.get(name), Some(value), "{size} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_a_store_that_tells_no_checksum_is_verified_by_the_tag_of_a_single_object_only() {
    let store = Store::new(PART as usize);
    store.state().tells_checksums = false;
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for size in [10, 3 * PART] {
        let bytes = content(size as usize, 1);
        let object = object(server.addr, &size.to_string());
        run(&client, from_bytes(upload(object.clone()), &bytes)).await.unwrap();
        let target = folder.join(&size.to_string());
        let done = run(&client, to_file(S3Download::new(object).unwrap(), &target, PART)).await.unwrap();
        let expected = match size {
            10 => Verification::Verified(digest(Algorithm::Md5, &bytes)),
            _ => Verification::NotProvided,
        };
        assert_eq!(done.verification, expected, "{size}");
    }
}

/// The same against a server of somebody else's: moto, or the one that `LONGHAUL_S3_ENDPOINT` names, see docs/s3.md.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_o4_a_real_server_agrees() {
    let endpoint = stores::endpoint("S3", "moto");
    let setting = |name: &str, default: &str| std::env::var(format!("LONGHAUL_S3_{name}")).unwrap_or(default.into());
    let bucket = Bucket::at(&endpoint, &setting("REGION", "us-east-1"), &setting("BUCKET", BUCKET)).unwrap();
    let key = Arc::new(AccessKey::new(setting("KEY", "TESTAK"), setting("SECRET", "TESTSK0123456789").as_str()));
    let (folder, client) = (Folder::new(), client());
    let part = 5 << 20;
    let sizes = [0, 1, part - 1, part, part + 1, 5 * part + 7];
    let integrity = match setting("INTEGRITY", "").as_str() {
        "crc32c" => Integrity::Crc32c,
        "crc64nvme" => Integrity::Crc64Nvme,
        "sha256" => Integrity::Sha256,
        _ => Integrity::Returned,
    };
    let payload = if setting("PAYLOAD", "") == "signed" { Payload::Signed } else { Payload::Unsigned };
    let by_size = sizes.map(|size| (format!("sizes/{size}"), size));
    let skipped = setting("SKIP_KEYS", "");
    let by_key =
        keys().into_iter().filter(|key| !skipped.split(' ').any(|skip| !skip.is_empty() && key.contains(skip)));
    let by_key = by_key.map(|key| (key, 100));
    for (key_name, size) in by_size.into_iter().chain(by_key) {
        let bytes = content(size as usize, 7);
        let source = folder.file("source", &bytes);
        let object = Object::new(bucket.clone(), &key_name, Arc::clone(&key)).unwrap();
        let upload =
            S3Upload::new(object.clone()).single_up_to(part - 1).with_integrity(integrity).with_payload(payload);
        let done = run(&client, from_file(upload, &source, &folder.join("journals"), part)).await;
        println!("{:.40} {size}: {:?}", key_name, done.as_ref().map(|done| &done.receipt));
        done.unwrap();
        let target = folder.join("target");
        let done = run(&client, to_file(S3Download::new(object).unwrap(), &target, part)).await.unwrap();
        println!("    back: {:?}", done.verification);
        assert!(std::fs::read(&target).unwrap() == bytes, "{key_name}");
        std::fs::remove_file(&target).unwrap();
    }
}

/// Checksums that go along: the store compares each part's, and the whole object's where they combine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_declared_checksums_and_signed_content_are_accepted_part_by_part() {
    let store = Store::new(PART as usize);
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for (integrity, payload) in [
        (Integrity::Crc32c, Payload::Unsigned),
        (Integrity::Crc64Nvme, Payload::Unsigned),
        (Integrity::Sha256, Payload::Unsigned),
        (Integrity::Sha256, Payload::Signed),
        (Integrity::Returned, Payload::Signed),
    ] {
        for size in SIZES {
            let bytes = content(size as usize, size + 2);
            let source = folder.file("source", &bytes);
            let key = format!("{integrity:?}/{payload:?}/{size}");
            let upload = upload(object(server.addr, &key)).with_integrity(integrity).with_payload(payload);
            let done = run(&client, from_file(upload, &source, &folder.join("journals"), PART)).await;
            assert!(done.is_ok(), "{key}: {done:?}");
            assert!(store.state().objects[&key].content == bytes, "{key}");
        }
    }
    let log = server.log();
    let signed =
        |request: &&crate::support::raw::Request| request.header("x-amz-content-sha256") != Some("UNSIGNED-PAYLOAD");
    assert!(log.iter().filter(|request| request.target.contains("/Signed/")).all(|request| signed(&request)));
    let whole =
        log.iter().filter(|request| request.method == "POST" && request.header("x-amz-checksum-crc64nvme").is_some());
    assert_eq!(whole.count(), 3, "the whole object's checksum goes with each completion");
}

crate::support::adapters::on_every_adapter!(
    o2_p5_every_size_goes_up_and_comes_down_unchanged_small_ones_in_one_request
);
