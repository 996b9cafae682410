//! What a download makes of answers: one test per row of the wire's rules and per defect a server may have.

use crate::common::{cx, everything, fatal, fault, get, pinned, range, read};
use longhaul_core::error::ServerFaultKind;
use longhaul_core::provider::{Object, Reply, Step, StepKind, Verdict};
use longhaul_core::{ByteRange, Wall};
use longhaul_http::HttpDownload;
use proptest::prelude::*;

type Answer = Result<Reply, Box<Verdict>>;

fn download() -> HttpDownload {
    HttpDownload::new("https://example.com/a/b.bin?sig=canary").expect("sound")
}

fn answer(step: &Step, status: u16, lines: &[&str]) -> Answer {
    read(&download(), &cx(), step, status, lines, "")
}

#[track_caller]
fn object(answer: Answer) -> Object {
    match answer {
        Ok(Reply::Object(object)) => object,
        other => panic!("expected an object, got {other:?}"),
    }
}

#[track_caller]
fn ranged(answer: Answer) -> (ByteRange, Object) {
    match answer {
        Ok(Reply::Range { range, object }) => (range, object),
        other => panic!("expected a range, got {other:?}"),
    }
}

#[track_caller]
fn protocol(step: &Step, status: u16, lines: &[&str], words: &str) {
    let fault = fatal(answer(step, status, lines), ServerFaultKind::Protocol);
    assert!(fault.detail.contains(words), "{fault}");
}

#[test]
fn a_probe_learns_size_validator_time_ranges_and_name() {
    let object = object(answer(
        &Step::Probe,
        200,
        &[
            "Content-Length: 1000",
            "ETag: \"v1\"",
            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
            "Date: Sun, 06 Nov 1994 08:50:00 GMT",
            "Accept-Ranges: bytes",
            "Content-Disposition: attachment; filename*=UTF-8''%e5%90%8d.bin",
            "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==",
        ],
    ));
    assert_eq!((object.total, object.ranges, object.name.as_deref()), (Some(1000), Some(true), Some("名.bin")));
    assert_eq!(object.validator.etag.as_deref(), Some("\"v1\""));
    assert_eq!(
        (object.validator.modified, object.modified),
        (Some(Wall::from_unix(784_111_777)), Some(Wall::from_unix(784_111_777)))
    );
    assert_eq!(object.digests.len(), 1);
}

#[test]
fn k3_a_suggested_name_is_safe_before_it_leaves_here() {
    let name = |value: &str| {
        let line = format!("Content-Disposition: attachment; filename=\"{value}\"");
        object(answer(&Step::Probe, 200, &["Content-Length: 1", &line])).name
    };
    assert_eq!(name("../../.ssh/authorized_keys").as_deref(), Some("authorized_keys"));
    assert_eq!(name("/etc/.profile").as_deref(), Some("profile"));
    assert_eq!(name(".."), None);
}

#[test]
fn d6_where_head_is_refused_or_tells_no_length_a_range_is_probed() {
    for status in [403, 405, 501] {
        assert_eq!(answer(&Step::Probe, status, &[]), Err(Box::new(Verdict::ProbeByRange)), "{status}");
    }
    for lines in [
        &[][..],
        &["Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Content-Length: 5"],
        &["Content-Length: 500", "Content-Encoding: gzip"],
        // Some servers say 0 for whatever they make on the fly.
        &["Content-Length: 0"],
    ] {
        assert_eq!(answer(&Step::Probe, 200, lines), Err(Box::new(Verdict::ProbeByRange)), "{lines:?}");
    }
    assert_eq!(answer(&Step::Probe, 204, &[]), Err(Box::new(Verdict::ProbeByRange)));
    fatal(answer(&Step::Probe, 404, &[]), ServerFaultKind::NotFound);
    fatal(answer(&Step::Probe, 400, &[]), ServerFaultKind::Refused);
}

#[test]
fn d6_a_probe_by_range_learns_the_total_from_content_range() {
    let probed = |status, lines: &[&str]| {
        let object = object(answer(&Step::ProbeRange, status, lines));
        (object.total, object.ranges)
    };
    assert_eq!(probed(206, &["Content-Range: bytes 0-0/1000", "Content-Length: 1"]), (Some(1000), Some(true)));
    assert_eq!(probed(206, &["Content-Range: bytes 0-0/*"]), (None, Some(true)));
    assert_eq!(probed(200, &["Content-Length: 1000"]), (Some(1000), Some(false)));
    assert_eq!(probed(200, &["Content-Length: 0"]), (Some(0), Some(false)));
    assert_eq!(probed(200, &["Transfer-Encoding: chunked"]), (None, Some(false)));
    protocol(&Step::ProbeRange, 206, &["Content-Range: bytes 0-999/1000"], "up to 1000");
    protocol(&Step::ProbeRange, 206, &["Content-Range: bytes 5-5/1000"], "from 5");
    protocol(&Step::ProbeRange, 200, &["Content-Length: 50", "Content-Encoding: gzip"], "gzip");
}

