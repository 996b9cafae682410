//! Downloads over networks in virtual time: how near they come to what the network gives. Exact, and the same everywhere.

mod network;

use longhaul_core::ByteRange;
use network::{MIB, Network};

/// One connection carries a twentieth of what the others carry.
#[test]
fn v10_a_slow_connection_does_not_hold_up_the_end() {
    let network = Network { each: 4 * MIB, first: Some(4 * MIB / 20), ..Network::default() };
    // 128 MiB by seven and a twentieth connections.
    let ideal = 128_000 * 20 / (4 * 141);
    for parallel in [Some(8), None] {
        let outcome = network.download(128 * MIB, parallel);
        assert!(outcome.millis * 10 <= ideal * 12, "{parallel:?}: {} ms, {ideal} at best", outcome.millis);
        assert_eq!(outcome.twice, 0, "{parallel:?}");
    }
}

/// What each connection brings is little: the more there are, the sooner it is done.
#[test]
fn v5_defaults_find_as_many_requests_as_help() {
    let network = Network { each: 2 * MIB, ..Network::default() };
    let (best, found) = (network.download(128 * MIB, Some(16)).millis, network.download(128 * MIB, None).millis);
    assert!(found * 9 <= best * 10, "{found} ms, with 16 requests {best}");
}

/// A link that a few connections fill is filled, however many there are.
#[test]
fn v5_defaults_fill_a_link() {
    for link in [6, 24, 120] {
        let network = Network { each: 60 * MIB, link: link * MIB, ..Network::default() };
        let total = (link * 3).max(16) * MIB;
        let best = [1, 4, 8, 16].map(|requests| network.download(total, Some(requests)).millis);
        let (best, found) = (best.into_iter().min().expect("four"), network.download(total, None).millis);
        assert!(found * 9 <= best * 10, "{link} MiB/s: {found} ms, at best {best}");
    }
}

/// A small object over connections that bring little is fetched side by side.
#[test]
fn v5_a_small_object_is_fetched_by_several_requests() {
    let network = Network { each: MIB, ..Network::default() };
    let (alone, found) = (network.download(16 * MIB, Some(1)).millis, network.download(16 * MIB, None).millis);
    assert!(alone >= 5 * found, "{found} ms, one after the other {alone}");
}

/// For two seconds all above two requests are refused.
#[test]
fn v5_after_a_storm_of_503_goodput_is_back_within_5_s() {
    let network = Network { each: 2 * MIB, storm: Some((2_500, 4_500)), ..Network::default() };
    let outcome = network.download(512 * MIB, None);
    let before = outcome.moved_between(2_000, 2_500);
    let least = (2_500..4_500).step_by(100).map(|at| outcome.moved_between(at, at + 500)).min().expect("some");
    assert!(least * 2 < before, "a storm: {least} of {before} bytes");
    let back = (4_500..20_000).step_by(100).find(|&at| outcome.moved_between(at, at + 500) * 10 >= before * 9);
    assert!(back.is_some_and(|at| at + 500 <= 9_500), "{back:?}");
}

/// What is slow for all is given up for none.
#[test]
fn v10_a_slow_link_is_no_slow_connection() {
    let network = Network { each: 60 * MIB, link: 2 * MIB, ..Network::default() };
    let outcome = network.download(32 * MIB, Some(8));
    assert_eq!((outcome.cancelled, outcome.twice), (0, 0));
}

/// Nor is what becomes slow for all.
#[test]
fn v10_a_link_that_becomes_slow_is_no_slow_connection() {
    let network = Network { each: 60 * MIB, link: 40 * MIB, slower: Some((2_000, MIB)), ..Network::default() };
    let outcome = network.download(100 * MIB, Some(8));
    assert!(outcome.cancelled <= 2, "{}", outcome.cancelled);
    assert_eq!(outcome.twice, 0);
}

/// Some ranges fail for six seconds, again and again, until nothing is left to pay their retries with.
#[test]
fn r2_retries_that_cannot_be_paid_hold_up_no_range_that_was_never_refused() {
    let broken = Some((6_000, ByteRange::at(40 * MIB, 64 * MIB)));
    let network = Network { each: 4 * MIB, broken, ..Network::default() };
    let outcome = network.download(320 * MIB, Some(8));
    let moved = outcome.moved_between(0, 9_000);
    assert!(moved >= 250 * MIB, "{} MiB by eight connections of 4 MiB/s in 9 s", moved / MIB);
}

/// Those who come first take what there is, and leave it to those who come after them.
#[test]
fn v9_who_comes_later_does_not_wait_until_those_before_have_what_they_asked_for() {
    let network = Network { round_trip: 5, link: 2 * MIB, apart: 25, requests: 16, ..Network::default() };
    let outcome = network.downloads(16, 8 * MIB, None);
    let even = outcome.evenness_at(20_000);
    assert!(even >= 95, "{even}");
    // Given up once for each who came later, no more.
    assert!((1..=16).contains(&outcome.cancelled), "{}", outcome.cancelled);
    assert_eq!(outcome.twice, 0);
}

/// As many as turn out useful are as many for all of them together.
#[test]
fn v9_transfers_to_one_server_share_what_it_gives() {
    for count in [3, 8] {
        let network = Network { each: 2 * MIB, link: 24 * MIB, ..Network::default() };
        let outcome = network.downloads(count, 32 * MIB, None);
        let (first, last) = (outcome.ends[0], outcome.millis);
        assert!(first * 10 >= last * 8, "{count}: the first after {first} ms, the last after {last}");
    }
}
