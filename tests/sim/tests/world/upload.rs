//! Upload integrity: sources that change, sessions, commits and aborts (cases U1–U6, U8, U10).

use crate::common::*;
use http::Method;
use longhaul_core::error::{Error, FileFaultKind, ServerFaultKind};
use longhaul_core::event::EventKind;
use longhaul_core::spec::Start;
use longhaul_sim::disk::Edit;
use longhaul_sim::server::form::Talk;
use longhaul_sim::{Act, Fate, Rule, World};

const LEN: u64 = 60_000;

fn form_job(world: &mut World) -> usize {
    form(world, LEN)
}

fn store_job(world: &mut World) -> usize {
    store(world, LEN)
}

#[test]
fn u1_a_source_edited_at_any_moment_is_never_committed_as_a_mixture() {
    for make in [form_job as fn(&mut World) -> usize, store_job] {
        for edit in Edit::ALL.into_iter().filter(|edit| *edit != Edit::Remove) {
            for at in 0..=steps(make) {
                let (mut world, job) = after(make, at, 1);
                world.edit_source(job, edit);
                if world.jobs[job].task.is_some() {
                    end(&mut world, job);
                }
                sound(&world);
                let changed = matches!(
                    world.error(job),
                    Some(Error::Disk(fault)) if fault.kind == FileFaultKind::Changed
                );
                assert!(world.jobs[job].is_done() || changed, "{edit:?} at {at}: {:?}", world.jobs[job].end);
                // The store's object, if there is one, is what the source was at one moment.
                if let Some(object) = world.store.objects.values().next() {
                    assert!(world.jobs[job].sources.contains(&object.content), "{edit:?} at {at}");
                }
            }
        }
    }
}

#[test]
fn u1_a_source_edited_between_two_runs_is_never_committed_as_a_mixture() {
    for edit in Edit::ALL.into_iter().filter(|edit| *edit != Edit::Remove) {
        for at in 0..=steps(store_job) {
            let (mut world, job) = after(store_job, at, 1);
            world.crash(true);
            world.edit_source(job, edit);
            world.finish();
            done(&world, job);
        }
    }
}

#[test]
fn u2_nothing_is_read_or_hashed_that_no_protocol_asked_for() {
    let digests = |world: &World| world.trace.lines().iter().filter(|line| line.contains("file Digest")).count();
    let mut world = world();
    let job = store_job(&mut world);
    go(&mut world, job);
    done(&world, job);
    assert_eq!((digests(&world), world.store.received), (0, LEN));
    let mut world = crate::common::world();
    let job = form_job(&mut world);
    go(&mut world, job);
    done(&world, job);
    assert_eq!((digests(&world), world.form.received, world.form.prepares), (1, LEN, 1));
}

#[test]
fn u3_a_redirect_of_an_upload_is_never_followed_into_success() {
    for make in [form_job as fn(&mut World) -> usize, store_job] {
        for status in [301, 302, 303, 307, 308] {
            for skip in 0..3 {
                let mut world = world();
                let job = make(&mut world);
                world.rules.0.push_back(Rule::new(Act::Status(status, None)).skip(skip).times(1));
                go(&mut world, job);
                let Some(Error::Server(fault)) = world.error(job) else {
                    panic!("{status} {skip}: {:?}", world.jobs[job].end);
                };
                assert_eq!(fault.kind, ServerFaultKind::Redirected);
            }
        }
    }
}

#[test]
fn u4_when_all_parts_were_confirmed_by_a_former_run_the_commit_is_still_sent() {
    let mut world = world();
    let job = store_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Status(400, None)).text(" \"").times(1));
    go(&mut world, job);
    assert!(world.error(job).is_some(), "the commit was refused");
    assert_eq!(world.store.received, LEN);
    world.arrived.clear();
    go(&mut world, job);
    done(&world, job);
    assert_eq!((arrived(&world, Method::PUT, ""), world.store.commits), (0, 1));
}

#[test]
fn u5_when_the_commit_fails_once_only_the_commit_is_repeated() {
    for status in [500, 503] {
        let mut world = world();
        let job = store_job(&mut world);
        world.rules.0.push_back(Rule::new(Act::Status(status, None)).text(" \"").times(1));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(world.store.received, LEN, "no part is sent again");
        assert_eq!(arrived(&world, Method::POST, "session"), 2);
    }
}

#[test]
fn u6_a_commit_whose_answer_is_cut_anywhere_is_reconciled_by_asking() {
    let faults = [Fate::Lost, Fate::StallHead].into_iter().chain(
        (0..16)
            .flat_map(|at| [Fate::ResetBody(at), Fate::ShortBody(at), Fate::ShortUnnoticed(at), Fate::StallBody(at)]),
    );
    for fate in faults {
        for times in [1, 3] {
            let mut world = world();
            let job = store_job(&mut world);
            world.rules.0.push_back(Rule::new(Act::Net(fate)).text(" \"").times(times));
            go(&mut world, job);
            done(&world, job);
            assert_eq!((world.store.commits, world.store.received), (1, LEN), "{fate:?}");
        }
    }
}

#[test]
fn u6_white_space_and_a_200_with_an_error_are_no_success() {
    for words in ["   \n ", "", "<Error>", "committed"] {
        let mut world = world();
        let job = store_job(&mut world);
        world.rules.0.push_back(Rule::new(Act::Say(200, words)).text(" \"").times(1));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(arrived(&world, Method::HEAD, ""), 1, "{words:?}: it was asked");
        assert_eq!(world.store.commits, 1);
    }
}

