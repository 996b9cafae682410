//! K1, K2: a canary in every secret, and no trace of it in anything that may be shown.

use crate::support::{caller, repeats_nothing, shows_nothing};
use longhaul_core::provider::Provider;
use longhaul_http::Headers;
use longhaul_oss::{AccessKey, Bucket, Object, OssDownload, OssUpload};

fn object() -> Object {
    let key = AccessKey::new("LTAIEXAMPLE", "canary-secret").with_session_token("canary-token/+==");
    Object::new(Bucket::aliyun("cn-hangzhou", "my-bucket").expect("sound"), "a", key).expect("sound")
}

fn headers() -> Headers {
    caller(&["x-oss-callback: canary-callback", "x-oss-meta-note: canary-note", "Cookie: session=canary-session"])
}

fn providers() -> [Box<dyn Provider>; 2] {
    [
        Box::new(
            OssDownload::new(object())
                .and_then(|it| it.with_version("v"))
                .and_then(|it| it.with_headers(headers()))
                .expect("sound"),
        ),
        Box::new(OssUpload::new(object()).with_headers(headers()).expect("sound")),
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
    let echo = "canary-secret canary-token/+== canary-callback, canary-note; session=canary-session";
    // <Error><Code>canary-note</Code><EC>canary-note</EC></Error>
    let error = "x-oss-err: PEVycm9yPjxDb2RlPmNhbmFyeS1ub3RlPC9Db2RlPjxFQz5jYW5hcnktbm90ZTwvRUM+PC9FcnJvcj4=";
    for provider in providers() {
        repeats_nothing(provider.as_ref(), echo, &["x-oss-version-id: canary-note", "x-oss-ec: canary-note"]);
        repeats_nothing(provider.as_ref(), "", &[error]);
    }
}
