//! Stopped and started again: what the store has is not sent twice, what nobody wants any more is given up (C5, U4, U7, U12).

use longhaul::Error;
use longhaul_oss::Integrity;

use crate::emulator::{Emulator, own};
use crate::support::jobs::{from_bytes, from_file};
use crate::support::{Folder, client, content, run, run_told, until, within};
use crate::{PART, upload};

/// Parts that arrive before the store falls silent.
const ARRIVE: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u7_a_dropped_client_is_followed_by_one_that_sends_only_what_is_missing() {
    let emulator = Emulator::new();
    let key = own("resumed");
    let fault =
        format!("\"op\": \"UploadPart\", \"skip\": {ARRIVE}, \"times\": 7, \"action\": \"delay\", \"ms\": 3000");
    emulator.fault(&key, &fault);
    let folder = Folder::new();
    let bytes = content(12 * PART as usize + 3, 5);
    let source = folder.file("source", &bytes);
    let job = || from_file(upload(emulator.object(&key)), &source, &folder.join("journals"), PART);
    {
        let client = client();
        let transfer = client.submit(job()).await.unwrap();
        until("five parts are confirmed", || transfer.progress().acknowledged >= ARRIVE * PART).await;
        until("and recorded", || std::fs::read_dir(folder.join("journals")).is_ok_and(|all| all.count() > 0)).await;
        within(client.close()).await;
    }
    let (done, _, transfer) = run_told(&client(), job()).await;
    let (total, kept) = (bytes.len() as u64, ARRIVE * PART);
    assert_eq!(done.unwrap().total, total);
    assert!(emulator.holds(&key, &bytes));
    let progress = transfer.progress();
    assert!(progress.reused >= kept && progress.moved <= total - kept, "{progress:?}");
    assert_eq!(emulator.asked(&key, "InitiateMultipartUpload"), 1, "one session");
    assert!(emulator.asked(&key, "ListParts") > 0 && emulator.open(&key) == 0);
    assert!(std::fs::read_dir(folder.join("journals")).unwrap().next().is_none(), "the record is gone with its reason");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_a_cancelled_upload_leaves_nothing_on_the_store() {
    let emulator = Emulator::new();
    let key = own("cancelled");
    emulator.fault(&key, "\"op\": \"UploadPart\", \"skip\": 3, \"times\": 9, \"action\": \"delay\", \"ms\": 3000");
    let content = content(9 * PART as usize, 2);
    let transfer = client().submit(from_bytes(upload(emulator.object(&key)), &content, PART)).await.unwrap();
    until("parts are there", || transfer.progress().acknowledged >= 2 * PART).await;
    transfer.cancel().await.ok();
    assert!(within(transfer).await.is_err());
    assert!(emulator.stored(&key).is_none() && emulator.open(&key) == 0);
    assert_eq!(emulator.asked(&key, "AbortMultipartUpload"), 1, "given up exactly once");
}

/// A store that says of a part that it is there already: without its tag that is the end, and nothing is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u12_a_part_said_to_be_there_already_without_proof_ends_the_upload() {
    let emulator = Emulator::new();
    for integrity in [Integrity::Crc64, Integrity::ContentMd5] {
        let key = own(&format!("there-{integrity:?}"));
        let fault = "\"op\": \"UploadPart\", \"part\": 2, \"times\": -1, \"action\": \"status\", \"status\": 409, \"code\": \"PartAlreadyExist\"";
        emulator.fault(&key, fault);
        let upload = upload(emulator.object(&key)).with_integrity(integrity);
        let error = run(&client(), from_bytes(upload, &content(4 * PART as usize, 2), PART)).await;
        assert!(
            matches!(&error, Err(Error::Server(fault)) if fault.code.as_deref() == Some("PartAlreadyExist")),
            "{error:?}"
        );
        assert!(emulator.stored(&key).is_none() && emulator.open(&key) == 0);
    }
}
