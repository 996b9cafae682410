//! Presigned plans: fresh URLs asked for ahead and in time, refusals, clocks, restarts (cases R3, R5, R6, U4, U7, U10).

use crate::common::*;
use http::Method;
use longhaul_core::error::{Error, ServerFaultKind};
use longhaul_core::layout::PartSize;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Config, Start};
use longhaul_core::{Time, Wall};
use longhaul_sim::transition::Transition;
use longhaul_sim::{Act, Fate, Job, JobKind, Rule, World};

const LEN: u64 = 100_000;
const PART: u64 = 8 << 10;
const PARTS: u64 = LEN.div_ceil(PART);

/// An upload of a new file by presigned URLs, not yet submitted.
fn plan(world: &mut World, len: u64) -> usize {
    let source = format!("plan{}", world.jobs.len());
    world.put_source(&source, len);
    let mut job = Job::new(JobKind::Plan { source });
    job.part_size = PartSize::Bytes(PART);
    world.add(job)
}

fn plan_job(world: &mut World) -> usize {
    plan(world, LEN)
}

/// Puts of parts that arrived.
fn puts(world: &World) -> usize {
    arrived(world, Method::PUT, "http://presigned")
}

#[test]
fn a_plan_is_carried_out_with_urls_asked_for_in_batches() {
    let mut world = world();
    let job = plan_job(&mut world);
    go(&mut world, job);
    done(&world, job);
    assert_eq!((puts(&world) as u64, world.store.commits), (PARTS, 1));
    let missing = PARTS - world.presigner.first;
    assert_eq!(world.presigner.answers, missing.div_ceil(4), "{:?}", world.presigner.asked);
    let numbers: Vec<u64> = world.presigner.asked.concat();
    assert_eq!(numbers, (5..=PARTS).collect::<Vec<_>>(), "missing parts only, each once");
}

#[test]
fn p4_an_empty_object_is_only_completed() {
    let mut world = world();
    let job = plan(&mut world, 0);
    go(&mut world, job);
    // The model store takes no empty list, as S3 does not; what counts is that it was asked.
    assert_eq!((puts(&world), arrived(&world, Method::POST, "presigned")), (0, 1));
}

/// Three hours, URLs that last ten minutes, 500 parts: as many questions as batches, none more.
#[test]
fn r6_o6_three_hours_on_ten_minute_urls_send_nothing_expired_and_ask_no_more_than_needed() {
    for parallel in [1, 4] {
        let mut world = world();
        let parts = 500;
        let job = plan(&mut world, parts * PART);
        world.jobs[job].parallel = most(parallel);
        world.presigner.batch = (16, 4);
        world.presigner.first = 16;
        // 500 parts of 8 KiB in three hours.
        let rate = 372 / u64::from(parallel);
        world.weather.rate = (rate, rate);
        assert!(world.submit(job, Start::Now).is_some());
        // The completion is a list of 500 lines, which the model sends in one piece: not at this rate.
        let last = |world: &World| world.store.sessions.values().any(|session| session.parts.len() + 8 > 500);
        assert!(world.run_until(Time::from_micros(4 * 3_600_000_000), last), "{}", tail(&world));
        let took = world.time().as_micros() / 1_000_000;
        assert!((10_800..11_500).contains(&took), "three hours: {took} s");
        world.weather.rate = (1 << 20, 1 << 20);
        assert!(world.run_to_end(job, 600));
        done(&world, job);
        assert_eq!((world.presigner.expired, puts(&world) as u64), (0, parts));
        let (calls, missing) = (world.presigner.answers, parts - 16);
        assert!(calls <= missing.div_ceil(16), "{calls} calls for {missing} parts");
        println!(
            "O6, {parallel} in parallel: {parts} parts in {took} s, {calls} questions for {missing} parts, 0 expired"
        );
    }
}

#[test]
fn r6_urls_that_expire_while_a_transfer_is_paused_are_asked_for_again_before_anything_is_sent() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.presigner.first = PARTS;
    world.jobs[job].parallel = most(1);
    world.weather.rate = (8 << 10, 8 << 10);
    world.submit(job, Start::Now);
    world.run_for(3_500_000);
    world.pause(job);
    world.run_for(1_200_000_000);
    let before = puts(&world) as u64;
    world.resume(job);
    end(&mut world, job);
    done(&world, job);
    assert_eq!((world.presigner.expired, world.store.commits), (0, 1));
    assert!(before > 0 && world.presigner.answers >= (PARTS - before) / 4, "{:?}", world.presigner.asked);
}

