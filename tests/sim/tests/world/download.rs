//! Download integrity: servers of every kind, objects that change, disks that fail (cases D1–D7, D9, D10, D12, D13).

use crate::common::*;
use http::Method;
use longhaul_core::error::{Error, FileFaultKind, ServerFaultKind};
use longhaul_core::event::{End, EventKind};
use longhaul_core::spec::{OnChange, Start};
use longhaul_core::{Algorithm, Digest, Time, Verification};
use longhaul_sim::content::Content;
use longhaul_sim::disk::Edit;
use longhaul_sim::server::ranged::{Defect, HeadStyle, Ranges, Tag};
use longhaul_sim::{Act, Fate, Rule, Style, World};

const LEN: u64 = 60_000;

fn good(world: &mut World) -> usize {
    download(world, LEN, Style::GOOD)
}

#[test]
fn d1_an_object_that_changes_between_any_two_steps_is_never_mixed() {
    let styles = [
        Style::GOOD,
        Style { tag: Tag::None, ..Style::GOOD },
        Style { tag: Tag::Weak, dates: false, ..Style::GOOD },
        Style { head: HeadStyle::Refused(405), star: true, ..Style::GOOD },
    ];
    for style in styles {
        for at in 0..60 {
            for seed in 0..3 {
                let mut world = seeded(seed);
                let job = download(&mut world, LEN, style);
                world.submit(job, Start::Now);
                world.settle();
                for _ in 0..at {
                    world.step(Time::NEVER);
                }
                world.change_object("/object0");
                end(&mut world, job);
                done(&world, job);
            }
        }
    }
}

#[test]
fn d1_who_does_not_want_another_version_is_told_of_it() {
    let mut world = world();
    let job = good(&mut world);
    world.jobs[job].tune = Some(|spec| spec.on_change = OnChange::Fail);
    world.rules.0.push_back(Rule::new(Act::Change).method(Method::GET).skip(3).times(1));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Changed(_))), "{:?}", world.jobs[job].end);
    assert!(world.disk.file("target0").is_none());
}

#[test]
fn d1_an_object_that_changes_all_the_time_ends_within_its_budget() {
    let mut world = world();
    let job = good(&mut world);
    world.rules.0.push_back(Rule::new(Act::Change).method(Method::GET));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Changed(_))), "{:?}", world.jobs[job].end);
}

#[test]
fn d2_every_wrong_answer_has_its_defined_result_and_shifts_no_byte() {
    for defect in Defect::ALL {
        for skip in [0, 1, 4, 7] {
            let mut world = world();
            let job = good(&mut world);
            world.rules.0.push_back(Rule::new(Act::Defect(defect)).method(Method::GET).skip(skip).times(1));
            go(&mut world, job);
            let result = match &world.jobs[job].end {
                Some(End::Completed(_)) => "done",
                Some(End::Failed(Error::Server(fault))) if fault.kind == ServerFaultKind::Protocol => "protocol",
                other => panic!("{defect:?} {skip}: {other:?}"),
            };
            // What may be another version is fetched again; what is no HTTP is refused.
            let expected = match defect {
                Defect::Whole | Defect::Total | Defect::OtherTag | Defect::OtherDate => "done",
                // All of the last range, or of the object, was asked for: there is nothing beyond it.
                Defect::Long if result == "done" => "done",
                _ => "protocol",
            };
            assert_eq!(result, expected, "{defect:?} {skip}\n{}", tail(&world));
        }
    }
}

#[test]
fn d2_without_a_tag_another_date_or_total_is_another_version() {
    for defect in [Defect::OtherDate, Defect::Total] {
        for skip in [0, 1, 4, 7] {
            let mut world = world();
            let job = download(&mut world, LEN, Style { tag: Tag::None, ..Style::GOOD });
            world.rules.0.push_back(Rule::new(Act::Defect(defect)).method(Method::GET).skip(skip).times(1));
            go(&mut world, job);
            done(&world, job);
            let restarts = world.jobs[job].events.iter().filter(|kind| matches!(kind, EventKind::Restarted(_))).count();
            assert_eq!(restarts, 1, "{defect:?} {skip}");
        }
    }
}

#[test]
fn d2_a_whole_answer_that_is_encoded_or_says_two_lengths_is_refused() {
    for defect in [Defect::Encoded, Defect::TwoLengths, Defect::TwoTags] {
        let mut world = world();
        let job = download(&mut world, LEN, Style { ranges: Ranges::No, ..Style::GOOD });
        world.rules.0.push_back(Rule::new(Act::Defect(defect)).method(Method::GET).times(1));
        go(&mut world, job);
        let protocol = |error: &Error| matches!(error, Error::Server(fault) if fault.kind == ServerFaultKind::Protocol);
        assert!(world.error(job).is_some_and(protocol), "{defect:?}: {:?}", world.jobs[job].end);
        assert!(world.disk.file("target0").is_none());
    }
}

