//! The order in which the service sorts `x-ms-*` header names.
//!
//! The documentation says *lexicographically*; the service uses the collation of its platform, and the official SDKs imitate
//! it: punctuation before digits before letters, and `-` and `'` count only where everything else is equal. By bytes,
//! `x-ms-meta-a1` comes before `x-ms-meta-a_b`; for the service it comes after.

use core::cmp::Ordering;

/// What a header name may hold (RFC 9110 §5.6.2), in the service's order. `-` and `'` are left out: they have no weight here.
const ORDER: &[u8] = b"!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz";

/// Compares two lower-case header names as the service does.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let first = a.bytes().filter_map(weight).cmp(b.bytes().filter_map(weight));
    // On a tie the position of `-` and `'` decides: a name goes on without one before a name that has one there.
    first.then_with(|| a.bytes().map(minor).cmp(b.bytes().map(minor))).then_with(|| a.cmp(b))
}

fn weight(byte: u8) -> Option<usize> {
    let byte = byte.to_ascii_lowercase();
    ORDER.iter().position(|have| *have == byte)
}

fn minor(byte: u8) -> u8 {
    match byte {
        b'\'' => 1,
        b'-' => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn sorted<const N: usize>(mut names: [&str; N]) -> Vec<&str> {
        names.sort_by(|a, b| compare(a, b));
        names.to_vec()
    }

    #[test]
    fn underscore_before_digits_before_letters() {
        let names = ["x-ms-meta-ab", "x-ms-meta-a1", "x-ms-meta-a_b", "x-ms-meta-a"];
        assert_eq!(sorted(names), ["x-ms-meta-a", "x-ms-meta-a_b", "x-ms-meta-a1", "x-ms-meta-ab"]);
    }

    #[test]
    fn hyphens_do_not_count_at_first() {
        // By bytes `x-ms-blob-type` is before `x-ms-blobtag`; without hyphens it is after.
        assert_eq!(sorted(["x-ms-blob-type", "x-ms-blobtag"]), ["x-ms-blobtag", "x-ms-blob-type"]);
        assert_eq!(sorted(["x-ms-a-b", "x-ms-ab"]), ["x-ms-ab", "x-ms-a-b"]);
        assert_eq!(sorted(["x-ms-a-b", "x-ms-ab-"]), ["x-ms-ab-", "x-ms-a-b"]);
        assert_eq!(sorted(["x-ms-a-b", "x-ms-a'b"]), ["x-ms-a'b", "x-ms-a-b"]);
    }
}
