//! What is recorded, when, and what a failure of the journal changes.

use super::*;
use crate::id::Slab;
use crate::range::ByteRange;

fn ops() -> impl FnMut() -> OpId {
    let mut slab: Slab<OpId, ()> = Slab::new();
    move || slab.insert_with(|_| ()).expect("room")
}

#[test]
fn stretches_are_recorded_only_after_their_sync() {
    let (mut keeper, mut op) = (Keeper::new(true, true, Time::ZERO), ops());
    let interval = Interval::default();
    keeper.grew(interval.bytes / 2 - 1);
    assert!(!keeper.wants_sync(0, Time::ZERO, interval));
    keeper.grew(1);
    assert!(keeper.wants_sync(0, Time::ZERO, interval));
    assert!(keeper.sync_begins([Segment { range: ByteRange::at(0, 5), digest: None }].into_iter()));
    assert!(keeper.next(Time::ZERO, interval, true).is_none(), "not before the sync");
    assert!(keeper.durable().is_empty());
    assert!(keeper.sync_ended(true));
    assert!(matches!(keeper.next(Time::ZERO, interval, false), Some(Write::Replace)));
    keeper.issued(op(), Time::ZERO);
    assert_eq!(keeper.durable().total(), 5);
}

#[test]
fn d8_no_more_than_an_interval_is_ever_unrecorded() {
    let (mut keeper, mut op) = (Keeper::new(true, true, Time::ZERO), ops());
    let interval = Interval::default();
    let all = Segment { range: ByteRange::at(0, interval.bytes), digest: None };
    keeper.grew(interval.bytes);
    assert!(!keeper.is_behind(interval.bytes - 1, interval));
    assert!(keeper.is_behind(interval.bytes, interval));
    assert!(keeper.sync_begins([all].into_iter()) && keeper.is_behind(interval.bytes, interval));
    assert!(keeper.sync_ended(true) && keeper.is_behind(interval.bytes, interval), "synced, and not recorded");
    assert!(keeper.next(Time::ZERO, interval, false).is_some());
    let write = op();
    keeper.issued(write, Time::ZERO);
    assert!(keeper.is_behind(interval.bytes, interval), "on its way");
    assert!(keeper.answered(write, Ok(())).is_none());
    assert!(!keeper.is_behind(interval.bytes, interval));
    // With nothing to record there is nothing to wait for.
    assert!(!keeper.is_behind(u64::MAX, interval));
}

#[test]
fn a_stretch_is_looked_at_once() {
    let mut keeper = Keeper::new(true, true, Time::ZERO);
    for at in [0, 5] {
        keeper.landed(Segment { range: ByteRange::at(at, 5), digest: None });
        assert!(keeper.sync_begins(core::iter::empty()));
        assert!(keeper.landed.is_empty());
        assert!(keeper.sync_ended(true));
        assert_eq!(keeper.durable().total(), at + 5);
    }
}

#[test]
fn after_a_failed_sync_nothing_is_synced_or_recorded_any_more() {
    let mut keeper = Keeper::new(true, true, Time::ZERO);
    keeper.grew(5);
    keeper.landed(Segment { range: ByteRange::at(0, 5), digest: None });
    assert!(keeper.sync_begins(core::iter::empty()));
    keeper.grew(5);
    assert!(keeper.sync_ended(false));
    assert!(keeper.durable().is_empty() && !keeper.has_unsynced());
    assert!(keeper.next(Time::ZERO, Interval::default(), true).is_none());
}

#[test]
fn a_journal_is_begun_once_and_added_to_until_it_is_removed() {
    let (mut keeper, mut op) = (Keeper::new(true, false, Time::ZERO), ops());
    let mut write = |keeper: &mut Keeper| {
        let write = keeper.next(Time::ZERO, Interval::default(), true).expect("something to write");
        let op = op();
        keeper.issued(op, Time::ZERO);
        assert!(keeper.answered(op, Ok(())).is_none());
        write
    };
    let lands = |keeper: &mut Keeper, at| {
        keeper.landed(Segment { range: ByteRange::at(at, 5), digest: None });
        keeper.sync_begins(core::iter::empty());
    };
    lands(&mut keeper, 0);
    assert!(matches!(write(&mut keeper), Write::Replace));
    for at in [5, 10] {
        lands(&mut keeper, at);
        assert!(matches!(write(&mut keeper), Write::Append(_)), "{at}");
    }
    keeper.drop_journal();
    assert!(matches!(write(&mut keeper), Write::Remove));
    lands(&mut keeper, 15);
    assert!(matches!(write(&mut keeper), Write::Replace), "nothing can be added to what is gone");
}

