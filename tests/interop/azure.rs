//! Azure Blob Storage before its Python SDK, by Shared Key and by SAS.

use longhaul_azblob::{Access, AccountKey, AzureDownload, AzureUpload, Blob, Container, Integrity};
use longhaul_sign::azure::sas::{self, Grant, Resource, ResponseHeaders};
use longhaul_sign::date;

use crate::cases::{self, Store};
use crate::counterpart::{Counterpart, Notices, Server, now};
use crate::renewed;
use crate::support::jobs::{has_dots, keys};

const CONTAINER: &str = "tbucket";

const AZURITE: Server = Server {
    script: "azurite",
    variable: "AZURE",
    region: "",
    key: "devstoreaccount1",
    // Azurite's own, which everybody knows.
    secret: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    part: 256 << 10,
    notices: Notices::Always,
    conditions: true,
    ended: Some(403),
};

fn store() -> Counterpart {
    Counterpart::new(AZURITE)
}

fn key() -> AccountKey {
    AccountKey::new(AZURITE.key, AZURITE.secret).unwrap()
}

fn blob(store: &Counterpart, name: &str, access: impl Into<Access>) -> Blob {
    Blob::new(Container::at(&store.endpoint, AZURITE.key, CONTAINER).unwrap(), name, access).unwrap()
}

fn up(blob: Blob) -> AzureUpload {
    AzureUpload::new(blob).single_up_to(AZURITE.part - 1)
}

fn down(blob: Blob) -> AzureDownload {
    AzureDownload::new(blob).unwrap()
}

/// A SAS of our own for one blob and ten minutes.
fn sas(name: &str, permissions: &str) -> Access {
    let now = now().as_unix();
    let (start, expiry) = (date::iso8601(now - 600).unwrap(), date::iso8601(now + 600).unwrap());
    let grant = Grant { version: "2023-11-03", permissions, start: &start, expiry: &expiry, ..Grant::default() };
    let resource = Resource::Blob { container: CONTAINER, blob: name };
    sas::service(&key(), resource, &grant, "", &ResponseHeaders::default()).unwrap().into_token().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_azure_every_size_is_what_the_sdk_reads_and_wrote() {
    let store = store();
    store.every_size("key", |name| up(blob(&store, name, key())), |name| down(blob(&store, name, key()))).await;
    let by_sas = |name: &str, permissions| blob(&store, name, sas(name, permissions));
    store.every_size("sas", |name| up(by_sas(name, "cw")), |name| down(by_sas(name, "r"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_azure_plans_issued_by_the_sdk_move_every_size() {
    store().every_size_by_plan().await;
}

/// Names with dot segments Azure does not have, and a backslash is a slash to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_azure_every_name_is_what_the_sdk_calls_it() {
    let store = store();
    let names: Vec<String> = keys().into_iter().filter(|name| !has_dots(name) && !name.contains('\\')).collect();
    store.every_key(&names, |name| up(blob(&store, name, key())), |name| down(blob(&store, name, key()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_azure_three_hundred_mebibytes() {
    let store = Counterpart::new(Server { part: 8 << 20, ..AZURITE });
    store.three_hundred_mebibytes(|name| up(blob(&store, name, key())), |name| down(blob(&store, name, key()))).await;
}

struct Azure(Counterpart);

impl Store for Azure {
    type Upload = AzureUpload;
    const SESSIONS: bool = false;

    fn counterpart(&self) -> &Counterpart {
        &self.0
    }

    fn upload(&self, key: &str) -> AzureUpload {
        up(blob(&self.0, key, self::key())).with_integrity(Integrity::Md5)
    }

    fn careful(&self, key: &str) -> AzureUpload {
        self.upload(key).with_headers(cases::only_new()).unwrap()
    }

    fn is_part(method: &str, target: &str) -> bool {
        method == "PUT" && target.contains("comp=block&")
    }

    fn is_commit(method: &str, target: &str) -> bool {
        method == "PUT" && target.ends_with("comp=blocklist")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o5_azure_every_case() {
    cases::every_case(&Azure(store())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_r6_azure_urls_that_end_are_replaced() {
    renewed::every_case(store()).await;
}
