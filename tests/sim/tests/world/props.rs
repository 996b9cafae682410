//! Any sequence of transitions on any world: the same transitions as the seeds', with shrinking.

use crate::many::save;
use longhaul_sim::Transition;
use longhaul_sim::disk::Edit;
use longhaul_sim::run::{draw_world, run};
use longhaul_sim::transition::{Harm, Way};
use proptest::prelude::*;

fn transition() -> impl Strategy<Value = Transition> {
    let job = 0..4usize;
    let edit = proptest::sample::select(Edit::ALL.to_vec());
    let harm = proptest::sample::select(Harm::ALL.to_vec());
    let way = proptest::sample::select(Way::ALL.to_vec());
    prop_oneof![
        4 => (job.clone(), any::<bool>()).prop_map(|(job, paused)| Transition::Submit { job, paused }),
        2 => job.clone().prop_map(|job| Transition::Pause { job }),
        2 => job.clone().prop_map(|job| Transition::Resume { job }),
        2 => job.clone().prop_map(|job| Transition::Cancel { job }),
        1 => (job.clone(), 0..9u8).prop_map(|(job, weight)| Transition::Weigh { job, weight }),
        1 => (0..4u8, 0..12u8, 0..6u8, 0..5u8, 0..60u8).prop_map(
            |(active, requests, per_authority, per_task, kibibytes)| Transition::Limit {
                active, requests, per_authority, per_task, kibibytes
            }
        ),
        1 => Just(Transition::Close),
        1 => Just(Transition::Reopen),
        1 => any::<bool>().prop_map(|power| Transition::Crash { power }),
        1 => job.clone().prop_map(|job| Transition::Change { job }),
        1 => (job.clone(), edit.clone()).prop_map(|(job, edit)| Transition::EditSource { job, edit }),
        1 => (job.clone(), edit).prop_map(|(job, edit)| Transition::EditTemporary { job, edit }),
        1 => (job.clone(), harm).prop_map(|(job, harm)| Transition::Harm { job, harm }),
        1 => (job, way).prop_map(|(job, way)| Transition::Move { job, way }),
        1 => any::<bool>().prop_map(|on| Transition::ReadOnly { on }),
        1 => Just(Transition::CrashOther),
        1 => any::<bool>().prop_map(|full| Transition::Full { full }),
        1 => any::<u64>().prop_map(|seed| Transition::Weather { seed }),
        1 => (-90_000..90_000i32).prop_map(|seconds| Transition::JumpWall { seconds }),
        1 => Just(Transition::Forget),
        1 => any::<u64>().prop_map(|op| Transition::Stale { op }),
        8 => (0..400u32).prop_map(|millis| Transition::Run { millis }),
        4 => (0..40_000u32).prop_map(|millis| Transition::Run { millis }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        max_shrink_iters: 2_000,
        // The trace that a failure leaves is what replays it.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_transitions_keep_every_invariant(seed in 0..1_000_000u64, transitions in prop::collection::vec(transition(), 0..40)) {
        let report = run(draw_world(seed, false), seed, &transitions);
        if !report.is_fine() {
            // Each failure on the way down to the smallest writes the same file: the last one stays.
            let kept = run(draw_world(seed, true), seed, &transitions);
            prop_assert!(false, "{}\n", save(&kept, "props"));
        }
    }
}
