//! Task control: commands, their results, and what they leave (cases C1–C12).

use crate::common::*;
use http::Method;
use longhaul_core::event::{End, EventKind, State};
use longhaul_core::spec::{CommandError, Start, SubmitError};
use longhaul_core::{Error, Phase};
use longhaul_sim::{Act, Fate, Rule, Style, Wish};

#[test]
fn c1_a_paused_submit_does_nothing_at_all_until_it_is_resumed() {
    for make in KINDS {
        let mut world = world();
        let job = make(&mut world);
        world.submit(job, Start::Paused);
        world.run_for(3_600_000_000);
        assert_eq!(world.state(job), Some(State::Paused(Phase::Queued)));
        let worked = |line: &&String| [" file ", " journal", "http"].iter().any(|word| line.contains(word));
        assert_eq!(world.trace.lines().iter().find(worked), None);
        world.resume(job);
        end(&mut world, job);
        done(&world, job);
    }
}

#[test]
fn c2_pause_stops_growth_at_once_and_resume_goes_on_from_what_is_stored() {
    for stalled in [false, true] {
        let mut world = world();
        let job = download(&mut world, 400_000, Style::GOOD);
        world.jobs[job].parallel = most(3);
        world.weather.rate = (40_000, 40_000);
        if stalled {
            world.rules.0.push_back(Rule::new(Act::Net(Fate::StallBody(5_000))).method(Method::GET).skip(6));
        }
        world.submit(job, Start::Now);
        world.run_for(2_000_000);
        world.pause(job);
        world.run_for(250_000);
        let stored = world.jobs[job].received;
        assert!(stored > 20_000 && stored < 400_000, "{stored}");
        assert_eq!(world.state(job), Some(State::Paused(Phase::Moving)), "{}", tail(&world));
        world.run_for(600_000_000);
        assert_eq!(world.jobs[job].received, stored, "nothing grows while it is paused");
        world.rules.0.clear();
        world.resume(job);
        end(&mut world, job);
        done(&world, job);
        assert_eq!(world.jobs[job].received, 400_000, "no byte is fetched twice");
    }
}

/// Every command at every step of every kind of transfer: one defined result, one end, nothing left behind.
#[test]
fn c3_every_command_is_defined_at_every_moment() {
    for make in KINDS {
        for at in 0..=steps(make) {
            for command in 0..6 {
                let (mut world, job) = after(make, at, 1);
                match command {
                    0 => world.pause(job),
                    1 => world.cancel(job),
                    2 => world.close(),
                    3 => {
                        world.pause(job);
                        world.resume(job);
                    }
                    4 => {
                        world.pause(job);
                        world.settle();
                        world.cancel(job);
                    }
                    _ => {
                        world.cancel(job);
                        world.settle();
                        world.close();
                    }
                }
                world.settle();
                world.finish();
                sound(&world);
                let ends = |kind: &&EventKind| matches!(kind, EventKind::Ended(_));
                let ended = world.jobs[job].events.iter().filter(ends).count();
                assert!(ended >= 1, "step {at} command {command}\n{}", tail(&world));
            }
        }
    }
}

#[test]
fn c3_commands_to_what_is_over_say_so() {
    let mut world = world();
    let job = download(&mut world, 1_000, Style::GOOD);
    let task = world.submit(job, Start::Now).expect("submitted");
    let now = world.now();
    world.engine.cancel(task, now).expect("it is there");
    assert_eq!(world.engine.pause(task, now), Err(CommandError::Over));
    assert_eq!(world.engine.cancel(task, now), Err(CommandError::Over));
    world.run_for(1_000_000);
    assert_eq!(world.engine.resume(task, now), Err(CommandError::Unknown), "the application let go of it");
}

