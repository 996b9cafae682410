//! The fuzzers' corpus, replayed on stable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use longhaul_sim::parsers;

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
        assert!(parsers::by_name(&name).is_some(), "nothing replays {name}");
    }
}
