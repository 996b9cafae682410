//! The same against Azure's own emulator, or the service that `LONGHAUL_AZURE_ENDPOINT` names, see docs/azure.md.

use longhaul::http::Headers;
use longhaul::{Error, ServerFaultKind, Verification};
use longhaul_azblob::{Access, AccountKey, AzureDownload, AzureUpload, Blob, Container, Integrity};
use longhaul_sign::azure::sas::{self, Grant, Resource, ResponseHeaders};
use longhaul_sign::date;

use crate::support::jobs::{from_file, to_file};
use crate::support::{Folder, client, content, run, stores};
use crate::{PART, from_bytes};

/// Where the server is, and with what rights.
struct Real {
    endpoint: String,
    account: String,
    container: String,
    key: AccountKey,
}

impl Real {
    fn new() -> Self {
        let endpoint = stores::endpoint("AZURE", "azurite");
        let setting =
            |name: &str, default: &str| std::env::var(format!("LONGHAUL_AZURE_{name}")).unwrap_or(default.into());
        // Azurite's own, which everybody knows.
        let account = setting("ACCOUNT", "devstoreaccount1");
        let key =
            setting("KEY", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");
        let key = AccountKey::new(&*account, &key).unwrap();
        let real = Self { endpoint, account, container: setting("CONTAINER", "tbucket"), key };
        real.make_container();
        real
    }

    /// Every test makes it, the first one's stays.
    fn make_container(&self) {
        let (start, expiry) = around_now(600);
        let grant =
            Grant { version: "2023-11-03", permissions: "c", start: &start, expiry: &expiry, ..Grant::default() };
        let token = sas::account(&self.key, "b", "c", &grant).unwrap().into_token();
        let target = format!("/{}/{}?restype=container&{}", self.account, self.container, token.expose());
        let (status, answer) = stores::ask(&self.endpoint, "PUT", &target, "");
        assert!([201, 409].contains(&status), "{status}: {}", String::from_utf8_lossy(&answer));
    }

    fn blob(&self, name: &str, access: impl Into<Access>) -> Blob {
        let container = Container::at(&self.endpoint, &self.account, &self.container).unwrap();
        Blob::new(container, name, access).unwrap()
    }

    fn shared_key(&self, name: &str) -> Blob {
        self.blob(name, self.key.clone())
    }

    /// A SAS for one blob, from ten minutes ago until `seconds` from now.
    fn sas(&self, name: &str, permissions: &str, seconds: i64) -> Access {
        let (start, expiry) = around_now(seconds);
        let grant = Grant { version: "2023-11-03", permissions, start: &start, expiry: &expiry, ..Grant::default() };
        let resource = Resource::Blob { container: &self.container, blob: name };
        let issued = sas::service(&self.key, resource, &grant, "", &ResponseHeaders::default()).unwrap();
        issued.into_token().into()
    }
}

/// Ten minutes ago, and in so many seconds.
fn around_now(seconds: i64) -> (String, String) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(since.as_secs()).unwrap();
    (date::iso8601(now - 600).unwrap(), date::iso8601(now + seconds).unwrap())
}

