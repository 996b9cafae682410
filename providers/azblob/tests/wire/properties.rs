//! Whatever a server says: no panic, no commit by accident, bounded texts (K4).

use crate::common::{IDS, blocks, download, list, upload};
use crate::support::{NOW, committing, cx, fault, get, headers, upload_steps};
use http::StatusCode;
use longhaul_azblob::{Access, AzureDownload, Blob, Container};
use longhaul_core::provider::{Head, Provider, Reply, Step};
use longhaul_sign::encode;
use proptest::prelude::*;

/// Block lists, and documents that are nearly some.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![Just(IDS[0].to_string()), Just(IDS[1].to_string()), "[A-Za-z0-9+/=]{0,70}"];
    let block = (name, 0u64..6).boxed();
    let blocks = || proptest::collection::vec(block.clone(), 0..4);
    let whole = (blocks(), blocks()).prop_map(|(committed, uncommitted)| {
        let borrow = |blocks: &[(String, u64)]| -> Vec<(String, u64)> { blocks.to_vec() };
        let (committed, uncommitted) = (borrow(&committed), borrow(&uncommitted));
        let of = |blocks: &[(String, u64)]| -> String {
            let blocks: Vec<(&str, u64)> = blocks.iter().map(|(name, size)| (name.as_str(), *size)).collect();
            list(&blocks, &[])
        };
        of(&committed)
            .replace("<UncommittedBlocks />", &of(&uncommitted).replace("CommittedBlocks", "UncommittedBlocks"))
    });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        whole.clone().prop_map(String::into_bytes),
        (whole, any::<prop::sample::Index>()).prop_map(|(text, cut)| text.as_bytes()[..cut.index(text.len())].to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn k4_no_answer_panics_or_commits_by_accident(
        status in prop_oneof![Just(200u16), Just(201), 200u16..600], body in bodies(), tag in "[ -~]{0,20}", length in "[0-9]{0,22}",
    ) {
        let parts = blocks();
        let cx = committing(&parts);
        let lines = [format!("ETag: {tag}"), format!("x-ms-error-code: {tag}"), format!("x-ms-blob-content-length: {length}")];
        let headers = headers(&lines.each_ref().map(String::as_str));
        let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
        for step in upload_steps() {
            match upload().interpret(&step, &cx, head, &body, NOW) {
                Ok(Reply::Committed(_)) if step == Step::Commit => prop_assert_eq!(status, 201),
                Ok(Reply::Committed(_)) if step == Step::Confirm => {
                    let text = String::from_utf8_lossy(&body);
                    prop_assert!(status == 200 && IDS.iter().all(|id| text.contains(id)));
                }
                Ok(_) => {}
                Err(verdict) => prop_assert!(fault(&verdict).is_none_or(|fault| fault.detail.len() < 2_000)),
            }
        }
        for step in [Step::Probe, Step::ProbeRange, get(0, 5)] {
            let _ = download().interpret(&step, &cx, head, &body, NOW);
        }
    }

    #[test]
    fn o4_a_name_is_what_the_server_decodes(name in "[^./\\\\\\p{C}]\\PC{0,200}") {
        let container = Container::at("http://localhost:10000", "devstoreaccount1", "box").expect("sound");
        let Ok(blob) = Blob::new(container, &name, Access::Anonymous) else {
            prop_assert!(name.split(['/', '\\']).any(|segment| matches!(segment, "." | "..")), "{name:?}");
            return Ok(());
        };
        let request = AzureDownload::new(blob).expect("sound").build(&Step::Probe, &cx(), NOW).expect("a request");
        let path = encode::decode(request.uri().path()).expect("escapes");
        prop_assert_eq!(path, format!("/devstoreaccount1/box/{name}").into_bytes());
        prop_assert!(request.uri().query().is_none());
    }
}
