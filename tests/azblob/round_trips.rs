//! What goes up is what is stored, and comes down again: sizes (O2), names (O4), the caller's fields (U11), checksums (D13).

use longhaul::http::Headers;
use longhaul::{Algorithm, Verification};
use longhaul_azblob::{Access, AzureDownload, Integrity};
use longhaul_sign::date;

use crate::store::Store;
use crate::support::jobs::{from_file, to_file};
use crate::support::{Folder, client, content, digest, run};
use crate::{PART, blob, from_bytes, upload};

const SIZES: [u64; 6] = [0, 1, PART - 1, PART, PART + 1, 5 * PART + 7];

async fn o2_p5_every_size_goes_up_and_comes_down_unchanged_small_ones_in_one_request() {
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for size in SIZES {
        let bytes = content(size as usize, size + 1);
        let source = folder.file("source", &bytes);
        let name = format!("sizes/{size}.bin");
        let blob = blob(server.addr, &name);
        let done =
            run(&client, from_file(upload(blob.clone()), &source, &folder.join("journals"), PART)).await.unwrap();
        {
            let state = store.state();
            let stored = &state.blobs[&name];
            assert!(stored.content == bytes, "{size}: stored as it is");
            assert_eq!(done.receipt.etag.as_ref(), Some(&stored.etag), "{size}");
            assert!(state.staged.is_empty(), "{size}: nothing is left behind");
        }
        let target = folder.join("target");
        let done = run(&client, to_file(AzureDownload::new(blob).unwrap(), &target, PART)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == bytes, "{size}: comes back as it was");
        // Of a blob made of blocks the service knows no MD5.
        let expected = match size < PART {
            true => Verification::Verified(digest(Algorithm::Md5, &bytes)),
            false => Verification::NotProvided,
        };
        assert_eq!(done.verification, expected, "{size}");
        std::fs::remove_file(&target).unwrap();
    }
    let lists = server.log().iter().filter(|request| request.target.ends_with("?comp=blocklist")).count();
    assert_eq!(lists, 3, "what is smaller than a part takes one request (P5)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_a_sas_does_what_a_key_does_and_is_sent_as_it_came() {
    let store = Store::new();
    // Odd spellings on purpose: another encoder would write them otherwise.
    let expiry = date::iso8601(store.state().now() + 600).unwrap().replace(':', "%3a");
    let sas = format!("sp=rcw&se={expiry}&sv=2023-11-03&sr=b&x=%7e~&sig=a%2fb%2Bc%3D");
    store.state().sas = Some(sas.clone());
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for size in [0, 10, 3 * PART + 1] {
        let bytes = content(size as usize, size + 1);
        let blob = blob(server.addr, "by sas").with_access(Access::sas(&sas).unwrap());
        run(&client, from_bytes(upload(blob.clone()), &bytes)).await.unwrap();
        let target = folder.join(&size.to_string());
        run(&client, to_file(AzureDownload::new(blob).unwrap(), &target, PART)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == bytes, "{size}");
    }
    assert!(server.log().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_every_name_names_one_blob() {
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for (number, name) in crate::names().into_iter().enumerate() {
        // Every other one in blocks, so that names and queries stand side by side.
        let bytes = content(10 + number % 2 * (2 * PART as usize), number as u64);
        let blob = blob(server.addr, &name);
        run(&client, from_bytes(upload(blob.clone()), &bytes)).await.unwrap();
        assert!(store.state().blobs.get(&name).is_some_and(|stored| stored.content == bytes), "{name}");
        let target = folder.join("target");
        run(&client, to_file(AzureDownload::new(blob).unwrap(), &target, PART)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == bytes, "{name}");
        std::fs::remove_file(&target).unwrap();
    }
    assert_eq!(store.state().blobs.len(), crate::names().len(), "no two of them are one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u11_the_callers_fields_reach_the_blob_whichever_way_it_goes_up() {
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let client = client();
    let mut headers = Headers::new();
    for line in ["Content-Type: text/plain", "Cache-Control: no-store", "x-ms-meta-who: me", "x-ms-tags: a=1&b=2"] {
        headers.add_line(line).unwrap();
    }
    let mut there = Vec::new();
    for size in [10, 3 * PART] {
        let name = format!("fields/{size}");
        let upload = upload(blob(server.addr, &name)).with_headers(headers.clone()).unwrap();
        run(&client, from_bytes(upload, &content(size as usize, 1))).await.unwrap();
        let mut stored = store.state().blobs[&name].headers.clone();
        stored.remove("x-ms-blob-content-md5");
        there.push(stored);
    }
    assert_eq!(there[0], there[1]);
    for (name, value) in [
        ("x-ms-blob-content-type", "text/plain"),
        ("x-ms-blob-cache-control", "no-store"),
        ("x-ms-meta-who", "me"),
        ("x-ms-tags", "a=1&b=2"),
    ] {
        assert_eq!(there[0].get(name).map(|it| it.to_str().unwrap()), Some(value), "{name}");
    }
}

/// Checksums that go along: the service compares each block's; the whole blob's MD5 is stored and verifies what comes down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_declared_checksums_are_accepted_and_a_stored_md5_verifies_the_download() {
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    for (integrity, stored_md5) in [
        (Integrity::Crc64, false),
        (Integrity::Md5, false),
        (Integrity::Returned, true),
        (Integrity::Crc64, true),
        (Integrity::Md5, true),
    ] {
        for size in SIZES {
            let bytes = content(size as usize, size + 2);
            let source = folder.file("source", &bytes);
            let name = format!("{integrity:?}/{stored_md5}/{size}");
            let blob = blob(server.addr, &name);
            let upload = upload(blob.clone()).with_integrity(integrity).with_stored_md5(stored_md5);
            let done = run(&client, from_file(upload, &source, &folder.join("journals"), PART)).await;
            assert!(done.is_ok(), "{name}: {done:?}");
            assert!(store.state().blobs[&name].content == bytes, "{name}");
            let target = folder.join("target");
            let done = run(&client, to_file(AzureDownload::new(blob).unwrap(), &target, PART)).await.unwrap();
            let known = stored_md5 || size < PART;
            let expected = Verification::Verified(digest(Algorithm::Md5, &bytes));
            assert_eq!(done.verification, if known { expected } else { Verification::NotProvided }, "{name}");
            std::fs::remove_file(&target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_content_damaged_in_the_store_is_caught_by_the_stored_md5() {
    let store = Store::new();
    let server = store.serve(|_, answer| answer).await;
    let (folder, client) = (Folder::new(), client());
    let blob = blob(server.addr, "a");
    let bytes = content(3 * PART as usize, 1);
    run(&client, from_bytes(upload(blob.clone()).with_stored_md5(true), &bytes)).await.unwrap();
    store.state().blobs.get_mut("a").unwrap().content[100] ^= 1;
    let target = folder.join("target");
    let done = run(&client, to_file(AzureDownload::new(blob).unwrap(), &target, PART)).await;
    assert!(done.is_err() && !target.exists(), "{done:?}");
}

crate::support::adapters::on_every_adapter!(
    o2_p5_every_size_goes_up_and_comes_down_unchanged_small_ones_in_one_request
);