/// A part waits for its retry until its URL has expired: the others go on, and nothing is asked for while one of them has a URL.
#[test]
fn r6_a_part_that_waits_for_its_retry_holds_nothing_up() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.jobs[job].parallel = most(1);
    (world.presigner.batch, world.presigner.first, world.presigner.lifetime) = ((1, 1), 1, 120);
    world.weather.rate = (400, 400);
    world.rules.0.push_back(Rule::new(Act::Status(503, Some("200"))).method(Method::PUT).times(1));
    go(&mut world, job);
    done(&world, job);
    // Thirteen parts and one repeated, of twenty seconds each.
    assert!(world.time() < Time::from_micros(300_000_000), "{:?}", world.time());
    assert_eq!(world.presigner.asked.concat().iter().filter(|&&part| part == 1).count(), 1);
    for two in world.trace.lines().windows(2).filter(|two| two[1].contains(" ask ")) {
        assert!(two[0].contains(" PUT "), "asked when the last good one was used: {two:?}");
    }
}

#[test]
fn r6_a_completion_whose_url_has_expired_gets_a_fresh_one() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.presigner.first = PARTS;
    // The last parts take long: the completion's URL of the first plan is too old.
    world.rules.0.push_back(Rule::new(Act::Status(503, Some("300"))).method(Method::PUT).skip(10).times(6));
    go(&mut world, job);
    done(&world, job);
    assert_eq!(world.presigner.expired, 0);
}

#[test]
fn r3_withdrawn_urls_are_replaced_by_one_question_at_a_time_and_none_is_used_again() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.presigner.first = PARTS;
    world.jobs[job].parallel = most(8);
    world.weather.rate = (4 << 10, 4 << 10);
    world.submit(job, Start::Now);
    world.run_for(1_300_000);
    world.presigner.withdrawn = Some(Wall::from_unix(world.moment().wall.as_unix()));
    end(&mut world, job);
    done(&world, job);
    let (questions, batches) = (world.presigner.answers, PARTS.div_ceil(4));
    assert!((1..=batches + 1).contains(&questions), "{questions}: {:?}", world.presigner.asked);
    assert_eq!(world.presigner.asked.first().map(Vec::len), Some(4), "a whole batch: all that was signed is withdrawn");
    assert!(world.presigner.refused <= 8, "only what was in flight: {}", world.presigner.refused);
    let open = world.trace.lines().iter().fold((0_i32, 0), |(open, most), line| {
        let open = open + i32::from(line.contains(" ask ")) - i32::from(line.ends_with(" answer"));
        (open, most.max(open))
    });
    assert_eq!(open, (0, 1), "single flight");
}

#[test]
fn r3_the_second_refusal_of_fresh_urls_is_final_and_blames_the_issuer() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Status(403, None)).method(Method::PUT));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(_))), "{:?}", world.jobs[job].end);
    let refused = world.trace.lines().iter().filter(|line| line.contains(" ask ") && line.contains("refused: Some"));
    assert_eq!(refused.count(), 1);
}

#[test]
fn r3_a_refusal_while_a_question_is_out_is_not_taken_for_answered() {
    for skip in 0..8 {
        let mut world = world();
        let job = plan_job(&mut world);
        world.jobs[job].parallel = most(2);
        world.rules.0.push_back(Rule::new(Act::Status(403, None)).method(Method::PUT).skip(skip).times(1));
        go(&mut world, job);
        done(&world, job);
    }
}

#[test]
fn r6_an_application_that_cannot_answer_ends_the_transfer_and_keeps_what_is_there() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.refreshes = false;
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(_))), "{:?}", world.jobs[job].end);
    assert!(world.journals.contains_key(&job));
    world.finish();
    done(&world, job);
    assert_eq!(world.store.received, LEN, "nothing twice");
}

#[test]
fn r6_an_answer_that_is_no_use_ends_the_transfer_instead_of_asking_for_ever() {
    let mut world = world();
    let job = plan_job(&mut world);
    // Shorter than the margin.
    world.presigner.lifetime = 50;
    go(&mut world, job);
    let Some(Error::Issuer(fault)) = world.error(job) else { panic!("{:?}", world.jobs[job].end) };
    assert!(fault.detail.contains("part 1") && fault.detail.contains("clock"), "{fault}");
    assert_eq!((asked(&world), puts(&world)), (1, 0));
}

