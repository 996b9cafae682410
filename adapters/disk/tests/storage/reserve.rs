//! Before the first byte: policies, names, what an earlier run left.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use longhaul_core::Wall;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_disk::{FileTarget, Overwrite};

use crate::support::{digest, digests, kind, names, pattern, publish, reserve, run, write};

#[tokio::test]
async fn what_an_earlier_run_left_is_kept_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let content = pattern(10_000);
    let first = FileTarget::new(&path);
    // Nothing there yet: nothing kept.
    assert_eq!(run(&first, reserve(Some(10_000), true)).await, Ok(FileReply::Reserved { kept: false }));
    write(&first, 0, &content[..6000]).await.unwrap();
    assert_eq!(run(&first, FileOp::Release).await, Ok(FileReply::Done));
    assert_eq!(names(folder.path()), [".a.longhaul"]);

    let second = FileTarget::new(&path);
    assert_eq!(run(&second, reserve(Some(10_000), true)).await, Ok(FileReply::Reserved { kept: true }));
    assert_eq!(digests(&second, &[(0, 6000), (5000, 2000)]).await, [digest(&content[..6000]), None]);
    write(&second, 6000, &content[6000..]).await.unwrap();
    run(&second, publish(10_000)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn d8_what_a_run_published_before_it_died_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let content = pattern(10_000);
    fs::write(&path, &content).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1_000)).unwrap();
    let reserve_any = |total| reserve(Some(total), true);
    let reserve = |total, keep, seconds| FileOp::Reserve {
        total: Some(total),
        keep,
        name: None,
        modified: Some(Wall::from_unix(seconds)),
    };
    for (op, kept) in [
        (reserve(10_000, true, 1_000), true),
        (reserve(10_000, false, 1_000), false),
        (reserve(9_999, true, 1_000), false),
        (reserve(10_000, true, 1_001), false),
    ] {
        let target = FileTarget::new(&path);
        assert_eq!(run(&target, op.clone()).await, Ok(FileReply::Reserved { kept }), "{op:?}");
        let found = digests(&target, &[(0, 9_999)]).await;
        assert_eq!(found == [digest(&content[..9_999])], kept, "{op:?}");
        // A second look does not double it.
        assert_eq!(run(&target, op).await, Ok(FileReply::Reserved { kept }));
        assert_eq!(fs::read(&path).unwrap(), content, "only publishing touches it");
        run(&target, FileOp::Remove).await.unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }
    // A copy that a crash cut short is made again, and not longer than the object.
    fs::write(folder.path().join(".a.longhaul"), &content[..100]).unwrap();
    let target = FileTarget::new(&path);
    assert_eq!(run(&target, reserve(10_000, true, 1_000)).await, Ok(FileReply::Reserved { kept: true }));
    assert_eq!(digests(&target, &[(0, 10_000)]).await, [digest(&content)]);
    run(&target, FileOp::Remove).await.unwrap();
    // An object without a time.
    let target = FileTarget::new(&path);
    assert_eq!(run(&target, reserve_any(10_000)).await, Ok(FileReply::Reserved { kept: true }));
    run(&target, publish(10_000)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(names(folder.path()), ["a"]);
}

#[tokio::test]
async fn starting_over_empties_the_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let target = FileTarget::new(&path);
    run(&target, reserve(Some(8), false)).await.unwrap();
    write(&target, 0, b"versionA").await.unwrap();
    // The object changed: again, in the same run, shorter now.
    assert_eq!(run(&target, reserve(Some(3), false)).await, Ok(FileReply::Reserved { kept: false }));
    assert_eq!(digests(&target, &[(0, 1)]).await, [None]);
    write(&target, 0, b"B!!").await.unwrap();
    run(&target, publish(3)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"B!!");
}

#[tokio::test]
async fn never_overwriting_fails_before_anything_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "here").unwrap();
    let target = FileTarget::new(&path).overwrite(Overwrite::Never);
    let fault = run(&target, reserve(Some(4), false)).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Exists);
    assert!(fault.detail.contains(&path.display().to_string()), "{}", fault.detail);
    assert_eq!(names(folder.path()), ["a"]);
}

#[tokio::test]
async fn if_changed_compares_size_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
    fs::write(&path, "1234").unwrap();
    // Half a second into the server's second, as a file copied by other means may be.
    fs::File::options().write(true).open(&path).unwrap().set_modified(at(1_000) + Duration::from_millis(500)).unwrap();
    for (total, modified, unchanged) in [
        (Some(4), Some(1_000), true),
        (Some(4), Some(1_001), false),
        (Some(4), Some(999), false),
        (Some(5), Some(1_000), false),
        (Some(4), None, false),
        (None, Some(1_000), false),
    ] {
        let target = FileTarget::new(&path).overwrite(Overwrite::IfChanged);
        let modified = modified.map(Wall::from_unix);
        let reply = run(&target, FileOp::Reserve { total, keep: false, name: None, modified }).await.unwrap();
        let expected = if unchanged { FileReply::Unchanged } else { FileReply::Reserved { kept: false } };
        assert_eq!(reply, expected, "{total:?} {modified:?}");
        run(&target, FileOp::Remove).await.unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }
}