#[test]
fn d3_shorter_ranges_and_unknown_totals_are_continued() {
    for style in [
        Style { most: Some(1_000), ..Style::GOOD },
        Style { star: true, ..Style::GOOD },
        Style { early: 100, ..Style::GOOD },
        Style { most: Some(777), star: true, early: 13, ..Style::GOOD },
        Style { wordy: true, ..Style::GOOD },
    ] {
        for first in [false, true] {
            let mut world = world();
            let job = download(&mut world, LEN, style);
            if first {
                world.jobs[job].tune = Some(|spec| spec.probing = longhaul_core::spec::Probing::FirstRange);
            }
            go(&mut world, job);
            done(&world, job);
            assert_eq!(world.jobs[job].received, LEN, "{style:?}");
        }
    }
}

#[test]
fn d4_without_strong_validators_objects_are_downloaded_and_never_spliced() {
    for tag in [Tag::Weak, Tag::None] {
        for dates in [false, true] {
            for ranges in [Ranges::Yes, Ranges::Silent, Ranges::No, Ranges::Refused] {
                let mut world = world();
                let job = download(&mut world, LEN, Style { tag, dates, ranges, ..Style::GOOD });
                world.rules.0.push_back(Rule::new(Act::Net(Fate::ResetBody(5_000))).method(Method::GET).times(2));
                go(&mut world, job);
                done(&world, job);
                let pinned = dates && !matches!(ranges, Ranges::No | Ranges::Refused);
                let again = world.jobs[job].received - LEN;
                assert!(pinned == (again == 0), "{tag:?} {dates} {ranges:?}: {again} fetched again");
            }
        }
    }
}

#[test]
fn d5_what_passes_is_waited_for_and_keeps_the_bytes_written() {
    for status in [408, 429, 500, 502, 503, 504] {
        let mut world = world();
        let job = good(&mut world);
        world.rules.0.push_back(Rule::new(Act::Status(status, Some("7"))).method(Method::GET).skip(3).times(1));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(world.jobs[job].received, LEN);
        let waited = world.time().as_micros() - 1_000_000;
        assert!((7_000_000..20_000_000).contains(&waited), "{status}: {waited}");
    }
}

#[test]
fn d5_a_connection_that_breaks_at_any_byte_costs_no_byte() {
    for at in (0..8_192).step_by(61).chain([1, 8_191, 8_192]) {
        let mut world = world();
        let job = good(&mut world);
        world.rules.0.push_back(Rule::new(Act::Net(Fate::ResetBody(at))).method(Method::GET).skip(2).times(2));
        go(&mut world, job);
        done(&world, job);
        assert_eq!(world.jobs[job].received, LEN, "at {at}");
    }
}

#[test]
fn d6_where_head_is_refused_a_range_is_probed() {
    for head in [HeadStyle::Refused(403), HeadStyle::Refused(405), HeadStyle::Refused(501), HeadStyle::NoLength] {
        let mut world = world();
        let job = download(&mut world, LEN, Style { head, ..Style::GOOD });
        go(&mut world, job);
        done(&world, job);
        assert_eq!(arrived(&world, Method::HEAD, ""), 1, "{head:?}");
    }
}

#[test]
fn d7_a_good_file_survives_until_the_new_one_is_whole() {
    let mut world = world();
    let job = good(&mut world);
    let old = Content::version(77, 1_000);
    world.disk.put("target0", old.clone());
    world.rules.0.push_back(Rule::new(Act::Status(404, None)).method(Method::GET).skip(4));
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Server(_))));
    assert_eq!(world.disk.file("target0").map(|file| &file.content), Some(&old));
    world.rules.0.clear();
    world.submit(job, Start::Now);
    world.settle();
    while world.jobs[job].task.is_some() {
        let content = world.disk.file("target0").map(|file| file.content.clone());
        assert!(content == Some(old.clone()) || content == Some(Content::version(1, LEN)));
        if !world.step(Time::NEVER) {
            break;
        }
    }
    done(&world, job);
}

/// A download that crashed half way, with its journal.
fn half_way(seed: u64) -> (World, usize) {
    let mut world = seeded(seed);
    let job = good(&mut world);
    world.jobs[job].parallel = most(2);
    world.weather.rate = (20_000, 20_000);
    world.submit(job, Start::Now);
    world.run_for(1_200_000);
    world.crash(false);
    assert!(world.journals.contains_key(&job), "{}", tail(&world));
    (world, job)
}

#[test]
fn d9_a_damaged_record_is_refused_or_its_former_generation_used() {
    let (template, _) = half_way(1);
    let len = template.journals[&0].len();
    for at in 0..len {
        for damage in 0..3 {
            let (mut world, job) = half_way(1);
            let journal = world.journals.get_mut(&job).expect("a journal");
            match damage {
                0 => journal.truncate(at),
                1 => journal[at] ^= 0x40,
                _ => journal[at..].fill(0),
            }
            go(&mut world, job);
            done(&world, job);
        }
    }
}

