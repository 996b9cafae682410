//! Up and down, by name.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use crate::place::{PATIENCE, content, sha256};
use crate::shop::{ALL, Kind, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn o2_files_go_up_and_come_down_by_name_in_every_store() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        // In parts, and at once.
        for (key, size) in [("cli/in parts +%.bin", (20 << 20) + 7), ("cli/at once.bin", 70_000), ("cli/empty", 0)] {
            let (file, bytes) = shop.local("source.bin", size);
            let (name, file) = (shop.name(key), file.display().to_string());
            let told = shop.run(["put", &file, &name, "--part-size", "5MiB", "--json"]).await.expect(0);
            assert_eq!(told.summary()["outcome"], "done");
            assert_eq!(told.lines()[0]["url"], name.as_str());
            shop.holds(key, &bytes);
            let told = shop.run(["get", &name, "--json"]).await.expect(0);
            let path = told.summary()["path"].as_str().unwrap().to_owned();
            assert!(path.ends_with(key.rsplit('/').next().unwrap()), "{path}");
            assert_eq!(sha256(&std::fs::read(&path).unwrap()), sha256(&bytes), "{name}");
            let expected = match (kind, size) {
                (_, 0) => None,
                (Kind::Oss, _) => Some("verified"),
                (Kind::Azure, 70_000) => Some("verified"),
                _ => None,
            };
            if let Some(verdict) = expected {
                assert_eq!(told.summary()["digest"]["verdict"], verdict, "{name}");
            }
            assert!(shop.records().is_empty());
            // The same again costs a question.
            let told = shop.run(["get", &name, "--json"]).await.expect(0);
            assert_eq!(told.summary()["outcome"], "unchanged", "{name}");
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_content_that_nobody_looks_at_arrives_whole() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        for (key, size) in [("cli/unseen/large.bin", (11 << 20) + 3), ("cli/unseen/small.bin", 70_000)] {
            let (file, bytes) = shop.local("source.bin", size);
            let (name, file) = (shop.name(key), file.display().to_string());
            shop.run(["put", &file, &name, "--part-size", "5MiB", "--no-recheck"]).await.expect(0);
            shop.holds(key, &bytes);
            shop.run(["get", &name, "-o", "back", "--no-recheck"]).await.expect(0);
            assert_eq!(sha256(&std::fs::read(shop.out("back")).unwrap()), sha256(&bytes), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_goes_up_and_content_comes_to_standard_output() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        let (bytes, name) = (content(6 << 20), shop.name("cli/piped"));
        let mut command = shop.command(["put", "-", &name, "--part-size", "5MiB"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&bytes).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        shop.holds("cli/piped", &bytes);
        let mut command = shop.command(["get", &name, "-o", "-"]);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0), "{:?}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(sha256(&output.stdout), sha256(&bytes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_ends_with_a_slash_is_a_folder_for_the_file() {
    let shop = Shop::new(Kind::Oss).await;
    let (file, bytes) = shop.local("my file.bin", 1000);
    shop.run(["put", &file.display().to_string(), &shop.name("cli/folder/")]).await.expect(0);
    shop.holds("cli/folder/my file.bin", &bytes);
    // A scheme in capitals is the same scheme.
    shop.run(["get", &shop.name("cli/folder/my file.bin").replace("oss://", "OSS://"), "-o", "back"]).await.expect(0);
    assert_eq!(std::fs::read(shop.out("back")).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_what_must_not_be_replaced_is_not() {
    for kind in ALL {
        let shop = Shop::new(kind).await;
        for (key, size) in [("cli/once/small", 1000), ("cli/once/large", 11 << 20)] {
            let (file, bytes) = shop.local("first.bin", size);
            let (name, file) = (shop.name(key), file.display().to_string());
            let args = ["put", &file, &name, "--no-overwrite", "--part-size", "5MiB", "--json"];
            shop.run(args).await.expect(0);
            let (other, _) = shop.local("second.bin", size);
            std::fs::write(&other, vec![7; size]).unwrap();
            let other = other.display().to_string();
            let args = ["put", &other, &name, "--no-overwrite", "--part-size", "5MiB", "--json"];
            let told = shop.run(args).await.expect(4);
            assert_eq!(told.summary()["error"]["code"], 308, "{told:#?}");
            assert!(told.stderr.contains("nothing was replaced"), "{told:#?}");
            // Nobody can finish it, so nothing of it is kept, here or there.
            assert!(shop.records().is_empty(), "{name}");
            // Azure knows no way to give blocks up: it drops them by itself.
            if kind == Kind::Azure { shop.has(key, &bytes) } else { shop.holds(key, &bytes) }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u11_what_is_said_of_an_object_reaches_the_store() {
    let store = crate::store::Store::new(5 << 20);
    let raw = store.serve(|_, answer| answer).await;
    let mut place = crate::place::Place::new().await;
    place.env = crate::wrong::strict(&raw.url(""));
    let (file, _) = place.local("a.bin", 1000);
    let described = ["--content-type", "video/mp4", "--metadata", "order=4711", "--storage-class", "STANDARD_IA"];
    let file = file.display().to_string();
    place.run(["put", &file, "s3://tbucket/a.bin"].into_iter().chain(described)).await.expect(0);
    let headers = store.state().objects["a.bin"].headers.clone();
    let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(value("content-type").as_deref(), Some("video/mp4"));
    assert_eq!(value("x-amz-meta-order").as_deref(), Some("4711"));
    assert_eq!(value("x-amz-storage-class").as_deref(), Some("STANDARD_IA"));
    // What is not an object's is not for plain servers.
    let told = place.run(["put", &file, "http://127.0.0.1:1/up"].into_iter().chain(described)).await.expect(2);
    assert!(told.stderr.contains("--header"), "{told:?}");
}