#[test]
fn u6_without_a_way_to_ask_an_unknown_commit_is_tried_again() {
    let mut world = world();
    let job = store_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Net(Fate::ResetSending(3))).text(" \"").times(2));
    go(&mut world, job);
    done(&world, job);
}

#[test]
fn u8_sessions_of_others_are_not_touched_and_the_list_is_exact() {
    let mut world = world();
    let job = store_job(&mut world);
    world.store.sessions.insert("foreign".into(), longhaul_sim::server::store::Session::new("/store0"));
    world.jobs[job].orphans_told = 1;
    go(&mut world, job);
    done(&world, job);
    assert!(world.store.sessions.contains_key("foreign"));
    assert!(world.arrived.iter().all(|(_, request)| !request.uri.to_string().contains("foreign")));
}

#[test]
fn u8_the_servers_part_list_wins_over_the_record() {
    for seed in 0..10 {
        let (mut world, job) = after(store_job, 24, seed);
        world.crash(false);
        // The server lost a part, and another one is not what was sent.
        if let Some(session) = world.store.sessions.values_mut().next() {
            session.parts.pop_first();
            if let Some(mut part) = session.parts.last_entry() {
                part.get_mut().tag = "\"other\"".into();
            }
        }
        world.finish();
        done(&world, job);
    }
}

#[test]
fn u10_a_failed_abort_is_told_recorded_and_can_be_repeated() {
    let mut world = world();
    let job = store_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Status(500, None)).method(Method::DELETE));
    world.weather.rate = (4_000, 4_000);
    world.submit(job, Start::Now);
    world.run_for(1_000_000);
    world.cancel(job);
    end(&mut world, job);
    assert_eq!(world.error(job), Some(&Error::Cancelled), "an abort's failure hides nothing");
    let told = |kind: &EventKind| matches!(kind, EventKind::AbortFailed { .. });
    assert!(world.jobs[job].events.iter().any(told));
    assert!(world.journals.contains_key(&job), "the record stays");
    world.rules.0.clear();
    world.submit(job, Start::Paused);
    world.cancel(job);
    end(&mut world, job);
    assert!(world.store.sessions.is_empty() && !world.journals.contains_key(&job), "{}", tail(&world));
}

#[test]
fn u12_a_part_that_is_refused_for_good_ends_the_upload_with_the_servers_words() {
    let mut world = world();
    let job = store_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Status(409, None)).method(Method::PUT).skip(2).times(1));
    go(&mut world, job);
    let Some(Error::Server(fault)) = world.error(job) else {
        panic!("{:?}", world.jobs[job].end);
    };
    assert_eq!(fault.status, Some(409));
}

#[test]
fn lost_bytes_of_the_default_protocol_are_sent_again_within_bounds() {
    let mut world = world();
    let job = form_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Forget).text("offset").skip(4).times(2));
    go(&mut world, job);
    done(&world, job);
    assert!(world.form.received > LEN);
    let mut world = crate::common::world();
    let job = form_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Say(200, "{\"nextByte\":0}")).text("offset"));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Protocol));
}

#[test]
fn an_offset_beyond_what_was_sent_is_no_progress() {
    for words in
        ["{\"nextByte\":60001}", "{\"nextByte\":59999}", "{\"nextByte\":-1}", "{\"nextByte\":1.5}", "[]", "<html>"]
    {
        let mut world = world();
        let job = form_job(&mut world);
        world.rules.0.push_back(Rule::new(Act::Say(200, words)).text("offset").times(1));
        go(&mut world, job);
        assert!(
            matches!(world.error(job), Some(Error::Server(fault)) if fault.kind == ServerFaultKind::Protocol),
            "{words}: {:?}",
            world.jobs[job].end
        );
    }
}

#[test]
fn the_default_protocols_answers_may_be_worded_in_every_legal_way() {
    for talk in [Talk::Plain, Talk::Wordy, Talk::Null] {
        for (terse, coy) in [(false, false), (false, true), (true, false), (true, true)] {
            for most in [None, Some(8_191), Some(1_000)] {
                for len in [0, 1, LEN] {
                    let mut world = world();
                    let job = form(&mut world, len);
                    (world.form.talk, world.form.terse, world.form.coy, world.form.most) = (talk, terse, coy, most);
                    go(&mut world, job);
                    done(&world, job);
                    assert_eq!(world.form.prepares, 1, "{talk:?} {terse} {coy} {most:?} {len}");
                    // What the server took of a chunk is not sent again.
                    assert!(most.is_some() || world.form.received == len);
                }
            }
        }
    }
}

/// A source in memory, or one that was read from a pipe, has nothing but its bytes to be known by.
#[test]
fn u1_a_source_without_a_fingerprint_is_compared_with_what_a_former_run_sent() {
    fn blocks_job(world: &mut World) -> usize {
        blocks(world, LEN)
    }
    for make in [form_job as fn(&mut World) -> usize, store_job, blocks_job] {
        for edit in [None, Some(Edit::Flip), Some(Edit::Replace)] {
            for at in (0..60).step_by(4) {
                let mut world = seeded(1);
                let job = make(&mut world);
                world.jobs[job].fingerprints = false;
                world.submit(job, Start::Now);
                world.settle();
                for _ in 0..at {
                    world.step(longhaul_core::Time::NEVER);
                }
                world.crash(true);
                if let Some(edit) = edit {
                    world.edit_source(job, edit);
                }
                world.finish();
                done(&world, job);
            }
        }
    }
}