#[test]
fn d10_what_was_edited_between_runs_is_fetched_again() {
    for edit in Edit::ALL {
        for seed in 0..20 {
            let (mut world, job) = half_way(seed);
            let before = world.jobs[job].received;
            world.edit_temporary(job, edit);
            go(&mut world, job);
            done(&world, job);
            let all = world.jobs[job].received;
            assert!(all >= LEN && all <= LEN + before, "{edit:?} {seed}: {all}");
        }
    }
}

#[test]
fn d12_a_full_disk_loses_nothing_and_the_resume_goes_on() {
    let mut world = world();
    let job = good(&mut world);
    world.jobs[job].parallel = most(2);
    world.weather.rate = (20_000, 20_000);
    world.submit(job, Start::Now);
    world.run_for(1_200_000);
    world.disk.full = true;
    end(&mut world, job);
    let Some(Error::Disk(fault)) = world.error(job) else {
        panic!("{:?}", world.jobs[job].end);
    };
    assert_eq!(fault.kind, FileFaultKind::Full);
    let stored = world.jobs[job].received;
    world.disk.full = false;
    go(&mut world, job);
    done(&world, job);
    assert!(stored > 0 && world.jobs[job].received <= LEN + 32_768, "{stored} of {}", world.jobs[job].received);
}

#[test]
fn d12_a_vanished_file_and_a_read_only_folder_have_their_own_errors() {
    for at in 0..30 {
        let (mut world, job) = after(|world| download(world, LEN, Style::GOOD), at, 1);
        let there = world.disk.file(".target0.part").is_some();
        world.edit_temporary(job, Edit::Remove);
        end(&mut world, job);
        if there && !world.jobs[job].is_done() {
            assert!(
                matches!(world.error(job), Some(Error::Disk(fault)) if fault.kind == FileFaultKind::Lost
                    || fault.kind == FileFaultKind::NotFound),
                "{:?}",
                world.jobs[job].end
            );
            go(&mut world, job);
        }
        done(&world, job);
    }
    let mut world = world();
    let job = good(&mut world);
    world.disk.read_only = true;
    go(&mut world, job);
    assert!(matches!(world.error(job), Some(Error::Disk(fault)) if fault.kind == FileFaultKind::ReadOnly));
    world.disk.read_only = false;
    go(&mut world, job);
    done(&world, job);
}

#[test]
fn d13_a_digest_from_the_server_or_the_caller_gives_its_verdict() {
    let right = Content::version(1, LEN).digest(Algorithm::Md5, longhaul_core::ByteRange::at(0, LEN)).expect("whole");
    let verdict = |style: Style, tune: Option<fn(&mut longhaul_core::Spec)>| {
        let mut world = world();
        let job = download(&mut world, LEN, style);
        world.jobs[job].tune = tune;
        go(&mut world, job);
        sound(&world);
        (world.jobs[job].end.clone(), world.disk.file("target0").is_some())
    };
    let (end, _) = verdict(Style::GOOD, None);
    assert!(matches!(end, Some(End::Completed(done)) if done.verification == Verification::NotProvided));
    let (end, _) = verdict(Style { digest: true, ..Style::GOOD }, None);
    assert!(matches!(end, Some(End::Completed(done)) if matches!(done.verification, Verification::Verified(_))));
    let (end, there) = verdict(Style::GOOD, Some(|spec| spec.expected.extend(Digest::new(Algorithm::Md5, &[7; 16]))));
    assert!(matches!(end, Some(End::Failed(Error::Integrity { actual, .. })) if actual == right) && !there);
}

#[test]
fn d13_a_flipped_bit_at_any_moment_is_caught_where_a_digest_exists() {
    for at in 0..40 {
        let make = |world: &mut World| download(world, LEN, Style { digest: true, ..Style::GOOD });
        let (mut world, job) = after(make, at, 1);
        let mut rng = longhaul_core::rng::Rng::new(5);
        let noise = longhaul_sim::content::Fill::Noise(9);
        let whole =
            |world: &World| world.disk.file("target0").is_none_or(|file| file.content == Content::version(1, LEN));
        world.jobs[job].disturbed = true;
        if world.disk.file(".target0.part").is_some_and(|file| !file.content.is_empty())
            && !matches!(world.state(job), Some(longhaul_core::event::State::Active(longhaul_core::Phase::Publishing)))
        {
            world.disk.edit(".target0.part", Edit::Flip, noise, &mut rng);
        }
        end(&mut world, job);
        // Either the flip was overwritten, or it was noticed.
        assert!(whole(&world), "step {at}\n{}", tail(&world));
    }
}