#[test]
fn d1_what_is_dropped_is_dropped_from_the_journal_too() {
    let (mut keeper, mut op) = (Keeper::new(true, false, Time::ZERO), ops());
    keeper.landed(Segment { range: ByteRange::at(0, 5), digest: None });
    assert!(!keeper.sync_begins(core::iter::empty()), "nothing to sync");
    assert!(matches!(keeper.next(Time::ZERO, Interval::default(), true), Some(Write::Replace)));
    let write = op();
    keeper.issued(write, Time::ZERO);
    assert!(keeper.answered(write, Ok(())).is_none());
    assert_eq!(keeper.durable().total(), 5);
    keeper.reset();
    assert!(keeper.durable().is_empty());
    assert!(matches!(keeper.next(Time::ZERO, Interval::default(), false), Some(Write::Replace)));
}

#[test]
fn d11_what_a_former_run_recorded_counts_and_is_left_alone_until_this_run_writes_a_journal() {
    let mut segments = Segments::default();
    assert!(segments.insert(Segment { range: ByteRange::at(0, 5), digest: None }));
    let mut keeper = Keeper::new(true, true, Time::ZERO);
    keeper.found(&segments);
    assert_eq!(keeper.durable().total(), 5);
    keeper.reset();
    assert!(keeper.durable().is_empty() && !keeper.is_busy());
}

#[test]
fn u7_d9_nothing_is_added_to_the_journal_of_a_former_run() {
    let (mut keeper, mut op) = (Keeper::new(true, true, Time::ZERO), ops());
    keeper.stage(Stage::Committing);
    assert!(matches!(keeper.next(Time::ZERO, Interval::default(), false), Some(Write::Replace)));
    assert!(keeper.holds(), "the request waits for it");
    let write = op();
    keeper.issued(write, Time::ZERO);
    assert!(keeper.answered(write, Ok(())).is_none());
    keeper.stage(Stage::Aborting);
    assert!(matches!(keeper.next(Time::ZERO, Interval::default(), false), Some(Write::Append(_))));
}

#[test]
fn a_failed_append_is_followed_by_a_new_journal_and_reported_once() {
    let (mut keeper, mut op) = (Keeper::new(true, false, Time::ZERO), ops());
    let fault = || FileFault::new(crate::error::FileFaultKind::Full, "");
    keeper.stage(Stage::Opening);
    assert!(keeper.holds());
    let first = op();
    keeper.issued(first, Time::ZERO);
    assert!(keeper.answered(first, Err(fault())).is_some());
    assert!(matches!(keeper.next(Time::ZERO, Interval::default(), false), Some(Write::Replace)));
    let second = op();
    keeper.issued(second, Time::ZERO);
    assert!(keeper.answered(second, Err(fault())).is_none(), "told already");
    assert!(!keeper.holds() && !keeper.is_busy());
}

/// The record as it is after `before`, with nothing under way.
fn recorded(before: impl FnOnce(&mut Keeper)) -> (Keeper, impl FnMut() -> OpId) {
    let (mut keeper, mut op) = (Keeper::new(true, true, Time::ZERO), ops());
    before(&mut keeper);
    let write = op();
    keeper.issued(write, Time::ZERO);
    assert!(keeper.answered(write, Ok(())).is_none());
    (keeper, op)
}

#[test]
fn d8_what_an_earlier_run_left_and_was_confirmed_is_in_the_new_record() {
    let mut kept = Segments::default();
    assert!(kept.insert(Segment { range: ByteRange::at(0, 7), digest: None }));
    let (mut keeper, _) = recorded(|keeper| {
        keeper.confirmed(&kept);
        let interval = Interval::default();
        assert!(keeper.next(Time::ZERO, interval, true).is_none(), "the former one stays until they are synced");
        assert!(keeper.wants_sync(7, Time::ZERO, interval), "at once");
        assert!(keeper.sync_begins(core::iter::empty()) && keeper.sync_ended(true));
        assert!(matches!(keeper.next(Time::ZERO, interval, false), Some(Write::Replace)));
    });
    assert_eq!(keeper.durable(), kept);
    keeper.grew(5);
    assert!(!keeper.is_behind(11, Interval { bytes: 5, ..Interval::default() }), "seven of these are recorded");
}

