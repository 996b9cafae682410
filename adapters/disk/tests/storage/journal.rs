//! Checkpoints as files.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::JournalOp;
use longhaul_disk::FileJournal;
use longhaul_driver::journal::{Journal, JournalName};

use crate::support::{kind, names};

fn name(id: &str, beside: Option<PathBuf>) -> JournalName {
    JournalName { id: String::from(id), beside }
}

fn append(bytes: &'static str) -> JournalOp {
    JournalOp::Append(Bytes::from_static(bytes.as_bytes()))
}

fn replace(bytes: &'static str) -> JournalOp {
    JournalOp::Replace(Bytes::from_static(bytes.as_bytes()))
}

#[tokio::test]
async fn frames_are_appended_replaced_and_removed() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("state/journals");
    let journal = FileJournal::in_folder(&folder);
    assert_eq!(journal.list().await, Ok(vec![]));
    for durable in [true, false] {
        let a = name("a-1", None);
        assert_eq!(journal.load(&a).await, Ok(None));
        journal.run(&a, append("one"), durable).await.unwrap();
        journal.run(&a, append(" two"), durable).await.unwrap();
        assert_eq!(journal.load(&a).await, Ok(Some(Bytes::from_static(b"one two"))));
        journal.run(&a, replace("new"), durable).await.unwrap();
        journal.run(&a, append("er"), durable).await.unwrap();
        assert_eq!(journal.load(&a).await, Ok(Some(Bytes::from_static(b"newer"))));
        journal.run(&name("b", None), replace("b"), durable).await.unwrap();
        assert_eq!(names(&folder), ["a-1.journal", "b.journal"]);
        assert_eq!(journal.list().await, Ok(vec![String::from("a-1"), String::from("b")]));
        journal.run(&a, JournalOp::Remove, durable).await.unwrap();
        journal.run(&a, JournalOp::Remove, durable).await.unwrap();
        journal.run(&name("b", None), JournalOp::Remove, durable).await.unwrap();
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[tokio::test]
async fn a_downloads_journal_lies_beside_its_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let journal = FileJournal::beside_or_in(&state);
    let beside = name("id", Some(folder.path().join(".a.iso.longhaul")));
    journal.run(&beside, append("x"), true).await.unwrap();
    assert_eq!(names(folder.path()), [".a.iso.longhaul.journal"]);
    assert_eq!(journal.load(&beside).await, Ok(Some(Bytes::from_static(b"x"))));
    journal.run(&name("upload", None), append("y"), true).await.unwrap();
    assert_eq!(names(&state), ["upload.journal"]);
    // A journal with a folder of its own keeps to it.
    let own = FileJournal::in_folder(&state);
    assert_eq!(own.load(&beside).await, Ok(None));
    journal.run(&beside, JournalOp::Remove, true).await.unwrap();
    assert_eq!(names(folder.path()), ["state"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_a_journal_or_redirect_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::beside_or_in(folder.path());
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    journal.run(&name("a", None), append("x"), true).await.unwrap();
    assert_eq!(mode("a.journal"), 0o600);
    journal.run(&name("a", None), replace("x"), true).await.unwrap();
    assert_eq!(mode("a.journal"), 0o600);

    fs::write(folder.path().join("precious"), "precious").unwrap();
    std::os::unix::fs::symlink("precious", folder.path().join(".f.longhaul.journal")).unwrap();
    let beside = name("f", Some(folder.path().join(".f.longhaul")));
    journal.run(&beside, append("x"), true).await.unwrap();
    assert_eq!(journal.load(&beside).await, Ok(Some(Bytes::from_static(b"x"))));
    assert_eq!(fs::read(folder.path().join("precious")).unwrap(), b"precious");
    assert_eq!(mode(".f.longhaul.journal-1"), 0o600);
}

#[tokio::test]
async fn d9_a_monstrous_journal_and_a_bad_id_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journal = FileJournal::in_folder(folder.path());
    fs::File::create(folder.path().join("a.journal")).unwrap().set_len(1 << 30).unwrap();
    assert_eq!(kind(journal.load(&name("a", None)).await), FileFaultKind::Unusable);
    for id in ["", "..", "../a", "a/b", "a b", "ü", "a\0"] {
        assert_eq!(kind(journal.load(&name(id, None)).await), FileFaultKind::Unusable, "{id:?}");
        assert_eq!(kind(journal.run(&name(id, None), append("x"), false).await), FileFaultKind::Unusable, "{id:?}");
    }
    // Other files in the folder are not taken for journals.
    fs::write(folder.path().join("b.journal.new"), "").unwrap();
    fs::write(folder.path().join("c.txt"), "").unwrap();
    assert_eq!(journal.list().await, Ok(vec![String::from("a")]));
}
