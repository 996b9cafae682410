//! Traces that somebody changed: read, replayed and drawn they give an error, a difference or a page; never a panic.

use longhaul::trace::page::page;
use longhaul::trace::replay::replay;
use longhaul::trace::{read, show};
use serde_json::Value;

/// How many changed traces are made of each, unless `LONGHAUL_SEEDS` says it.
const CHANGED: u64 = 100;

/// Numbers from a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Whatever is changed in a trace, it does no harm. What does, is told with its seed.
pub(crate) fn survives(bytes: &[u8]) {
    let lines: Vec<&str> = std::str::from_utf8(bytes).unwrap().lines().collect();
    let seeds = std::env::var("LONGHAUL_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(CHANGED);
    for seed in 0..seeds {
        let changed = changed(&lines, &mut Draw(seed));
        let end = std::panic::catch_unwind(|| {
            if let Ok(trace) = read::read(&*changed) {
                let _ = (replay(&trace), page(&trace));
                trace.records.iter().for_each(|record| drop(show::line(record)));
            }
        });
        if end.is_err() {
            let path = std::env::temp_dir().join(format!("longhaul-trace-{seed}-{}.jsonl", lines.len()));
            std::fs::write(&path, &changed).unwrap();
            panic!("change {seed} of a trace of {} lines: {}", lines.len(), path.display());
        }
    }
}

fn changed(lines: &[&str], draw: &mut Draw) -> Vec<u8> {
    let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    for _ in 0..=draw.below(4) {
        let (at, other) = (draw.below(lines.len()), draw.below(lines.len()));
        match draw.below(12) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[other].clone()),
            2 => lines.swap(at, other),
            _ => {
                let mut record: Value = serde_json::from_str(&lines[at]).unwrap();
                let leaves = leaves(&mut record);
                let index = draw.below(leaves.len());
                change(leaves.into_iter().nth(index).unwrap(), draw);
                lines[at] = record.to_string();
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    if draw.below(20) == 0 {
        bytes.truncate(draw.below(bytes.len()));
    }
    bytes
}

/// All that is no object and no list.
fn leaves(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Object(fields) => fields.values_mut().flat_map(leaves).collect(),
        Value::Array(items) => items.iter_mut().flat_map(leaves).collect(),
        leaf => vec![leaf],
    }
}

fn change(leaf: &mut Value, draw: &mut Draw) {
    *leaf = match leaf {
        Value::Number(number) => {
            let near = number.as_u64().unwrap_or_default();
            let far = [0, 1, 2, 63, 1 << 20, 1 << 32, 1 << 53, 1 << 63, u64::MAX - 1, u64::MAX];
            match draw.below(6) {
                0 => near.saturating_add(1).into(),
                1 => near.saturating_sub(1).into(),
                2 => Value::from(i64::MIN),
                _ => draw.one(&far).into(),
            }
        }
        Value::Bool(truth) => (!*truth).into(),
        Value::String(text) => {
            let mut wild = vec![
                String::new(),
                "\u{202e}<script>\"'&\n".to_owned(),
                "x".repeat(70_000),
                "t0.0".to_owned(),
                "o0.0".to_owned(),
                "o1.0".to_owned(),
                "https://host/path".to_owned(),
                "whole".to_owned(),
            ];
            wild.push(text.chars().rev().collect());
            wild.push(text.chars().skip(1).collect());
            draw.one(&wild).into()
        }
        _ => 1.into(),
    };
}
