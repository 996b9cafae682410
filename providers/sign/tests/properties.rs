//! What holds for any input: encoders round-trip, readers never panic, no signature prints its secret.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use longhaul_sign::azure::{AccountKey, SasToken, shared_key};
use longhaul_sign::encode::{self, CanonicalQuery, Valueless};
use longhaul_sign::{AccessKey, SignError, Target, date, json, oss_v4, sigv4, xml};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// 0000-01-01T00:00:00Z to 9999-12-30T22:00:00Z, where the calendar ends.
const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_207_200;

proptest! {
    #[test]
    fn encoded_text_is_plain_and_comes_back(bytes in vec(any::<u8>(), 0..64)) {
        for text in [encode::component(&bytes), encode::path(&bytes)] {
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{}", text);
            prop_assert_eq!(encode::decode(&text), Ok(bytes.clone()));
            prop_assert_eq!(encode::decode_query(&text), Ok(bytes.clone()));
        }
        prop_assert!(!encode::component(&bytes).contains('/'));
    }

    #[test]
    fn decoding_never_panics(text in ".*") {
        let _ = (encode::decode(&text), encode::decode_query(&text));
    }

    #[test]
    fn the_canonical_query_does_not_depend_on_order_or_spelling(
        pairs in vec(("[a-cA-C.%=&+ é-]{0,3}", "[a-c.%=&+/ é-]{0,3}"), 0..6),
        rotation in 0_usize..6,
    ) {
        let build = |pairs: &[(String, String)]| {
            let mut query = CanonicalQuery::default();
            for (name, value) in pairs {
                query.push(name, value);
            }
            query
        };
        let query = build(&pairs);
        let mut rotated = pairs.clone();
        rotated.rotate_left(if pairs.is_empty() { 0 } else { rotation % pairs.len() });
        for valueless in [Valueless::Bare, Valueless::WithEquals] {
            let canonical = query.canonical(valueless);
            prop_assert_eq!(&build(&rotated).canonical(valueless), &canonical);
            // A pair without name and value leaves no trace in `Bare`; everything else survives the URL.
            if pairs.iter().all(|(name, _)| !name.is_empty()) {
                let read = CanonicalQuery::from_query(&query.in_order(valueless)).unwrap();
                prop_assert_eq!(read.canonical(valueless), canonical);
            }
        }
    }

    #[test]
    fn dates_come_back(time in YEARS) {
        let texts = (date::compact(time).unwrap(), date::iso8601(time).unwrap(), date::http(time).unwrap());
        prop_assert_eq!(date::parse_compact(&texts.0), Ok(time));
        prop_assert_eq!(date::parse_iso8601(&texts.1), Ok(time));
        prop_assert_eq!(date::parse_http(&texts.2, 0), Ok(time));
        prop_assert!(texts.0.starts_with(&date::day(time).unwrap()));
    }

    #[test]
    fn any_time_formats_or_is_refused(time in any::<i64>()) {
        let refused = Err(SignError::TimeOutOfRange(time));
        prop_assert!(date::compact(time) == refused || date::compact(time).is_ok_and(|text| text.len() == 16));
        prop_assert!(date::http(time) == refused || date::http(time).is_ok_and(|text| text.len() == 29));
    }

    #[test]
    fn date_readers_never_panic(
        text in prop_oneof![
            ".*",
            "[A-Za-z]{3,9},? ?[ 0-9]{1,2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9:]{8}( GMT| [0-9]{4})?",
            "[0-9]{4}-?[0-9]{2}-?[0-9]{2}T?[0-9:.]{0,12}[Z+-]?[0-9:]{0,5}",
        ],
        now in any::<i64>(),
    ) {
        let _ = (date::parse_http(&text, now), date::parse_compact(&text), date::parse_iso8601(&text));
    }

    #[test]
    fn xml_and_json_readers_never_panic_on_bytes(document in vec(any::<u8>(), 0..256)) {
        let _ = (xml::parse(&document, &xml::Limits::SMALL), json::parse(&document, &json::Limits::SMALL));
    }

    #[test]
    fn the_xml_reader_never_panics_on_pieces_of_xml(
        pieces in vec(
            select(vec![
                "<", ">", "</", "/>", "a", "b:c", " ", "\n", "=", "\"", "'", "&", ";", "#", "x41", "amp", "<![CDATA[", "]]>",
                "<!--", "-->", "<?xml version=\"1.0\"?>", "<?", "?>", "<!DOCTYPE", "<a>", "</a>", "<b/>", "\u{feff}", "é",
            ]),
            0..24,
        ),
    ) {
        let document = pieces.concat();
        let limits = xml::Limits { bytes: 4096, depth: 5, elements: 9 };
        if let Ok(root) = xml::parse(document.as_bytes(), &limits) {
            let (depth, count) = measure(&root);
            prop_assert!(depth <= limits.depth && count <= limits.elements);
        }
    }

    #[test]
    fn the_json_reader_agrees_with_its_depth_limit(
        pieces in vec(select(vec!["[", "]", "{", "}", "\"", "\\", ":", ",", "1", "null", "a", " "]), 0..24),
        depth in 0_usize..6,
    ) {
        let document = pieces.concat();
        let limits = json::Limits { bytes: 4096, depth };
        if let Ok(read) = json::parse(document.as_bytes(), &limits) {
            prop_assert!(nesting(&read.into_value()) <= depth);
        }
    }

    #[test]
    fn escaped_text_comes_back_from_xml(text in any::<String>()) {
        let document = format!("<a>{}</a>", xml::escape(&text));
        let root = xml::parse(document.as_bytes(), &xml::Limits::SMALL).unwrap();
        prop_assert_eq!(root.text(), text);
    }

    #[test]
    fn sas_readers_never_panic_and_never_print_the_signature(
        text in prop_oneof![".*", "[?]?(s[eptrv]=[0-9TZ:%a-z-]{0,12}&){0,4}(sig=sesame(&sp=r)?)?"],
    ) {
        if let Ok(token) = SasToken::parse(&*text) {
            let printed = format!("{token}{token:?}");
            prop_assert!(!printed.contains("sesame"), "{}", printed);
        }
        if let Ok(uri) = text.parse::<Uri>() {
            let _ = SasToken::split(&uri);
        }
    }

    #[test]
    fn signing_any_request_never_panics_and_never_prints_a_secret(
        method in select(vec![Method::GET, Method::PUT, Method::POST, Method::HEAD, Method::DELETE]),
        uri in "https?://[a-zA-Z.]{1,9}(:[0-9]{2,4})?/([!$&-;=@-Z_a-z|~]|%[0-9A-Fa-f]{2}){0,20}([?]([!$&-;=@-Z_a-z|~&=]|%[0-9A-F]{2}|%){0,20})?",
        pairs in vec(("(x-amz-|x-oss-|x-ms-)?[a-z0-9_-]{1,9}", vec(any::<u8>(), 0..9)), 0..6),
        time in prop_oneof![YEARS, any::<i64>()],
        key in ".{0,12}",
        expires in any::<u32>(),
    ) {
        let uri: Uri = uri.parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in &pairs {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        let access = AccessKey::new("AKID", "open-sesame").with_session_token("tok-sesame");
        let account = AccountKey::new("account", "b3Blbi1zZXNhbWU=").unwrap();
        let target = Target::new(&method, &uri, &headers);
        let additional = ["host", "range", &*key];
        let oss = oss_v4::Signer::new(&access, "r", time).additional(&additional);
        let (s3, resource) = (sigv4::Signer::new(&access, "r", time), oss_v4::Resource::object("b", &key));
        let printed = format!(
            "{:?} {:?} {:?} {:?} {:?} {oss:?} {s3:?} {account:?} {access:?}",
            s3.sign(target, sigv4::Payload::Unsigned),
            s3.presign(target, sigv4::Payload::Unsigned, expires % 700_000),
            oss.sign(target, resource),
            oss.presign(target, resource, expires % 700_000),
            shared_key::sign(target, &account, time),
        );
        prop_assert!(!printed.contains("sesame") && !printed.contains("b3Blbi1"), "{}", printed);
    }
}

fn measure(element: &xml::Element) -> (usize, usize) {
    let children = element.children().iter().map(measure);
    let (depth, count) = children.fold((0, 0), |(depth, count), (d, c)| (depth.max(d), count + c));
    (depth + 1, count + 1)
}

fn nesting(value: &serde_json::Value) -> usize {
    let inside = match value {
        serde_json::Value::Array(items) => items.iter().map(nesting).max(),
        serde_json::Value::Object(members) => members.values().map(nesting).max(),
        _ => return 0,
    };
    1 + inside.unwrap_or(0)
}
