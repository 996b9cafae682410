//! K1, K2: a canary in every secret, and no trace of it in anything that may be shown.

use crate::common::blob;
use crate::support::{caller, clean, repeats_nothing, shows_nothing};
use longhaul_azblob::{Access, AzureDownload, AzureUpload};
use longhaul_core::provider::Provider;
use longhaul_http::Headers;

/// `canary-secret-key` in base64.
const KEY: &str = "Y2FuYXJ5LXNlY3JldC1rZXk=";
const SAS: &str = "sv=2023-11-03&se=2099-01-01&sr=b&sp=rcw&sig=canary-sig%2Fcanary%3D";

fn headers() -> Headers {
    caller(&[
        "x-ms-encryption-key: canary-customer-key",
        "x-ms-meta-note: canary-note",
        "Cookie: session=canary-session",
    ])
}

fn providers(access: &Access) -> [Box<dyn Provider>; 2] {
    let blob = blob("a", access.clone());
    let download = AzureDownload::new(blob.clone()).and_then(|it| it.with_version("v"));
    [
        Box::new(download.and_then(|it| it.with_headers(headers())).expect("sound")),
        Box::new(AzureUpload::new(blob).with_headers(headers()).expect("sound")),
    ]
}

#[test]
fn k1_providers_and_requests_show_nothing() {
    let access = Access::key("acme", KEY).expect("sound");
    clean(&format!("{access:?}"));
    assert!(!format!("{access:?}").contains(KEY));
    for provider in providers(&access) {
        shows_nothing(provider.as_ref());
        assert!(!format!("{provider:?}").contains(KEY));
    }
    let access = Access::sas(SAS).expect("sound");
    clean(&format!("{access:?}"));
    for provider in providers(&access) {
        clean(&format!("{provider:?} {} {}", provider.object(), provider.authority()));
    }
}

#[test]
fn k1_no_answer_brings_a_secret_into_an_error() {
    let echo = "canary-secret-key canary-sig%2Fcanary%3D canary-sig/canary= canary-customer-key, canary-note; \
                session=canary-session";
    let lines = ["x-ms-version-id: canary-note"];
    for provider in providers(&Access::sas(SAS).expect("sound")) {
        repeats_nothing(provider.as_ref(), &echo.replace("canary-secret-key", ""), &lines);
    }
    for provider in providers(&Access::key("acme", KEY).expect("sound")) {
        repeats_nothing(provider.as_ref(), &echo.replace("canary-sig%2Fcanary%3D canary-sig/canary=", ""), &lines);
    }
}

#[test]
fn k1_a_key_or_token_that_is_none_is_not_repeated() {
    for error in [Access::key("acme", "canary!").map(|_| ()), Access::sas("canary=1").map(|_| ())] {
        let error = error.expect_err("neither");
        clean(&format!("{error} {error:?}"));
    }
}