#[test]
fn r5_what_will_not_pass_fails_at_once_with_the_servers_words() {
    for status in [400, 405, 409, 411, 413, 501] {
        let mut world = world();
        let job = plan_job(&mut world);
        world.jobs[job].parallel = most(1);
        world.rules.0.push_back(Rule::new(Act::Status(status, None)).method(Method::PUT).skip(2));
        go(&mut world, job);
        let Some(Error::Server(fault)) = world.error(job) else { panic!("{status}: {:?}", world.jobs[job].end) };
        assert_eq!((fault.status, puts(&world)), (Some(status), 3));
    }
}

#[test]
fn an_upload_that_is_gone_on_the_server_is_the_issuers_to_begin_anew() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.weather.rate = (32 << 10, 32 << 10);
    world.submit(job, Start::Now);
    world.run_for(500_000);
    world.store.forget();
    end(&mut world, job);
    assert!(
        matches!(world.error(job), Some(Error::Issuer(fault)) if fault.kind == ServerFaultKind::NotFound),
        "{:?}",
        world.jobs[job].end
    );
    // The parts recorded belong to the upload that is gone: none of them counts for the new one.
    world.finish();
    done(&world, job);
}

#[test]
fn u6_a_completion_cut_at_any_byte_is_asked_about() {
    for at in (0..80).step_by(7) {
        let mut world = world();
        let job = plan_job(&mut world);
        world.rules.0.push_back(Rule::new(Act::Net(Fate::ShortUnnoticed(at))).method(Method::POST).times(1));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(world.store.commits, 1, "{at}");
    }
}

#[test]
fn u10_a_cancel_aborts_once_with_a_fresh_url_where_the_old_one_has_expired() {
    for wait in [500_000, 1_000_000_000] {
        let mut world = world();
        let job = plan_job(&mut world);
        world.presigner.first = PARTS;
        world.weather.rate = (8 << 10, 8 << 10);
        world.submit(job, Start::Now);
        world.run_for(500_000);
        world.pause(job);
        world.run_for(wait);
        world.cancel(job);
        end(&mut world, job);
        assert_eq!(world.error(job), Some(&Error::Cancelled));
        assert_eq!((world.store.aborts, world.presigner.expired), (1, 0), "{}", tail(&world));
        assert!(world.store.sessions.is_empty());
    }
}

#[test]
fn u10_an_abort_that_is_refused_asks_for_a_fresh_url_and_is_repeated() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.weather.rate = (8 << 10, 8 << 10);
    world.rules.0.push_back(Rule::new(Act::Status(403, None)).method(Method::DELETE).times(1));
    world.submit(job, Start::Now);
    world.run_for(500_000);
    world.cancel(job);
    end(&mut world, job);
    assert_eq!((world.error(job), world.store.aborts), (Some(&Error::Cancelled), 1), "{}", tail(&world));
}

#[test]
fn u7_a_crash_at_any_step_repeats_little_and_commits_the_source() {
    for steps in (0..=steps(plan_job)).step_by(3) {
        let (mut world, job) = after(plan_job, steps, steps as u64);
        world.crash(false);
        world.finish();
        done(&world, job);
        assert_eq!((world.presigner.expired, world.store.objects.len()), (0, 1), "after {steps} steps");
    }
}

#[test]
fn u4_parts_confirmed_by_an_earlier_run_are_not_sent_again_and_only_the_completion_is() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.rules.0.push_back(Rule::new(Act::Status(400, None)).method(Method::POST).times(1));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Server(_))), "the completion was refused");
    let before = puts(&world);
    // Much later: every URL of the first run has expired.
    world.run_for(7_200_000_000);
    world.presigner.first = 0;
    world.finish();
    done(&world, job);
    assert_eq!((puts(&world), world.store.received), (before, LEN), "no part is sent again");
}

#[test]
fn a_source_of_another_size_than_the_plans_is_refused_before_the_first_byte() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.submit(job, Start::Paused);
    world.put_source("plan0", LEN + 1);
    world.resume(job);
    end(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Usage(_))), "{:?}", world.jobs[job].end);
    assert_eq!(puts(&world), 0);
}

