//! Targets in memory: what is quick is written by whoever has the bytes, in turns; the rest by a thread.

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use futures::future::join_all;
use longhaul_core::Algorithm;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::FileOp;
use longhaul_disk::FileTarget;
use longhaul_driver::hash::Hasher;
use longhaul_driver::storage::{Batch, Storage};

use crate::support::{folder_in_memory, kind, pattern, publish, reserve, run, write};

/// Bytes that tell which thread let go of them.
struct Held(Vec<u8>, Arc<Mutex<Option<ThreadId>>>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = Some(thread::current().id());
    }
}

fn batch(bytes: &[u8], algorithm: Option<Algorithm>) -> Batch {
    Batch { frames: vec![Bytes::copy_from_slice(bytes)], hasher: algorithm.map(Hasher::new) }
}

#[tokio::test]
async fn what_is_quick_needs_no_thread() {
    let folder = folder_in_memory();
    let target = FileTarget::new(folder.path().join("a"));
    assert_eq!(target.write_batch(), None, "nobody knows yet where it will be");
    run(&target, reserve(Some(1 << 20), false)).await.unwrap();
    let most = target.write_batch().expect("the size that is quick");
    let content = pattern(1 << 20);
    for (len, algorithm, at_once) in [
        (most, None, true),
        (most, Some(Algorithm::Crc64Nvme), true),
        (1, Some(Algorithm::Crc32c), true),
        (4 * most, None, false),
        (1, Some(Algorithm::Sha256), false),
    ] {
        let writer = Arc::default();
        let frames = vec![Bytes::from_owner(Held(content[..len].to_vec(), Arc::clone(&writer)))];
        let written = target.write(0, Batch { frames, hasher: algorithm.map(Hasher::new) }).await;
        assert_eq!(*writer.lock().unwrap() == Some(thread::current().id()), at_once, "{len} {algorithm:?}");
        let expected = algorithm.map(|algorithm| {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&content[..len]);
            hasher.digest().unwrap()
        });
        assert_eq!(written.unwrap().hasher.and_then(|hasher| hasher.digest()), expected);
    }
    run(&target, publish(1 << 20)).await.unwrap();
    assert!(fs::read(folder.path().join("a")).unwrap() == content);
}

#[tokio::test]
async fn a_new_name_needs_no_thread_either() {
    use futures::FutureExt;
    let folder = folder_in_memory();
    let path = folder.path().join("a");
    let target = FileTarget::new(&path);
    run(&target, reserve(Some(3), false)).await.unwrap();
    write(&target, 0, b"new").await.unwrap();
    run(&target, publish(3)).now_or_never().expect("at once").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_take_turns_and_each_goes_to_its_place() {
    let folder = folder_in_memory();
    let target = FileTarget::new(folder.path().join("a"));
    run(&target, reserve(Some(8 << 20), false)).await.unwrap();
    let content = pattern(8 << 20);
    let writes = content.chunks(100_000).enumerate().map(|(at, part)| {
        let (target, batch) = (target.clone(), batch(part, Some(Algorithm::Crc64Nvme)));
        tokio::spawn(async move { target.write(at as u64 * 100_000, batch).await })
    });
    // One that nobody polls to its end has not begun, and holds up nobody.
    let dropped = target.write(0, batch(b"never", None));
    for written in join_all(writes).await {
        written.unwrap().unwrap();
    }
    drop(dropped);
    run(&target, publish(8 << 20)).await.unwrap();
    assert!(fs::read(folder.path().join("a")).unwrap() == content);
}

#[tokio::test]
async fn c6_nothing_is_written_to_a_target_in_memory_that_was_let_go_of() {
    let folder = folder_in_memory();
    let target = FileTarget::new(folder.path().join("a"));
    run(&target, reserve(None, false)).await.unwrap();
    let late = target.write(0, batch(b"late", None));
    run(&target, FileOp::Release).await.unwrap();
    assert_eq!(kind(late.await), FileFaultKind::Lost);
    assert_eq!(fs::read(folder.path().join(".a.longhaul")).unwrap(), b"");
}
