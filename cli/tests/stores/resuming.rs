//! Killed, and resumed by record: credentials come from the environment again.

use serde_json::Value;

use crate::place::{Place, files, sha256};
use crate::shop::{ALL, AZURITE_KEY, Kind, Shop};
use crate::store::Store;

const SIZE: usize = 40 << 20;
const PART: u64 = 5 << 20;

/// Every file in the state folder is free of secrets.
fn holds_no_secret(shop: &Shop) {
    for path in files(&shop.path("state")) {
        let bytes = std::fs::read(&path).unwrap();
        for secret in ["TESTSK0123456789", AZURITE_KEY, "ststoken"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}

/// Of three parts that had arrived one is in the record for sure, however late its writes are: what may be missing in it is as much as two
/// connections have under way.
const RECORDED: u64 = PART;

fn count(summary: &Value, name: &str) -> u64 {
    summary[name].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_a_killed_upload_goes_on_by_resume_in_every_store() {
    // moto lists parts under a name of its own: the strict store stands for S3, below.
    for kind in [Kind::Oss, Kind::Azure] {
        let shop = Shop::new(kind).await;
        let key = "cli/killed up";
        let (file, bytes) = shop.local("source.bin", SIZE);
        let (name, file) = (shop.name(key), file.display().to_string());
        let args = ["put", &file, &name, "--json", "--part-size", "5MiB", "--parts", "2", "--limit-rate", "16MiB"];
        let mut started = shop.start(args);
        started.until_bytes(15 << 20).await;
        started.kill().await;
        assert_eq!(shop.records().len(), 1);
        holds_no_secret(&shop);
        let listed = shop.words("resume --list --json").await.expect(0).lines();
        assert_eq!(listed[0]["url"], name.as_str());
        assert_eq!(listed[0]["withheld"], serde_json::json!([]));
        let summary = shop.words("resume --json").await.expect(0).summary();
        shop.holds(key, &bytes);
        // What two connections had under way, and no more.
        let missing = SIZE as u64 - count(&summary, "reused");
        assert!(count(&summary, "reused") >= RECORDED, "{kind:?}: {summary}");
        assert!(count(&summary, "transferred") <= missing + PART, "{kind:?}: {summary}");
        assert!(shop.records().is_empty());
        shop.words("resume").await.expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_a_killed_upload_to_s3_goes_on_by_resume() {
    let store = Store::new(PART as usize);
    let raw = store.serve(|_, answer| answer).await;
    let mut place = Place::new().await;
    place.env = crate::wrong::strict(&raw.url(""));
    let (file, bytes) = place.local("source.bin", SIZE);
    let file = file.display().to_string();
    let args =
        ["put", &file, "s3://tbucket/a", "--json", "--part-size", "5MiB", "--parts", "2", "--limit-rate", "16MiB"];
    let mut started = place.start(args);
    started.until_bytes(15 << 20).await;
    started.kill().await;
    for path in files(&place.path("state")) {
        let text = std::fs::read(&path).unwrap();
        assert!(!text.windows(6).any(|window| window == b"canary"), "{} holds a secret", path.display());
    }
    let summary = place.words("resume --json").await.expect(0).summary();
    assert!(count(&summary, "reused") >= RECORDED, "{summary}");
    assert!(count(&summary, "transferred") <= SIZE as u64 - count(&summary, "reused") + PART, "{summary}");
    let state = store.state();
    assert!(state.objects["a"].content == bytes && state.sessions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_a_killed_download_goes_on_by_resume_in_every_store() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        let (file, bytes) = shop.local("source.bin", SIZE);
        let (name, file) = (shop.name("cli/killed down"), file.display().to_string());
        shop.run(["put", &file, &name, "--part-size", "8MiB"]).await.expect(0);
        let args = ["get", &name, "-o", "a.bin", "--json", "--part-size", "1MiB", "--limit-rate", "16MiB"];
        let mut started = shop.start(args.into_iter().chain(["--checkpoint", "4MiB"]));
        started.until_bytes(20 << 20).await;
        started.kill().await;
        holds_no_secret(&shop);
        let summary = shop.words("resume --json").await.expect(0).summary();
        assert!(count(&summary, "reused") >= 8 << 20, "{kind:?}: {summary}");
        assert_eq!(sha256(&std::fs::read(shop.out("a.bin")).unwrap()), sha256(&bytes));
        assert!(shop.records().is_empty());
        assert_eq!(shop.outputs(), ["a.bin"]);
    }
}

/// Once the object is made there is nothing to resume, whenever the process is killed.
#[tokio::test(flavor = "multi_thread")]
async fn o3_a_kill_after_the_commit_sends_nothing_again() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        let (file, bytes) = shop.local("source.bin", SIZE);
        let args = ["put", &file.display().to_string(), &shop.name("cli/made"), "--json", "--part-size", "5MiB"];
        let mut started = shop.start(args);
        started.until(|line| line["phase"] == "cleaning").await;
        assert!(shop.records().is_empty(), "{kind:?}");
        started.kill().await;
        shop.words("resume").await.expect(0);
        shop.holds("cli/made", &bytes);
    }
}

/// Where the store is was written down, who asks was not.
#[tokio::test(flavor = "multi_thread")]
async fn resume_means_the_same_place_whatever_the_environment_says_now() {
    let mut shop = Shop::new(Kind::Oss).await;
    let (file, bytes) = shop.local("source.bin", SIZE);
    let (name, file) = (shop.name("cli/elsewhere"), file.display().to_string());
    let mut started =
        shop.start(["put", &file, &name, "--json", "--part-size", "5MiB", "--parts", "1", "--limit-rate", "16MiB"]);
    started.until_bytes(10 << 20).await;
    started.kill().await;
    let secret = "TESTSK0123456789";
    shop.set("OSS_ENDPOINT", "http://127.0.0.1:1");
    shop.set("OSS_REGION", "cn-beijing");
    shop.set("OSS_ACCESS_KEY_SECRET", "");
    let told = shop.words("resume").await.expect(2);
    assert!(told.stderr.contains("set OSS_ACCESS_KEY_SECRET"), "{told:?}");
    shop.set("OSS_ACCESS_KEY_SECRET", secret);
    shop.words("resume").await.expect(0);
    shop.holds("cli/elsewhere", &bytes);
}

/// What a store hears when an upload begins cannot be changed later: the object would not be what the command says.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_began_with_other_properties_is_not_gone_on_with() {
    for kind in [Kind::S3, Kind::Oss] {
        let shop = Shop::new(kind).await;
        let (file, bytes) = shop.local("source.bin", SIZE);
        let (name, file) = (shop.name("properties"), file.display().to_string());
        let args = ["put", &file, &name, "--metadata", "order=1", "--part-size", "5MiB", "--parts", "2"];
        let mut started = shop.start([&args[..], &["--json", "--limit-rate", "16MiB"]].concat());
        started.until_bytes(15 << 20).await;
        started.kill().await;
        for other in [&["--metadata", "order=2"][..], &["--storage-class", "STANDARD_IA", "--metadata", "order=1"], &[]]
        {
            let told = shop.run([&["put", &file, &name][..], other].concat()).await.expect(2);
            assert!(told.stderr.contains("longhaul cancel") && !told.stderr.contains("order"), "{kind:?}: {told:#?}");
        }
        let told = shop.run(args).await.expect(0);
        // moto lists parts under a name of its own: there all goes up again.
        assert!(kind == Kind::S3 || told.stderr.contains("going on where it stopped"), "{kind:?}: {told:#?}");
        shop.has("properties", &bytes);
    }
}
