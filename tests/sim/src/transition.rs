//! What can be done to a world, as data.

use crate::disk::Edit;
use crate::weather::{Choices, pick};

/// Where the local side of a job goes between two runs: its temporary file or its source, and always its journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// To another path of the same disk.
    Path,
    /// To another machine, the file with it, its time kept.
    Machine,
    /// To another machine without the temporary file; a source is there by other means, as another file.
    Alone,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Path, Self::Machine, Self::Alone];
}

/// What befalls a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Harm {
    /// Its end is cut off.
    Cut,
    /// Its end is zeros: the file system knew its size before its content.
    Zero,
    /// A bit is another.
    Flip,
    /// The journal of another job is in its place, or something that is none.
    Foreign,
    /// A newer version of the library has written it.
    Newer,
    /// It is what it was when the last run began: somebody restored it.
    Former,
}

impl Harm {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Cut, Self::Zero, Self::Flip, Self::Foreign, Self::Newer, Self::Former];
}

/// One thing done to a world. Any sequence of them is legal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// A job is handed to the engine, with what its journal says.
    Submit {
        /// The job.
        job: usize,
        /// Not to be started yet.
        paused: bool,
    },
    /// A job is paused.
    Pause {
        /// The job.
        job: usize,
    },
    /// A job is resumed.
    Resume {
        /// The job.
        job: usize,
    },
    /// A job is cancelled.
    Cancel {
        /// The job.
        job: usize,
    },
    /// A job's weight changes.
    Weigh {
        /// The job.
        job: usize,
        /// Its weight.
        weight: u8,
    },
    /// The bounds change. Zero stands for one, for bytes for none.
    Limit {
        /// Uploads and downloads at work.
        active: u8,
        /// Requests in all.
        requests: u8,
        /// Requests per authority.
        per_authority: u8,
        /// Requests per transfer.
        per_task: u8,
        /// Bytes in flight.
        kibibytes: u8,
    },
    /// The engine is shut down.
    Close,
    /// A new engine takes the place of a closed one.
    Reopen,
    /// The process dies.
    Crash {
        /// And the machine.
        power: bool,
    },
    /// The other process dies, the one that works beside the first.
    CrashOther,
    /// A job's object changes on its server.
    Change {
        /// The job.
        job: usize,
    },
    /// A job's source is edited.
    EditSource {
        /// The job.
        job: usize,
        /// How.
        edit: Edit,
    },
    /// A job's temporary file is edited.
    EditTemporary {
        /// The job.
        job: usize,
        /// How.
        edit: Edit,
    },
    /// A job's journal is harmed.
    Harm {
        /// The job.
        job: usize,
        /// How.
        harm: Harm,
    },
    /// A job that is at rest moves, to go on elsewhere.
    Move {
        /// The job.
        job: usize,
        /// How.
        way: Way,
    },
    /// The disk is full, or is not any more.
    Full {
        /// Which.
        full: bool,
    },
    /// Names on the disk cannot change, or can again.
    ReadOnly {
        /// Which.
        on: bool,
    },
    /// The weather changes.
    Weather {
        /// To what is drawn from this.
        seed: u64,
    },
    /// The client's civil clock jumps.
    JumpWall {
        /// By so many seconds.
        seconds: i32,
    },
    /// Servers forget sessions and bytes.
    Forget,
    /// An answer comes twice.
    Stale {
        /// To one of the ids issued so far.
        op: u64,
    },
    /// Time passes.
    Run {
        /// So much, in milliseconds.
        millis: u32,
    },
}

impl Transition {
    /// One drawn at random, or from a fuzzer's bytes. Time passes often; what ends everything is rare.
    ///
    /// What a number stands for stays: committed inputs of the fuzzer are made of them. A new kind takes some of time's.
    pub fn draw<C: Choices>(rng: &mut C) -> Self {
        let job = usize::try_from(rng.up_to(15)).unwrap_or(0);
        let small = |rng: &mut C, most: u64| u8::try_from(rng.up_to(most)).unwrap_or(0);
        let edit = pick(rng, &Edit::ALL).unwrap_or(Edit::Flip);
        match rng.up_to(63) {
            0..=9 => Self::Submit { job, paused: rng.up_to(3) == 0 },
            10..=13 => Self::Pause { job },
            14..=19 => Self::Resume { job },
            20..=21 => Self::Cancel { job },
            22 => Self::Weigh { job, weight: small(rng, 9) },
            23..=24 => Self::Limit {
                active: small(rng, 4),
                requests: small(rng, 12),
                per_authority: small(rng, 6),
                per_task: small(rng, 5),
                kibibytes: small(rng, 60),
            },
            25 => Self::Close,
            26..=27 => Self::Reopen,
            28..=29 => Self::Crash { power: rng.up_to(1) == 0 },
            30..=31 => Self::Change { job },
            32 => Self::EditSource { job, edit },
            33..=34 => Self::EditTemporary { job, edit },
            35 => Self::Full { full: rng.up_to(2) == 0 },
            36 => Self::Weather { seed: rng.up_to(u64::MAX) },
            37 => Self::JumpWall { seconds: pick(rng, &[-86_400, -3_600, -1, 1, 3_600, 86_400]).unwrap_or(0) },
            38 => Self::Forget,
            39 => Self::Stale { op: rng.up_to(u64::MAX) >> 8 },
            40 => Self::Harm { job, harm: pick(rng, &Harm::ALL).unwrap_or(Harm::Cut) },
            41..=42 => Self::Move { job, way: pick(rng, &Way::ALL).unwrap_or(Way::Path) },
            43 => match rng.up_to(3) {
                0 => Self::ReadOnly { on: true },
                1 => Self::ReadOnly { on: false },
                _ => Self::CrashOther,
            },
            44..=55 => Self::Run { millis: u32::try_from(rng.up_to(300)).unwrap_or(0) },
            _ => Self::Run { millis: u32::try_from(rng.up_to(20_000)).unwrap_or(0) },
        }
    }
}
