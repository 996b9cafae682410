//! Golden requests: what goes over the wire, reviewed as snapshot files; the signatures are covered by vectors elsewhere.

use crate::common::{CALLER, IDS, SAS, blob, blocks, by_sas, crc64, download, key, md5, upload};
use crate::support::{
    NOW, caller, committing, cx, everything, fields_by_step, get, keys, no_keys, part, pinned, range, sent,
};
use longhaul_azblob::{Access, AzureDownload, Blob, Container, Integrity, Rules};
use longhaul_core::provider::{Begin, Provider, Step};
use longhaul_core::{Algorithm, Wall};
use longhaul_http::Headers;

#[test]
fn download_requests() {
    let download = download();
    insta::assert_snapshot!("probe", sent(&download, &Step::Probe, &cx()));
    insta::assert_snapshot!("probe_by_range", sent(&download, &Step::ProbeRange, &cx()));
    let strong = pinned("\"0x8DC\"");
    let mut cx = cx();
    cx.validator = &strong;
    insta::assert_snapshot!("range", sent(&download, &get(1024, 2048), &cx));
    insta::assert_snapshot!("everything", sent(&download, &everything(), &cx));
    let lease = Headers::new().with("x-ms-lease-id", "5b1e0d6e").expect("sound");
    let leased = download.clone().with_headers(lease).expect("sound");
    let version = leased.with_version("2026-11-20T10:00:00.0000000Z").expect("sound");
    insta::assert_snapshot!("range_of_a_version", sent(&version, &get(0, 1), &cx));
    let snapshot = download.with_snapshot("2026-11-20T10:00:00.0000000Z").expect("sound");
    let by_sas = snapshot.with_access(Access::sas(SAS).expect("sound"));
    insta::assert_snapshot!("range_of_a_snapshot_by_sas", sent(&by_sas, &get(0, 1), &cx));
}

#[test]
fn upload_requests() {
    let upload = upload();
    insta::assert_snapshot!("put_blob", sent(&upload, &Step::PutWhole { range: range(0, 5) }, &cx()));
    insta::assert_snapshot!("put_blob_of_nothing", sent(&upload, &Step::PutWhole { range: range(0, 0) }, &cx()));
    insta::assert_snapshot!("put_block", sent(&upload, &part(0, 3), &cx()));
    insta::assert_snapshot!("get_block_list", sent(&upload, &Step::ListParts { marker: None }, &cx()));
    let blocks = blocks();
    insta::assert_snapshot!("put_block_list", sent(&upload, &Step::Commit, &committing(&blocks)));
    insta::assert_snapshot!("confirm", sent(&upload, &Step::Confirm, &committing(&blocks)));
    // There is nothing to open, and nothing is ever deleted (U9).
    for step in [Step::Begin, Step::Abort] {
        assert!(upload.build(&step, &cx(), NOW).is_err(), "{step:?}");
    }
}

#[test]
fn a_sas_is_appended_as_it_came() {
    let blocks = blocks();
    for step in [Step::PutWhole { range: range(0, 5) }, part(0, 3), Step::ListParts { marker: None }, Step::Commit] {
        let request = by_sas().build(&step, &committing(&blocks), NOW).expect("a request");
        let query = request.uri().query().expect("a query");
        assert!(query == SAS || query.ends_with(&format!("&{SAS}")), "{query}");
        assert!(!request.headers().contains_key("authorization"));
    }
    insta::assert_snapshot!("put_block_by_sas", sent(&by_sas(), &part(0, 3), &cx()));
}

#[test]
fn u8_block_ids_belong_to_one_upload_and_have_one_length() {
    let id = |number: u64, nonce: u128| {
        let cx = longhaul_core::provider::Context::new(uuid::Uuid::from_u128(nonce));
        let step = Step::PutPart { number, range: range(0, 1), digest: None };
        let uri = upload().build(&step, &cx, NOW).expect("a request").uri().to_string();
        let id = uri.split_once("blockid=").expect("an id").1.to_string();
        longhaul_sign::encode::decode(&id).map(|id| String::from_utf8(id).expect("text")).expect("escapes")
    };
    let nonce = crate::support::NONCE.as_u128();
    assert_eq!([id(1, nonce), id(2, nonce)], IDS);
    // 64 characters are 48 bytes; 64 bytes are allowed.
    assert!([1, 9, 10, 50_000].iter().all(|number| id(*number, 0).len() == 64 && id(*number, u128::MAX).len() == 64));
    assert_ne!(id(1, 0), id(1, 1));
}