#[test]
fn p4_an_empty_object_has_no_first_byte() {
    let probed = |lines: &[&str]| {
        let object = object(answer(&Step::ProbeRange, 416, lines));
        (object.total, object.ranges)
    };
    assert_eq!(probed(&["Content-Range: bytes */0"]), (Some(0), Some(true)));
    // A server that refuses byte 0 of something serves no ranges.
    assert_eq!(probed(&["Content-Range: bytes */9"]), (Some(9), Some(false)));
    assert_eq!(probed(&[]), (None, Some(false)));
}

#[test]
fn a_206_tells_what_follows_and_of_which_object() {
    let (follows, object) =
        ranged(answer(&get(10, 20), 206, &["Content-Range: bytes 10-19/100", "Content-Length: 10", "ETag: \"v1\""]));
    assert_eq!(
        (follows, object.total, object.ranges, object.validator.etag.as_deref()),
        (range(10, 20), Some(100), Some(true), Some("\"v1\""))
    );
}

#[test]
fn d2_an_earlier_start_is_told_so_that_it_can_be_trimmed() {
    assert_eq!(ranged(answer(&get(10, 20), 206, &["Content-Range: bytes 8-19/100"])).0, range(8, 20));
    protocol(&get(10, 20), 206, &["Content-Range: bytes 0-9/100"], "none of them");
}

#[test]
fn d2_a_later_start_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Range: bytes 11-19/100"], "asked for bytes from 10, got them from 11");
}

#[test]
fn d2_an_end_beyond_what_was_asked_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Range: bytes 10-20/100"], "up to 20, got them up to 21");
}

#[test]
fn d2_a_reversed_range_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Range: bytes 19-10/100"], "reversed");
}

#[test]
fn d2_another_unit_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Range: items 10-19/100"], "not in bytes");
}

#[test]
fn d2_a_missing_content_range_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Length: 10"], "without a Content-Range");
    protocol(&get(10, 20), 206, &["Content-Range: bytes */100"], "names no bytes");
}

#[test]
fn d2_a_range_beyond_its_own_total_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Range: bytes 10-19/19"], "beyond its own total");
}

#[test]
fn d2_encoded_content_is_refused_unless_wanted() {
    let lines = ["Content-Range: bytes 10-19/100", "Content-Encoding: gzip"];
    protocol(&get(10, 20), 206, &lines, "gzip");
    protocol(&get(10, 20), 200, &["Content-Encoding: br"], "br");
    for plain in ["identity", "", "Identity"] {
        ranged(answer(&get(10, 20), 206, &["Content-Range: bytes 10-19/100", &format!("Content-Encoding: {plain}")]));
    }
    ranged(read(&download().keep_encoded(true), &cx(), &get(10, 20), 206, &lines, ""));
}

#[test]
fn d2_content_length_must_be_the_ranges_length() {
    protocol(&get(10, 20), 206, &["Content-Range: bytes 10-19/100", "Content-Length: 9"], "disagree");
    protocol(&get(10, 20), 206, &["Content-Range: bytes 10-19/100", "Content-Length: x"], "not a number");
}

#[test]
fn d2_fields_that_contradict_themselves_are_refused() {
    let good = "Content-Range: bytes 10-19/100";
    for pair in [
        ["Content-Range: bytes 10-19/101", "X: 1"],
        ["Content-Length: 10", "Content-Length: 11"],
        ["Content-Length: 10, 11", "X: 1"],
        ["ETag: \"a\"", "ETag: \"b\""],
        ["Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT"],
        ["Content-Encoding: identity", "Content-Encoding: gzip"],
    ] {
        protocol(&get(10, 20), 206, &[good, pair[0], pair[1]], "twice with different values");
    }
    // The same twice is one.
    ranged(answer(
        &get(10, 20),
        206,
        &[good, good, "ETag: \"a\"", "ETag: \"a\"", "Content-Length: 10", "Content-Length: 10"],
    ));
}

#[test]
fn d2_an_answer_of_several_parts_is_refused() {
    protocol(&get(10, 20), 206, &["Content-Type: Multipart/Byteranges; boundary=x"], "several parts");
}

