//! O7: what is set wrong is said in one line, with what to change. The lines, as rows of one table:
//! `cargo test -p longhaul-cli --test stores o7 -- --nocapture --test-threads 1 | grep '^|'`.

use longhaul::azblob::AccountKey;
use longhaul_sign::azure::sas::{self, Grant, Resource, ResponseHeaders};
use longhaul_sign::date;

use crate::blobs;
use crate::place::{Place, Told};
use crate::shop::{AZURITE_KEY, Kind, Shop};
use crate::store::Store;
use crate::support::stores;

/// An environment for the strict store at `endpoint`.
pub(crate) fn strict(endpoint: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", "TESTAK".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret".to_owned()),
        ("AWS_REGION", crate::store::REGION.to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
    ]
}

/// What becomes of a clock that is off: nothing is to be changed.
const LEARNED: &str = "done: the clock was learned from the store, once";

/// This machine's clock, in unix seconds.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// A SAS URL for a blob of Azurite.
pub(crate) fn sas(endpoint: &str, name: &str, permissions: &str, seconds: i64) -> String {
    let now = now();
    let (start, expiry) = (date::iso8601(now - 7200).unwrap(), date::iso8601(now + seconds).unwrap());
    let grant = Grant { version: "2023-11-03", permissions, start: &start, expiry: &expiry, ..Grant::default() };
    let key = AccountKey::new("devstoreaccount1", AZURITE_KEY).unwrap();
    let resource = Resource::Blob { container: "tbucket", blob: name };
    let token = sas::service(&key, resource, &grant, "", &ResponseHeaders::default()).unwrap().into_token();
    let name = longhaul_sign::encode::path(name);
    format!("{endpoint}/devstoreaccount1/tbucket/{name}?{}", token.expose())
}

/// One line, which says what to change, and no secret. It is the row of `cause`: store and what is set wrong.
#[track_caller]
fn says(cause: &str, told: &Told, words: &[&str]) {
    let lines: Vec<&str> =
        told.stderr.lines().filter(|line| line.contains("HTTP") || line.contains("longhaul:")).collect();
    assert_eq!(lines.len(), 1, "{told:#?}");
    row(cause, lines[0]);
    for word in words {
        assert!(told.stderr.contains(word), "{word:?} is not said: {told:#?}");
    }
    for secret in ["canary", "TESTSK", "STSSK", "ststoken", "sig="] {
        assert!(!told.stderr.contains(secret) && !told.stdout.contains(secret), "{told:#?}");
    }
}

#[allow(clippy::print_stdout, reason = "the table is what the test is run for by hand")]
fn row(cause: &str, said: &str) {
    println!("\n| {cause} | {said} |");
}

