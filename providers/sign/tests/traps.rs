//! What signers of object stores get wrong, one test each. The vectors hold many of these too; here each has a name.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use longhaul_sign::azure::sas::{Grant, Resource, ResponseHeaders};
use longhaul_sign::azure::token::SasError;
use longhaul_sign::azure::{AccountKey, sas};
use longhaul_sign::oss_v4::{self, Resource as OssResource};
use longhaul_sign::sigv4::{self, Payload, Select};
use longhaul_sign::{AccessKey, SignError, Target};

/// 2025-06-15T08:30:05Z
const NOW: i64 = 1_749_976_205;

fn key() -> AccessKey {
    AccessKey::new("AKID", "sesame")
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

/// The canonical request of a GET with S3.
fn s3(uri: &str, pairs: &[(&'static str, &str)]) -> String {
    let (uri, headers, key) = (uri.parse::<Uri>().unwrap(), headers(pairs), key());
    let target = Target::new(&Method::GET, &uri, &headers);
    let signed = sigv4::Signer::new(&key, "us-east-1", NOW).sign(target, Payload::Unsigned).unwrap();
    signed.diagnosis().canonical_request().to_owned()
}

/// The canonical request of a GET with OSS.
fn oss(uri: &str, pairs: &[(&'static str, &str)], additional: &[&str]) -> String {
    let (uri, headers, key) = (uri.parse::<Uri>().unwrap(), headers(pairs), key());
    let target = Target::new(&Method::GET, &uri, &headers);
    let signer = oss_v4::Signer::new(&key, "cn-hangzhou", NOW).additional(additional);
    let signed = signer.sign(target, OssResource::object("bucket", "/a/../ü")).unwrap();
    signed.diagnosis().canonical_request().to_owned()
}

#[test]
fn s3_never_normalises_the_path() {
    assert!(s3("https://h//a/../b/./c//", &[]).starts_with("GET\n//a/../b/./c//\n"));
}

#[test]
fn s3_encodes_the_path_once() {
    assert!(s3("https://h/lit%252Fslash", &[]).starts_with("GET\n/lit%252Fslash\n"));
    // A URL that somebody else wrote loosely is signed as the server will read it.
    assert!(s3("https://h/a(b)%7e%c3%bc", &[]).starts_with("GET\n/a%28b%29~%C3%BC\n"));
}

#[test]
fn s3_gives_an_empty_path_a_slash() {
    assert!(s3("https://h", &[]).starts_with("GET\n/\n\n"));
    assert!(s3("https://h?uploads", &[]).starts_with("GET\n/\nuploads=\n"));
}

#[test]
fn s3_sorts_repeated_parameters_by_value_and_keeps_them() {
    assert!(s3("https://h/?b=2&a=3&b=10&a&B=1", &[]).contains("\nB=1&a=&a=3&b=10&b=2\n"));
}

#[test]
fn s3_folds_white_space_and_joins_repeated_headers() {
    let request = s3("https://h/", &[("x-amz-meta-a", " a \t b  c "), ("x-amz-meta-a", "d")]);
    assert!(request.contains("\nx-amz-meta-a:a b c,d\n"), "{request}");
}

#[test]
fn s3_keeps_a_port_that_is_not_the_schemes_own() {
    assert!(s3("http://127.0.0.1:3900/", &[]).contains("\nhost:127.0.0.1:3900\n"));
    assert!(s3("https://H.example.com:443/", &[]).contains("\nhost:h.example.com\n"));
}

#[test]
fn s3_does_not_sign_what_changes_on_the_way() {
    let hops = [("user-agent", "u"), ("expect", "100-continue"), ("content-length", "5"), ("te", "trailers")];
    let request = s3("https://h/", &hops);
    assert!(request.contains("\nhost;x-amz-content-sha256;x-amz-date\n"), "{request}");
}

#[test]
fn s3_signs_a_choice_of_headers_and_always_the_host() {
    let (uri, headers, key) = (Uri::from_static("https://h/"), headers(&[("range", "bytes=0-1"), ("te", "t")]), key());
    let signer = sigv4::Signer::new(&key, "r", NOW).select(Select::Only(&["te"]));
    let signed = signer.presign(Target::new(&Method::GET, &uri, &headers), Payload::Unsigned, 60).unwrap();
    assert!(signed.diagnosis().canonical_request().contains("\nhost:h\nte:t\n\nhost;te\n"));
}

#[test]
fn s3_replaces_headers_of_an_earlier_attempt() {
    let old = [("x-amz-date", "20200101T000000Z"), ("x-amz-security-token", "old"), ("authorization", "old")];
    let request = s3("https://h/", &old);
    assert!(!request.contains("2020") && !request.contains("old") && !request.contains("token"), "{request}");
}

#[test]
fn presigning_again_replaces_the_earlier_signature() {
    let (key, none) = (key().with_session_token("t/k+n="), HeaderMap::new());
    let uri = Uri::from_static("https://h/a?partNumber=1&uploads");
    let s3 = sigv4::Signer::new(&key, "r", NOW);
    let once = s3.presign(Target::new(&Method::PUT, &uri, &none), Payload::Unsigned, 60).unwrap().into_url();
    let target = Target::new(&Method::PUT, once.expose(), &none);
    assert_eq!(s3.presign(target, Payload::Unsigned, 60).unwrap().into_url(), once);

    let oss = oss_v4::Signer::new(&key, "r", NOW);
    let resource = OssResource::object("b", "a");
    let once = oss.presign(Target::new(&Method::PUT, &uri, &none), resource, 60).unwrap().into_url();
    let target = Target::new(&Method::PUT, once.expose(), &none);
    assert_eq!(oss.presign(target, resource, 60).unwrap().into_url(), once);
}

#[test]
fn a_token_in_a_url_is_encoded_and_in_a_header_it_is_not() {
    let (key, none) = (key().with_session_token("t/k+n="), HeaderMap::new());
    let uri = Uri::from_static("https://h/a");
    let target = Target::new(&Method::PUT, &uri, &none);
    let signer = sigv4::Signer::new(&key, "r", NOW);
    let url = signer.presign(target, Payload::Unsigned, 60).unwrap();
    assert!(url.url().expose().to_string().contains("X-Amz-Security-Token=t%2Fk%2Bn%3D"));
    let signed = signer.sign(target, Payload::Unsigned).unwrap();
    let token = &signed.headers()["x-amz-security-token"];
    assert!(token == "t/k+n=" && token.is_sensitive() && signed.headers()["authorization"].is_sensitive());
}

#[test]
fn a_url_does_not_outlive_its_limits() {
    let (key, none) = (key().with_expiry(NOW + 100), HeaderMap::new());
    let (uri, relative) = (Uri::from_static("https://h/a"), Uri::from_static("/a"));
    let signer = sigv4::Signer::new(&key, "r", NOW);
    let presign =
        |uri, seconds| signer.presign(Target::new(&Method::GET, uri, &none), Payload::Unsigned, seconds).map(|_| ());
    assert_eq!(presign(&uri, 100), Ok(()));
    assert_eq!(presign(&uri, 101), Err(SignError::OutlivesCredentials { expires_at: NOW + 100 }));
    assert_eq!(presign(&uri, 0), Err(SignError::ExpiresOutOfRange { seconds: 0, max: 604_800 }));
    assert_eq!(presign(&uri, 604_801), Err(SignError::ExpiresOutOfRange { seconds: 604_801, max: 604_800 }));
    assert_eq!(presign(&relative, 1), Err(SignError::MissingHost));
}

#[test]
fn a_scope_cannot_be_broken_out_of() {
    let (uri, none) = (Uri::from_static("https://h/a"), HeaderMap::new());
    let target = Target::new(&Method::GET, &uri, &none);
    for region in ["", "a/b", "a b", "a\nb", "a,b", "ü"] {
        let key = key();
        let refused = sigv4::Signer::new(&key, region, NOW).sign(target, Payload::Unsigned);
        assert_eq!(refused.map(|_| ()), Err(SignError::BadScope("region")), "{region:?}");
        let refused = oss_v4::Signer::new(&key, region, NOW).sign(target, OssResource::default());
        assert_eq!(refused.map(|_| ()), Err(SignError::BadScope("region")), "{region:?}");
    }
    let key = AccessKey::new("AK\r\nHost: evil", "s");
    let refused = sigv4::Signer::new(&key, "r", NOW).sign(target, Payload::Unsigned);
    assert_eq!(refused.map(|_| ()), Err(SignError::BadScope("access key id")));
}

#[test]
fn oss_takes_the_resource_from_bucket_and_key_not_from_the_url() {
    for uri in
        ["https://bucket.oss/%2Fa/../%C3%BC", "https://cdn.example.com/x", "http://127.0.0.1:9000/bucket//a/../ü"]
    {
        assert!(oss(uri, &[], &[]).starts_with("GET\n/bucket//a/../%C3%BC\n"), "{uri}");
    }
}

#[test]
fn oss_writes_a_parameter_without_value_bare() {
    assert!(oss("https://h/?uploads&acl=&prefix=a%2Fb", &[], &[]).contains("\nacl&prefix=a%2Fb&uploads\n"));
}

#[test]
fn oss_signs_additional_headers_only_where_they_are() {
    let given = [("range", "bytes=0-"), ("if-match", ""), ("content-type", "a/b"), ("x-oss-meta-a", " a  b ")];
    let request = oss("https://h/", &given, &["Range", "If-Match", "x-custom", "Content-Type"]);
    assert!(request.contains("\ncontent-type:a/b\nrange:bytes=0-\nx-oss-content-sha256:"), "{request}");
    assert!(request.contains("\nx-oss-meta-a:a  b\n\nrange\nUNSIGNED-PAYLOAD"), "{request}");
    assert!(!oss("https://h/", &given, &[]).contains("range"));
}

#[test]
fn a_sas_with_a_wrong_time_is_not_issued() {
    let key = AccountKey::new("acc", "c2VzYW1l").unwrap();
    let grant = Grant { version: "2023-11-03", permissions: "r", expiry: "tomorrow", ..Grant::default() };
    let issued = sas::service(&key, Resource::Container("c"), &grant, "", &ResponseHeaders::default());
    assert_eq!(issued.map(|_| ()), Err(SignError::Sas(SasError::BadTime("se"))));
}
