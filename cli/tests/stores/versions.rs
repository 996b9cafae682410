//! `--version-id`: an older version of an object.

use serde_json::json;

use crate::shop::{Kind, Shop};

/// Moto keeps versions, where they are switched on; the other counterparts have none. What they are asked for is seen in the
/// providers' own tests.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_downloaded_and_resumed_by_its_id() {
    let shop = Shop::new(Kind::S3).await;
    shop.ask(&json!({"do": "version", "key": ""}));
    let name = shop.name("cli/versions");
    let mut versions = Vec::new();
    for size in [12 << 20, 13 << 20] {
        let (file, bytes) = shop.local("source.bin", size);
        shop.run(["put", &file.display().to_string(), &name]).await.expect(0);
        let id = shop.ask(&json!({"do": "version", "key": "cli/versions"}));
        versions.push((id.as_str().unwrap().to_owned(), bytes));
    }
    assert_ne!(versions[0].0, versions[1].0);
    for (id, bytes) in &versions {
        let args = ["get", &name, "-o", "a.bin", "--overwrite", "always", "--version-id", id];
        shop.run(args).await.expect(0);
        assert!(std::fs::read(shop.out("a.bin")).unwrap() == *bytes);
    }
    // It is in the record.
    let (id, bytes) = &versions[0];
    let args = ["get", &name, "-o", "b.bin", "--json", "--limit-rate", "4MiB", "--part-size", "1MiB"];
    let mut started = shop.start(args.into_iter().chain(["--version-id", id]));
    started.until_bytes(4 << 20).await;
    started.kill().await;
    shop.words("resume").await.expect(0);
    assert!(std::fs::read(shop.out("b.bin")).unwrap() == *bytes);
    let told = shop.run(["get", &shop.url("a"), "--version-id", id]).await.expect(2);
    assert!(told.stderr.contains("--version-id"), "{told:?}");
}
