//! `--plan`: what a backend signed, here the vendors' SDKs.

use serde_json::{Value, json};

use crate::place::sha256;
use crate::shop::{ALL, Kind, Shop};

const PART: u64 = 5 << 20;

fn issue(shop: &Shop, key: &str, size: usize) -> Value {
    shop.ask(&json!({"do": "plan", "key": key, "size": size, "part": PART}))
}

#[tokio::test(flavor = "multi_thread")]
async fn o2_plans_go_both_ways_in_every_store() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        let key = "cli/planned a+b";
        let (file, bytes) = shop.local("source.bin", (12 << 20) + 7);
        let plan = shop.signed("plan.json", &json!({"do": "plan", "key": key, "size": bytes.len(), "part": PART}));
        let file = file.display().to_string();
        let told = shop.run(["put", &file, "--plan", &plan, "--allow-host", "example.org"]).await.expect(2);
        assert!(told.stderr.contains("policy does not admit the host 127.0.0.1"), "{told:?}");
        shop.run(["put", &file, "--plan", &plan, "--json", "-vvv"]).await.expect(0);
        shop.holds(key, &bytes);
        let link = shop.signed("link.json", &json!({"do": "link", "key": key, "size": bytes.len()}));
        let told = shop.run(["get", "--plan", &link, "--allow-host", "127.0.0.1", "--json"]).await.expect(0);
        let path = told.summary()["path"].as_str().unwrap().to_owned();
        assert!(path.ends_with("planned a+b"), "{path}");
        assert_eq!(sha256(&std::fs::read(path).unwrap()), sha256(&bytes));
        assert!(shop.records().is_empty());
    }
}

/// A plan whose URLs have run out is read again: a fresh one, written over it, keeps the upload going.
#[tokio::test(flavor = "multi_thread")]
async fn r6_a_fresh_plan_written_over_the_first_is_taken_up_after_a_kill_and_under_way() {
    let shop = Shop::new(Kind::Oss).await;
    let (key, size) = ("cli/plan renewed", 40 << 20);
    let (file, bytes) = shop.local("source.bin", size);
    let plan = issue(&shop, key, size);
    let path = shop.path("plan.json");
    // The first plan has URLs for half of the parts, and for no more.
    let mut half = plan.clone();
    half["parts"].as_array_mut().unwrap().truncate(4);
    std::fs::write(&path, half.to_string()).unwrap();
    let (file, given) = (file.display().to_string(), path.display().to_string());
    let told = shop.run(["put", &file, "--plan", &given]).await.expect(4);
    assert!(told.stderr.contains("part 5") && told.stderr.contains("write a fresh plan"), "{told:?}");
    let record = std::fs::read_to_string(&shop.records()[0]).unwrap();
    assert!(record.contains("plan.json") && !record.contains("signature"), "{record}");
    std::fs::write(&path, plan.to_string()).unwrap();
    let summary = shop.words("resume --json").await.expect(0).summary();
    assert!(summary["reused"].as_u64().unwrap() >= 4 * PART, "{summary}");
    shop.holds(key, &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_a_killed_upload_by_a_plan_goes_on_by_resume() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        let (key, size) = ("cli/plan killed", 40 << 20);
        let (file, bytes) = shop.local("source.bin", size);
        std::fs::write(shop.path("plan.json"), issue(&shop, key, size).to_string()).unwrap();
        let (file, plan) = (file.display().to_string(), shop.path("plan.json").display().to_string());
        let args = ["put", &file, "--plan", &plan, "--json", "--parts", "2", "--limit-rate", "16MiB"];
        let mut started = shop.start(args);
        started.until_bytes(15 << 20).await;
        started.kill().await;
        let summary = shop.words("resume --json").await.expect(0).summary();
        assert!(summary["reused"].as_u64().unwrap() >= 10 << 20, "{kind:?}: {summary}");
        shop.holds(key, &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_a_plan_that_is_none_is_refused_without_repeating_it() {
    let shop = Shop::new(Kind::Oss).await;
    let file = shop.local("source.bin", 10).0.display().to_string();
    let plan = shop.path("plan.json").display().to_string();
    for (text, words) in [
        ("c4n4ry-7Qx", "cannot be read"),
        (r#"{"total_size": 1, "part_size": 1, "c4n4ry-7Qx": 1}"#, "a member is not known"),
        (r#"{"total_size": 20, "part_size": 5, "parts": []}"#, "issue at least one URL"),
    ] {
        std::fs::write(&plan, text).unwrap();
        let told = shop.run(["put", &file, "--plan", &plan]).await.expect(2);
        assert!(told.stderr.contains(words) && !told.stderr.contains("c4n4ry-7Qx"), "{told:?}");
    }
    for args in [
        vec!["put", &file, "http://h/", "--plan", &plan],
        vec!["put", &file, "--plan", "/no/such/plan"],
        vec!["put", &file, "http://h/", "--allow-host", "h"],
        vec!["put", &file],
    ] {
        shop.run(args).await.expect(2);
    }
}
