//! What longhaul is to reach beside the others, and what it reached: a table of ratios, each the median over the rounds.

use std::path::Path;
use std::process::Command;

use longhaul_benches::Failure;
use longhaul_benches::numbers::{VERDICTS, verdict};

use crate::cases::{ACTIVE, BIG_DOWN, BIG_UP, DIGESTED, MANY_DOWN, MANY_UP, TLS_DOWN, TLS_UP};
use crate::table::{Measured, cpu, peak, wall};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Quantity {
    Wall,
    Cpu,
    /// In MiB, beside nobody.
    Peak,
}

struct Target {
    id: &'static str,
    case: &'static str,
    who: &'static str,
    quantity: Quantity,
    most: f64,
    /// The best of these.
    against: &'static [&'static str],
}

const GET: &str = "longhaul get";
const PUT: &str = "longhaul put";
/// With nothing to digest, so that the kernel may move the bytes.
const GET_FAST: &str = "longhaul get --no-recheck";
const PUT_FAST: &str = "longhaul put --no-recheck";
const PUT_WHOLE: &str = "longhaul put --method put";
const LIBRARY: &str = "longhaul";

const fn target(
    id: &'static str,
    case: &'static str,
    who: &'static str,
    quantity: Quantity,
    most: f64,
    against: &'static [&'static str],
) -> Target {
    Target { id, case, who, quantity, most, against }
}

const TARGETS: [Target; 25] = [
    target("V1", BIG_DOWN, GET, Quantity::Wall, 0.65, &["curl -o"]),
    target("V1", BIG_DOWN, GET, Quantity::Wall, 1.0, &["object_store", "opendal", "reqwest"]),
    target("V1", BIG_DOWN, GET, Quantity::Cpu, 0.75, &["curl -o"]),
    target("V1", BIG_DOWN, GET_FAST, Quantity::Cpu, 0.55, &["curl -o"]),
    target("V2", BIG_UP, PUT, Quantity::Wall, 0.55, &["curl -T"]),
    target("V2", BIG_UP, PUT, Quantity::Cpu, 0.75, &["curl -T"]),
    target("V2", BIG_UP, PUT, Quantity::Cpu, 0.35, &["object_store"]),
    target("V2", BIG_UP, PUT_FAST, Quantity::Cpu, 1.2, &["floor: sendfile × 8"]),
    target("V2", BIG_UP, PUT_WHOLE, Quantity::Cpu, 1.2, &["floor: sendfile × 1"]),
    target("V3", MANY_DOWN, LIBRARY, Quantity::Wall, 1.0, &["reqwest"]),
    target("V3", MANY_DOWN, LIBRARY, Quantity::Cpu, 1.0, &["reqwest"]),
    target("V3", MANY_DOWN, LIBRARY, Quantity::Wall, 0.15, &["rusty-cat"]),
    target("V3", MANY_DOWN, LIBRARY, Quantity::Cpu, 0.15, &["rusty-cat"]),
    target("V3", MANY_UP, LIBRARY, Quantity::Wall, 1.0, &["reqwest"]),
    target("V3", MANY_UP, LIBRARY, Quantity::Cpu, 1.0, &["reqwest"]),
    target("V3", MANY_UP, LIBRARY, Quantity::Wall, 0.15, &["rusty-cat"]),
    target("V3", MANY_UP, LIBRARY, Quantity::Cpu, 0.15, &["rusty-cat"]),
    target("V4", TLS_DOWN, GET, Quantity::Wall, 1.05, &["hyper"]),
    target("V4", TLS_DOWN, GET, Quantity::Cpu, 1.1, &["hyper"]),
    target("V4", TLS_UP, PUT, Quantity::Wall, 1.05, &["hyper"]),
    target("V4", TLS_UP, PUT, Quantity::Cpu, 1.1, &["hyper"]),
    target("V6", DIGESTED, LIBRARY, Quantity::Cpu, 1.1, &["undigested"]),
    target("V7", BIG_DOWN, GET, Quantity::Peak, 24.0, &[]),
    target("V7", BIG_UP, PUT, Quantity::Peak, 24.0, &[]),
    target("V7", ACTIVE, LIBRARY, Quantity::Peak, 96.0, &[]),
];

/// The table, with what `core` says of the engine alone.
pub(crate) fn table(cases: &[Measured], core: Option<&Path>) -> Result<String, Failure> {
    let mut text = format!("### Targets: asked and reached\n\n{VERDICTS}");
    for target in &TARGETS {
        // What was not asked for has no line.
        if let Some(case) = cases.iter().find(|case| case.title == target.case) {
            text.push_str(&verdict(target.id, &target.words(), target.most, target.reached(case)));
        }
    }
    if let Some(core) = core {
        let output = Command::new(core).arg("--targets").output()?;
        text.push_str(&String::from_utf8(output.stdout)?);
    }
    Ok(text)
}

impl Target {
    fn words(&self) -> String {
        let quantity = match self.quantity {
            Quantity::Wall => "wall ÷",
            Quantity::Cpu => "CPU ÷",
            Quantity::Peak => "peak MiB",
        };
        let against = match self.against {
            [] => String::new(),
            [one] => format!(" {one}"),
            many => format!(" the best of {}", many.join(", ")),
        };
        format!("{}: {}: {quantity}{against}", self.case, self.who)
    }

    /// `None` where somebody is missing.
    fn reached(&self, case: &Measured) -> Option<f64> {
        let row = |name: &str| case.rows.iter().find(|row| row.name == name);
        let (who, quantity) = (row(self.who)?, if self.quantity == Quantity::Wall { wall } else { cpu });
        if self.quantity == Quantity::Peak {
            return Some(who.of(peak).median());
        }
        // The best of the others is the one beside whom the ratio is the worst.
        let ratios = self.against.iter().map(|name| Some(who.against(row(name)?, quantity).median()));
        ratios.reduce(|one, other| Some(one?.max(other?))).flatten()
    }
}
