//! Retries and time: deadlines, Retry-After, refresh, stale connections, limits (cases R1–R5, R7).

use std::time::Duration;

use crate::common::*;
use http::Method;
use longhaul_core::error::{Deadline, Error, FaultKind};
use longhaul_core::event::EventKind;
use longhaul_core::rng::Rng;
use longhaul_core::spec::{Config, Limits, Parallel, Start};
use longhaul_sim::{Act, Fate, Rule, Style, Weather, World};

const LEN: u64 = 60_000;

fn first_timeout(world: &World, job: usize) -> Option<Deadline> {
    world.jobs[job].events.iter().find_map(|event| match event {
        EventKind::Retrying { reason: Error::Network(fault), .. } => match fault.kind {
            FaultKind::Timeout(deadline) => Some(deadline),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn r1_silence_at_any_place_is_noticed_in_its_window() {
    let cases = [
        (Fate::StallConnect, Deadline::Connect, 10),
        (Fate::StallHead, Deadline::FirstByte, 60),
        (Fate::StallBody(0), Deadline::Idle, 30),
        (Fate::StallBody(1), Deadline::Idle, 30),
        (Fate::StallBody(4_000), Deadline::Idle, 30),
        (Fate::StallBody(8_191), Deadline::Idle, 30),
    ];
    for (fate, deadline, seconds) in cases {
        let mut world = world();
        let job = download(&mut world, LEN, Style::GOOD);
        world.jobs[job].parallel = most(1);
        world.rules.0.push_back(Rule::new(Act::Net(fate)).method(Method::GET).skip(1).times(1));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(first_timeout(&world, job), Some(deadline), "{fate:?}");
        let took = world.time().as_micros() / 1_000_000;
        assert!((seconds..seconds + 4).contains(&took), "{fate:?}: {took} s");
        assert_eq!(world.jobs[job].received, LEN, "{fate:?}");
    }
    for at in [0, 1, 4_000, 8_100] {
        for make in [|world: &mut World| form(world, LEN), |world: &mut World| store(world, LEN)] {
            let mut world = world();
            let job = make(&mut world);
            world.rules.0.push_back(Rule::new(Act::Net(Fate::StallSending(at))).text("").skip(2).times(1));
            go(&mut world, job);
            done(&world, job);
            assert_eq!(first_timeout(&world, job), Some(Deadline::Idle), "{at}");
        }
    }
}

/// Of the last parts of an upload one is sent by a connection that takes no more.
#[test]
fn v10_a_last_part_that_goes_no_further_goes_by_another_connection_where_that_is_wanted() {
    let took = |hedge: bool| {
        let mut world = world();
        let job = store(&mut world, 512 << 10);
        world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(64 << 10);
        world.jobs[job].tune = Some(if hedge { |spec| spec.hedge = true } else { |_| {} });
        world.weather.rate = (64 << 10, 64 << 10);
        let stalls = Act::Net(Fate::StallSending(25_000));
        world.rules.0.push_back(Rule::new(stalls).method(Method::PUT).skip(7).times(1));
        go(&mut world, job);
        done(&world, job);
        world.time().as_micros() / 1_000_000
    };
    assert!(took(false) > 30, "its deadline is waited for");
    assert!(took(true) < 10);
}

#[test]
fn r1_slow_and_steady_passes_with_defaults() {
    let mut world = world();
    let job = download(&mut world, 8 << 20, Style::GOOD);
    world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(512 << 10);
    world.jobs[job].parallel = most(1);
    world.weather.rate = (64 << 10, 64 << 10);
    go(&mut world, job);
    done(&world, job);
    assert!(!world.jobs[job].events.iter().any(|event| matches!(event, EventKind::Retrying { .. })));
}

#[test]
fn r2_retry_after_is_honoured_in_both_forms_and_capped() {
    let date = "Thu, 01 Jan 2026 00:00:31 GMT";
    for (after, least, most) in [("20", 20, 24), (date, 28, 36), ("86400", 300, 310), ("0", 0, 3), ("x", 0, 3)] {
        let mut world = world();
        let job = download(&mut world, LEN, Style::GOOD);
        world.rules.0.push_back(Rule::new(Act::Status(503, Some(after))).method(Method::HEAD).times(1));
        go(&mut world, job);
        done(&world, job);
        let took = world.time().as_micros() / 1_000_000;
        assert!((least..=most).contains(&took), "{after}: {took} s");
    }
}

/// A server that refuses all asks to be left alone for half a minute, and is: the parts that nobody has asked for yet wait as well.
#[test]
fn r2_what_refuses_everything_is_not_asked_for_every_part() {
    for (make, method) in [(fetch as fn(&mut World) -> usize, Method::GET), (send, Method::PUT)] {
        let mut world = world();
        let job = make(&mut world);
        world.jobs[job].parallel = most(4);
        world.rules.0.push_back(Rule::new(Act::Status(503, Some("30"))).method(method.clone()).times(1_000));
        world.submit(job, Start::Now);
        world.run_for(25_000_000);
        let asked = arrived(&world, method.clone(), "");
        assert!((1..=8).contains(&asked), "{method}: asked {asked} times within the half minute");
        world.rules.0.clear();
        assert!(world.run_to_end(job, 600));
        done(&world, job);
    }

    fn fetch(world: &mut World) -> usize {
        let job = download(world, LEN, Style::GOOD);
        world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(1 << 10);
        job
    }

    fn send(world: &mut World) -> usize {
        store(world, LEN)
    }
}

/// Every fifth request is refused for half a minute: the other parts go on.
#[test]
fn r2_parts_go_on_while_some_of_them_wait() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(1 << 10);
    world.jobs[job].parallel = most(2);
    for nth in 1..=10 {
        world.rules.0.push_back(Rule::new(Act::Status(503, Some("30"))).method(Method::GET).skip(5 * nth).times(1));
    }
    world.submit(job, Start::Now);
    world.run_for(25_000_000);
    let asked = arrived(&world, Method::GET, "");
    assert!(asked >= 59, "asked {asked} times for 59 parts within the half minute");
    assert!(world.run_to_end(job, 600));
    done(&world, job);
}

#[test]
fn r2_under_a_storm_of_503_the_load_grows_by_a_tenth_at_most() {
    let mut world = world();
    world.weather.throttle = 128;
    let jobs: Vec<usize> = (0..8)
        .map(|_| {
            let job = download(&mut world, 400_000, Style::GOOD);
            world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(1 << 10);
            world.jobs[job].retries = 1_000;
            world.submit(job, Start::Now);
            job
        })
        .collect();
    let (mut first, mut retries) = (0, 0);
    for job in jobs {
        assert!(world.run_to_end(job, 1_000_000));
        done(&world, job);
        let again = |event: &&EventKind| matches!(event, EventKind::Retrying { .. });
        retries += world.jobs[job].events.iter().filter(again).count();
        first += 400;
    }
    let seconds = usize::try_from(world.time().as_micros() / 1_000_000).expect("short");
    // One in ten, the budget to begin with, and one per second in which nothing else happens.
    assert!(retries <= first / 10 + 10 + seconds + 64, "{retries} retries of {first} in {seconds} s");
}

/// A server that gives one answer at a time is found out with the first requests, and what was refused is not waited for once it
/// is clear that this is all.
#[test]
fn r2_after_a_burst_of_refusals_a_server_that_takes_one_at_a_time_is_kept_busy() {
    for parts in [13, 64] {
        let mut world = world();
        world.at_a_time = 1;
        world.weather.rate = (16 << 20, 16 << 20);
        let job = download(&mut world, parts << 20, Style::GOOD);
        world.jobs[job].part_size = longhaul_core::layout::PartSize::Bytes(1 << 20);
        world.jobs[job].parallel = Parallel::Auto;
        world.jobs[job].journal = false;
        go(&mut world, job);
        done(&world, job);
        // One at a time, with what comes and goes between two of them.
        let (millis, least) = (world.time().as_micros() / 1_000, parts * (1_000 / 16 + 20));
        assert!(millis <= least + 1_500, "{parts}: {millis} ms, {least} by one that knows");
        let refused = world.jobs[job].events.iter().filter(|event| matches!(event, EventKind::Retrying { .. })).count();
        assert!(refused <= 12, "{parts}: {refused} refused");
    }
}

/// How many milliseconds so many small files take, all submitted at once.
fn small_files(world: &mut World, files: u32) -> u64 {
    let jobs: Vec<usize> = (0..files)
        .map(|_| {
            let job = download(world, 1 << 10, Style::GOOD);
            world.submit(job, Start::Now);
            job
        })
        .collect();
    for job in jobs {
        assert!(world.run_to_end(job, 1_000));
        done(world, job);
    }
    world.time().as_micros() / 1_000
}

/// A hundred small files fail in the same moment. When their server is back, they are not waited for one by one.
#[test]
fn r2_many_that_wait_for_the_budget_of_a_server_that_has_recovered_go_on() {
    const FILES: u32 = 100;
    let mut config = Config::default();
    (config.concurrency.floor, config.concurrency.initial, config.concurrency.ceiling) = (200, 200, 200);
    let limits = &mut config.limits;
    (limits.downloads, limits.requests, limits.per_authority) = (100, 100, 100);
    let mut world = World::new(7, config, true);
    world.weather = Weather::CALM;
    world.rules.0.push_back(Rule::new(Act::Status(503, None)).times(FILES));
    let millis = small_files(&mut world, FILES);
    // Not even for the next second's retry.
    assert!(millis < 2_000, "{millis} ms");
}

/// A fifth of all requests fails by chance, for as long as it takes: what is repeated mostly goes well and is not waited for one by one.
#[test]
fn r2_many_files_of_a_server_that_refuses_a_fifth_do_not_wait_for_its_budget() {
    let mut world = world();
    world.weather.error = 51;
    let millis = small_files(&mut world, 200);
    // It takes as long without any budget, and ten times that where every repetition costs.
    assert!(millis < 7_000, "{millis} ms");
}

#[test]
fn r3_a_refused_url_is_refreshed_once_for_all_requests_in_flight() {
    let mut world = world();
    let job = download(&mut world, 400_000, Style::GOOD);
    world.rules.0.push_back(Rule::new(Act::Status(403, None)).method(Method::GET).skip(4).times(8));
    go(&mut world, job);
    done(&world, job);
    let asked = world.trace.lines().iter().filter(|line| line.contains(" ask ")).count();
    assert_eq!(asked, 1, "{}", tail(&world));
}

#[test]
fn r3_the_second_refusal_is_final_and_blames_the_issuer() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.rules.0.push_back(Rule::new(Act::Status(403, None)).method(Method::GET));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Issuer(_))), "{:?}", world.jobs[job].end);
}

