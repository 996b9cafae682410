//! `--credentials-command`, and what the environment lacks.

use crate::place::CANARY;
use crate::shop::{Kind, Shop};

/// A command that prints a temporary key and notes that it was asked.
fn printing(shop: &Shop, secret: &str, expiration: &str) -> String {
    let document = format!(
        r#"{{"Version": 1, "AccessKeyId": "STS.TESTAK", "SecretAccessKey": "{secret}", "SessionToken": "ststoken+/=with==chars", "Expiration": "{expiration}"}}"#
    );
    std::fs::write(shop.path("key.json"), document).unwrap();
    let (asked, key) = (shop.path("asked"), shop.path("key.json"));
    format!("echo asked >>'{}'; cat '{}'", asked.display(), key.display())
}

fn asked(shop: &Shop) -> usize {
    std::fs::read_to_string(shop.path("asked")).map_or(0, |text| text.lines().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gives_the_key_and_is_not_recorded() {
    let mut shop = Shop::new(Kind::Oss).await;
    shop.set("OSS_ACCESS_KEY_ID", "");
    shop.set("OSS_ACCESS_KEY_SECRET", "");
    let command = printing(&shop, "STSSK0123456789", "2099-01-01T00:00:00Z");
    let (file, bytes) = shop.local("source.bin", 30 << 20);
    let (name, file) = (shop.name("cli/by command"), file.display().to_string());
    let args = ["put", &file, &name, "--json", "--part-size", "5MiB", "--parts", "1", "--limit-rate", "16MiB"];
    let mut started = shop.start(args.into_iter().chain(["--credentials-command", &command]));
    started.until_bytes(10 << 20).await;
    started.kill().await;
    assert_eq!(asked(&shop), 1);
    let record = std::fs::read_to_string(&shop.records()[0]).unwrap();
    assert!(!record.contains("STSSK") && !record.contains("ststoken"), "{record}");
    // Not run because a file says so: it has to be given again.
    let told = shop.words("resume").await.expect(2);
    assert!(told.stderr.contains("--credentials-command"), "{told:?}");
    assert_eq!(asked(&shop), 1);
    shop.run(["resume", "--credentials-command", &command]).await.expect(0);
    assert_eq!(asked(&shop), 2);
    shop.holds("cli/by command", &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_a_key_that_ends_soon_is_asked_for_again() {
    let shop = Shop::new(Kind::Oss).await;
    // By its own word it has ended, which the store does not know: what is handed out is renewed before each transfer.
    let command = printing(&shop, "STSSK0123456789", "2020-01-01T00:00:00Z");
    let (file, _) = shop.local("source.bin", 1000);
    let name = shop.name("cli/ended");
    let told = shop.run(["put", &file.display().to_string(), &name, "--credentials-command", &command]).await.expect(4);
    assert!(told.stderr.contains("clock right"), "{told:?}");
    assert!(asked(&shop) >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_what_a_command_says_is_not_repeated() {
    let shop = Shop::new(Kind::Oss).await;
    let (file, name) = (shop.local("source.bin", 10).0.display().to_string(), shop.name("cli/none"));
    for (command, words) in [
        (format!("echo {CANARY}"), "is no JSON"),
        (format!("echo '{{\"AccessKeyId\": \"{CANARY}\"}}'"), "has no SecretAccessKey"),
        (format!("echo {CANARY}; exit 3"), "exit code 3"),
        ("exec 2>&-; /no/such/program".to_owned(), "exit code 127"),
    ] {
        let told = shop.run(["put", &file, &name, "-vvv", "--credentials-command", &command]).await.expect(4);
        assert!(told.stderr.contains(words), "{told:?}");
        assert!(!told.stderr.contains(CANARY) && !told.stdout.contains(CANARY), "{told:?}");
    }
    for (command, words) in [("true".to_owned(), "cannot be used"), (format!("echo {CANARY}"), "cannot be used")] {
        let args = ["get", "az://tbucket/x", "--account", "acme", "--credentials-command", &command];
        let told = shop.run(args).await.expect(4);
        assert!(told.stderr.contains(words) && !told.stderr.contains(CANARY), "{told:?}");
    }
}

/// As `az storage blob generate-sas` prints it, bare or as JSON.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_gives_the_sas_of_a_blob() {
    let mut shop = Shop::new(Kind::Azure).await;
    shop.set("AZURE_STORAGE_KEY", "");
    let url = crate::wrong::sas(&shop.endpoint, "cli/by sas", "rcw", 3600);
    let token = url.split_once('?').unwrap().1;
    let (file, bytes) = shop.local("source.bin", 12 << 20);
    let (name, file) = (shop.name("cli/by sas"), file.display().to_string());
    for line in [token.to_owned(), format!("\"{token}\"")] {
        std::fs::write(shop.path("sas"), line).unwrap();
        let command = format!("echo asked >>'{}'; cat '{}'", shop.path("asked").display(), shop.path("sas").display());
        shop.run(["put", &file, &name, "--part-size", "5MiB", "--credentials-command", &command]).await.expect(0);
        shop.holds("cli/by sas", &bytes);
    }
    assert_eq!(asked(&shop), 2, "once for each run");
}

#[tokio::test(flavor = "multi_thread")]
async fn o7_what_is_not_said_is_asked_for_by_name() {
    let mut shop = Shop::new(Kind::Oss).await;
    shop.set("OSS_ACCESS_KEY_ID", "");
    shop.set("OSS_ACCESS_KEY_SECRET", "");
    shop.set("OSS_REGION", "");
    for (name, words) in [
        ("oss://tbucket/a", "OSS_REGION"),
        ("s3://tbucket/a", "AWS_REGION"),
        ("az://tbucket/a", "AZURE_STORAGE_ACCOUNT"),
        ("s3://tbucket", "names no object"),
    ] {
        let told = shop.run(["get", name]).await.expect(2);
        assert!(told.stderr.contains(words) && told.stderr.lines().count() == 1, "{told:?}");
    }
    for (args, words) in [
        (["get", "oss://tbucket/a", "--region", "cn-hangzhou"], "OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"),
        (["get", "s3://tbucket/a", "--region", "us-east-1"], "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (["get", "az://tbucket/a", "--account", "acme"], "AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"),
    ] {
        let told = shop.run(args).await.expect(2);
        assert!(told.stderr.contains(words), "{told:?}");
    }
}
