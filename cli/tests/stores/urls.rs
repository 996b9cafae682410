//! URLs that carry their own rights: presigned ones, and Azure's with a SAS.

use serde_json::json;

use crate::place::{Told, sha256};
use crate::shop::{ALL, Kind, Shop};

/// A file with a URL in it that the SDK signed.
fn url_file(shop: &Shop, file: &str, question: &serde_json::Value) -> (String, String) {
    let url = shop.ask(question)["url"].as_str().unwrap().to_owned();
    std::fs::write(shop.path(file), format!("{url}\n")).unwrap();
    (format!("@{}", shop.path(file).display()), url)
}

fn shows_no_signature(told: &Told, url: &str) {
    let signature = url.rsplit(['=', '&']).find(|part| part.len() > 20).unwrap();
    assert!(!told.stdout.contains(signature) && !told.stderr.contains(signature), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn o2_presigned_urls_go_both_ways_from_a_file_and_from_the_command_line() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        for (key, direct) in [("cli/signed/by file", false), ("cli/signed/direct", true)] {
            let (file, bytes) = shop.local("source.bin", 20 << 20);
            let (at, url) = url_file(&shop, "up.url", &json!({"do": "form", "key": key}));
            let to = if direct { &url } else { &at };
            let told = shop.run(["put", &file.display().to_string(), to, "-vvv"]).await.expect(0);
            shows_no_signature(&told, &url);
            shop.holds(key, &bytes);
            let (at, url) = url_file(&shop, "down.url", &json!({"do": "link", "key": key, "size": bytes.len()}));
            let from = if direct { &url } else { &at };
            let told = shop.run(["get", from, "-o", "a.bin", "-vvv"]).await.expect(0);
            shows_no_signature(&told, &url);
            assert_eq!(sha256(&std::fs::read(shop.out("a.bin")).unwrap()), sha256(&bytes));
            std::fs::remove_file(shop.out("a.bin")).unwrap();
        }
    }
}

/// The file is named in the record and read again: it may have a fresh URL by then.
#[tokio::test(flavor = "multi_thread")]
async fn o3_a_killed_download_by_a_url_from_a_file_goes_on_by_resume() {
    let shop = Shop::new(Kind::S3).await;
    let (file, bytes) = shop.local("source.bin", 40 << 20);
    shop.run(["put", &file.display().to_string(), &shop.name("cli/by url")]).await.expect(0);
    let (at, url) = url_file(&shop, "down.url", &json!({"do": "link", "key": "cli/by url", "size": bytes.len()}));
    let args = ["get", &at, "-o", "a.bin", "--json", "--part-size", "1MiB", "--limit-rate", "16MiB"];
    let mut started = shop.start(args.into_iter().chain(["--checkpoint", "4MiB"]));
    started.until_bytes(16 << 20).await;
    started.kill().await;
    let record = std::fs::read_to_string(&shop.records()[0]).unwrap();
    assert!(!record.contains("X-Amz-"), "{record}");
    assert!(record.contains("down.url"), "{record}");
    // Without it there is nothing to go on with, and the record stays.
    std::fs::remove_file(shop.path("down.url")).unwrap();
    let told = shop.words("resume").await.expect(2);
    assert!(told.stderr.contains("down.url"), "{told:?}");
    std::fs::write(shop.path("down.url"), &url).unwrap();
    let summary = shop.words("resume --json").await.expect(0).summary();
    assert!(summary["reused"].as_u64().unwrap() >= 8 << 20, "{summary}");
    assert_eq!(sha256(&std::fs::read(shop.out("a.bin")).unwrap()), sha256(&bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_a_killed_upload_by_a_sas_goes_on_and_a_file_that_holds_no_url_is_refused() {
    let shop = Shop::new(Kind::Azure).await;
    let (file, bytes) = shop.local("source.bin", 40 << 20);
    // To go on, it must also read.
    let sas = crate::wrong::sas(&shop.endpoint, "cli/by sas", "rcw", 3600);
    std::fs::write(shop.path("up.url"), sas).unwrap();
    let (at, file) = (format!("@{}", shop.path("up.url").display()), file.display().to_string());
    let args = ["put", &file, &at, "--json", "--part-size", "5MiB", "--parts", "2", "--limit-rate", "16MiB"];
    let mut started = shop.start(args);
    started.until_bytes(15 << 20).await;
    started.kill().await;
    let summary = shop.words("resume --json").await.expect(0).summary();
    assert!(summary["reused"].as_u64().unwrap() >= 10 << 20, "{summary}");
    shop.holds("cli/by sas", &bytes);
    std::fs::write(shop.path("two.url"), "http://a/\nhttp://b/\n").unwrap();
    let told = shop.run(["get", &format!("@{}", shop.path("two.url").display())]).await.expect(2);
    assert!(told.stderr.contains("one line"), "{told:?}");
}
