//! Given up by `cancel`: nothing of it is left at the store or here, and no object is touched (O3).

use serde_json::{Value, json};

use crate::place::{Place, files};
use crate::shop::{ALL, Kind, Shop};
use crate::store::{self, Store};

const SIZE: usize = 40 << 20;

/// An upload in parts of 5 MiB that was killed after a few of them.
async fn killed(place: &Place, name: &str) {
    let file = place.local("source.bin", SIZE).0.display().to_string();
    let args = ["put", &file, name, "--json", "--part-size", "5MiB", "--parts", "2", "--limit-rate", "16MiB"];
    let mut started = place.start(args);
    started.until_bytes(15 << 20).await;
    started.kill().await;
    assert_eq!(place.records().len(), 1);
}

fn open(shop: &Shop, key: &str) -> u64 {
    shop.ask(&json!({"do": "open", "key": key})).as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_u9_a_cancelled_upload_leaves_no_session_and_the_object_that_was_there() {
    for kind in ALL {
        for existing in [true, false] {
            let shop = Shop::new(kind).await;
            let key = format!("cli/cancelled {existing}");
            let (name, (old, before)) = (shop.name(&key), shop.local("old.bin", 1000));
            if existing {
                shop.run(["put", &old.display().to_string(), &name]).await.expect(0);
            }
            killed(&shop, &name).await;
            assert!(open(&shop, &key) > 0, "{kind:?}: there is something to give up");
            let told = shop.run(["cancel", &name, "--json"]).await.expect(0);
            assert_eq!(told.summary()["outcome"], "cancelled", "{told:?}");
            // Azure has no sessions: blocks that nobody names go by themselves.
            assert!(kind == Kind::Azure || open(&shop, &key) == 0, "{kind:?}: nothing is left behind");
            if existing {
                shop.has(&key, &before);
            } else {
                assert_eq!(shop.ask(&json!({"do": "look", "key": key})), Value::Null);
            }
            assert_eq!(files(&shop.path("state")), [] as [std::path::PathBuf; 0]);
            assert!(shop.words("resume").await.expect(0).stderr.contains("nothing is unfinished"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_download_takes_its_temporary_file_along_and_leaves_the_old_one() {
    let shop = Shop::new(Kind::Oss).await;
    let (file, _) = shop.local("source.bin", SIZE);
    let name = shop.name("cli/cancelled down");
    shop.run(["put", &file.display().to_string(), &name, "--part-size", "8MiB"]).await.expect(0);
    std::fs::write(shop.out("a.bin"), "old").unwrap();
    let mut started =
        shop.start(["get", &name, "-o", "a.bin", "--json", "--part-size", "1MiB", "--limit-rate", "16MiB"]);
    started.until_bytes(10 << 20).await;
    started.kill().await;
    assert!(shop.outputs().len() > 1);
    shop.words("cancel a.bin").await.expect(0);
    assert_eq!(shop.outputs(), ["a.bin"]);
    assert_eq!(std::fs::read(shop.out("a.bin")).unwrap(), b"old");
    assert!(shop.records().is_empty());
}

/// Where a presigned URL's query was not recorded, giving up needs none.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_withheld_is_not_needed_to_give_up() {
    let place = Place::new().await;
    place.remote("big.bin", SIZE);
    let url = place.url("big.bin?sig=c4n4ry-7Qx");
    let mut started = place.start(["get", &url, "-o", "a.bin", "--json", "--limit-rate", "8MiB"]);
    started.until_bytes(4 << 20).await;
    started.kill().await;
    assert_eq!(place.records().len(), 1);
    place.run(["cancel", &url]).await.expect(0);
    assert!(place.records().is_empty() && place.outputs().is_empty(), "{:?}", place.outputs());
}

#[tokio::test(flavor = "multi_thread")]
async fn u10_an_abort_that_the_store_refuses_is_told_and_can_be_tried_again() {
    let store = Store::new(5 << 20);
    let raw = store
        .serve(
            |request, answer| if request.method == "DELETE" { store::error(403, "AccessDenied", "") } else { answer },
        )
        .await;
    let mut place = Place::new().await;
    place.env = crate::wrong::strict(&raw.url(""));
    killed(&place, "s3://tbucket/a").await;
    for times in 1..3 {
        let told = place.words("cancel --all").await.expect(4);
        assert!(told.stderr.contains("AccessDenied"), "{told:?}");
        assert_eq!(place.records().len(), 1);
        assert_eq!(raw.log().iter().filter(|request| request.method == "DELETE").count(), times);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_named_and_at_rest_is_given_up() {
    let shop = Shop::new(Kind::Oss).await;
    let (file, bytes) = shop.local("source.bin", SIZE);
    let (name, file) = (shop.name("cli/at work"), file.display().to_string());
    let mut started =
        shop.start(["put", &file, &name, "--json", "--part-size", "5MiB", "--parts", "2", "--limit-rate", "16MiB"]);
    started.until_bytes(5 << 20).await;
    let told = shop.run(["cancel", &file]).await.expect(5);
    assert!(told.stderr.contains("another process is at work"), "{told:?}");
    let told = shop.run(["cancel", &name, "oss://tbucket/none?sig=c4n4ry-7Qx"]).await.expect(2);
    assert!(told.stderr.contains("nothing unfinished is called") && !told.stderr.contains("c4n4ry"), "{told:?}");
    assert!(started.finish().await.0.success());
    shop.holds("cli/at work", &bytes);
    assert!(shop.words("cancel --all").await.expect(0).stderr.contains("nothing is unfinished"));
    shop.words("cancel").await.expect(2);
}

/// Keys are asked for where the store has to be asked, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn what_left_nothing_at_the_store_is_given_up_without_keys() {
    let store = Store::new(5 << 20);
    let raw = store.serve(|_, answer| answer).await;
    let keys = crate::wrong::strict(&raw.url(""));
    let mut place = Place::new().await;
    place.env.clone_from(&keys);
    let file = place.local("object.bin", SIZE).0.display().to_string();
    place.run(["put", &file, "s3://tbucket/down", "--part-size", "8MiB"]).await.expect(0);
    let printed = r#"echo '{"Version": 1, "AccessKeyId": "TESTAK", "SecretAccessKey": "canary-secret"}'"#;
    for (name, more) in [("a.bin", vec![]), ("b.bin", vec!["--credentials-command", printed])] {
        let args = ["get", "s3://tbucket/down", "-o", name, "--json", "--part-size", "1MiB", "--limit-rate", "16MiB"];
        let mut started = place.start(args.into_iter().chain(more));
        started.until_bytes(10 << 20).await;
        started.kill().await;
    }
    assert_eq!(place.records().len(), 2);
    place.env.clear();
    place.words("cancel --all").await.expect(0);
    assert!(place.records().is_empty() && place.outputs().is_empty(), "{:?}", place.outputs());

    place.env.clone_from(&keys);
    killed(&place, "s3://tbucket/up").await;
    place.env.clear();
    let told = place.words("cancel --all").await.expect(2);
    assert!(told.stderr.contains("there are no credentials"), "{told:?}");
    place.env = keys;
    place.words("cancel --all").await.expect(0);
    assert!(place.records().is_empty());
}
