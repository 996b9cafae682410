//! What goes up is what is stored, and comes down again: sizes (O2), keys (O4), the caller's fields (U11), checksums (D13).

use http::{HeaderMap, Method};
use longhaul::core::{Now, Time, Wall};
use longhaul::http::{Headers, HttpDownload, HttpPut};
use longhaul::{Error, ServerFaultKind, Verification};
use longhaul_oss::{Integrity, Object, OssDownload, OssUpload};

use crate::emulator::{Emulator, own};
use crate::support::jobs::{from_bytes, from_file, keys, to_file};
use crate::support::{Folder, adapters, client, content, run};
use crate::{PART, crc64, upload};

const SIZES: [u64; 6] = [0, 1, PART - 1, PART, PART + 1, 5 * PART + 7];

/// Up, looked at through the server's own eyes, and down.
async fn there_and_back(emulator: &Emulator, upload: OssUpload, download: OssDownload, size: u64) {
    let (folder, client) = (Folder::new(), client());
    let key = upload.target().key().to_string();
    let bytes = content(size as usize, size + 1);
    let source = folder.file("source", &bytes);
    let done = run(&client, from_file(upload, &source, &folder.join("journals"), PART)).await;
    assert!(done.is_ok(), "{key:.60}: {done:?}");
    assert!(emulator.holds(&key, &bytes), "{key:.60}: stored as it is");
    assert_eq!(emulator.open(&key), 0, "{key:.60}: nothing is left behind");
    let target = folder.join("target");
    let done = run(&client, to_file(download, &target, PART)).await;
    assert!(std::fs::read(&target).is_ok_and(|back| back == bytes), "{key:.60}: comes back as it was: {done:?}");
    assert_eq!(done.unwrap().verification, Verification::Verified(crc64(&bytes)), "{key:.60}");
}

async fn o2_p5_every_size_goes_up_and_comes_down_unchanged_small_ones_in_one_request() {
    let emulator = Emulator::new();
    for integrity in [Integrity::Crc64, Integrity::ContentMd5] {
        for size in SIZES {
            let key = own(&format!("sizes/{:?}/{integrity:?}/{size}", adapters::current()));
            let object = emulator.object(&key);
            let download = OssDownload::new(object.clone()).unwrap();
            there_and_back(&emulator, upload(object).with_integrity(integrity), download, size).await;
            let in_parts = emulator.asked(&key, "InitiateMultipartUpload");
            assert_eq!(in_parts, usize::from(size >= PART), "{size}: what is smaller than a part takes one request");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_three_hundred_mebibytes_go_up_and_come_down_unchanged() {
    let emulator = Emulator::new();
    let (folder, client) = (Folder::new(), client());
    let bytes = content(300 << 20, 3);
    let (source, target) = (folder.file("source", &bytes), folder.join("target"));
    let object = emulator.object("large");
    let began = std::time::Instant::now();
    run(&client, from_file(OssUpload::new(object.clone()), &source, &folder.join("journals"), 8 << 20)).await.unwrap();
    println!("300 MiB up: {:?}", began.elapsed());
    assert!(emulator.holds("large", &bytes) && emulator.open("large") == 0);
    let began = std::time::Instant::now();
    let done = run(&client, to_file(OssDownload::new(object).unwrap(), &target, 8 << 20)).await.unwrap();
    println!("300 MiB down: {:?}", began.elapsed());
    assert_eq!(done.verification, Verification::Verified(crc64(&bytes)));
    assert!(std::fs::read(&target).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_every_key_names_one_object() {
    let emulator = Emulator::new();
    for (number, key) in keys().into_iter().enumerate() {
        // Every other one in parts, so that keys and queries stand side by side.
        let object = emulator.object(&key);
        let download = OssDownload::new(object.clone()).unwrap();
        there_and_back(&emulator, upload(object), download, 10 + (number as u64) % 2 * 2 * PART).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_keys_and_further_signed_fields_are_accepted() {
    let emulator = Emulator::new();
    let names = ["range", "if-match", "content-length", "user-agent"];
    for size in [10, 3 * PART] {
        let object = Object::new(emulator.bucket(), &format!("sts/{size}"), emulator.sts()).unwrap();
        let object = object.also_signing(&names);
        let download = OssDownload::new(object.clone()).unwrap();
        there_and_back(&emulator, upload(object), download, size).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presigned_urls_move_an_object_without_the_key() {
    let emulator = Emulator::new();
    let (folder, client) = (Folder::new(), client());
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = Now::new(Time::ZERO, Wall::from_unix(seconds.try_into().unwrap()));
    let bytes = content(3 * PART as usize, 4);
    for (access, key) in [(emulator.key(), "presigned/a b+c%.bin"), (emulator.sts(), "presigned/sts/..//x")] {
        let object = Object::new(emulator.bucket(), key, access).unwrap();
        let put = object.presign(&Method::PUT, "", &HeaderMap::new(), 600, now).unwrap();
        let put = HttpPut::new(&put.expose().to_string()).unwrap();
        run(&client, from_bytes(put, &bytes, PART)).await.unwrap();
        assert!(emulator.holds(key, &bytes), "{key}");
        let get = object.presign(&Method::GET, "", &HeaderMap::new(), 600, now).unwrap();
        let target = folder.join("target");
        run(&client, to_file(HttpDownload::new(&get.expose().to_string()).unwrap(), &target, PART)).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == bytes, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u11_the_callers_fields_are_accepted_whichever_way_the_object_goes_up() {
    let emulator = Emulator::new();
    let mut headers = Headers::new();
    for line in [
        "Content-Type: text/plain; charset=utf-8",
        "Cache-Control: no-store",
        "Content-Disposition: attachment; filename=\"a b.txt\"",
        "x-oss-meta-who:   m  e ",
        "x-oss-meta-ü-less: é",
        "x-oss-tagging: a=1&b=2",
        "x-oss-storage-class: IA",
        "x-oss-object-acl: private",
    ] {
        if headers.add_line(line).is_err() {
            assert!(line.starts_with("x-oss-meta-ü"), "{line}");
        }
    }
    for size in [10, 3 * PART] {
        let object = emulator.object(&format!("fields/{size}"));
        let download = OssDownload::new(object.clone()).unwrap();
        there_and_back(&emulator, upload(object).with_headers(headers.clone()).unwrap(), download, size).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_an_upload_that_must_not_replace_anything_does_not() {
    let emulator = Emulator::new();
    let client = client();
    for size in [10, 3 * PART as usize] {
        let key = own(&format!("once-{size}"));
        let upload = upload(emulator.object(&key)).overwriting(false);
        run(&client, from_bytes(upload.clone(), &content(size, 1), PART)).await.unwrap();
        let error = run(&client, from_bytes(upload, &content(size, 2), PART)).await.unwrap_err();
        assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Conflict), "{error}");
        assert!(emulator.holds(&key, &content(size, 1)));
        assert_eq!(emulator.open(&key), 0, "a refused upload leaves nothing behind");
    }
}

crate::support::adapters::on_every_adapter!(
    o2_p5_every_size_goes_up_and_comes_down_unchanged_small_ones_in_one_request
);