/// Any weather, crashes, pauses, clocks of servers that withdraw keys: it ends, and nothing expired was sent (I24).
#[test]
fn r6_whatever_happens_nothing_expired_is_sent() {
    for seed in 0..120 {
        let prepare = |world: &mut World, rng: &mut Rng| {
            let small = |most, rng: &mut Rng| u32::try_from(rng.up_to(most)).expect("small");
            world.presigner.lifetime = 70 + i64::from(small(600, rng));
            world.presigner.first = rng.up_to(PARTS);
            world.presigner.batch = (1 + small(7, rng), 1 + small(3, rng));
            [plan_job(world), plan_job(world)]
        };
        expiring(seed, prepare, |_| ());
    }
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.apply(&Transition::JumpWall { seconds: 3_600 });
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(fault)) if fault.detail.contains("clock")));
    assert!(world.time() < Time::from_micros(60_000_000));
}

/// URLs expire while their transfer stands in line, also with a part of its own on its way, and a change of limits looks at the line.
#[test]
fn r3_urls_that_expired_in_line_are_asked_for_although_limits_change() {
    for lengths in [&[PART, LEN][..], &[LEN]] {
        let mut world = world();
        let mut limits = Config::default().limits;
        limits.per_authority = 1;
        world.set_limits(limits);
        world.weather.latency = (2_000_000, 2_000_000);
        let jobs: Vec<usize> = lengths.iter().map(|&len| plan(&mut world, len)).collect();
        for &job in &jobs {
            world.submit(job, Start::Now);
        }
        world.run_for(1_000_000);
        assert_eq!((puts(&world), asked(&world)), (0, 0), "one part is on its way, another in line");
        world.apply(&Transition::JumpWall { seconds: 7_200 });
        limits.per_authority = 2;
        world.set_limits(limits);
        world.run_for(600_000);
        assert!(asked(&world) > 0, "{lengths:?}: fresh URLs are asked for at once");
        world.finish();
        for job in jobs {
            done(&world, job);
        }
    }
}

/// Whether the commit took effect could only be asked with a fresh URL, and there is none: a cancel does not wait for it for ever
/// (worlds 545143, 606193).
#[test]
fn c5_a_cancel_whose_commit_cannot_be_asked_about_ends_and_tells_of_the_session() {
    let mut world = world();
    let job = plan_job(&mut world);
    (world.presigner.first, world.presigner.lifetime) = (PARTS, 100);
    world.rules.0.push_back(Rule::new(Act::Net(Fate::Lost)).method(Method::POST).times(1));
    world.rules.0.push_back(Rule::new(Act::Status(503, Some("120"))).method(Method::GET).times(1));
    world.submit(job, Start::Now);
    world.run_for(60_000_000);
    assert_eq!((arrived(&world, Method::POST, "presigned"), arrived(&world, Method::GET, "presigned")), (1, 1));
    let before = asked(&world);
    world.cancel(job);
    world.refreshes = false;
    end(&mut world, job);
    assert_eq!((world.error(job), asked(&world) - before), (Some(&Error::Cancelled), 1), "{}", tail(&world));
    assert_eq!(world.jobs[job].orphans_told, 1);
}

/// An upload is complete, and its record could not be removed (worlds 539659, 636289, 650849).
#[test]
fn u7_a_record_of_a_plan_that_is_used_up_is_believed_until_the_server_says_otherwise() {
    let mut world = world();
    let job = plan_job(&mut world);
    world.jobs[job].parallel = most(1);
    world.submit(job, Start::Now);
    world.run_until(Time::NEVER, |world| puts(world) == 6);
    let record = world.journals.get(&job).cloned().expect("a record");
    end(&mut world, job);
    done(&world, job);
    world.journals.insert(job, record);
    world.submit(job, Start::Now);
    world.run_until(Time::NEVER, |world| puts(world) as u64 > PARTS);
    sound(&world);
    let task = world.jobs[job].task.expect("at work");
    assert!(world.engine.progress(task).is_some_and(|progress| progress.reused > 0), "{}", tail(&world));
    end(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(fault)) if fault.kind == ServerFaultKind::NotFound));
    // With another plan it is done again.
    world.finish();
    done(&world, job);
}
