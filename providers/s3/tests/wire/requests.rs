//! Golden requests: what goes over the wire, reviewed as snapshot files; the signatures are covered by vectors elsewhere.

use crate::common::{CALLER, crc64, download, key, object, upload};
use crate::support::{
    NOW, caller, cx, everything, fields_by_step, get, keys, no_keys, part, parts, pinned, range, sent, session,
};
use longhaul_core::provider::{Provider, Step};
use longhaul_core::{Algorithm, Digest, Wall};
use longhaul_http::Headers;
use longhaul_s3::{Access, AccessKey, Bucket, Integrity, Object, Payload, S3Download, S3Upload};
use std::collections::BTreeMap;

#[test]
fn download_requests() {
    let download = download();
    insta::assert_snapshot!("probe", sent(&download, &Step::Probe, &cx()));
    insta::assert_snapshot!("probe_by_range", sent(&download, &Step::ProbeRange, &cx()));
    let strong = pinned("\"abc-2\"");
    let mut cx = cx();
    cx.validator = &strong;
    insta::assert_snapshot!("range", sent(&download, &get(1024, 2048), &cx));
    insta::assert_snapshot!("everything", sent(&download, &everything(), &cx));
    let version = download.with_version("v/1+ =").expect("sound");
    let payer = Headers::new().with("x-amz-request-payer", "requester").expect("sound");
    insta::assert_snapshot!("range_of_a_version", sent(&version.with_headers(payer).expect("sound"), &get(0, 1), &cx));
}

#[test]
fn upload_requests() {
    let upload = upload();
    insta::assert_snapshot!("put", sent(&upload, &Step::PutWhole { range: range(0, 5) }, &cx()));
    insta::assert_snapshot!("put_of_nothing", sent(&upload, &Step::PutWhole { range: range(0, 0) }, &cx()));
    insta::assert_snapshot!("create", sent(&upload, &Step::Begin, &cx()));
    insta::assert_snapshot!("part", sent(&upload, &part(0, 3), &session()));
    insta::assert_snapshot!("list", sent(&upload, &Step::ListParts { marker: None }, &session()));
    insta::assert_snapshot!("list_on", sent(&upload, &Step::ListParts { marker: Some("1000".into()) }, &session()));
    let (parts, mut cx) = (parts(), session());
    cx.parts = &parts;
    insta::assert_snapshot!("complete", sent(&upload, &Step::Commit, &cx));
    insta::assert_snapshot!("confirm", sent(&upload, &Step::Confirm, &cx));
    insta::assert_snapshot!("abort", sent(&upload, &Step::Abort, &cx));
}

/// U11: one snapshot for all requests, so that what is missing or too much on one of them is seen beside the others.
#[test]
fn u11_the_callers_fields_are_on_the_requests_they_belong_to() {
    let upload = upload().with_headers(caller(&CALLER)).expect("sound");
    insta::assert_snapshot!("fields", fields_by_step(&upload));
}

#[test]
fn declared_checksums() {
    let digests: BTreeMap<u64, Digest> = [(1, crc64(1)), (2, crc64(2))].into();
    let (parts, mut cx) = (parts(), session());
    (cx.parts, cx.digests) = (&parts, &digests);
    let upload = upload().with_integrity(Integrity::Crc64Nvme);
    insta::assert_snapshot!("crc64_create", sent(&upload, &Step::Begin, &cx));
    let step = Step::PutPart { number: 1, range: range(0, 3), digest: Some(crc64(1)) };
    insta::assert_snapshot!("crc64_part", sent(&upload, &step, &cx));
    insta::assert_snapshot!("crc64_complete", sent(&upload, &Step::Commit, &cx));
    assert_eq!(upload.profile().part_digest, Some(Algorithm::Crc64Nvme));
    // Without the digests there is no such request, rather than one that the store refuses.
    let none = BTreeMap::new();
    cx.digests = &none;
    for step in [part(0, 3), Step::Commit, Step::PutWhole { range: range(0, 5) }] {
        assert!(upload.build(&step, &cx, NOW).is_err(), "{step:?}");
    }
}

/// Garage refuses a type where no checksum of the whole object goes along: the commit went out twice, the second time without any.
#[test]
fn u12_a_type_of_checksum_goes_with_one_of_the_whole_object_only() {
    for (integrity, algorithm) in [(Integrity::Crc32c, Algorithm::Crc32c), (Integrity::Sha256, Algorithm::Sha256)] {
        let digest = |of: u8| Digest::new(algorithm, &vec![of; algorithm.len()]).expect("its length");
        let digests: BTreeMap<u64, Digest> = [(1, digest(1)), (2, digest(2))].into();
        let (parts, mut cx) = (parts(), session());
        (cx.parts, cx.digests) = (&parts, &digests);
        let commit = sent(&upload().with_integrity(integrity), &Step::Commit, &cx);
        assert!(!commit.contains("x-amz-checksum") && commit.contains("<Checksum"), "{commit}");
    }
}