#[test]
fn c4_cancel_pause_and_close_take_effect_within_250_ms_of_a_silent_peer() {
    let silences = [Fate::StallConnect, Fate::StallSending(0), Fate::StallHead, Fate::StallBody(1)];
    for make in KINDS {
        for silence in silences {
            for skip in [0, 1, 2] {
                for command in 0..3 {
                    let mut world = world();
                    let job = make(&mut world);
                    world.rules.0.push_back(Rule::new(Act::Net(silence)).skip(skip));
                    world.submit(job, Start::Now);
                    world.run_for(5_000_000);
                    let opening = world.state(job) == Some(State::Active(Phase::Opening))
                        && matches!(world.jobs[job].kind, longhaul_sim::JobKind::Store { .. });
                    let committing = world.state(job) == Some(State::Active(Phase::Committing));
                    // Nothing else is silent, so that an abort can be answered.
                    world.rules.0.clear();
                    match command {
                        0 => world.pause(job),
                        1 => world.cancel(job),
                        _ => world.close(),
                    }
                    world.run_for(250_000);
                    let state = world.state(job);
                    let quiet = matches!(state, None | Some(State::Paused(_)));
                    // The answer to what opens a session is waited for: it may name what must be aborted.
                    let waits = opening && command < 2;
                    // So is that of a commit: it decides whether the command came too late.
                    assert!(
                        quiet || waits || (committing && command < 2),
                        "{silence:?} {skip} {command}: {state:?}\n{}",
                        tail(&world)
                    );
                    sound(&world);
                }
            }
        }
    }
}

#[test]
fn c4_a_slow_abort_holds_nobody_up() {
    let mut world = world();
    let (slow, other) = (store(&mut world, 60_000), download(&mut world, 60_000, Style::GOOD));
    world.rules.0.push_back(Rule::new(Act::Net(Fate::StallHead)).method(Method::DELETE));
    world.weather.rate = (4_000, 4_000);
    world.submit(slow, Start::Now);
    world.submit(other, Start::Now);
    world.run_for(1_000_000);
    world.cancel(slow);
    world.run_for(250_000);
    assert_eq!(world.state(slow), Some(State::Ending));
    world.pause(other);
    world.run_for(250_000);
    assert!(matches!(world.state(other), Some(State::Paused(_))));
    world.close();
    world.run_for(250_000);
    assert!(world.engine.is_drained(), "{}", tail(&world));
    let told = |kind: &EventKind| matches!(kind, EventKind::AbortFailed { .. });
    assert!(world.jobs[slow].events.iter().any(told), "what stays behind is told");
}

#[test]
fn c5_cancel_aborts_exactly_once_and_never_beside_a_commit() {
    let make = KINDS[2];
    for at in 0..=steps(make) {
        let (mut world, job) = after(make, at, 3);
        if world.jobs[job].task.is_none() {
            continue;
        }
        world.cancel(job);
        end(&mut world, job);
        let committed = world.jobs[job].is_done();
        let opened = arrived(&world, Method::POST, "?open");
        assert_eq!(world.store.sessions.len(), 0, "step {at}");
        assert_eq!(
            (arrived(&world, Method::DELETE, ""), world.store.objects.len()),
            if committed { (0, 1) } else { (opened, 0) },
            "step {at}\n{}",
            tail(&world)
        );
    }
}

/// The commit is refused for good while a cancel waits for its answer: the cancel goes on, to the abort.
#[test]
fn c5_a_cancel_does_not_wait_for_a_commit_that_was_refused() {
    for status in [400, 404, 409, 500] {
        for at in 0..=steps(KINDS[2]) {
            let mut world = seeded(3);
            let job = store(&mut world, 60_000);
            world.rules.0.push_back(Rule::new(Act::Status(status, None)).text(" \""));
            world.submit(job, Start::Now);
            world.settle();
            for _ in 0..at {
                world.step(longhaul_core::Time::NEVER);
            }
            world.cancel(job);
            if world.jobs[job].task.is_none() {
                continue;
            }
            end(&mut world, job);
            let commits = arrived(&world, Method::POST, "session=");
            assert!(commits <= 10, "{status} at {at}: {commits} commits");
            assert!(world.store.objects.is_empty(), "{status} at {at}");
        }
    }
}

#[test]
fn c5_a_failed_abort_does_not_hide_why_the_upload_failed() {
    let mut world = world();
    let job = store(&mut world, 60_000);
    world.jobs[job].journal = false;
    world.rules.0.push_back(Rule::new(Act::Status(400, None)).method(Method::PUT).skip(2));
    world.rules.0.push_back(Rule::new(Act::Status(400, None)).method(Method::DELETE));
    go(&mut world, job);
    let Some(Error::Server(fault)) = world.error(job) else {
        panic!("{:?}", world.jobs[job].end);
    };
    assert_eq!(fault.step, longhaul_core::provider::StepKind::PutPart);
    assert_eq!(world.jobs[job].orphans_told, 1);
}

