//! Turns the rules into what happens to one request.

use http::{HeaderMap, Method, header};

use crate::fault::{Fault, Faults, RetryAfter, What, When};
use crate::link::Ending;

/// What faults do to one request. Each field is set by the first rule that names it.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) status: Option<(u16, Option<RetryAfter>)>,
    pub(crate) delay_millis: Option<u64>,
    /// The connection ends after so many body bytes.
    pub(crate) end: Option<(u64, Ending)>,
    pub(crate) stall: Option<u64>,
    pub(crate) rate: Option<u64>,
    pub(crate) close_after_answer: bool,
    pub(crate) drop_answer: bool,
    pub(crate) refuse_head: Option<u16>,
    pub(crate) no_ranges: bool,
    pub(crate) short_range: Option<u64>,
    pub(crate) validators: Validators,
    pub(crate) corrupt: Vec<u64>,
    pub(crate) keep: Option<u64>,
}

/// Which validators an answer shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Validators {
    #[default]
    Strong,
    Weak,
    Missing,
}

/// The parts of a request that rules look at.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) ranged: bool,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: &'a Method, path: &'a str, headers: &HeaderMap) -> Self {
        Self { method, path, ranged: headers.contains_key(header::RANGE) }
    }

    fn is_upload(&self) -> bool {
        matches!(*self.method, Method::POST | Method::PUT | Method::PATCH)
    }
}

/// The rules in force, each with the number of requests it has counted.
#[derive(Debug, Default)]
pub(crate) struct FaultSet {
    faults: Faults,
    counts: Vec<u64>,
}

impl FaultSet {
    pub(crate) fn new(faults: Faults) -> Self {
        let counts = vec![0; faults.rules.len()];
        Self { faults, counts }
    }

    /// Counts the request in every rule it belongs to and gathers those that hit it.
    pub(crate) fn plan(&mut self, ask: &Ask<'_>) -> Plan {
        let mut plan = Plan::default();
        for (index, (rule, count)) in self.faults.rules.iter().zip(&mut self.counts).enumerate() {
            if !concerns(rule, ask) {
                continue;
            }
            *count += 1;
            if hits(rule.when, *count, self.faults.seed, index as u64) {
                plan.add(&rule.what);
            }
        }
        plan
    }
}

impl Plan {
    fn add(&mut self, what: &What) {
        match *what {
            What::Status { code, retry_after } => {
                self.status.get_or_insert((code, retry_after));
            }
            What::ResetAfter { bytes } => {
                self.end.get_or_insert((bytes, Ending::Reset));
            }
            What::CloseAfter { bytes } => {
                self.end.get_or_insert((bytes, Ending::Close));
            }
            What::StallAfter { bytes } => {
                self.stall.get_or_insert(bytes);
            }
            What::Delay { millis } => {
                self.delay_millis.get_or_insert(millis);
            }
            What::Slow { bytes_per_second } => {
                self.rate.get_or_insert(bytes_per_second.max(1));
            }
            What::CloseAfterAnswer => self.close_after_answer = true,
            What::DropAnswer => self.drop_answer = true,
            What::RefuseHead(code) => {
                self.refuse_head.get_or_insert(code);
            }
            What::NoRanges => self.no_ranges = true,
            What::ShortRange { bytes } => {
                self.short_range.get_or_insert(bytes.max(1));
            }
            What::NoValidators => self.set_validators(Validators::Missing),
            What::WeakValidators => self.set_validators(Validators::Weak),
            What::CorruptByte { at } => self.corrupt.push(at),
            What::LoseBytes { keep } => {
                self.keep.get_or_insert(keep);
            }
        }
    }

    fn set_validators(&mut self, validators: Validators) {
        if self.validators == Validators::Strong {
            self.validators = validators;
        }
    }
}

fn concerns(rule: &Fault, ask: &Ask<'_>) -> bool {
    let method = rule.method.as_deref();
    let path = rule.path.as_deref();
    method.is_none_or(|m| m == ask.method.as_str())
        && path.is_none_or(|p| ask.path.starts_with(p))
        && match rule.what {
            What::RefuseHead(_) => *ask.method == Method::HEAD,
            What::NoRanges | What::ShortRange { .. } => *ask.method == Method::GET && ask.ranged,
            What::NoValidators | What::WeakValidators => !ask.is_upload(),
            What::LoseBytes { .. } => ask.is_upload(),
            _ => true,
        }
}

fn hits(when: When, count: u64, seed: u64, rule: u64) -> bool {
    match when {
        When::Always => true,
        When::Every(n) => n != 0 && count.is_multiple_of(n),
        When::Nth(n) => count == n,
        When::First(n) => count <= n,
        When::After(n) => count > n,
        When::PerMille(n) => mix(seed ^ mix(rule ^ mix(count))) % 1000 < u64::from(n),
    }
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit_list(when: When, seed: u64) -> Vec<u64> {
        (1..=12).filter(|&n| hits(when, n, seed, 0)).collect()
    }

    #[test]
    fn rules_count_from_one() {
        assert_eq!(hit_list(When::Every(4), 0), [4, 8, 12]);
        assert!(hit_list(When::Every(0), 0).is_empty());
        assert_eq!(hit_list(When::Nth(3), 0), [3]);
        assert_eq!(hit_list(When::First(2), 0), [1, 2]);
        assert_eq!(hit_list(When::After(10), 0), [11, 12]);
        assert!(hit_list(When::PerMille(0), 9).is_empty());
        assert_eq!(hit_list(When::PerMille(1000), 9).len(), 12);
    }

    #[test]
    fn drawn_faults_follow_the_seed_and_the_rate() {
        let draw = |seed| -> Vec<bool> { (1..=10_000).map(|n| hits(When::PerMille(250), n, seed, 0)).collect() };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let hit = draw(1).iter().filter(|hit| **hit).count();
        assert!((2_300..2_700).contains(&hit), "{hit}");
    }

    #[test]
    fn a_rule_counts_only_what_it_could_apply_to() {
        let mut set = FaultSet::new(Fault::new(When::Nth(2), What::NoRanges).path("/a").into());
        let mut plan = |method: Method, path: &str, ranged: bool| {
            let ask = Ask { method: &method, path, ranged };
            set.plan(&ask).no_ranges
        };
        assert!(!plan(Method::GET, "/a/x", true));
        assert!(!plan(Method::GET, "/a/x", false));
        assert!(!plan(Method::GET, "/b/x", true));
        assert!(!plan(Method::HEAD, "/a/x", true));
        assert!(plan(Method::GET, "/a/x", true));
    }
}
