//! K1, K2: a canary in every secret, and no trace of it in anything that may be shown.

use crate::support::{caller, repeats_nothing, shows_nothing};
use longhaul_core::provider::Provider;
use longhaul_http::Headers;
use longhaul_s3::{AccessKey, Bucket, Object, S3Download, S3Upload};

fn object() -> Object {
    let key = AccessKey::new("AKIDEXAMPLE", "canary-secret").with_session_token("canary-token/+==");
    Object::new(Bucket::amazon("eu-central-1", "my-bucket").expect("sound"), "a", key).expect("sound")
}

fn headers() -> Headers {
    caller(&[
        "x-amz-server-side-encryption-customer-key: canary-customer-key",
        "x-amz-meta-note: canary-note",
        "Cookie: session=canary-session",
    ])
}

fn providers() -> [Box<dyn Provider>; 2] {
    [
        Box::new(
            S3Download::new(object())
                .and_then(|it| it.with_version("v"))
                .and_then(|it| it.with_headers(headers()))
                .expect("sound"),
        ),
        Box::new(S3Upload::new(object()).with_headers(headers()).expect("sound")),
    ]
}

#[test]
fn k1_providers_and_requests_show_nothing() {
    for provider in providers() {
        shows_nothing(provider.as_ref());
    }
}

#[test]
fn k1_no_answer_brings_a_secret_into_an_error() {
    let echo = "canary-secret canary-token/+== canary-customer-key, canary-note; session=canary-session";
    for provider in providers() {
        repeats_nothing(provider.as_ref(), echo, &["x-amz-id-2: canary-token/+==", "x-amz-version-id: canary-note"]);
    }
}
