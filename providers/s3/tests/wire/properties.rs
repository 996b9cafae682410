//! Whatever a server says: no panic, no commit by accident, bounded texts (K4).

use crate::common::{NOW, cx, download, fault, get, headers, parts, upload, upload_steps};
use http::StatusCode;
use longhaul_core::provider::{Head, Provider, Reply, Step, Verdict};
use longhaul_s3::{Access, Bucket, Object, S3Download};
use longhaul_sign::encode;
use proptest::prelude::*;

/// Bytes, XML-like texts, and documents that are nearly right.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let element = prop_oneof![
        Just("Error"),
        Just("Code"),
        Just("Message"),
        Just("ListPartsResult"),
        Just("Part"),
        Just("PartNumber"),
        Just("ETag"),
        Just("Size"),
        Just("IsTruncated"),
        Just("NextPartNumberMarker"),
        Just("UploadId"),
        Just("InitiateMultipartUploadResult"),
        Just("CompleteMultipartUploadResult"),
        Just("ChecksumCRC64NVME")
    ];
    let piece =
        (element, any::<u8>(), "[ -~]{0,12}|[0-9]{0,25}|true|NoSuchUpload|SlowDown").prop_map(|(name, shape, text)| {
            match shape % 5 {
                0 => format!("<{name}>"),
                1 => format!("</{name}>"),
                2 => format!("<{name}>{text}</{name}>"),
                3 => format!("<{name}/>"),
                _ => text,
            }
        });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn k4_no_answer_panics_or_commits_by_accident(status in prop_oneof![Just(200u16), 200u16..600], body in bodies(), tag in "[ -~]{0,20}") {
        let parts = parts();
        let mut cx = cx();
        (cx.session, cx.parts, cx.total) = (Some("id"), &parts, Some(5));
        let line = format!("ETag: {tag}");
        let headers = headers(&[&line, "Content-Length: 5"]);
        let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
        for step in upload_steps() {
            let answer = upload().interpret(&step, &cx, head, &body, NOW);
            if let Ok(Reply::Committed(_)) = &answer
                && step == Step::Commit
            {
                prop_assert!(status == 200);
                let text = String::from_utf8_lossy(&body);
                prop_assert!(text.contains("</CompleteMultipartUploadResult>") || text.contains("<CompleteMultipartUploadResult/>"));
            }
            if let Err(verdict) = &answer {
                let verdict: &Verdict = verdict;
                prop_assert!(fault(verdict).is_none_or(|fault| fault.detail.len() < 2_000));
            }
        }
        for step in [Step::Probe, Step::ProbeRange, get(0, 5)] {
            let _ = download().interpret(&step, &cx, head, &body, NOW);
        }
    }

    #[test]
    fn o4_a_key_is_what_the_server_decodes(key in "\\PC{1,200}") {
        let bucket = Bucket::at("http://localhost:9000", "us-east-1", "b1b").expect("sound");
        let object = Object::new(bucket, &key, Access::Anonymous).expect("sound");
        let request = S3Download::new(object).expect("sound").build(&Step::Probe, &cx(), NOW).expect("a request");
        let path = encode::decode(request.uri().path()).expect("escapes");
        prop_assert_eq!(path, format!("/b1b/{key}").into_bytes());
        prop_assert!(request.uri().query().is_none());
    }
}