#[test]
fn d8_a_former_journal_stays_where_what_it_names_cannot_be_synced() {
    let mut kept = Segments::default();
    assert!(kept.insert(Segment { range: ByteRange::at(0, 7), digest: None }));
    let mut keeper = Keeper::new(true, true, Time::ZERO);
    keeper.confirmed(&kept);
    assert!(keeper.sync_begins(core::iter::empty()) && keeper.sync_ended(false));
    assert!(keeper.next(Time::ZERO, Interval::default(), true).is_none() && !keeper.is_busy());
    // Nothing to sync, nothing to wait for.
    for (sync, kept) in [(false, &kept), (true, &Segments::default())] {
        let mut keeper = Keeper::new(true, sync, Time::ZERO);
        keeper.confirmed(kept);
        assert!(matches!(keeper.next(Time::ZERO, Interval::default(), false), Some(Write::Replace)), "{sync}");
    }
    // Nor where all of it is dropped before.
    let mut keeper = Keeper::new(true, true, Time::ZERO);
    keeper.confirmed(&kept);
    keeper.reset();
    assert!(keeper.next(Time::ZERO, Interval::default(), false).is_some());
}

#[test]
fn only_what_must_be_recorded_first_holds_requests_up() {
    let (mut keeper, mut op) = recorded(|keeper| keeper.stage(Stage::Opening));
    assert!(!keeper.holds());
    keeper.fact(&Fact::Session("a".into()), 1);
    assert!(!keeper.holds(), "this one may wait");
    // Another thing must be recorded while the write of the first is in flight.
    keeper.stage(Stage::Open);
    let write = op();
    keeper.issued(write, Time::ZERO);
    keeper.stage(Stage::Committing);
    assert!(keeper.answered(write, Ok(())).is_none());
    assert!(keeper.holds());
}

#[test]
fn a_journal_given_up_holds_nothing_up() {
    let (mut keeper, mut op) = recorded(|keeper| keeper.stage(Stage::Opening));
    let fault = || FileFault::new(crate::error::FileFaultKind::Full, "");
    for told in [true, false] {
        keeper.stage(Stage::Open);
        let write = op();
        keeper.issued(write, Time::ZERO);
        keeper.stage(Stage::Committing);
        assert_eq!(keeper.answered(write, Err(fault())).is_some(), told);
    }
    assert!(!keeper.holds() && !keeper.is_busy());
}

#[test]
fn where_no_journal_is_none_is_begun_before_it_can_name_something() {
    let (mut keeper, mut op) = (Keeper::new(true, true, Time::ZERO), ops());
    let interval = Interval::default();
    let later = Time::ZERO + interval.time * 100;
    keeper.found_none();
    // It waited for its turn; the interval begins with the content.
    keeper.starts(later);
    keeper.renew();
    assert!(keeper.next(later, interval, true).is_none() && !keeper.is_busy());
    keeper.grew(5);
    keeper.landed(Segment { range: ByteRange::at(0, 5), digest: None });
    assert_eq!(keeper.due(interval), Some(later + interval.time));
    assert!(!keeper.wants_sync(5, later, interval));
    // Over before anything is due: there is nothing to remove either.
    let mut over = Keeper::new(true, true, Time::ZERO);
    over.found_none();
    over.starts(later);
    over.drop_journal();
    assert!(over.next(later, interval, true).is_none() && !over.is_busy());

    assert!(keeper.sync_begins(core::iter::empty()) && keeper.sync_ended(true));
    assert!(matches!(keeper.next(later, interval, true), Some(Write::Replace)));
    let write = op();
    keeper.issued(write, later);
    // Also one that could not be written may have left something.
    assert!(keeper.answered(write, Err(FileFault::new(crate::error::FileFaultKind::Full, ""))).is_some());
    keeper.drop_journal();
    assert!(matches!(keeper.next(later, interval, true), Some(Write::Remove)));
}

#[test]
fn where_one_may_be_it_is_begun_anew_before_anything_is_stored() {
    let mut keeper = Keeper::new(true, true, Time::ZERO);
    keeper.starts(Time::ZERO);
    assert!(matches!(keeper.next(Time::ZERO, Interval::default(), false), Some(Write::Replace)));
}