#[test]
fn d2_a_200_for_a_range_is_the_whole_object_never_the_range() {
    match answer(&get(10, 20), 200, &["Content-Length: 100", "ETag: \"v1\"", "Accept-Ranges: bytes"]) {
        Ok(Reply::Whole(object)) => {
            assert_eq!((object.total, object.ranges), (Some(100), Some(false)))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn d2_other_successes_are_refused() {
    for status in [201, 202, 203, 204, 226] {
        protocol(&get(10, 20), status, &[], "not expected");
    }
    protocol(&get(10, 20), 304, &[], "not asked");
}

#[test]
fn d3_a_shorter_range_and_an_unknown_total_are_told_as_they_are() {
    assert_eq!(ranged(answer(&get(10, 20), 206, &["Content-Range: bytes 10-14/100"])).0, range(10, 15));
    assert_eq!(ranged(answer(&get(10, 20), 206, &["Content-Range: bytes 10-19/*"])).1.total, None);
}

#[test]
fn d4_weak_and_missing_validators_pin_nothing() {
    for line in ["ETag: W/\"v1\"", "ETag: \"\"", "X: 1", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"] {
        let (_, object) = ranged(answer(&get(0, 5), 206, &["Content-Range: bytes 0-4/5", line]));
        assert!(!object.validator.pins(), "{line}");
    }
}

#[test]
fn d4_everything_in_one_answer_needs_no_range() {
    match answer(&everything(), 200, &["Content-Length: 100", "Accept-Ranges: bytes"]) {
        Ok(Reply::Whole(object)) => {
            assert_eq!((object.total, object.ranges), (Some(100), Some(true)))
        }
        other => panic!("{other:?}"),
    }
    protocol(&everything(), 206, &["Content-Range: bytes 0-9/100"], "all of it was asked for");
    fatal(answer(&everything(), 416, &["Content-Range: bytes */0"]), ServerFaultKind::Refused);
    // No condition was sent, so a 412 says nothing about the object.
    let strong = pinned("\"v1\"");
    let mut cx = cx();
    cx.validator = &strong;
    fatal(read(&download(), &cx, &everything(), 412, &[], ""), ServerFaultKind::Conflict);
}

#[test]
fn d2_416_tells_the_size_and_a_contradiction_is_refused() {
    let total = |lines: &[&str]| match answer(&get(10, 20), 416, lines) {
        Ok(Reply::Unsatisfiable { total }) => total,
        other => panic!("{other:?}"),
    };
    assert_eq!(total(&["Content-Range: bytes */10"]), Some(10));
    assert_eq!(total(&["Content-Range: bytes */0"]), Some(0));
    assert_eq!(total(&[]), None);
    assert_eq!(total(&["Content-Range: bytes */*"]), None);
    protocol(&get(10, 20), 416, &["Content-Range: bytes */11"], "has 11");
}

fn field() -> impl Strategy<Value = String> {
    let number = prop_oneof![0u64..30, Just(u64::MAX), Just(100u64)];
    prop_oneof![
        (number.clone(), number.clone(), number.clone())
            .prop_map(|(a, b, c)| format!("Content-Range: bytes {a}-{b}/{c}")),
        (number.clone(), number.clone()).prop_map(|(a, b)| format!("Content-Range: bytes {a}-{b}/*")),
        number.clone().prop_map(|total| format!("Content-Range: bytes */{total}")),
        number.prop_map(|length| format!("Content-Length: {length}")),
        "(ETag|Last-Modified|Date|Location|Content-Encoding|Content-Type|Retry-After|Content-Disposition|Digest|Repr-Digest|Content-MD5|Accept-Ranges|Transfer-Encoding|Content-Range): [ -~é]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// D2, D3: whatever the server sends, a byte's place is certain or the answer is refused; and nothing panics.
    #[test]
    fn d2_no_answer_shifts_a_byte(
        start in 0u64..20, len in 1u64..20, status in prop_oneof![Just(206u16), Just(200), Just(416), Just(302), 100u16..600],
        fields in proptest::collection::vec(field(), 0..5), which in 0u8..4, body in "\\PC{0,60}",
    ) {
        let asked = range(start, start + len);
        let step = match which {
            0 => Step::GetRange { range: asked },
            1 => Step::Probe,
            2 => Step::ProbeRange,
            _ => everything(),
        };
        let lines: Vec<&str> = fields.iter().map(String::as_str).collect();
        match read(&download(), &cx(), &step, status, &lines, &body) {
            Ok(Reply::Range { range, object }) => {
                prop_assert!(which == 0 && status == 206);
                prop_assert!(range.start() <= asked.start() && asked.start() < range.end() && range.end() <= asked.end());
                prop_assert!(object.total.is_none_or(|total| range.end() <= total));
            }
            Ok(Reply::Whole(_)) => prop_assert!(status == 200 && step.kind() == StepKind::GetRange),
            Ok(Reply::Object(_)) => prop_assert!(step.kind() == StepKind::Probe),
            Ok(Reply::Unsatisfiable { total }) => prop_assert!(status == 416 && total.is_none_or(|total| total <= asked.start())),
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(verdict) => {
                if let Some(fault) = fault(&verdict) {
                    prop_assert!(fault.detail.chars().count() <= 400 && !fault.detail.contains(char::is_control), "{}", fault);
                    prop_assert!(!fault.to_string().contains("canary"));
                }
            }
        }
    }
}