#[test]
fn r3_a_question_withdrawn_by_a_pause_is_asked_again() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.rules.0.push_back(Rule::new(Act::Status(403, None)).method(Method::GET).skip(2).times(1));
    world.submit(job, Start::Now);
    let asking = |world: &World| world.trace.lines().iter().any(|line| line.contains(" ask "));
    assert!(world.run_until(longhaul_core::Time::from_micros(60_000_000), asking));
    world.pause(job);
    world.resume(job);
    end(&mut world, job);
    done(&world, job);
}

#[test]
fn r4_a_connection_found_closed_is_replaced_at_once_and_not_counted() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.jobs[job].retries = 0;
    world.rules.0.push_back(Rule::new(Act::Net(Fate::Stale)).skip(1).times(3));
    go(&mut world, job);
    done(&world, job);
    assert!(world.time().as_micros() < 2_000_000, "at once");
}

#[test]
fn r4_not_for_ever() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.rules.0.push_back(Rule::new(Act::Net(Fate::Stale)));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Network(_))));
}

#[test]
fn r5_what_will_not_pass_fails_at_once_with_the_servers_status() {
    for status in [400, 401, 404, 405, 409, 410, 411, 413, 414, 415, 417, 422, 451] {
        for skip in [0, 3] {
            let mut world = world();
            let job = download(&mut world, LEN, Style::GOOD);
            world.jobs[job].parallel = most(1);
            world.refreshes = false;
            world.rules.0.push_back(Rule::new(Act::Status(status, None)).method(Method::GET).skip(skip));
            go(&mut world, job);
            let (Some(Error::Server(fault)) | Some(Error::Issuer(fault))) = world.error(job) else {
                panic!("{status}: {:?}", world.jobs[job].end);
            };
            assert_eq!(fault.status, Some(status));
            assert_eq!(arrived(&world, Method::GET, ""), usize::try_from(skip).expect("small") + 1, "{status}");
        }
    }
}

