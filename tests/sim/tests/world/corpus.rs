//! The fuzzers' corpus, replayed on stable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use crate::many::save;
use longhaul_sim::{decode, parsers};

#[test]
fn every_corpus_entry_holds_its_property() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut replayed = 0;
    for (name, property) in parsers::ALL {
        let folder = corpus.join(name);
        let mut entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        assert!(!entries.is_empty(), "{} has no corpus", folder.display());
        for entry in entries {
            property(&fs::read(&entry).unwrap());
            replayed += 1;
        }
    }
    println!("corpus: {replayed} entries of {} targets", parsers::ALL.len());
}

#[test]
fn every_corpus_folder_has_its_property() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for folder in fs::read_dir(corpus).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(name == "engine" || parsers::by_name(&name).is_some(), "nothing replays {name}");
    }
}

#[test]
fn every_run_of_the_engine_keeps_every_invariant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/engine");
    let mut told = String::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let report = decode::run(&fs::read(&path).unwrap(), true);
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(report.is_fine(), "{}", save(&report, &format!("engine-{name}")));
        told += &report.lines.join("\n");
    }
    // The corpus is to reach whatever can be done to a world; an input that no longer does has lost its point.
    let things = [
        "> Submit",
        "> Pause",
        "> Resume",
        "> Cancel",
        "> Weigh",
        "> Limit",
        "> Close",
        "> Reopen",
        "> Crash { power: true",
        "> Crash { power: false",
        "> CrashOther",
        "kind: Busy",
        "> Change",
        "> EditSource",
        "> EditTemporary",
        "> Harm",
        "> Move",
        "> Full",
        "> ReadOnly",
        "> Weather",
        "> JumpWall",
        "> Forget",
        "> Stale",
        "> Run",
        "Ended(Completed",
        "Ended(Failed",
    ];
    let missing: Vec<_> = things.into_iter().filter(|thing| !told.contains(thing)).collect();
    assert!(missing.is_empty(), "no input reaches {missing:?}");
}