#[test]
fn signed_content_carries_its_hash() {
    let digest = Digest::new(Algorithm::Sha256, &[0xab; 32]).expect("its length");
    let upload = upload().with_payload(Payload::Signed).with_integrity(Integrity::Sha256);
    let step = Step::PutPart { number: 1, range: range(0, 3), digest: Some(digest) };
    insta::assert_snapshot!("signed_part", sent(&upload, &step, &session()));
    assert_eq!((upload.profile().part_digest, upload.profile().sent_digest), (Some(Algorithm::Sha256), None));
    let error = upload.with_integrity(Integrity::Crc32c).build(&Step::Begin, &cx(), NOW).expect_err("two digests");
    assert!(error.remedy.contains("Sha256"), "{error}");
}

#[test]
fn anonymous_requests_carry_no_signature() {
    let bucket = Bucket::at("http://127.0.0.1:9000", "us-east-1", "public").expect("sound");
    let object = Object::new(bucket, "a", Access::Anonymous).expect("sound");
    insta::assert_snapshot!("anonymous", sent(&S3Download::new(object).expect("sound"), &get(0, 1), &cx()));
}

#[test]
fn temporary_credentials_and_a_corrected_clock_are_signed() {
    let access = key().with_session_token("to/ken+==");
    let upload = upload().with_access(access);
    let mut cx = session();
    cx.skew = -1200;
    insta::assert_snapshot!("session_token", sent(&upload, &Step::Begin, &cx));
}

/// A refreshed provider is a new value for the same object.
#[test]
fn fresh_credentials_change_nothing_but_the_signature() {
    let fresh = upload().with_access(AccessKey::new("AKIDOTHER", "other"));
    assert_eq!((fresh.object(), fresh.authority()), (upload().object(), upload().authority()));
    let strip = |text: String| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("authorization")).map(String::from).collect()
    };
    let step = Step::Begin;
    assert_eq!(strip(sent(&fresh, &step, &cx())), strip(sent(&upload(), &step, &cx())));
}

/// O4: the path is the key, encoded once, whatever it looks like.
#[test]
fn o4_keys_are_encoded_once_and_never_normalised() {
    for (key, path) in keys() {
        let download = S3Download::new(object(&key)).expect(&key);
        let uri = download.build(&Step::Probe, &cx(), NOW).expect(&key).uri().to_string();
        assert_eq!(uri, format!("https://my-bucket.s3.eu-central-1.amazonaws.com/{path}"));
    }
    let bucket = || Bucket::amazon("eu-central-1", "my-bucket").expect("sound");
    for key in no_keys() {
        assert!(Object::new(bucket(), &key, Access::Anonymous).is_err(), "{key:?}");
    }
}

#[test]
fn profiles_are_data() {
    let profile = upload().profile();
    assert_eq!((profile.parts.min, profile.parts.max, profile.parts.count), (5 << 20, 5 << 30, 10_000));
    assert_eq!(profile.single, Some(16 << 20));
    let r2 = Bucket::at("https://account.r2.cloudflarestorage.com", "auto", "my-bucket").expect("sound");
    let r2 = S3Upload::new(Object::new(r2, "a", key()).expect("sound")).single_up_to(u64::MAX);
    assert!(r2.profile().parts.equal && r2.profile().single < Some(5 << 30));
}

#[test]
fn fields_that_are_longhauls_own_are_refused() {
    for line in [
        "Authorization: x",
        "x-amz-date: x",
        "x-amz-content-sha256: x",
        "x-amz-security-token: x",
        "x-amz-checksum-crc32: x",
        "x-amz-checksum-algorithm: x",
        "x-amz-copy-source: /a/b",
        "Content-MD5: x",
        "Range: bytes=0-1",
        "If-None-Match: \"a\"",
    ] {
        let mut headers = Headers::new();
        headers.add_line(line).expect(line);
        assert!(upload().with_headers(headers).is_err(), "{line}");
    }
    let both = Headers::new().with("If-None-Match", "*").and_then(|h| h.with("If-Match", "\"a\"")).expect("sound");
    assert!(upload().with_headers(both).is_err());
    let conditional = Headers::new().with("If-Match", "\"a\"").expect("sound");
    assert!(download().with_headers(conditional).is_err(), "ranges are pinned by longhaul");
}

#[test]
fn each_provider_has_its_own_steps() {
    for step in [Step::Probe, get(0, 1)] {
        assert!(upload().build(&step, &session(), NOW).is_err(), "{step:?}");
    }
    for step in [Step::Begin, Step::Commit, part(0, 1)] {
        assert!(download().build(&step, &cx(), NOW).is_err(), "{step:?}");
    }
    assert!(upload().build(&part(0, 1), &cx(), NOW).is_err(), "no session");
}

/// Where another key can be had, one that ends within five seconds is not used; else the store's clock decides, not this one.
#[test]
fn r6_a_key_that_has_ended_is_not_ready_where_another_can_be_had() {
    let end = NOW.wall.as_unix() + 60;
    let up = |refresh| upload().with_access(key().with_expiry(end)).refreshable(refresh);
    let down = |refresh| download().with_access(key().with_expiry(end)).refreshable(refresh);
    for (at, ready) in [(end - 6, true), (end - 5, false)] {
        let wall = Wall::from_unix(at);
        assert_eq!((up(true).is_ready(&Step::Begin, wall), down(true).is_ready(&Step::Probe, wall)), (ready, ready));
        assert!(up(false).is_ready(&Step::Begin, wall) && down(false).is_ready(&Step::Probe, wall));
    }
    assert!(upload().refreshable(true).is_ready(&Step::Begin, Wall::from_unix(i64::MAX)), "no end is known");
}
