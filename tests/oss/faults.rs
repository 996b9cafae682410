//! A store that fails, lies, stalls and forgets: the object is there or it is not, and it is known which (O5, O7).

use longhaul::{Completed, Error, EventKind, ServerFaultKind};
use longhaul_oss::{Access, AccessKey, Object, OssDownload};

use crate::emulator::{Emulator, own};
use crate::support::jobs::{from_bytes, to_file};
use crate::support::{Folder, client, content, impatient, run, run_told};
use crate::{PART, upload};

fn bytes() -> Vec<u8> {
    content(3 * PART as usize + 5, 9)
}

/// Uploads in parts while the server does something wrong.
async fn up(emulator: &Emulator, key: &str, fault: &str) -> Result<Completed, Error> {
    emulator.fault(key, fault);
    run(&client(), from_bytes(upload(emulator.object(key)), &bytes(), PART)).await
}

/// Downloads, from right after a good upload, while the server does something wrong.
async fn down(emulator: &Emulator, key: &str, fault: &str) -> (Result<Completed, Error>, Option<Vec<u8>>) {
    let object = emulator.object(key);
    run(&client(), from_bytes(upload(object.clone()), &bytes(), PART)).await.unwrap();
    emulator.fault(key, fault);
    let folder = Folder::new();
    let target = folder.join("target");
    let mut job = to_file(OssDownload::new(object).unwrap(), &target, PART);
    job.spec_mut().deadlines = impatient();
    let done = run(&client(), job).await;
    (done, std::fs::read(&target).ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u5_what_fails_for_a_moment_is_the_only_thing_repeated() {
    let emulator = Emulator::new();
    for (number, (op, status, code)) in [
        ("InitiateMultipartUpload", 503, "ServiceUnavailable"),
        ("UploadPart", 503, "UploadTrafficRateLimitExceeded"),
        ("UploadPart", 500, "InternalError"),
        ("CompleteMultipartUpload", 503, "TotalQpsLimitExceeded"),
        ("CompleteMultipartUpload", 500, "InternalError"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = own(&format!("status-{number}"));
        let fault = format!("\"op\": \"{op}\", \"action\": \"status\", \"status\": {status}, \"code\": \"{code}\"");
        let done = up(&emulator, &key, &fault).await;
        assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{key}: {done:?}");
        for (asked, times) in [("InitiateMultipartUpload", 1), ("UploadPart", 4), ("CompleteMultipartUpload", 1)] {
            assert_eq!(emulator.asked(&key, asked), times + usize::from(asked == op), "{key} {asked}");
        }
        assert_eq!(emulator.open(&key), 0, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u6_what_was_done_without_an_answer_is_found_to_be_done() {
    let emulator = Emulator::new();
    for op in ["UploadPart", "CompleteMultipartUpload"] {
        let key = own(&format!("unanswered-{op}"));
        let done = up(&emulator, &key, &format!("\"op\": \"{op}\", \"action\": \"drop_response\"")).await;
        assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{key}: {done:?}");
        assert_eq!(emulator.open(&key), 0, "{key}");
    }
    let key = own("unanswered-CompleteMultipartUpload");
    assert_eq!(emulator.asked(&key, "UploadPart"), 4, "no part goes up twice");
    assert!(emulator.asked(&key, "HeadObject") > 0, "the store was asked");
    // In one request: it is sent again.
    let key = own("unanswered-put");
    emulator.fault(&key, "\"op\": \"PutObject\", \"action\": \"drop_response\"");
    let small = content(1000, 1);
    run(&client(), from_bytes(upload(emulator.object(&key)), &small, PART)).await.unwrap();
    assert!(emulator.holds(&key, &small));
}

/// 203 says that the callback failed; whether the object is there, only a look at it tells. Here it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u6_a_failed_callback_is_looked_into_and_a_commit_without_effect_repeated() {
    let emulator = Emulator::new();
    let key = own("callback");
    let fault =
        "\"op\": \"CompleteMultipartUpload\", \"action\": \"status\", \"status\": 203, \"code\": \"CallbackFailed\"";
    let done = up(&emulator, &key, fault).await;
    assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{done:?}");
    for (op, times) in [("UploadPart", 4), ("CompleteMultipartUpload", 2), ("HeadObject", 1)] {
        assert_eq!(emulator.asked(&key, op), times, "{op}");
    }
    assert_eq!(emulator.open(&key), 0);
}

/// The answer that names the session is lost: nobody can give that session up, and so it is told (U10).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u10_a_session_whose_id_was_lost_is_no_silent_orphan() {
    let emulator = Emulator::new();
    let key = own("orphan");
    emulator.fault(&key, "\"op\": \"InitiateMultipartUpload\", \"action\": \"drop_response\"");
    let (done, told, _) = run_told(&client(), from_bytes(upload(emulator.object(&key)), &bytes(), PART)).await;
    assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{done:?}");
    assert_eq!(emulator.open(&key), 1);
    assert!(told.iter().any(|event| matches!(event, EventKind::MaybeOrphan { .. })), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_connections_that_break_anywhere_in_a_part_are_replaced() {
    let emulator = Emulator::new();
    for (number, action) in ["\"drop\"", "\"drop_after_read\", \"bytes\": 1", "\"drop_after_read\", \"bytes\": 60000"]
        .into_iter()
        .enumerate()
    {
        let key = own(&format!("broken-{number}"));
        let fault = format!("\"op\": \"UploadPart\", \"times\": 2, \"action\": {action}");
        let done = up(&emulator, &key, &fault).await;
        assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{key}: {done:?}");
        assert_eq!(emulator.open(&key), 0, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_a_part_that_arrived_damaged_is_sent_again() {
    let emulator = Emulator::new();
    let key = own("lying-part");
    let done = up(&emulator, &key, "\"op\": \"UploadPart\", \"action\": \"wrong_crc\"").await;
    assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{done:?}");
    assert_eq!(emulator.asked(&key, "UploadPart"), 5);
    let key = own("lying-put");
    emulator.fault(&key, "\"op\": \"PutObject\", \"action\": \"wrong_crc\"");
    run(&client(), from_bytes(upload(emulator.object(&key)), b"small", PART)).await.unwrap();
    assert_eq!(emulator.asked(&key, "PutObject"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_u8_an_object_that_is_not_made_of_the_parts_sent_is_no_success() {
    let emulator = Emulator::new();
    let error =
        up(&emulator, &own("lying-whole"), "\"op\": \"CompleteMultipartUpload\", \"action\": \"wrong_crc\"").await;
    let Err(Error::Server(fault)) = &error else { panic!("{error:?}") };
    assert!(fault.kind == ServerFaultKind::Protocol && fault.detail.contains("crc64xz"), "{fault}");
    // A wrong tag of a part is refused by the store itself; nothing is made, nothing is left.
    let key = own("lying-tag");
    let error = up(&emulator, &key, "\"op\": \"UploadPart\", \"action\": \"wrong_etag\"").await;
    let Err(Error::Server(fault)) = &error else { panic!("{error:?}") };
    assert_eq!(fault.code.as_deref(), Some("InvalidPart"), "{fault}");
    assert!(emulator.stored(&key).is_none() && emulator.open(&key) == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_d5_downloads_go_on_after_what_breaks_stalls_or_answers_something_else() {
    let emulator = Emulator::new();
    for (number, fault) in [
        "\"action\": \"truncate\", \"bytes\": 1, \"times\": 2",
        "\"action\": \"truncate\", \"bytes\": 70000, \"times\": 3",
        "\"action\": \"drop_response\"",
        "\"action\": \"stall\", \"bytes\": 0, \"ms\": 4000",
        "\"action\": \"stall\", \"bytes\": 50000, \"ms\": 4000",
        "\"action\": \"status\", \"status\": 503, \"code\": \"DownloadTrafficRateLimitExceeded\", \"times\": 2",
        "\"action\": \"status\", \"status\": 500, \"code\": \"InternalError\"",
        "\"action\": \"wrong_etag\", \"skip\": 1",
        "\"action\": \"ignore_range\", \"skip\": 1",
    ]
    .into_iter()
    .enumerate()
    {
        let key = own(&format!("down-{number}"));
        let (done, back) = down(&emulator, &key, &format!("\"op\": \"GetObject\", {fault}")).await;
        assert!(back.as_ref() == Some(&bytes()), "{fault}: {done:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_d7_a_flipped_byte_or_a_wrong_checksum_is_never_published() {
    let emulator = Emulator::new();
    for (number, fault) in [
        "\"op\": \"GetObject\", \"action\": \"corrupt\", \"offset\": 0",
        "\"op\": \"GetObject\", \"action\": \"corrupt\", \"offset\": 4, \"skip\": 3",
        "\"op\": \"HeadObject\", \"action\": \"wrong_crc\"",
    ]
    .into_iter()
    .enumerate()
    {
        let (done, back) = down(&emulator, &own(&format!("flipped-{number}")), fault).await;
        assert!(matches!(done, Err(Error::Integrity { .. })), "{fault}: {done:?}");
        assert_eq!(back, None, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_refused_clock_is_corrected_and_the_request_repeated() {
    let emulator = Emulator::new();
    let fault = "\"op\": \"InitiateMultipartUpload\", \"action\": \"status\", \"status\": 403, \"code\": \"RequestTimeTooSkewed\"";
    let key = own("skewed");
    let done = up(&emulator, &key, fault).await;
    assert!(done.is_ok() && emulator.holds(&key, &bytes()), "{done:?}");
    assert_eq!(emulator.asked(&key, "InitiateMultipartUpload"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_expired_credentials_are_renewed_once() {
    use futures::FutureExt;
    use longhaul::core::intent::Answer;
    let emulator = Emulator::new();
    let fault = "\"op\": \"UploadPart\", \"action\": \"status\", \"status\": 403, \"code\": \"SecurityTokenExpired\"";
    let name = own("renewed");
    emulator.fault(&name, fault);
    let with = |key: AccessKey| upload(emulator.object(&name).with_access(key)).refreshable(true);
    let fresh = with(emulator.sts());
    let job = from_bytes(with(emulator.key()), &bytes(), PART).with_refresher(move |_| {
        let fresh = fresh.clone();
        async move { Answer::Provider(std::sync::Arc::new(fresh)) }.boxed()
    });
    run(&client(), job).await.unwrap();
    assert!(emulator.holds(&name, &bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o7_what_is_set_wrong_is_named_in_one_line() {
    let emulator = Emulator::new();
    let right = emulator.object("wrong");
    let at =
        |region: &str, bucket: &str| Object::new(emulator.bucket_of(region, bucket), "wrong", emulator.key()).unwrap();
    let sts = emulator.sts();
    let unknown = AccessKey::new("NOBODY", "wrong-secret");
    for (object, words) in [
        (right.clone().with_access(AccessKey::new(emulator.key().id, "wrong-secret")), "check the secret"),
        (right.clone().with_access(unknown), "does not know this access key"),
        (
            right.clone().with_access(AccessKey { session_token: Some("other".into()), ..sts }),
            "security token is not one of",
        ),
        (right.clone().with_access(emulator.key().with_session_token("any")), "security token is not one of"),
        (at("cn-shanghai", "tbucket"), "check the region"),
        (at("cn-hangzhou", "missing"), "no such bucket"),
        (right.with_access(Access::Anonymous), "access is denied"),
    ] {
        let folder = Folder::new();
        let down = to_file(OssDownload::new(object.clone()).unwrap(), &folder.join("target"), PART);
        for job in [from_bytes(upload(object), &bytes(), PART), down] {
            let error = run(&client(), job).await.unwrap_err();
            let line = error.to_string();
            assert!(line.contains(words), "{line}");
            assert!(!line.contains('\n') && !line.contains("wrong-secret"), "{line}");
            assert!(
                matches!(&error, Error::Server(fault) | Error::Issuer(fault) if fault.request_id.is_some()),
                "{error:?}"
            );
        }
    }
}