#[tokio::test]
async fn k3_a_suggested_name_never_leaves_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("in");
    fs::create_dir(&folder).unwrap();
    for (suggested, used) in [
        (Some("report.pdf"), "report.pdf"),
        (None, "fallback"),
        (Some("../evil"), "fallback"),
        (Some("/etc/evil"), "fallback"),
        (Some(".."), "fallback"),
        (Some(""), "fallback"),
        (Some("a/b"), "fallback"),
        (Some("a\\b"), "fallback"),
        (Some("nul\0"), "fallback"),
        (Some("line\nbreak"), "fallback"),
    ] {
        // A sanitiser that does nothing: the check does not rely on it.
        let target = FileTarget::in_folder(&folder, "fallback", |name| Some(String::from(name)));
        assert_eq!(target.path(), None);
        let name = suggested.map(String::from);
        run(&target, FileOp::Reserve { total: None, keep: false, name, modified: None }).await.unwrap();
        assert_eq!(target.path(), Some(folder.join(used)), "{suggested:?}");
        run(&target, FileOp::Remove).await.unwrap();
    }
    assert_eq!(names(outer.path()), ["in"]);
    assert_eq!(names(&folder), [""; 0]);
    // The sanitiser's word is used; and a fallback must be a name as well.
    let target = FileTarget::in_folder(&folder, "..", |_| Some(String::from("safe")));
    let op =
        |name: Option<&str>| FileOp::Reserve { total: None, keep: false, name: name.map(String::from), modified: None };
    assert_eq!(kind(run(&target, op(None)).await), FileFaultKind::Unusable);
    run(&target, op(Some("?"))).await.unwrap();
    assert_eq!(target.path(), Some(folder.join("safe")));
}

#[tokio::test]
async fn names_as_long_as_they_may_be_work() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["x".repeat(255), "ü".repeat(127)] {
        let path = folder.path().join(&name);
        let target = FileTarget::new(&path);
        run(&target, reserve(Some(1), false)).await.unwrap();
        write(&target, 0, b"1").await.unwrap();
        run(&target, publish(1)).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1");
    }
    assert_eq!(names(folder.path()).len(), 2);
    let target = FileTarget::new(folder.path().join("x".repeat(256)));
    assert_eq!(kind(run(&target, reserve(None, false)).await), FileFaultKind::Unusable);
}

#[tokio::test]
async fn what_cannot_be_a_target_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let try_path =
        async |path: &str| run(&FileTarget::new(folder.path().join(path)), reserve(None, false)).await.unwrap_err();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let fault = try_path("folder").await;
    assert_eq!(fault.kind, FileFaultKind::Unusable);
    assert!(fault.detail.contains("is a folder"), "{}", fault.detail);
    assert_eq!(try_path("missing/file").await.kind, FileFaultKind::NotFound);
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(try_path("file/file").await.kind, FileFaultKind::Unusable);
    #[cfg(unix)]
    {
        let fault = run(&FileTarget::new("/dev/null"), reserve(None, false)).await.unwrap_err();
        assert_eq!(fault.kind, FileFaultKind::Unusable);
        assert!(fault.detail.contains("a device"), "{}", fault.detail);
        std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
        assert_eq!(try_path("loop").await.kind, FileFaultKind::Unusable);
    }
}

#[tokio::test]
async fn removing_without_reserving_takes_what_an_earlier_run_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let first = FileTarget::new(&path);
    run(&first, reserve(None, false)).await.unwrap();
    write(&first, 0, b"some").await.unwrap();
    run(&first, FileOp::Release).await.unwrap();
    let second = FileTarget::new(&path);
    assert_eq!(run(&second, FileOp::Remove).await, Ok(FileReply::Done));
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(run(&second, FileOp::Remove).await, Ok(FileReply::Done));
    // Also where there is not even a folder.
    assert_eq!(run(&FileTarget::new(folder.path().join("no/where")), FileOp::Remove).await, Ok(FileReply::Done));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn space_is_reserved_before_the_first_byte() {
    use std::os::unix::fs::MetadataExt;
    // The system's temporary folder may be memory, where there is nothing to reserve; so may cargo's, but hardly the sources'.
    let binary = std::env::current_exe().unwrap();
    let places = [binary.parent().unwrap(), std::path::Path::new(env!("CARGO_MANIFEST_DIR"))];
    let mut blocks = Vec::new();
    for place in places {
        let folder = tempfile::tempdir_in(place).unwrap();
        let target = FileTarget::new(folder.path().join("a"));
        run(&target, reserve(Some(8 << 20), false)).await.unwrap();
        let metadata = fs::metadata(target.temporary().unwrap()).unwrap();
        assert_eq!(metadata.len(), 0);
        blocks.push(metadata.blocks());
    }
    assert!(blocks.iter().any(|blocks| blocks * 512 >= 8 << 20), "{blocks:?} blocks at {places:?}");
}
