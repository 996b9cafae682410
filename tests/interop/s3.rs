//! S3 before boto3: on moto, and on Garage in the full run.

use std::sync::Arc;

use longhaul_s3::{AccessKey, Bucket, Object, S3Download, S3Upload};

use crate::cases::{self, Store};
use crate::counterpart::{Counterpart, Server};
use crate::renewed;
use crate::support::jobs::keys;

/// Takes wrong signatures and wrong checksums.
const MOTO: Server = Server {
    script: "moto",
    variable: "S3",
    region: "us-east-1",
    key: "TESTAK",
    secret: "TESTSK0123456789",
    // The least that S3 takes.
    part: 5 << 20,
    checks: false,
    conditions: true,
    ended: None,
};

/// A real store, which is strict about signatures. It looks at no condition on uploads, checks only the checksums that are sent with
/// content, and tells none of its own accord.
const GARAGE: Server = Server {
    script: "garage",
    variable: "GARAGE",
    region: "garage",
    key: "GK000000000000000000000001",
    secret: "0000000000000000000000000000000000000000000000000000000000000abc",
    conditions: false,
    ended: Some(400),
    ..MOTO
};

fn object(store: &Counterpart, key: &str) -> Object {
    let server = store.server;
    let bucket = Bucket::at(&store.endpoint, server.region, "tbucket").unwrap();
    Object::new(bucket, key, Arc::new(AccessKey::new(server.key, server.secret))).unwrap()
}

fn up(store: &Counterpart, key: &str) -> S3Upload {
    S3Upload::new(object(store, key)).single_up_to(store.part - 1)
}

fn down(store: &Counterpart, key: &str) -> S3Download {
    S3Download::new(object(store, key)).unwrap()
}

struct S3(Counterpart);

impl Store for S3 {
    type Upload = S3Upload;

    fn counterpart(&self) -> &Counterpart {
        &self.0
    }

    fn upload(&self, key: &str) -> S3Upload {
        up(&self.0, key)
    }

    fn careful(&self, key: &str) -> S3Upload {
        up(&self.0, key).with_headers(cases::only_new()).unwrap()
    }
}

/// The tests of one server, each with what is said of it.
macro_rules! on {
    ($server:ident, $store:expr $(, #[$said:meta])?) => {
        mod $server {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$said])?
            async fn o2_s3_every_size_is_what_boto3_reads_and_wrote() {
                let store = $store;
                store.every_size("sizes", |key| up(&store, key), |key| down(&store, key)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$said])?
            async fn o2_s3_plans_issued_by_boto3_move_every_size() {
                $store.every_size_by_plan().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$said])?
            async fn o2_s3_three_hundred_mebibytes() {
                let store = $store;
                store.three_hundred_mebibytes(|key| up(&store, key), |key| down(&store, key)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$said])?
            async fn o4_s3_every_key_is_what_boto3_calls_it() {
                let store = $store;
                store.every_key(&keys(), |key| up(&store, key), |key| down(&store, key)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$said])?
            async fn o5_s3_every_case() {
                cases::every_case(&S3($store)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$said])?
            async fn r3_r6_s3_urls_that_end_are_replaced() {
                renewed::every_case($store).await;
            }
        }
    };
}

on!(moto, Counterpart::new(MOTO));
on!(garage, Counterpart::new(GARAGE), #[ignore = "full run: builds Garage, which takes a quarter of an hour"]);
