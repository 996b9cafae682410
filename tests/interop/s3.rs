//! S3 before boto3: on moto, and in the full run on Garage and s3s-fs, too.

use std::sync::Arc;

use longhaul_s3::{AccessKey, Bucket, Integrity, Object, Payload, S3Download, S3Upload};

use crate::cases::{self, Store};
use crate::counterpart::{Counterpart, Notices, Server};
use crate::renewed;
use crate::support::jobs::{has_dots, keys};

/// Takes wrong signatures and wrong checksums.
const MOTO: Server = Server {
    script: "moto",
    variable: "S3",
    region: "us-east-1",
    key: "TESTAK",
    secret: "TESTSK0123456789",
    // The least that S3 takes.
    part: 5 << 20,
    notices: Notices::Nothing,
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
    notices: Notices::Checksums,
    conditions: false,
    ended: Some(400),
    ..MOTO
};

/// s3s-fs, an S3 over a folder. It compares no checksum of a part, but content with its signature; its list of parts has no tags; and what
/// a file cannot be called, no object is.
const S3S: Server = Server { script: "s3s", variable: "S3S", notices: Notices::Signatures, ended: Some(403), ..MOTO };

/// What s3s-fs can call a file; beside it lies one whose name has the key in base64, and 85 bytes more.
fn is_file_name(key: &str) -> bool {
    let segments = key.split('/').all(|segment| !segment.is_empty());
    segments && !has_dots(key) && key.len().div_ceil(3) * 4 + 85 <= 255
}

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

    fn compared(&self, key: &str) -> S3Upload {
        match self.0.server.notices {
            Notices::Checksums => self.upload(key).with_integrity(Integrity::Crc32c),
            Notices::Signatures => self.upload(key).with_payload(Payload::Signed),
            Notices::Nothing | Notices::Always => self.upload(key),
        }
    }
}

/// The tests of one server, each with what is said of it.
macro_rules! on {
    ($server:ident, $store:expr, $has:expr $(, #[$said:meta])?) => {
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
                let keys: Vec<String> = keys().into_iter().filter(|key| $has(key)).collect();
                store.every_key(&keys, |key| up(&store, key), |key| down(&store, key)).await;
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

on!(moto, Counterpart::new(MOTO), |_: &str| true);
on!(garage, Counterpart::new(GARAGE), |_: &str| true, #[ignore = "full run: builds Garage, which takes some minutes"]);
on!(s3s, Counterpart::new(S3S), is_file_name, #[ignore = "full run: builds s3s-fs, which takes some minutes"]);
