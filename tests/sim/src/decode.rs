//! Bytes as a run: two bytes choose a small world, the rest what is done to it, read in sight of the world so that most of it
//! means something. For the fuzz target `engine` and its corpus.
//!
//! Each transition begins with one byte. Below `MENU` it is one of all transitions, drawn as for the seeds but from the bytes
//! that follow; from there on it is one of those that are interesting at the moment: submit what is not there, resume what rests,
//! reopen what is closed. Any bytes are a run, and a byte cut out or put in leaves most of the rest as it was.

use longhaul_core::event::State;

use crate::content;
use crate::draw::{SMALL, draw_world};
use crate::run::{Report, drive};
use crate::transition::{Transition, Way};
use crate::weather::Choices;
use crate::world::World;

/// First bytes from here on choose from the menu of the moment.
const MENU: u8 = 0x80;
/// Most transitions of one input: a fuzzer that finds more in more of them would only grow its inputs.
const MOST: usize = 64;

/// The seed of the world that `bytes` choose.
#[must_use]
pub fn world(bytes: &[u8]) -> u64 {
    let mut bytes = Bytes(bytes);
    SMALL | bytes.up_to(0xFFFF)
}

/// Runs `bytes`.
#[must_use]
pub fn run(bytes: &[u8], keep: bool) -> Report {
    let seed = world(bytes);
    let mut rest = Bytes(bytes.get(2..).unwrap_or_default());
    let mut left = MOST;
    drive(draw_world(seed, keep), seed, |world| {
        left = left.checked_sub(1)?;
        next(&mut rest, world)
    })
}

/// The fuzz target: no bytes break an invariant.
pub fn engine(bytes: &[u8]) {
    let report = run(bytes, false);
    // What stays allocated after a run looks like a leak, and every such run would be run twice.
    content::forget_digests();
    assert!(report.is_fine(), "{report}\n  cargo run -p longhaul-sim --example replay -- --fuzz INPUT");
}

/// The next transition, or none when the bytes are used up.
fn next(bytes: &mut Bytes<'_>, world: &World) -> Option<Transition> {
    let &first = bytes.0.first()?;
    if first < MENU {
        return Some(Transition::draw(bytes));
    }
    bytes.byte();
    let menu = menu(world);
    menu.get(usize::from(first - MENU) % menu.len().max(1)).copied()
}

/// What is interesting to do at the moment, time to pass first.
fn menu(world: &World) -> Vec<Transition> {
    let mut menu = vec![
        Transition::Run { millis: 5 },
        Transition::Run { millis: 50 },
        Transition::Run { millis: 1_000 },
        Transition::Run { millis: 40_000 },
        Transition::Crash { power: true },
        Transition::Crash { power: false },
    ];
    if world.is_closed() {
        menu.push(Transition::Reopen);
        return menu;
    }
    let moves = (0..world.jobs.len())
        .filter(|&job| world.state(job).is_none())
        .flat_map(|job| Way::ALL.map(|way| Transition::Move { job, way }));
    for job in 0..world.jobs.len() {
        match world.state(job) {
            None => menu.extend([
                Transition::Submit { job, paused: false },
                Transition::Submit { job, paused: true },
                Transition::Change { job },
            ]),
            Some(State::Paused(_)) => menu.extend([Transition::Resume { job }, Transition::Cancel { job }]),
            Some(State::Pausing(_)) => menu.extend([Transition::Resume { job }, Transition::Pause { job }]),
            Some(State::Ending) => menu.push(Transition::Submit { job, paused: false }),
            Some(_) => menu.extend([
                Transition::Pause { job },
                Transition::Cancel { job },
                Transition::Change { job },
                Transition::Weigh { job, weight: 3 },
            ]),
        }
    }
    menu.extend(moves);
    menu
}

/// Bytes to choose by. Used up, they are zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }
}

impl Choices for Bytes<'_> {
    /// By as many bytes as `most` has, so that a byte changed is a choice changed and no other.
    fn up_to(&mut self, most: u64) -> u64 {
        let many = u64::BITS.div_ceil(8) - most.leading_zeros() / 8;
        let value = (0..many).fold(0u64, |value, _| value << 8 | u64::from(self.byte()));
        match most.checked_add(1) {
            Some(many) => value % many,
            None => value,
        }
    }
}
