//! Aliyun OSS before its Python SDK; the server recomputes every signature with the same SDK's signer.

use longhaul_oss::{AccessKey, Bucket, Object, OssDownload, OssUpload};

use crate::cases::{self, Store};
use crate::counterpart::{Counterpart, Notices, Server};
use crate::renewed;
use crate::support::jobs::{has_dots, keys};

const VERIFIER: Server = Server {
    script: "oss",
    variable: "OSS",
    region: "cn-hangzhou",
    key: "TESTAK",
    secret: "TESTSK0123456789",
    // The least that OSS takes.
    part: 100 << 10,
    notices: Notices::Always,
    conditions: true,
    ended: Some(403),
};

fn store() -> Counterpart {
    Counterpart::new(VERIFIER)
}

fn object(store: &Counterpart, key: &str) -> Object {
    let bucket = Bucket::at(&store.endpoint, VERIFIER.region, "tbucket").unwrap();
    Object::new(bucket, key, AccessKey::new(VERIFIER.key, VERIFIER.secret)).unwrap()
}

fn up(store: &Counterpart, key: &str) -> OssUpload {
    OssUpload::new(object(store, key)).single_up_to(VERIFIER.part - 1)
}

fn down(store: &Counterpart, key: &str) -> OssDownload {
    OssDownload::new(object(store, key)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_oss_every_size_is_what_the_sdk_reads_and_wrote() {
    let store = store();
    store.every_size("sizes", |key| up(&store, key), |key| down(&store, key)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_oss_plans_issued_by_the_sdk_move_every_size() {
    store().every_size_by_plan().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_oss_three_hundred_mebibytes() {
    let store = Counterpart::new(Server { part: 8 << 20, ..VERIFIER });
    store.three_hundred_mebibytes(|key| up(&store, key), |key| down(&store, key)).await;
}

/// The SDK cannot ask for keys with dot segments: its HTTP client normalises them after signing. The suite `oss` has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_oss_every_key_is_what_the_sdk_calls_it() {
    let store = store();
    let keys: Vec<String> = keys().into_iter().filter(|key| !has_dots(key)).collect();
    store.every_key(&keys, |key| up(&store, key), |key| down(&store, key)).await;
}

struct Oss(Counterpart);

impl Store for Oss {
    type Upload = OssUpload;

    fn counterpart(&self) -> &Counterpart {
        &self.0
    }

    fn upload(&self, key: &str) -> OssUpload {
        up(&self.0, key)
    }

    fn careful(&self, key: &str) -> OssUpload {
        up(&self.0, key).overwriting(false)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o5_oss_every_case() {
    cases::every_case(&Oss(store())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_r6_oss_urls_that_end_are_replaced() {
    renewed::every_case(store()).await;
}
