//! What the core is to reach, and what it reached: lines of the table that `side_by_side` ends with.

use longhaul_benches::engine::{ACTIVE, Call, Done, Idle, Kind, Load, PART, run};
use longhaul_benches::numbers::verdict;

use crate::meter::Books;

const PARTS: u64 = 100_000;
/// Parts of an object of 5 TB.
const LONG: u64 = 5_000_000_000_000 / PART;

pub(crate) fn lines() -> String {
    let of_kind = |kind, tasks, idle, active, parts| -> (Books, Done) {
        let mut books = Books::default();
        let done = run(&Load { tasks, idle, active, kind, parts }, &mut books);
        (books, done)
    };
    let measured = |tasks, idle, active, parts| of_kind(Kind::PlainJournal, tasks, idle, active, parts);
    let micros = |(books, done): &(Books, Done)| books.part(done, Books::nanos) / 1000.0;
    let plain = of_kind(Kind::Plain, 100_000, Idle::Queued, ACTIVE, PARTS);
    let many = measured(100_000, Idle::Queued, ACTIVE, PARTS);
    let million = measured(1_000_000, Idle::Queued, ACTIVE, PARTS);
    let alone = measured(0, Idle::Paused, 100, PARTS);
    let among = measured(1_000_000, Idle::Paused, 100, PARTS);
    let long = measured(0, Idle::Paused, 1, LONG);
    [
        ("100,000 queued: µs per part", 1.0, micros(&plain)),
        ("100,000 queued: µs per part, with checkpoints", 1.0, micros(&many)),
        ("100,000 queued: allocations per part", 5.0, many.0.part(&many.1, Books::allocations)),
        ("1,000,000 queued: µs per part ÷ 100,000 queued", 2.0, micros(&million) / micros(&many)),
        ("100,000 queued: submit, µs", 1.0, many.0.nanos(Call::Submit) / 1e3 / 100_000.0),
        ("1,000,000 queued: submit, µs", 1.0, million.0.nanos(Call::Submit) / 1e3 / 1_000_000.0),
        ("1,000,000 queued: bytes per idle task", 512.0, million.1.bytes as f64 / 1_000_000.0),
        ("100 active among 1,000,000 paused: µs per part ÷ alone", 1.5, micros(&among) / micros(&alone)),
        ("one object of 5 TB in 8 MiB parts: MiB more at the end", 24.0, long.1.grown as f64 / 1_048_576.0),
    ]
    .into_iter()
    .map(|(what, most, reached)| verdict("V8", what, most, Some(reached)))
    .collect()
}
