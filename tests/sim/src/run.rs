//! Whole runs: a world, what is done to it, fine weather at the end, and the verdict.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul_core::Time;
use longhaul_core::rng::Rng;

use crate::check::Violation;
pub use crate::draw::draw_world;
use crate::transition::Transition;
use crate::world::World;

/// How a run went.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed of its world.
    pub seed: u64,
    /// The hash of its trace.
    pub hash: u64,
    /// The first invariant that broke, if one did.
    pub violation: Option<Violation>,
    /// The words of a panic, if there was one.
    pub panic: Option<String>,
    /// The trace, where it was kept.
    pub lines: Vec<String>,
    /// Requests that arrived at servers.
    pub requests: u64,
    /// The virtual time it took.
    pub span: Duration,
}

impl Report {
    /// Whether no invariant broke and nothing panicked.
    #[must_use]
    pub const fn is_fine(&self) -> bool {
        self.violation.is_none() && self.panic.is_none()
    }

    /// Writes the trace as a script, which the example `replay` shows and runs again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path, name: &str) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.trace"));
        let mut text = crate::script::heading(self.seed);
        for line in &self.lines {
            text += line;
            text.push('\n');
        }
        text += &format!("{self}\n");
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "world {}: ", self.seed)?;
        match (&self.panic, &self.violation) {
            (Some(words), _) => write!(f, "panic: {words}"),
            (None, Some(violation)) => write!(f, "{violation}"),
            (None, None) => write!(f, "fine, trace {:016x}", self.hash),
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

/// Runs transitions on a world and brings it to its end. A panic is a finding like any other.
#[must_use]
pub fn run(world: World, seed: u64, transitions: &[Transition]) -> Report {
    let mut rest = transitions.iter();
    drive(world, seed, |_| rest.next().copied())
}

/// The same with each transition chosen in sight of the world.
#[must_use]
pub fn drive(mut world: World, seed: u64, mut next: impl FnMut(&World) -> Option<Transition>) -> Report {
    let begin = world.time();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        while world.verdict().is_ok()
            && let Some(transition) = next(&world)
        {
            world.apply(&transition);
        }
        if world.verdict().is_ok() {
            world.finish();
        }
    }));
    report(&world, seed, begin, caught.err().map(|panic| words(&*panic)))
}

fn report(world: &World, seed: u64, begin: Time, panic: Option<String>) -> Report {
    Report {
        seed,
        hash: world.trace.hash(),
        violation: world.verdict().err(),
        panic,
        lines: world.trace.lines().to_vec(),
        requests: world.requests,
        span: world.time().since(begin),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words").into()
}

/// The whole run of a seed.
#[must_use]
pub fn run_seed(seed: u64, keep: bool) -> Report {
    run(draw_world(seed, keep), seed, &draw_transitions(seed))
}
