//! Digests of parts: known before the part is sent where the request has to carry it, computed while it is sent elsewhere.

use std::sync::Arc;

use crate::common::most;
use crate::hand::{Hand, made_up};
use http::{HeaderValue, Request};
use longhaul_core::digest::Algorithm;
use longhaul_core::error::{BuildError, Error};
use longhaul_core::intent::{Body, FileOp};
use longhaul_core::layout::PartSize;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Config, Direction, Now, OpId, TaskId};
use longhaul_sim::provider::StoreProvider;

/// A store whose parts carry their digest.
#[derive(Debug)]
struct Checked(StoreProvider);

impl Provider for Checked {
    fn authority(&self) -> &str {
        self.0.authority()
    }
    fn object(&self) -> &str {
        self.0.object()
    }
    fn profile(&self) -> Profile {
        self.0.profile()
    }
    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let mut request = self.0.build(step, cx, now)?;
        if let Step::PutPart { digest: Some(digest), .. } = step {
            let value = HeaderValue::from_str(&digest.to_string()).expect("printable");
            request.headers_mut().insert("x-digest", value);
        }
        Ok(request)
    }
    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        self.0.interpret(step, cx, head, body, now)
    }
}

fn upload(hand: &mut Hand, journal: bool, change: impl FnOnce(&mut Profile)) -> TaskId {
    let mut store = StoreProvider::new("store", "key");
    change(&mut store.profile);
    hand.submit_with(Arc::new(Checked(store)), Direction::Upload, |spec| {
        spec.parallel = most(2);
        spec.journal = journal;
    })
}

/// Opens the session; the parts that go out then.
fn open(hand: &mut Hand) -> Vec<(OpId, TaskId, Request<Body>)> {
    let (op, _) = hand.request();
    hand.answer(op, 200, &[], "session");
    hand.requests()
}

fn carried(request: &Request<Body>) -> Option<String> {
    request.headers().get("x-digest").map(|value| value.to_str().expect("printable").to_owned())
}

fn of_part(number: u64) -> Option<String> {
    made_up(Algorithm::Md5, ByteRange::at((number - 1) * 10_000, 10_000)).map(|digest| digest.to_string())
}

#[test]
fn every_part_carries_its_own_digest_and_is_read_for_it_once() {
    let mut hand = Hand::new(Config::default());
    let task = upload(&mut hand, true, |profile| profile.part_digest = Some(Algorithm::Md5));
    let parts = open(&mut hand);
    let sent: Vec<_> = parts.iter().map(|(_, _, request)| carried(request)).collect();
    assert_eq!(sent, [of_part(1), of_part(2)]);
    // Sent again as it was.
    hand.answer(parts[0].0, 503, &[], "");
    let third = hand.request();
    assert_eq!(carried(&third.1), of_part(3), "it goes on while the first waits");
    hand.answer(parts[1].0, 200, &[("etag", "\"2\"")], "");
    let (again, request) = hand.request();
    assert_eq!(carried(&request), of_part(1));
    hand.answer(again, 200, &[("etag", "\"1\"")], "");
    hand.answer(third.0, 200, &[("etag", "\"3\"")], "");
    let (commit, request) = hand.request();
    assert!(request.uri().query().is_some_and(|query| query == "session=session"), "{}", request.uri());
    hand.answer(commit, 200, &[], "committed \"all\"");
    hand.pump();
    assert!(hand.engine.end(task).is_some());
    let read: Vec<_> = hand.files.iter().filter(|action| matches!(action, FileOp::Digest { .. })).collect();
    assert_eq!(read.len(), 3, "{read:?}");
    assert!(hand.sums.iter().all(Option::is_none), "nothing is computed a second time while it is sent");
}

#[test]
fn u1_a_source_that_became_shorter_while_it_was_read_has_changed() {
    let mut hand = Hand::new(Config::default());
    hand.shrunk = true;
    let task = upload(&mut hand, true, |profile| profile.part_digest = Some(Algorithm::Md5));
    assert!(open(&mut hand).iter().all(|(_, _, request)| request.method() == http::Method::DELETE), "no part goes out");
    let changed = hand.events.iter().any(|event| format!("{event:?}").contains("Changed"));
    assert!(changed || matches!(hand.error(task), Some(Error::Changed(_))), "{:?}", hand.events);
}

/// What is sent is summed where somebody will look at the sum: the store, or a later run.
#[test]
fn a_part_is_summed_while_it_is_sent_where_that_is_of_use() {
    let sums = |journal, change: fn(&mut Profile)| {
        let mut hand = Hand::new(Config::default());
        upload(&mut hand, journal, change);
        let parts = open(&mut hand).len();
        hand.sums.split_off(hand.sums.len() - parts)
    };
    let own = Some(Algorithm::Crc64Nvme);
    assert_eq!(sums(true, |_| ()), [own; 2], "a later run compares it with the source");
    assert_eq!(sums(false, |_| ()), [None; 2], "there is none");
    assert_eq!(sums(false, |profile| profile.sent_digest = Some(Algorithm::Sha256)), [Some(Algorithm::Sha256); 2]);
    assert_eq!(sums(true, |profile| profile.sent_digest = Some(Algorithm::Sha256)), [Some(Algorithm::Sha256); 2]);
}

#[test]
fn an_object_that_goes_up_whole_is_summed_for_the_store_only() {
    for (wanted, journal) in [(None, true), (None, false), (Some(Algorithm::Md5), true), (Some(Algorithm::Md5), false)]
    {
        let mut hand = Hand::new(Config::default());
        let mut store = StoreProvider::new("store", "key");
        (store.profile.single, store.profile.sent_digest) = (Some(1 << 20), wanted);
        hand.submit_with(Arc::new(store), Direction::Upload, |spec| {
            spec.part_size = PartSize::Auto;
            spec.journal = journal;
        });
        let (_, request) = hand.request();
        assert_eq!((request.method(), request.body().len()), (&http::Method::PUT, 30_000));
        assert_eq!(hand.sums, [wanted]);
    }
}