const SIZES: [u64; 6] = [0, 1, PART - 1, PART, PART + 1, 5 * PART + 7];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_a_real_server_agrees_on_every_size_by_shared_key_and_sas() {
    let (real, folder, client) = (Real::new(), Folder::new(), client());
    for integrity in [Integrity::Returned, Integrity::Md5] {
        for size in SIZES {
            for by_sas in [false, true] {
                let name = format!("sizes/{integrity:?}/{by_sas}/{size}");
                let blob = |permissions| {
                    if by_sas { real.blob(&name, real.sas(&name, permissions, 600)) } else { real.shared_key(&name) }
                };
                let bytes = content(size as usize, size + 3);
                let source = folder.file("source", &bytes);
                let upload = AzureUpload::new(blob("cwr")).single_up_to(PART - 1).with_integrity(integrity);
                let upload = upload.with_stored_md5(by_sas);
                let done = run(&client, from_file(upload, &source, &folder.join("journals"), PART)).await.unwrap();
                assert!(done.receipt.etag.is_some(), "{name}");
                let target = folder.join("target");
                let done = run(&client, to_file(AzureDownload::new(blob("r")).unwrap(), &target, PART)).await.unwrap();
                println!("{name}: {:?}", done.verification);
                assert!(std::fs::read(&target).unwrap() == bytes, "{name}");
                if by_sas || size < PART {
                    assert!(matches!(done.verification, Verification::Verified(_)), "{name}: {:?}", done.verification);
                }
                std::fs::remove_file(&target).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_a_real_server_keeps_every_name_apart() {
    let (real, folder, client) = (Real::new(), Folder::new(), client());
    let skipped = std::env::var("LONGHAUL_AZURE_SKIP_NAMES").unwrap_or_default();
    let names: Vec<String> = crate::names()
        .into_iter()
        .filter(|name| !skipped.split(' ').any(|skip| !skip.is_empty() && name.contains(skip)))
        .collect();
    let bytes = |at: usize| content(10 + at % 2 * (2 * PART as usize), at as u64);
    for by_sas in [false, true] {
        let blob =
            |name: &str| if by_sas { real.blob(name, real.sas(name, "cwr", 600)) } else { real.shared_key(name) };
        for (at, name) in names.iter().enumerate() {
            let upload = AzureUpload::new(blob(name)).single_up_to(PART - 1);
            let done = run(&client, from_bytes(upload, &bytes(at))).await;
            assert!(done.is_ok(), "{name:.40} {by_sas}: {done:?}");
        }
        for (at, name) in names.iter().enumerate() {
            let target = folder.join("target");
            run(&client, to_file(AzureDownload::new(blob(name)).unwrap(), &target, PART)).await.unwrap();
            assert!(std::fs::read(&target).unwrap() == bytes(at), "{name:.40}");
            std::fs::remove_file(&target).unwrap();
        }
    }
}

async fn refusal(blob: Blob) -> (ServerFaultKind, String) {
    match run(&client(), from_bytes(AzureUpload::new(blob).single_up_to(PART), &content(3 * PART as usize, 1))).await {
        Err(Error::Server(fault) | Error::Issuer(fault)) => (fault.kind, fault.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o7_a_real_server_is_told_apart_from_what_is_set_wrong() {
    let real = Real::new();
    let wrong = AccountKey::new(&*real.account, "c2VzYW1l").unwrap();
    let missing = Container::at(&real.endpoint, &real.account, "no-such-container").unwrap();
    for (blob, words) in [
        (real.blob("o7", wrong), "check account and key"),
        (Blob::new(missing, "o7", real.key.clone()).unwrap(), "no such container"),
        (real.blob("o7", real.sas("o7", "r", 600)), "create and write (cw)"),
        (real.blob("o7", real.sas("o7", "cw", -60)), "expired"),
        (real.blob("o7", real.sas("another", "cw", 600)), "SAS"),
        (real.blob("o7", Access::Anonymous), ""),
    ] {
        let (_, line) = refusal(blob).await;
        println!("{line}");
        assert!(line.contains(words) && !line.contains('\n'), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_a_real_server_replaces_nothing_where_nothing_must_be() {
    let (real, client) = (Real::new(), client());
    for size in [0, 10, 3 * PART as usize] {
        let name = format!("once/{size}");
        let only = || Headers::new().with("If-None-Match", "*").unwrap();
        let upload = AzureUpload::new(real.shared_key(&name)).single_up_to(PART - 1);
        run(&client, from_bytes(upload.clone(), &content(size, 1))).await.unwrap();
        let error =
            run(&client, from_bytes(upload.with_headers(only()).unwrap(), &content(size, 2))).await.unwrap_err();
        println!("{error}");
        assert!(matches!(&error, Error::Server(fault) if fault.kind == ServerFaultKind::Conflict), "{error}");
        // And where nothing is, it makes it.
        let fresh = format!("once/{size}/{}", std::process::id());
        let upload = AzureUpload::new(real.shared_key(&fresh)).with_headers(only()).unwrap();
        run(&client, from_bytes(upload, &content(size, 3))).await.unwrap();
    }
}
