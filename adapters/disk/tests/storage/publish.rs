//! The target's name: when it appears, what it replaces, what it carries.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use longhaul_core::Wall;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_disk::{FileTarget, Overwrite};
use longhaul_driver::storage::{Batch, Storage};

use crate::support::{kind, names, pattern, publish, reserve, run, write};

#[tokio::test]
async fn d7_the_target_appears_only_when_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.iso");
    let target = FileTarget::new(&path);
    let content = pattern(3_000_000);
    assert_eq!(target.temporary(), Some(folder.path().join(".image.iso.longhaul")));

    assert_eq!(run(&target, reserve(Some(3_000_000), false)).await, Ok(FileReply::Reserved { kept: false }));
    // Out of order, as parts come.
    for (offset, range) in [(2_000_000, 2_000_000..3_000_000), (0, 0..1_000_000), (1_000_000, 1_000_000..2_000_000)] {
        write(&target, offset, &content[range]).await.unwrap();
        assert_eq!(names(folder.path()), [".image.iso.longhaul"]);
    }
    assert_eq!(run(&target, FileOp::Sync).await, Ok(FileReply::Done));
    assert_eq!(names(folder.path()), [".image.iso.longhaul"]);

    let reply = run(&target, publish(3_000_000)).await.unwrap();
    assert_eq!(reply, FileReply::Published { path: path.display().to_string() });
    assert_eq!(names(folder.path()), ["image.iso"]);
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(target.path(), Some(path.clone()));
    // Nothing can reach it any more.
    assert_eq!(kind(write(&target, 0, b"late").await), FileFaultKind::Lost);
    assert_eq!(fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn d7_an_existing_file_survives_a_failed_download() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good");
    fs::write(&path, "good content").unwrap();
    let target = FileTarget::new(&path);
    run(&target, reserve(Some(4), false)).await.unwrap();
    write(&target, 0, b"new?").await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"good content");
    assert_eq!(run(&target, FileOp::Remove).await, Ok(FileReply::Done));
    assert_eq!(fs::read(&path).unwrap(), b"good content");
    assert_eq!(names(folder.path()), ["good"]);
}

#[tokio::test]
async fn p4_an_empty_object_becomes_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("empty"));
    run(&target, reserve(Some(0), false)).await.unwrap();
    run(&target, publish(0)).await.unwrap();
    assert_eq!(names(folder.path()), ["empty"]);
    assert_eq!(fs::read(folder.path().join("empty")).unwrap(), b"");
}

#[tokio::test]
async fn the_file_gets_its_exact_length_and_the_objects_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let target = FileTarget::new(&path);
    // An object that turned out shorter than a former version that was being fetched.
    run(&target, reserve(Some(100), false)).await.unwrap();
    write(&target, 0, &[7; 100]).await.unwrap();
    let modified = Some(Wall::from_unix(1_000_000_000));
    run(&target, FileOp::Publish { len: 60, modified, durable: false }).await.unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), 60);
    assert_eq!(metadata.modified().unwrap(), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}

#[cfg(unix)]
#[tokio::test]
async fn permissions_are_those_of_the_file_replaced_or_of_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let fetch = async |name: &str| {
        let target = FileTarget::new(folder.path().join(name));
        run(&target, reserve(None, false)).await.unwrap();
        let working = mode(&format!(".{name}.longhaul"));
        run(&target, publish(0)).await.unwrap();
        working
    };
    fs::write(folder.path().join("plain"), "").unwrap();
    fetch("new").await;
    assert_eq!(mode("new"), mode("plain"));

    // Private from the first byte on; and read-only ones can be replaced.
    for (name, bits, working) in [("private", 0o600, 0o600), ("readonly", 0o444, 0o644), ("program", 0o755, 0o755)] {
        fs::write(folder.path().join(name), "").unwrap();
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(bits)).unwrap();
        assert_eq!(fetch(name).await, working, "{name}");
        assert_eq!(mode(name), bits, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_takes_the_name_under_way_is_replaced_like_what_bore_it_before() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let begin = async || {
        let target = FileTarget::new(&path);
        run(&target, reserve(Some(3), false)).await.unwrap();
        write(&target, 0, b"new").await.unwrap();
        target
    };
    let target = begin().await;
    fs::write(&path, "somebody else's").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    run(&target, publish(3)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(names(folder.path()), ["a"]);

    fs::remove_file(&path).unwrap();
    let target = begin().await;
    fs::create_dir(&path).unwrap();
    assert_eq!(kind(run(&target, publish(3)).await), FileFaultKind::Unusable);
    assert_eq!(names(folder.path()), [".a.longhaul", "a"]);
}

/// A run that has died leaves more room than the file needs.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn room_that_an_earlier_run_reserved_is_given_back() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let died = FileTarget::new(&path);
    run(&died, reserve(Some(8 << 20), false)).await.unwrap();
    run(&died, FileOp::Release).await.unwrap();
    let target = FileTarget::new(&path);
    run(&target, reserve(Some(3), false)).await.unwrap();
    write(&target, 0, b"new").await.unwrap();
    run(&target, publish(3)).await.unwrap();
    let room = fs::metadata(&path).unwrap().blocks() * 512;
    assert!(room < 1 << 20, "{room}");
}

#[tokio::test]
async fn never_overwriting_loses_no_race() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let target = FileTarget::new(&path).overwrite(Overwrite::Never);
    run(&target, reserve(Some(3), false)).await.unwrap();
    write(&target, 0, b"new").await.unwrap();
    fs::write(&path, "somebody else's").unwrap();
    assert_eq!(kind(run(&target, publish(3)).await), FileFaultKind::Exists);
    assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
    // The content fetched is not lost either.
    fs::remove_file(&path).unwrap();
    run(&target, publish(3)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_symbolic_link_points_to_is_replaced_not_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("real"), "old").unwrap();
    for (link, real, to) in [("link", "real", "other/real"), ("dangling", "missing", "other/missing")] {
        let link = folder.path().join(link);
        std::os::unix::fs::symlink(to, &link).unwrap();
        let target = FileTarget::new(&link);
        assert_eq!(target.path(), Some(other.join(real)));
        run(&target, reserve(Some(3), false)).await.unwrap();
        write(&target, 0, b"new").await.unwrap();
        run(&target, publish(3)).await.unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(other.join(real)).unwrap(), b"new");
    }
    assert_eq!(names(&other), ["missing", "real"]);
}

#[tokio::test]
async fn batches_of_any_shape_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let target = FileTarget::new(&path);
    run(&target, reserve(None, false)).await.unwrap();
    // More slices than the system takes at once, empty ones among them.
    let content = pattern(7 * 3000);
    let mut frames: Vec<Bytes> = content.chunks(7).map(Bytes::copy_from_slice).collect();
    frames.insert(0, Bytes::new());
    frames.insert(1500, Bytes::new());
    frames.push(Bytes::new());
    let hasher = Some(longhaul_driver::hash::Hasher::new(longhaul_core::Algorithm::Sha256));
    let batch = target.write(5, Batch { frames, hasher }).await.unwrap();
    assert!(batch.frames.is_empty());
    assert_eq!(batch.hasher.unwrap().digest(), crate::support::digest(&content));
    target.write(0, Batch { frames: vec![Bytes::from_static(b"12345")], hasher: None }).await.unwrap();
    target.write(9, Batch::default()).await.unwrap();
    run(&target, publish(5 + content.len() as u64)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), [b"12345".as_slice(), &content].concat());
}