#[tokio::test(flavor = "multi_thread")]
async fn o7_s3_says_what_is_set_wrong() {
    let store = Store::new(5 << 20);
    let raw = store.serve(|_, answer| answer).await;
    let mut place = Place::new().await;
    place.env = strict(&raw.url(""));
    let file = place.local("a.bin", 1000).0.display().to_string();
    let run = async |place: &Place, args: &[&str], code| place.run(args).await.expect(code);
    let (put, get): (&[&str], &[&str]) = (&["put", &file, "s3://tbucket/a.bin"], &["get", "s3://tbucket/a.bin"]);
    run(&place, put, 0).await;

    let mut wrong = |name: &'static str, value: &str| {
        place.env = strict(&raw.url(""));
        place.env.push((name, value.to_owned()));
    };
    wrong("AWS_SECRET_ACCESS_KEY", "canary-other");
    for args in [put, get] {
        says("S3, wrong secret", &run(&place, args, 4).await, &["SignatureDoesNotMatch", "check the secret"]);
    }
    let mut wrong = |name: &'static str, value: &str| {
        place.env = strict(&raw.url(""));
        place.env.push((name, value.to_owned()));
    };
    wrong("AWS_REGION", "us-east-1");
    for args in [put, get] {
        says("S3, wrong region", &run(&place, args, 4).await, &["the bucket is in region eu-test-1, not us-east-1"]);
    }
    place.env = strict(&raw.url(""));
    for args in [["put", &file, "s3://other/a.bin"], ["get", "s3://other/a.bin", "-q"]] {
        says(
            "S3, no such bucket",
            &run(&place, &args, 4).await,
            &["NoSuchBucket", "check its name, region and endpoint"],
        );
    }
    says("S3, no such object", &run(&place, &["get", "s3://tbucket/none"], 4).await, &["NoSuchKey"]);
    store.state().token = Some("another".to_owned());
    place.env.push(("AWS_SESSION_TOKEN", "canary-token".to_owned()));
    for args in [put, get] {
        says("S3, expired token", &run(&place, args, 4).await, &["ExpiredToken", "get fresh credentials"]);
    }
    place.env = strict(&raw.url(""));
    store.state().token = None;
    // A clock that is off is learned from the store, once.
    for skew in [-1200, 1200] {
        store.state().skew = skew;
        run(&place, put, 0).await;
        run(&place, &["get", "s3://tbucket/a.bin", "--overwrite", "always"], 0).await;
        row(&format!("S3, clock off by {skew} s"), LEARNED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o7_oss_says_what_is_set_wrong() {
    let mut shop = Shop::new(Kind::Oss).await;
    let (file, name) = (shop.local("a.bin", 1000).0.display().to_string(), shop.name("cli/wrong"));
    let (put, get): (&[&str], &[&str]) = (&["put", &file, &name], &["get", &name]);
    shop.run(put).await.expect(0);
    shop.set("OSS_ACCESS_KEY_SECRET", "canary-other");
    for args in [put, get] {
        says("OSS, wrong secret", &shop.run(args).await.expect(4), &["SignatureDoesNotMatch", "check the secret"]);
    }
    shop.set("OSS_ACCESS_KEY_SECRET", "TESTSK0123456789");
    for args in [put, get] {
        let told = shop.run(args.iter().copied().chain(["--region", "cn-beijing"])).await.expect(4);
        says("OSS, wrong region", &told, &["region"]);
    }
    shop.set("OSS_ACCESS_KEY_ID", "STS.TESTAK");
    shop.set("OSS_ACCESS_KEY_SECRET", "STSSK0123456789");
    shop.set("OSS_SESSION_TOKEN", "canary-token");
    for args in [put, get] {
        says(
            "OSS, another's token",
            &shop.run(args).await.expect(4),
            &["InvalidSecurityToken", "give the token issued with it"],
        );
    }
    shop.set("OSS_ACCESS_KEY_ID", "STS.ENDED");
    shop.set("OSS_SESSION_TOKEN", "ststoken+/=ended");
    for args in [put, get] {
        says("OSS, expired token", &shop.run(args).await.expect(4), &["SecurityTokenExpired", "get fresh credentials"]);
    }
    shop.set("OSS_SESSION_TOKEN", "");
    shop.set("OSS_ACCESS_KEY_ID", "TESTAK");
    // A clock that is off is learned from the store, once.
    for seconds in [-1200, 1200] {
        let server = stores::start("oss", &["--now", &date::iso8601(now() + seconds).unwrap()]);
        shop.set("OSS_ENDPOINT", &server.endpoint);
        shop.set("OSS_ACCESS_KEY_SECRET", "TESTSK0123456789");
        shop.run(put).await.expect(0);
        shop.run(get.iter().copied().chain(["--overwrite", "always"])).await.expect(0);
        row(&format!("OSS, clock off by {seconds} s"), LEARNED);
    }
    let endpoint = shop.endpoint.clone();
    shop.set("OSS_ENDPOINT", &endpoint);
    shop.set("OSS_ACCESS_KEY_SECRET", "TESTSK0123456789");
    for args in [["put", &file, "oss://other-bucket/a"], ["get", "oss://other-bucket/a", "-q"]] {
        says(
            "OSS, no such bucket",
            &shop.run(args).await.expect(4),
            &["NoSuchBucket", "check its name, region and endpoint"],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o7_azure_says_what_is_set_wrong() {
    let mut shop = Shop::new(Kind::Azure).await;
    let (file, name) = (shop.local("a.bin", 1000).0.display().to_string(), shop.name("cli/wrong"));
    let (put, get): (&[&str], &[&str]) = (&["put", &file, &name], &["get", &name]);
    shop.run(put).await.expect(0);
    shop.set("AZURE_STORAGE_KEY", "Y2FuYXJ5");
    for args in [put, get] {
        says("Azure, wrong key", &shop.run(args).await.expect(4), &["check", "key"]);
    }
    shop.set("AZURE_STORAGE_KEY", AZURITE_KEY);
    for args in [["put", &file, "az://other-container/a"], ["get", "az://other-container/a", "-q"]] {
        says(
            "Azure, no such container",
            &shop.run(args).await.expect(4),
            &["ContainerNotFound", "check its name, the account and the endpoint"],
        );
    }
    // Read-only, write-only, ended.
    let read_only = sas(&shop.endpoint, "cli/wrong", "r", 3600);
    says(
        "Azure, read-only SAS",
        &shop.run(["put", &file, &read_only]).await.expect(4),
        &["the SAS needs create and write (cw)"],
    );
    let write_only = sas(&shop.endpoint, "cli/wrong", "cw", 3600);
    says("Azure, write-only SAS", &shop.run(["get", &write_only]).await.expect(4), &["the SAS needs read (r)"]);
    let ended = sas(&shop.endpoint, "cli/wrong", "rcw", -3600);
    for args in [["put", &file, &ended], ["get", &ended, "-q"]] {
        says("Azure, expired SAS", &shop.run(args).await.expect(4), &["the SAS has expired: get a fresh one"]);
    }
}

/// Azurite looks at no date; the project's own store does as the service.
#[tokio::test(flavor = "multi_thread")]
async fn o7_azures_clock_is_learned_once() {
    let store = blobs::Store::new();
    let raw = store.serve(|_, answer| answer).await;
    let mut place = Place::new().await;
    place.env = vec![
        ("AZURE_STORAGE_ACCOUNT", blobs::ACCOUNT.to_owned()),
        ("AZURE_STORAGE_KEY", "Y2FuYXJ5LXNlY3JldC1rZXk=".to_owned()),
        ("AZURE_STORAGE_ENDPOINT", raw.url("")),
    ];
    let (file, bytes) = place.local("a.bin", 1000);
    let name = format!("az://{}/a.bin", blobs::CONTAINER);
    for skew in [-1200, 1200] {
        store.state().skew = skew;
        place.run(["put", &file.display().to_string(), &name]).await.expect(0);
        place.run(["get", &name, "--overwrite", "always"]).await.expect(0);
        assert!(std::fs::read(place.out("a.bin")).unwrap() == bytes);
        row(&format!("Azure, clock off by {skew} s"), LEARNED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_nothing_that_is_told_holds_a_secret() {
    let shop = Shop::new(Kind::Azure).await;
    let (file, name) = (shop.local("a.bin", 12 << 20).0.display().to_string(), shop.name("cli/told"));
    for args in [vec!["put", &file, &name, "-vvv", "--part-size", "5MiB"], vec!["get", &name, "-vvv", "--json"]] {
        let told = shop.run(args).await.expect(0);
        assert!(!told.stderr.contains(&AZURITE_KEY[..20]) && !told.stdout.contains(&AZURITE_KEY[..20]));
        assert!(!told.stderr.contains("SharedKey devstoreaccount1:"), "no header's value");
    }
}