#[test]
fn c6_the_same_can_be_submitted_right_after_cancel_and_stale_answers_change_nothing() {
    for make in KINDS {
        for at in 0..=steps(make) {
            let (mut world, job) = after(make, at, 5);
            if world.jobs[job].task.is_none() {
                continue;
            }
            world.cancel(job);
            if world.jobs[job].wish == Wish::Gone {
                assert!(world.submit(job, Start::Now).is_some(), "step {at}");
            }
            for op in 0..40 {
                world.apply(&longhaul_sim::Transition::Stale { op });
            }
            end(&mut world, job);
            done(&world, job);
        }
    }
}

#[test]
fn c7_a_duplicate_is_the_same_source_and_destination() {
    let mut world = world();
    let job = download(&mut world, 50_000, Style::GOOD);
    let task = world.submit(job, Start::Now).expect("the first");
    let mut twin = world.jobs[job].clone();
    twin.task = None;
    twin.wish = Wish::Nothing;
    let twin = world.add(twin);
    let mut elsewhere = world.jobs[job].clone();
    elsewhere.task = None;
    if let longhaul_sim::JobKind::Get { target, .. } = &mut elsewhere.kind {
        *target = "elsewhere".into();
    }
    let elsewhere = world.add(elsewhere);
    assert!(world.submit(elsewhere, Start::Now).is_some(), "another path is another transfer");
    assert_eq!(world.refusal(twin), Some(SubmitError::Duplicate(task)));
    world.finish();
    done(&world, job);
    done(&world, elsewhere);
}

#[test]
fn c9_a_closed_engine_drains_keeps_what_is_stored_and_takes_nothing_more() {
    for make in KINDS {
        for at in 0..=steps(make) {
            let (mut world, job) = after(make, at, 7);
            let running = world.jobs[job].task.is_some();
            world.close();
            world.close();
            world.run_for(1_000_000);
            assert!(world.engine.is_drained(), "step {at}\n{}", tail(&world));
            if running && !world.jobs[job].is_done() {
                assert_eq!(world.jobs[job].end, Some(End::Failed(Error::Closed)), "step {at}");
            }
            assert_eq!(arrived(&world, Method::DELETE, ""), 0, "nothing is aborted");
            assert_eq!(world.refusal(job), Some(SubmitError::Closed));
            world.finish();
            done(&world, job);
        }
    }
}

#[test]
fn c11_the_snapshot_tells_who_waits_for_what() {
    let mut world = world();
    let (waits, paused) = (download(&mut world, 50_000, Style::GOOD), download(&mut world, 50_000, Style::GOOD));
    world.rules.0.push_back(Rule::new(Act::Status(503, Some("100"))).url("object0"));
    world.submit(waits, Start::Now);
    world.submit(paused, Start::Paused);
    world.run_for(5_000_000);
    let snapshot = world.engine.snapshot();
    assert_eq!((snapshot.active, snapshot.paused, snapshot.requests), (1, 1, 0));
    assert_eq!(world.state(waits), Some(State::Waiting(Phase::Probing)));
    let reason = snapshot.tasks.iter().find_map(|task| task.reason.clone());
    assert_eq!(reason.map(|reason| reason.code()), Some(305), "the server cannot answer");
}

#[test]
fn c12_every_byte_is_counted_once() {
    for make in KINDS {
        let mut world = world();
        let job = make(&mut world);
        world.rules.0.push_back(Rule::new(Act::Net(Fate::ResetBody(1_000))).method(Method::GET).skip(1).times(3));
        world.rules.0.push_back(Rule::new(Act::Net(Fate::ResetSending(1_000))).skip(2).times(3));
        world.submit(job, Start::Now);
        world.settle();
        let mut last = longhaul_core::event::Progress::default();
        while world.jobs[job].task.is_some() && world.step(longhaul_core::Time::NEVER) {
            if let Some(progress) = world.progress(job) {
                last = progress;
            }
        }
        done(&world, job);
        assert_eq!(last.total, Some(60_000));
        assert!(last.moved <= last.acknowledged + last.resent, "{last:?}");
    }
}
