//! What is due begins when it is due, whatever else waits (invariant I16).

use crate::common::*;
use http::Method;
use longhaul_core::event::EventKind;
use longhaul_core::layout::PartSize;
use longhaul_core::spec::{Limits, Start};
use longhaul_core::{Checkpoint, Time};
use longhaul_sim::{Act, Rule, Style};

/// A retry whose time has come and that finds no room must not hide that a checkpoint is due.
#[test]
fn d8_a_checkpoint_is_written_in_time_beside_a_retry_that_waits_for_room() {
    let mut world = world();
    let mut limits = Limits::default();
    limits.requests = 1;
    world.set_limits(limits);
    let first = download(&mut world, 20_000, Style::GOOD);
    world.jobs[first].parallel = most(1);
    world.jobs[first].part_size = PartSize::Bytes(4_096);
    let second = download(&mut world, 20_000, Style::GOOD);
    // The second range of the first is refused once; meanwhile the second takes the only place and is slow.
    world.rules.0.push_back(Rule::new(Act::Status(503, None)).method(Method::GET).url("object0").skip(1).times(1));
    world.submit(first, Start::Now);
    world.submit(second, Start::Now);
    let limit = Time::from_micros(10_000_000);
    assert!(
        world.run_until(limit, |world| world.progress(first).is_some_and(|progress| progress.acknowledged == 4_096))
    );
    world.weather.rate = (500, 500);
    let retries = |event: &EventKind| matches!(event, EventKind::Retrying { .. });
    assert!(world.run_until(limit, |world| world.jobs[first].events.iter().any(retries)));
    world.run_for(6_000_000);
    sound(&world);
    assert_eq!(world.progress(first).expect("at work").acknowledged, 4_096, "it still waits for the place");
    let stored: u64 = world
        .journals
        .get(&first)
        .and_then(|journal| Checkpoint::decode(journal).ok())
        .map_or(0, |checkpoint| checkpoint.segments().map(|(range, _)| range.len()).sum());
    assert_eq!(stored, 4_096, "{}", tail(&world));
    world.finish();
    done(&world, first);
    done(&world, second);
}
