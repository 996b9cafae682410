//! S3 before boto3.

use std::sync::Arc;

use longhaul_s3::{AccessKey, Bucket, Object, S3Download, S3Upload};

use crate::cases::{self, Store};
use crate::counterpart::Counterpart;
use crate::support::content;
use crate::support::jobs::keys;

/// The least that the store takes.
const PART: u64 = 5 << 20;

fn store() -> Counterpart {
    Counterpart::new("S3", "moto", PART)
}

fn object(store: &Counterpart, key: &str) -> Object {
    let bucket = Bucket::at(&store.endpoint, "us-east-1", "tbucket").unwrap();
    Object::new(bucket, key, Arc::new(AccessKey::new("TESTAK", "TESTSK0123456789"))).unwrap()
}

fn up(store: &Counterpart, key: &str) -> S3Upload {
    S3Upload::new(object(store, key)).single_up_to(PART - 1)
}

fn down(store: &Counterpart, key: &str) -> S3Download {
    S3Download::new(object(store, key)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_s3_every_size_is_what_boto3_reads_and_wrote() {
    let store = store();
    store.every_size("sizes", |key| up(&store, key), |key| down(&store, key)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_s3_plans_issued_by_boto3_move_every_size() {
    store().every_size_by_plan().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o4_s3_every_key_is_what_boto3_calls_it() {
    let store = store();
    store.every_key(&keys(), |key| up(&store, key), |key| down(&store, key)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o2_s3_three_hundred_mebibytes() {
    let store = store();
    let bytes = content(300 << 20, 3);
    store.goes_up(up(&store, "large"), "large", &bytes).await;
    store.comes_down(down(&store, "large"), &bytes).await;
}

struct S3(Counterpart);

impl Store for S3 {
    type Upload = S3Upload;
    /// Moto takes wrong checksums; the suite `s3` has a store that does not.
    const CHECKS: bool = false;

    fn counterpart(&self) -> &Counterpart {
        &self.0
    }

    fn upload(&self, key: &str) -> S3Upload {
        up(&self.0, key)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o5_s3_every_case() {
    cases::every_case(&S3(store())).await;
}