#[test]
fn retries_end_and_their_number_is_the_policys() {
    for retries in [0, 1, 5] {
        let mut world = world();
        let job = download(&mut world, LEN, Style::GOOD);
        world.jobs[job].retries = retries;
        world.rules.0.push_back(Rule::new(Act::Status(500, None)).method(Method::HEAD));
        go(&mut world, job);
        assert!(matches!(world.error(job), Some(Error::Server(_))));
        assert_eq!(arrived(&world, Method::HEAD, ""), usize::try_from(retries).expect("small") + 1);
        // Full jitter below a ceiling that doubles from a quarter of a second: five of them take their time.
        assert!(retries < 5 || world.time().as_micros() > 1_500_000, "retries wait");
    }
}

/// Any limits, changed at any time: all ends, nothing is exceeded (the invariants look after every request).
#[test]
fn r7_no_limits_block_each_other() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut world = seeded(seed);
        let jobs: Vec<usize> = (0..4)
            .map(|at| match at {
                0 => form(&mut world, 30_000),
                1 => store(&mut world, 30_000),
                _ => download(&mut world, 30_000, Style::GOOD),
            })
            .collect();
        for &job in &jobs {
            world.submit(job, Start::Now);
        }
        for _ in 0..10 {
            let mut limits = Limits::default();
            let mut draw = |most| usize::try_from(1 + rng.up_to(most)).expect("small");
            limits.uploads = draw(2);
            limits.downloads = draw(2);
            limits.requests = draw(6);
            limits.per_authority = draw(4);
            limits.per_task = draw(4);
            limits.bytes_in_flight = [1, 4_096, 20_000, u64::MAX][draw(3) - 1];
            world.set_limits(limits);
            world.run_for(rng.up_to(100_000));
        }
        for &job in &jobs {
            assert!(world.run_to_end(job, 600), "seed {seed}\n{}", tail(&world));
            done(&world, job);
        }
    }
}

#[test]
fn a_delay_is_never_longer_than_the_policy_says() {
    let mut world = world();
    let job = download(&mut world, LEN, Style::GOOD);
    world.rules.0.push_back(Rule::new(Act::Status(503, None)).method(Method::GET).skip(1).times(6));
    go(&mut world, job);
    for event in &world.jobs[job].events {
        if let EventKind::Retrying { delay, .. } = event {
            assert!(*delay <= Duration::from_secs(30));
        }
    }
}
