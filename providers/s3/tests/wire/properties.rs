//! Whatever a server says: no panic, no commit by accident, bounded texts (K4).

use crate::common::{download, upload};
use crate::support::{NOW, bodies, commits_nothing_by_accident, cx};
use longhaul_core::provider::{Provider, Step};
use longhaul_s3::{Access, Bucket, Object, S3Download};
use longhaul_sign::encode;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn k4_no_answer_panics_or_commits_by_accident(status in prop_oneof![Just(200u16), 200u16..600], body in bodies(), tag in "[ -~]{0,20}") {
        let line = format!("ETag: {tag}");
        commits_nothing_by_accident(&download(), &upload(), status, &body, &[&line, "Content-Length: 5"]);
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
