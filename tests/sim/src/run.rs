//! Whole runs from a seed: a world is drawn, transitions are drawn, the weather clears, and the verdict is given.

use std::fmt;

use longhaul_core::rng::Rng;

use crate::check::Violation;
pub use crate::draw::draw_world;
use crate::transition::Transition;
use crate::world::World;

/// How a run from a seed went.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The hash of its trace.
    pub hash: u64,
    /// The first invariant that broke, if one did.
    pub violation: Option<Violation>,
    /// The trace, where it was kept.
    pub lines: Vec<String>,
    /// Requests that arrived at servers.
    pub requests: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.violation {
            None => write!(f, "seed {}: fine, trace {:016x}", self.seed, self.hash),
            Some(violation) => write!(
                f,
                "seed {}: {violation}\n  LONGHAUL_SEED={} cargo test -p longhaul-sim --test world seeds::replay -- --nocapture",
                self.seed, self.seed
            ),
        }
    }
}

/// The transitions of a seed.
#[must_use]
pub fn draw_transitions(seed: u64) -> Vec<Transition> {
    let mut rng = Rng::new(seed ^ 0x7EA5_0000);
    let many = 4 + rng.up_to(40);
    let mut all = vec![Transition::Submit { job: 0, paused: false }];
    all.extend((0..many).map(|_| Transition::draw(&mut rng)));
    all
}

/// Runs transitions on a world and brings it to its end.
#[must_use]
pub fn run(mut world: World, seed: u64, transitions: &[Transition]) -> Report {
    for transition in transitions {
        world.apply(transition);
        if world.verdict().is_err() {
            break;
        }
    }
    if world.verdict().is_ok() {
        world.finish();
    }
    Report {
        seed,
        hash: world.trace.hash(),
        violation: world.verdict().err(),
        lines: world.trace.lines().to_vec(),
        requests: world.books.requests,
    }
}

/// The whole run of a seed.
#[must_use]
pub fn run_seed(seed: u64, keep: bool) -> Report {
    run(draw_world(seed, keep), seed, &draw_transitions(seed))
}
