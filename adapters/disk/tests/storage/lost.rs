//! The temporary file in other hands: noticed before anything is promised.

use std::fs;

use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::FileOp;
use longhaul_disk::FileTarget;

use crate::support::{digests, kind, names, publish, reserve, run, write};

#[tokio::test]
async fn d12_a_removed_temporary_file_is_lost_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let target = FileTarget::new(&path);
    run(&target, reserve(Some(4), false)).await.unwrap();
    write(&target, 0, b"1234").await.unwrap();
    fs::remove_file(target.temporary().unwrap()).unwrap();
    assert_eq!(kind(run(&target, FileOp::Sync).await), FileFaultKind::Lost);
    assert_eq!(kind(run(&target, publish(4)).await), FileFaultKind::Lost);
    assert_eq!(names(folder.path()), [""; 0]);
    // Starting over in the same run works.
    run(&target, reserve(Some(4), true)).await.unwrap();
    write(&target, 0, b"1234").await.unwrap();
    run(&target, publish(4)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"1234");
}

#[tokio::test]
async fn d12_a_removed_folder_is_lost() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("in");
    fs::create_dir(&folder).unwrap();
    let target = FileTarget::new(folder.join("a"));
    run(&target, reserve(Some(4), false)).await.unwrap();
    write(&target, 0, b"1234").await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(kind(run(&target, FileOp::Sync).await), FileFaultKind::Lost);
    assert_eq!(kind(run(&target, publish(4)).await), FileFaultKind::Lost);
    assert_eq!(kind(run(&target, reserve(Some(4), true)).await), FileFaultKind::NotFound);
    // And comes back with it.
    fs::create_dir(&folder).unwrap();
    run(&target, reserve(Some(4), true)).await.unwrap();
}

#[tokio::test]
async fn d10_a_replaced_temporary_file_is_neither_published_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("a"));
    run(&target, reserve(Some(4), false)).await.unwrap();
    write(&target, 0, b"1234").await.unwrap();
    let temporary = target.temporary().unwrap();
    // Both at once, so that the inode's number is not used again.
    fs::write(folder.path().join("b"), "not ours").unwrap();
    fs::rename(folder.path().join("b"), &temporary).unwrap();
    assert_eq!(kind(run(&target, FileOp::Sync).await), FileFaultKind::Lost);
    assert_eq!(kind(run(&target, publish(4)).await), FileFaultKind::Lost);
    run(&target, FileOp::Remove).await.unwrap();
    assert_eq!(fs::read(temporary).unwrap(), b"not ours");
}

#[tokio::test]
async fn d10_a_truncated_temporary_file_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("a"));
    run(&target, reserve(Some(4), false)).await.unwrap();
    write(&target, 0, b"1234").await.unwrap();
    fs::File::options().write(true).open(target.temporary().unwrap()).unwrap().set_len(2).unwrap();
    assert_eq!(digests(&target, &[(0, 4)]).await, [None]);
    assert_eq!(kind(run(&target, publish(4)).await), FileFaultKind::Lost);
    // Neither does a write behind the cut bring it back, with zeros in between.
    assert_eq!(kind(write(&target, 2, b"34").await), FileFaultKind::Lost);
    assert_eq!(kind(run(&target, FileOp::Sync).await), FileFaultKind::Lost);
    // Starting over in the same run works.
    run(&target, reserve(Some(4), false)).await.unwrap();
    write(&target, 0, b"1234").await.unwrap();
    run(&target, publish(4)).await.unwrap();
}

/// Nobody's write is taken for somebody else's cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d10_writes_side_by_side_do_not_look_like_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..200 {
        let target = FileTarget::new(folder.path().join(format!("{round}")));
        // Of unknown size, so that each write makes the file longer.
        run(&target, reserve(None, false)).await.unwrap();
        let writes = (0..8u64).map(|at| {
            let target = target.clone();
            tokio::spawn(async move { write(&target, at * 4, b"1234").await.map(|_| ()) })
        });
        for written in futures::future::join_all(writes).await {
            written.unwrap().unwrap();
        }
        run(&target, publish(32)).await.unwrap();
    }
}