/// U11: one snapshot for all requests, so that what is missing or too much on one of them is seen beside the others.
#[test]
fn u11_the_callers_fields_are_on_the_requests_they_belong_to() {
    let upload = upload().with_headers(caller(&CALLER)).expect("sound");
    insta::assert_snapshot!("fields", fields_by_step(&upload));
    let scope = caller(&["x-ms-encryption-scope: mine"]);
    let scoped = crate::common::upload().with_headers(scope).expect("sound");
    let has = |step: &Step| {
        scoped.build(step, &cx(), NOW).expect("a request").headers().contains_key("x-ms-encryption-scope")
    };
    assert!(has(&part(0, 1)) && has(&Step::Commit) && !has(&Step::Confirm));
}

#[test]
fn declared_checksums() {
    let step = |digest| Step::PutPart { number: 1, range: range(0, 3), digest: Some(digest) };
    let by_crc = upload().with_integrity(Integrity::Crc64);
    insta::assert_snapshot!("crc64_block", sent(&by_crc, &step(crc64(1)), &cx()));
    assert_eq!(by_crc.profile().part_digest, Some(Algorithm::Crc64Nvme));
    let by_md5 = upload().with_integrity(Integrity::Md5).with_stored_md5(true);
    insta::assert_snapshot!("md5_block", sent(&by_md5, &step(md5(1)), &cx()));
    let (blocks, whole) = (blocks(), md5(2));
    let mut cx = committing(&blocks);
    cx.content_digest = Some(&whole);
    insta::assert_snapshot!("md5_block_list", sent(&by_md5, &Step::Commit, &cx));
    insta::assert_snapshot!("md5_blob", sent(&by_md5, &Step::PutWhole { range: range(0, 5) }, &cx));
    let profile = by_md5.profile();
    assert_eq!((profile.content_digest, profile.part_digest), (Some(Algorithm::Md5), Some(Algorithm::Md5)));
    assert_eq!((profile.sent_digest, upload().profile().sent_digest), (None, Some(Algorithm::Crc64Nvme)));
    let unchecked = upload().with_integrity(Integrity::Unchecked).profile();
    assert_eq!((unchecked.part_digest, unchecked.sent_digest), (None, None));
    // Without the digests there is no such request, rather than one that the service refuses.
    for step in [part(0, 3), Step::Commit, Step::PutWhole { range: range(0, 5) }] {
        assert!(by_md5.build(&step, &committing(&blocks), NOW).is_err(), "{step:?}");
    }
}

#[test]
fn anonymous_requests_carry_no_signature() {
    let container = Container::at("http://127.0.0.1:10000", "devstoreaccount1", "public").expect("sound");
    let blob = Blob::new(container, "a", Access::Anonymous).expect("sound");
    insta::assert_snapshot!("anonymous", sent(&AzureDownload::new(blob).expect("sound"), &get(0, 1), &cx()));
}

#[test]
fn a_corrected_clock_is_signed() {
    let mut cx = cx();
    cx.skew = -1200;
    assert!(sent(&upload(), &part(0, 3), &cx).contains("x-ms-date: Fri, 20 Nov 2026 23:40:00 GMT"));
}

/// O4: the path is the name, encoded once, whatever it looks like; dot segments are none.
#[test]
fn o4_names_are_encoded_once_and_never_normalised() {
    for (name, path) in keys().into_iter().filter(|(name, _)| !name.contains("..")) {
        let download = AzureDownload::new(blob(&name, key())).expect(&name);
        let uri = download.build(&Step::Probe, &cx(), NOW).expect(&name).uri().to_string();
        assert_eq!(uri, format!("https://acme.blob.core.windows.net/my-box/{path}"));
    }
    let container = || Container::new("acme", "my-box").expect("sound");
    let dots = ["..", ".", "a/../b", "a/./b", "a\\..\\b", "a/.."].map(String::from);
    for name in no_keys().into_iter().chain(dots) {
        assert!(Blob::new(container(), &name, Access::Anonymous).is_err(), "{name:?}");
    }
    // Characters count, not bytes.
    assert!(Blob::new(container(), &"é".repeat(1024), Access::Anonymous).is_ok());
}

