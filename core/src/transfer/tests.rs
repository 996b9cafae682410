//! Single decisions of a transfer, held against tables: what is believed, what is refused, what is stopped, what is tried again.

use alloc::sync::Arc;
use alloc::vec;

use super::requests::Next;
use super::segments::{Segment, Segments};
use super::*;
use crate::digest::{Algorithm, Digest};
use crate::error::{BuildError, FaultKind, FileFaultKind, Sent, ServerFault, ServerFaultKind};
use crate::id::Slab;
use crate::intent::{Body, Disposition, UrlsWanted};
use crate::provider::{Head, Object, Order, Provider, StepKind};
use crate::range::ByteRange;
use crate::spec::{TransferKey, object_mark};
use crate::transfer::parts::Delayed;

mod questions;

const HERE: &str = "http://fake/";

#[derive(Debug)]
struct Fake(Profile, &'static str);

impl Provider for Fake {
    fn authority(&self) -> &str {
        "fake:80"
    }
    fn object(&self) -> &str {
        self.1
    }
    fn profile(&self) -> Profile {
        self.0
    }
    fn build(&self, _: &Step, _: &Context<'_>, _: Now) -> Result<http::Request<Body>, BuildError> {
        Ok(http::Request::new(Body::Empty))
    }
    fn interpret(&self, _: &Step, _: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        Ok(Reply::Aborted)
    }
}

/// A transfer that has done nothing yet.
pub(super) fn transfer(direction: Direction, profile: Profile) -> Box<Transfer> {
    with_record(direction, profile, None)
}

fn with_record(direction: Direction, profile: Profile, checkpoint: Option<Checkpoint>) -> Box<Transfer> {
    let id = Slab::<TaskId, ()>::new().insert_with(|_| ()).expect("room");
    let mut spec = Spec::new(direction, Arc::new(Fake(profile, HERE)), TransferKey::new(direction, "a", "b"));
    spec.checkpoint = checkpoint.map(Box::new);
    Transfer::new(id, spec, Rng::new(1), Time::ZERO)
}

fn download() -> Box<Transfer> {
    transfer(Direction::Download, Profile::download())
}

fn op() -> OpId {
    Slab::<OpId, ()>::new().insert_with(|_| ()).expect("room")
}

fn with_cx<T>(call: impl FnOnce(&mut Cx<'_>) -> T) -> T {
    let (config, mut events) = (Config::default(), Events::default());
    call(&mut Cx { now: Now::default(), config: &config, events: &mut events })
}

fn tagged(tag: &str) -> Validator {
    Validator { etag: Some(tag.into()), modified: None }
}

/// A version of an object of 100 bytes.
fn object(tag: Option<&str>) -> Object {
    Object { total: Some(100), validator: tag.map(tagged).unwrap_or_default(), ranges: Some(true), ..Object::default() }
}

fn stored(len: u64) -> Segments {
    let mut segments = Segments::default();
    assert!(segments.insert(Segment { range: ByteRange::at(0, len), digest: None }));
    segments
}

fn fault(kind: ServerFaultKind) -> ServerFault {
    ServerFault::new(kind, StepKind::GetRange, None, "")
}

fn record(direction: Direction) -> Checkpoint {
    Checkpoint {
        direction,
        object: object_mark(&Fake(Profile::download(), HERE)),
        nonce: Uuid::nil(),
        total: Some(20),
        part_size: 10,
        validator: Validator::default(),
        fingerprint: None,
        content_digest: None,
        segments: Segments::default(),
        parts: alloc::collections::BTreeMap::new(),
        session: Some("session".into()),
        stage: Stage::Open,
    }
}

#[test]
fn d4_stretches_are_taken_over_with_the_version_and_the_size_they_are_of() {
    for (validator, total, segments, kept) in [
        (tagged("a"), Some(100), stored(5), true),
        (Validator::default(), Some(100), stored(5), false),
        (tagged("a"), None, stored(5), false),
        (tagged("a"), Some(100), Segments::default(), false),
    ] {
        let checkpoint = Checkpoint { total, validator, segments, ..record(Direction::Download) };
        let transfer = with_record(Direction::Download, Profile::download(), Some(checkpoint));
        assert_eq!(transfer.remote.segments.total(), if kept { 5 } else { 0 });
        assert_eq!(transfer.remote.object.total, total.filter(|_| kept));
    }
}

#[test]
fn d8_the_record_of_another_object_is_not_taken_over() {
    for (object, kept) in [(HERE, 5), ("http://fake/other", 0)] {
        let object = object_mark(&Fake(Profile::download(), object));
        let checkpoint =
            Checkpoint { object, validator: tagged("a"), segments: stored(5), ..record(Direction::Download) };
        let transfer = with_record(Direction::Download, Profile::download(), Some(checkpoint));
        assert_eq!(transfer.remote.segments.total(), kept);
    }
}

#[test]
fn u7_parts_of_another_layout_are_not_taken_over() {
    let mut checkpoint = record(Direction::Upload);
    for (number, range) in [(1, ByteRange::at(0, 10)), (2, ByteRange::at(10, 5))] {
        checkpoint.parts.insert(number, (UploadedPart::new(number, range, "t"), None));
    }
    let transfer = with_record(Direction::Upload, Profile::download(), Some(checkpoint));
    assert_eq!(transfer.session.parts.keys().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn d9_u1_parts_are_not_taken_over_without_the_stage_they_belong_to() {
    for (stage, kept) in [(Stage::Open, 1), (Stage::Committing, 1), (Stage::Fresh, 0)] {
        let mut checkpoint = Checkpoint { stage, ..record(Direction::Upload) };
        checkpoint.parts.insert(1, (UploadedPart::new(1, ByteRange::at(0, 10), "t"), None));
        let transfer = with_record(Direction::Upload, Profile::download(), Some(checkpoint));
        assert_eq!(transfer.session.parts.len(), kept, "{stage:?}");
    }
}

/// Where names stand for a session: a small source goes up whole when nothing of it is there, and any other goes on.
#[test]
fn u7_a_small_source_of_which_nothing_is_there_goes_up_whole() {
    for (single, parts, whole) in [(20, 0, true), (20, 1, false), (19, 0, false)] {
        let mut checkpoint = Checkpoint { session: None, ..record(Direction::Upload) };
        for number in 1..=parts {
            let range = ByteRange::at(10 * (number - 1), 10);
            checkpoint.parts.insert(number, (UploadedPart::new(number, range, "t"), None));
        }
        let profile = Profile { commit: true, list: true, single: Some(single), ..Profile::download() };
        let mut transfer = with_record(Direction::Upload, profile, Some(checkpoint));
        (transfer.phase, transfer.source.total) = (Phase::Inspecting, Some(20));
        with_cx(|cx| transfer.source_known(Signal::Inspected, cx));
        let expected = if whole { Phase::Moving } else { Phase::Reconciling };
        assert_eq!((transfer.phase, transfer.source.whole), (expected, whole), "{single} {parts}");
    }
}

/// Parts of 10 bytes: one for each request on its way is recorded, unless the interval is less.
#[test]
fn u7_no_more_parts_are_unrecorded_than_there_are_on_their_way() {
    let mut transfer = with_record(Direction::Upload, Profile::download(), Some(record(Direction::Upload)));
    let mut config = Config::default();
    for (flights, interval, bytes) in [(0, 64, 10), (1, 64, 10), (3, 64, 30), (7, 64, 64)] {
        transfer.parts.flights.clear();
        for at in 0..flights {
            transfer.parts.launch(op(), ByteRange::at(10 * at, 10), Tries::default(), Time::ZERO);
        }
        config.interval.bytes = interval;
        assert_eq!(transfer.interval(&config).bytes, bytes, "{flights}");
    }
}

#[test]
fn u6_what_a_record_lacks_is_sent_before_the_next_commit() {
    let mut checkpoint = record(Direction::Upload);
    checkpoint.parts.insert(1, (UploadedPart::new(1, ByteRange::at(0, 10), "t"), None));
    checkpoint.stage = Stage::Committing;
    let profile = Profile { commit: true, confirm: true, ..Profile::download() };
    let mut transfer = with_record(Direction::Upload, profile, Some(checkpoint));
    transfer.phase = Phase::Confirming;
    with_cx(|cx| transfer.not_committed(cx));
    assert_eq!(transfer.phase, Phase::Moving);
    assert_eq!(transfer.parts.todo.first(), Some(ByteRange::at(10, 10)));
}

#[test]
fn u10_an_opening_without_its_answer_may_have_left_a_session_behind() {
    let opened = Some("session".into());
    for (begin, stage, session, untold) in [
        (Begin::Creates, Stage::Open, None, true),
        (Begin::Creates, Stage::Committing, None, true),
        (Begin::Creates, Stage::Open, opened.clone(), false),
        (Begin::Creates, Stage::Fresh, None, false),
        (Begin::Creates, Stage::Fresh, opened, false),
        (Begin::Idempotent, Stage::Open, None, false),
        (Begin::None, Stage::Open, None, false),
    ] {
        let checkpoint = Checkpoint { stage, session: session.clone(), ..record(Direction::Upload) };
        let profile = Profile { begin, ..Profile::download() };
        let transfer = with_record(Direction::Upload, profile, Some(checkpoint));
        assert_eq!(transfer.session.untold, untold, "{begin:?} {stage:?} {session:?}");
        assert_eq!(transfer.session.resumed, stage != Stage::Fresh);
    }
}

#[test]
fn a_request_that_cannot_be_built_is_the_end_of_its_transfer() {
    let mut transfer = download();
    let op = op();
    (transfer.phase, transfer.single.op) = (Phase::Probing, Some(op));
    with_cx(|cx| transfer.unbuildable(op, &Step::Probe, Error::Closed, cx));
    assert!(transfer.single.op.is_none(), "it is not in flight");
    assert!(matches!(&transfer.stop, Some(Stop::Fail { error: Error::Closed, .. })), "{:?}", transfer.stop);
}

#[test]
fn c12_progress_tells_the_recent_rate() {
    let mut transfer = download();
    transfer.rate.add(1_000, Time::from_micros(1_000_000));
    assert_eq!(transfer.progress(Time::from_micros(1_000_000)).rate, 1_000);
}

/// The head of an answer to a request for `asked`.
fn head(transfer: &mut Transfer, asked: ByteRange, range: ByteRange, object: Object) -> Disposition {
    let op = op();
    transfer.parts.launch(op, asked, Tries::default(), Time::ZERO);
    transfer.on_range_head(op, Ok(Reply::Range { range, object }), 206)
}

#[test]
fn d3_a_range_that_is_not_within_the_one_asked_for_is_refused() {
    for (start, end, skip) in [
        (10, 20, Some(0)),
        (5, 15, Some(5)),
        (10, 11, Some(0)),
        (11, 20, None),
        (11, 21, None),
        (10, 21, None),
        (0, 10, None),
        (20, 20, None),
    ] {
        let mut transfer = download();
        (transfer.remote.object, transfer.remote.known) = (object(Some("a")), true);
        let got = ByteRange::new(start, end).expect("in order");
        let told = head(&mut transfer, ByteRange::at(10, 10), got, object(Some("a")));
        let expected = skip.map_or(Disposition::Close, |skip| Disposition::WriteAt {
            skip,
            offset: 10,
            len: end - 10,
            digest: Some(Algorithm::Crc64Nvme),
        });
        assert_eq!(told, expected, "{start}..{end}");
    }
}

#[test]
fn d1_what_is_stored_is_gone_on_with_from_the_same_version_only() {
    for (tag, taken) in [(Some("a"), true), (Some("b"), false), (None, false)] {
        let mut transfer = download();
        (transfer.remote.object, transfer.remote.segments) = (object(Some("a")), stored(5));
        let range = ByteRange::at(5, 5);
        let told = head(&mut transfer, range, range, object(tag));
        assert_eq!(matches!(told, Disposition::WriteAt { .. }), taken, "{tag:?}");
        // Ranges that name no version at all are of no use with this server.
        assert_eq!(transfer.remote.force_serial, tag.is_none());
    }
}

#[test]
fn d4_what_nothing_pins_is_taken_in_one_piece_or_not_at_all() {
    // Also where all was asked for and the server answers with less (world 848661).
    for (asked, end, tag, taken) in [
        (10, 10, None, false),
        (100, 10, None, false),
        (100, 100, None, true),
        (10, 10, Some("a"), true),
        (100, 10, Some("a"), true),
    ] {
        let mut transfer = download();
        let told = head(&mut transfer, ByteRange::at(0, asked), ByteRange::at(0, end), object(tag));
        assert_eq!(matches!(told, Disposition::WriteAt { .. }), taken, "{asked} {end} {tag:?}");
        assert_eq!(transfer.remote.force_serial, !taken);
        assert_eq!(transfer.remote.serial, taken && tag.is_none(), "what is cut off is not asked for alone");
    }
}

#[test]
fn d1_a_probe_without_a_size_keeps_what_is_stored_of_the_same_version() {
    for (segments, total) in [(stored(5), Some(100)), (Segments::default(), None)] {
        let mut transfer = download();
        transfer.phase = Phase::Probing;
        (transfer.remote.object, transfer.remote.segments) = (object(Some("a")), segments.clone());
        with_cx(|cx| transfer.probed(Object { total: None, ..object(Some("a")) }, cx));
        assert_eq!((transfer.remote.object.total, &transfer.remote.segments), (total, &segments));
    }
}

#[test]
fn d7_the_strongest_digest_that_the_server_names_is_compared() {
    let digest = |algorithm: Algorithm| Digest::new(algorithm, &vec![1; algorithm.len()]).expect("its length");
    let (weak, strong) = (digest(Algorithm::Crc32), digest(Algorithm::Sha256));
    for digests in [vec![weak, strong], vec![strong, weak], vec![strong]] {
        let mut transfer = download();
        transfer.phase = Phase::Verifying;
        transfer.remote.object.digests = digests;
        with_cx(|cx| transfer.enter_verifying(cx));
        assert_eq!(transfer.remote.expected, [strong]);
    }
}

#[test]
fn c2_reading_that_a_pause_stopped_is_no_failure() {
    let cases = [
        (FileFaultKind::Cancelled, true, false),
        (FileFaultKind::Cancelled, false, true),
        (FileFaultKind::Io, true, true),
        (FileFaultKind::Io, false, true),
    ];
    for (kind, cancelled, failed) in cases {
        let mut transfer = transfer(Direction::Upload, Profile::download());
        let op = op();
        (transfer.phase, transfer.file) = (Phase::Hashing, Some(op));
        with_cx(|cx| transfer.on_file(op, Err(FileFault::new(kind, "")), cancelled, cx));
        assert_eq!(transfer.is_stopping(), failed, "{kind:?} {cancelled}");
    }
}

#[test]
fn c2_long_readings_are_stopped_and_what_is_written_is_not() {
    for phase in Phase::ALL {
        let mut transfer = download();
        let op = op();
        (transfer.phase, transfer.file) = (phase, Some(op));
        transfer.cancel_interruptible();
        let reads = [Phase::Inspecting, Phase::Hashing, Phase::Rechecking, Phase::Verifying, Phase::Ending];
        assert_eq!(transfer.cancels.contains(&op), reads.contains(&phase), "{phase:?}");
        transfer.cancels.clear();
        transfer.source.hashing = Some(ByteRange::at(0, 1));
        transfer.cancel_interruptible();
        assert!(transfer.cancels.contains(&op), "a part is read for its digest");
    }
}

#[test]
fn r3_urls_that_expire_before_they_are_used_are_not_asked_for_for_ever() {
    let mut transfer = download();
    let asked = UrlsWanted { step: StepKind::Probe, parts: Vec::new(), refused: None };
    let mut fresh =
        || transfer.take_fresh(Arc::new(Fake(Profile::download(), HERE)), Some(&asked), Now::default()).is_ok();
    assert_eq!((0..10).take_while(|_| fresh()).count(), 8);
}

#[test]
fn r3_a_fresh_provider_goes_on_by_the_rules_of_the_former() {
    let mut transfer = download();
    let mut fresh = |profile| transfer.take_fresh(Arc::new(Fake(profile, HERE)), None, Now::default()).err();
    let able = Profile { list: true, abort: true, confirm: true, answer_limit: 7, ..Profile::download() };
    assert_eq!(fresh(able), None, "another credential may allow more");
    let parts = Profile { single: Some(9), ..Profile::download() };
    let order = Profile { order: Order::ServerOffset, ..Profile::download() };
    for other in [parts, order] {
        assert!(fresh(other).is_some_and(|why| why.contains("other rules")), "{other:?}");
    }
}

#[test]
fn r4_a_redirect_is_followed_once_for_all_requests_it_answers() {
    let mut transfer = download();
    let location = |path: &str| Uri::try_from(alloc::format!("http://other/{path}")).expect("a URL");
    let redirect = |path| Verdict::Redirect { location: location(path), fault: fault(ServerFaultKind::Redirected) };
    let mut judge = |path, way| {
        let tries = Tries { way, ..Tries::default() };
        let next = with_cx(|cx| transfer.judge(redirect(path), tries, StepKind::GetRange, cx));
        assert!(matches!(next, Next::Again { .. }));
        (transfer.hops, transfer.way, transfer.location.clone())
    };
    assert_eq!(judge("a", 0), (1, 1, Some(location("a"))));
    assert_eq!(judge("b", 0), (1, 1, Some(location("a"))), "sent before the first one was followed");
    assert_eq!(judge("b", 1), (2, 2, Some(location("b"))));
}

#[test]
fn r4_a_target_that_refuses_sends_all_its_requests_back_to_the_original() {
    for verdict in [Verdict::Fatal, Verdict::Refresh] {
        let mut transfer = download();
        transfer.location = Some(Uri::from_static("http://other/"));
        let mut refused = |way| {
            let tries = Tries { way, ..Tries::default() };
            let verdict = verdict(fault(ServerFaultKind::Denied));
            let next = with_cx(|cx| transfer.judge(verdict, tries, StepKind::GetRange, cx));
            matches!(next, Next::Failed(_))
        };
        assert_eq!([refused(0), refused(0), refused(1)], [false, false, true]);
    }
}

#[test]
fn what_fresh_credentials_might_mend_is_the_issuers_where_nobody_has_any() {
    let verdict = Verdict::Refresh(fault(ServerFaultKind::Denied));
    let next = with_cx(|cx| download().judge(verdict, Tries::default(), StepKind::GetRange, cx));
    assert!(matches!(next, Next::Failed(Error::Issuer(_))));
}

#[test]
fn d2_probing_by_range_is_tried_once() {
    let mut transfer = download();
    let mut failed = |kind| {
        matches!(with_cx(|cx| transfer.judge(Verdict::ProbeByRange, Tries::default(), kind, cx)), Next::Failed(_))
    };
    assert_eq!(
        [failed(StepKind::GetRange), failed(StepKind::Probe), failed(StepKind::Probe)],
        [true, false, true],
        "there is nothing else to try"
    );
}

#[test]
fn r5_stale_connections_are_repeated_for_nothing_three_times() {
    let mut transfer = download();
    let mut tries = Tries::default();
    let counted: Vec<(u32, u32)> = core::iter::from_fn(|| {
        let stale = Fault::new(FaultKind::Stale, Sent::No, "");
        let next = with_cx(|cx| transfer.broke(stale, tries, StepKind::GetRange, cx));
        let Next::Again { tries: left, .. } = next else { return None };
        tries = left;
        Some((left.stale, left.failed))
    })
    .take(5)
    .collect();
    assert_eq!(counted, [(1, 0), (2, 0), (3, 0), (0, 1), (1, 1)]);
}

#[test]
fn r3_after_a_success_a_refusal_is_the_first_again() {
    for waits in [false, true] {
        let mut transfer = download();
        (transfer.refresh.refusals, transfer.hops, transfer.reason) = (1, 3, Some(Error::Closed));
        if waits {
            let (range, due) = (ByteRange::at(0, 1), Time::ZERO);
            transfer.parts.delayed.push(Delayed { range, tries: Tries::default(), due });
        }
        transfer.succeeded();
        assert_eq!((transfer.refresh.refusals, transfer.hops, transfer.reason.is_some()), (0, 0, waits));
    }
}
