//! Bytes that come by pipe: where they go, what is left in the pipe, and file systems that take none.

use std::fs;
use std::io::Write;

use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::FileOp;
use longhaul_disk::FileTarget;
use longhaul_driver::storage::{Pipe, Storage};

use crate::support::{kind, pattern, publish, reserve, run, write};

/// A pipe with these bytes.
fn filled(target: &FileTarget, bytes: &[u8]) -> Pipe {
    let mut pipe =
        target.pipe().expect("needs pipes of 1 MiB: see /proc/sys/fs/pipe-max-size and pipe-user-pages-soft");
    (&pipe.writer).write_all(bytes).unwrap();
    pipe.len = bytes.len();
    pipe
}

#[tokio::test]
async fn bytes_from_pipes_and_bytes_from_memory_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("a"));
    let content = pattern(3 << 20);
    run(&target, reserve(Some(3 << 20), false)).await.unwrap();
    // The second third first, in two halves; what is not asked for stays in the pipe.
    let pipe = filled(&target, &content[1 << 20..2 << 20]);
    let half = 1 << 19;
    let pipe = target.write_piped(1 << 20, pipe, half).await.unwrap();
    assert_eq!(pipe.len, half);
    let pipe = target.write_piped((1 << 20) + half as u64, pipe, usize::MAX).await.unwrap();
    assert_eq!(pipe.len, 0);
    write(&target, 0, &content[..1 << 20]).await.unwrap();
    // It can be used again.
    let mut pipe = pipe;
    (&pipe.writer).write_all(&content[2 << 20..]).unwrap();
    pipe.len = 1 << 20;
    target.write_piped(2 << 20, pipe, 1 << 20).await.unwrap();
    run(&target, publish(3 << 20)).await.unwrap();
    assert!(fs::read(folder.path().join("a")).unwrap() == content);
}

#[tokio::test]
async fn many_at_once_each_go_to_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("a"));
    let content = pattern(8 << 20);
    run(&target, reserve(None, false)).await.unwrap();
    let writes = content
        .chunks(1 << 20)
        .enumerate()
        .map(|(at, part)| target.write_piped((at as u64) << 20, filled(&target, part), 1 << 20));
    let done = futures::future::join_all(writes).await;
    assert!(done.iter().all(|pipe| pipe.as_ref().unwrap().len == 0));
    run(&target, publish(8 << 20)).await.unwrap();
    assert!(fs::read(folder.path().join("a")).unwrap() == content);
}

#[tokio::test]
async fn c6_nothing_is_written_to_a_target_that_was_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("a"));
    run(&target, reserve(None, false)).await.unwrap();
    let pipe = filled(&target, b"late");
    run(&target, FileOp::Release).await.unwrap();
    assert_eq!(kind(target.write_piped(0, pipe, 4).await), FileFaultKind::Lost);
    assert_eq!(fs::read(folder.path().join(".a.longhaul")).unwrap(), b"");
}

#[tokio::test]
async fn a_file_that_was_cut_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("a"));
    run(&target, reserve(None, false)).await.unwrap();
    for (offset, bytes) in [(0, b"first "), (6, b"second")] {
        let pipe = filled(&target, bytes);
        target.write_piped(offset, pipe, 6).await.unwrap();
    }
    fs::OpenOptions::new().write(true).open(folder.path().join(".a.longhaul")).unwrap().set_len(3).unwrap();
    let pipe = filled(&target, b"third");
    assert_eq!(kind(target.write_piped(12, pipe, 5).await), FileFaultKind::Lost);
}