#[test]
fn a_sas_url_names_its_blob() {
    for (url, host, container, name) in [
        ("https://acme.blob.core.windows.net/my-box/a%20b/c", "acme.blob.core.windows.net:443", "my-box", "a b/c"),
        ("https://acme.blob.core.windows.net/root.txt", "acme.blob.core.windows.net:443", "$root", "root.txt"),
        ("http://127.0.0.1:10000/devstoreaccount1/my-box/%C3%BC", "127.0.0.1:10000", "my-box", "ü"),
    ] {
        let blob = Blob::from_sas_url(&format!("{url}?{SAS}")).expect(url);
        assert_eq!((blob.authority(), blob.container().name(), blob.name()), (host, container, name));
        let download = AzureDownload::new(blob).expect(url);
        let sent = download.build(&Step::Probe, &cx(), NOW).expect(url).uri().to_string();
        assert_eq!(sent, format!("{url}?{SAS}"), "the path stays as it was");
        assert!(!format!("{download:?} {}", download.object()).contains("aB%2F"), "{download:?}");
    }
    for url in [
        "https://acme.blob.core.windows.net/my-box/a",
        "https://acme.blob.core.windows.net/my-box/a?sp=r",
        "https://acme.blob.core.windows.net/?sig=s3cr3t",
        "https://acme.blob.core.windows.net/my-box/?sig=s3cr3t",
        "https://acme.blob.core.windows.net/my-box/a?snapshot=x&sig=s3cr3t",
        "https://acme.blob.core.windows.net/my-box/a?sig=s3cr3t&se=soon",
        "not a url?sig=s3cr3t",
    ] {
        let error = Blob::from_sas_url(url).expect_err(url);
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
    }
}

#[test]
fn limits_are_those_of_the_services_version() {
    let profile = upload().profile();
    assert_eq!((profile.parts.max, profile.parts.count, profile.single), (4000 << 20, 50_000, Some(16 << 20)));
    assert_eq!((profile.begin, profile.commit, profile.list), (Begin::None, true, true));
    assert!(!profile.abort, "there is none, and nothing else stands in for it (U9)");
    let container = Container::new("acme", "my-box").expect("sound").with_rules(Rules::UNTIL_2019);
    let old = longhaul_azblob::AzureUpload::new(Blob::new(container, "a", key()).expect("sound"));
    let old = old.single_up_to(u64::MAX);
    assert_eq!((old.profile().parts.max, old.profile().single), (100 << 20, Some(256 << 20)));
    assert!(sent(&old, &part(0, 1), &cx()).contains("x-ms-version: 2019-07-07"));
    // Whose blob stands in the way of a condition can be told by its blocks only.
    let only = upload().with_headers(caller(&["If-None-Match: *"])).expect("sound");
    assert_eq!(only.profile().single, None);
}

#[test]
fn nothing_is_sent_with_a_sas_that_has_ended() {
    let end = NOW.wall.as_unix() + 3600;
    for (wall, ready) in [(end - 3600, true), (end - 6, true), (end - 5, false), (end + 1, false)] {
        let refreshable = by_sas().refreshable(true);
        assert_eq!(refreshable.is_ready(&Step::Commit, Wall::from_unix(wall)), ready, "{}", wall - end);
        assert!(by_sas().is_ready(&Step::Commit, Wall::from_unix(wall)), "nobody to ask: the service's clock decides");
    }
    let by_key = upload().refreshable(true);
    assert!(by_key.is_ready(&Step::Commit, Wall::from_unix(i64::MAX)), "a key does not end");
}

#[test]
fn fields_that_are_longhauls_own_are_refused() {
    for line in [
        "Authorization: x",
        "x-ms-date: x",
        "x-ms-version: 2020-01-01",
        "x-ms-blob-type: PageBlob",
        "Range: bytes=0-1",
        "x-ms-range: bytes=0-1",
        "x-ms-range-get-content-md5: true",
        "Content-MD5: x",
        "x-ms-content-crc64: x",
        "x-ms-copy-source: https://x",
        "x-ms-source-if-match: x",
    ] {
        let error = upload().with_headers(caller(&[line])).expect_err(line);
        assert!(error.remedy.contains("leave it out"), "{error}");
    }
    for lines in [["Content-Type: a/b", "x-ms-blob-content-type: a/b"], ["If-Match: \"a\"", "If-None-Match: *"]] {
        assert!(upload().with_headers(caller(&lines)).is_err(), "{lines:?}");
    }
    assert!(download().with_headers(caller(&["If-Match: \"a\""])).is_err());
}
