//! Replays a seed step by step: `cargo run -p longhaul-sim --example replay -- SEED`.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use longhaul_sim::run::{draw_transitions, draw_world, run_seed};

fn main() {
    let Some(seed) = std::env::args().nth(1).and_then(|seed| seed.parse().ok()) else {
        println!("usage: replay SEED");
        return;
    };
    let world = draw_world(seed, false);
    for job in &world.jobs {
        println!("{:?} {:?} {:?} retries {}", job.kind, job.parallel, job.part_size, job.retries);
    }
    println!("{:?}\n{:?}\n{:?}", world.weather, world.limits(), draw_transitions(seed));
    let report = run_seed(seed, true);
    for line in &report.lines {
        println!("{line}");
    }
    println!("{report}");
}
