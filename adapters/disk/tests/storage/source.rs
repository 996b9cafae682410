//! A file to send: what it looks like, and what happens when it changes.

use std::fs;

use bytes::BytesMut;
use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{FileOp, FileReply, Fingerprint};
use longhaul_core::{Algorithm, ByteRange};
use longhaul_disk::FileSource;
use longhaul_driver::cancel::Cancel;
use longhaul_driver::hash::Hasher;
use longhaul_driver::storage::{Chunk, Storage};

use crate::support::{digest, digests, kind, pattern, read, run};

async fn look(source: &FileSource) -> (u64, Fingerprint) {
    match run(source, FileOp::Stat).await.unwrap() {
        FileReply::Source { len: Some(len), fingerprint: Some(fingerprint) } => (len, fingerprint),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reads_are_positioned_and_short_only_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let content = pattern(300_000);
    fs::write(&path, &content).unwrap();
    let source = FileSource::new(&path);
    let (len, fingerprint) = look(&source).await;
    assert_eq!((len, fingerprint.len), (300_000, 300_000));
    for (offset, len, expected) in [
        (0, 300_000, 0..300_000),
        (100_000, 5, 100_000..100_005),
        (299_000, 4096, 299_000..300_000),
        (300_000, 10, 0..0),
    ] {
        assert_eq!(read(&source, offset, len).await.unwrap(), content[expected], "{offset} {len}");
    }
    // A reused buffer is filled from its start; the hasher sees exactly the bytes read.
    let mut buffer = BytesMut::with_capacity(1000);
    buffer.extend_from_slice(b"left over");
    let chunk = source.read(7, Chunk { buffer, hasher: Some(Hasher::new(Algorithm::Sha256)) }).await.unwrap();
    assert_eq!(chunk.buffer, content[7..7 + chunk.buffer.len()]);
    assert!(chunk.buffer.len() >= 1000);
    assert_eq!(chunk.hasher.unwrap().digest(), digest(&chunk.buffer));
    assert_eq!(run(&source, FileOp::Fill { upto: 1 }).await, Ok(FileReply::Filled { len: 300_000, end: true }));
}

#[tokio::test]
async fn u1_every_change_shows_in_the_fingerprint_or_the_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, [1; 1000]).unwrap();
    let source = FileSource::new(&path);
    let (_, before) = look(&source).await;
    assert_eq!(look(&source).await.1, before);

    // Same size, same modification time: the status change time tells.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(&path, [2; 1000]).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    #[cfg(unix)]
    assert_eq!(kind(read(&source, 0, 10).await), FileFaultKind::Changed);
    let (_, edited) = look(&source).await;
    assert_eq!((edited.len, edited.modified), (before.len, before.modified));
    #[cfg(unix)]
    assert_ne!(edited, before);

    // Replaced: neither goes on unnoticed; a new look sees the new file.
    fs::write(folder.path().join("b"), [3; 1000]).unwrap();
    fs::rename(folder.path().join("b"), &path).unwrap();
    #[cfg(unix)]
    assert_eq!(kind(read(&source, 0, 10).await), FileFaultKind::Changed);
    assert_ne!(look(&source).await.1, edited);
    assert_eq!(read(&source, 0, 10).await.unwrap(), [3; 10]);

    // Cut: not sent short.
    fs::File::options().write(true).open(&path).unwrap().set_len(500).unwrap();
    assert_eq!(kind(read(&source, 0, 10).await), FileFaultKind::Changed);
    assert_eq!(kind(read(&source, 0, 501).await), FileFaultKind::Changed);
    assert_eq!(kind(read(&source, 600, 10).await), FileFaultKind::Changed);

    fs::remove_file(&path).unwrap();
    assert_eq!(kind(run(&source, FileOp::Stat).await), FileFaultKind::NotFound);
}

/// A folder in memory with a file in it, and its content.
#[cfg(target_os = "linux")]
fn in_memory() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let folder = crate::support::folder_in_memory();
    let (path, content) = (folder.path().join("a"), pattern(600_000));
    fs::write(&path, &content).unwrap();
    (folder, path, content)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_is_left_what_is_there_and_as_it_was() {
    use std::os::unix::fs::FileExt;

    let (folder, path, content) = in_memory();
    let source = FileSource::new(&path);
    assert!(source.span(0, 10).is_none(), "nobody has looked at it");
    look(&source).await;
    for (offset, len) in [(0, 600_000), (7, 599_993), (599_999, 1), (300_000, 1000)] {
        let span = source.span(offset, len).unwrap();
        assert_eq!((span.offset, span.len), (offset, len));
        let mut bytes = vec![0; len];
        span.file.read_exact_at(&mut bytes, offset).unwrap();
        assert!(bytes == content[offset as usize..][..len]);
    }
    for (offset, len) in [(1, 600_000), (600_000, 1), (u64::MAX, 1)] {
        assert!(source.span(offset, len).is_none(), "{offset} {len}");
    }
    // Written to, in place and by another file of its name.
    fs::OpenOptions::new().write(true).open(&path).unwrap().write_all_at(b"x", 500_000).unwrap();
    assert!(source.span(0, 10).is_none());
    look(&source).await;
    assert!(source.span(0, 10).is_some());
    // By one that has its length and its time, too.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(folder.path().join("b"), vec![7; content.len()]).unwrap();
    fs::File::options().write(true).open(folder.path().join("b")).unwrap().set_modified(modified).unwrap();
    fs::rename(folder.path().join("b"), &path).unwrap();
    assert!(source.span(0, 10).is_none());
    look(&source).await;
    assert!(source.span(0, 10).is_some());
    assert_eq!(read(&source, 0, 1).await.unwrap(), [7]);
    run(&source, FileOp::Release).await.unwrap();
    assert!(source.span(0, 10).is_none());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_there_is_read_by_whoever_asks_and_the_rest_by_a_thread() {
    use futures::FutureExt;

    let (_folder, path, content) = in_memory();
    let source = FileSource::new(&path);
    let read = |offset, len, algorithm: Option<Algorithm>| {
        let chunk = Chunk { buffer: BytesMut::with_capacity(len), hasher: algorithm.map(Hasher::new) };
        source.read(offset, chunk)
    };
    // A thread may be quick as well, but not always.
    let by_a_thread = |ask: &dyn Fn() -> Option<()>| (0..100).any(|_| ask().is_none());
    let unopened = || FileSource::new(&path).read(0, Chunk { buffer: BytesMut::with_capacity(9), hasher: None });
    assert!(by_a_thread(&|| unopened().now_or_never().map(drop)), "it has to be opened first");
    look(&source).await;
    for (offset, len, algorithm, at_once) in [
        (0, 256 << 10, None, true),
        (7, 256 << 10, Some(Algorithm::Crc64Nvme), true),
        (500_000, 256 << 10, Some(Algorithm::Crc32c), true),
        (0, 300 << 10, None, false),
        (0, 1000, Some(Algorithm::Sha256), false),
        (0, 1000, Some(Algorithm::Md5), false),
    ] {
        let ask = || read(offset, len, algorithm).now_or_never().map(drop);
        assert_eq!(by_a_thread(&ask), !at_once, "{len} {algorithm:?}");
        let chunk = read(offset, len, algorithm).await.unwrap();
        let wanted = &content[offset as usize..][..len.min(600_000 - offset as usize)];
        assert!(chunk.buffer == wanted, "{len} {algorithm:?}");
        let expected = algorithm.map(|algorithm| {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(wanted);
            hasher.digest().unwrap()
        });
        assert_eq!(chunk.hasher.and_then(|hasher| hasher.digest()), expected);
    }
    // It looks at the file all the same.
    fs::write(&path, pattern(500_000)).unwrap();
    let changed = read(0, 1000, Some(Algorithm::Crc64Nvme)).now_or_never().expect("at once");
    assert_eq!(kind(changed), FileFaultKind::Changed);
}

#[tokio::test]
async fn digests_cover_their_ranges_and_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let content = pattern(3_000_000);
    fs::write(&path, &content).unwrap();
    let source = FileSource::new(&path);
    let expected = [digest(&content), digest(&content[5..2_500_000]), None, None, digest(b"")];
    let ranges = [(0, 3_000_000), (5, 2_499_995), (2_999_999, 2), (4_000_000, 1), (9, 0)];
    assert_eq!(digests(&source, &ranges).await, expected);

    let cancel = Cancel::default();
    cancel.set();
    let op = FileOp::Digest { algorithm: Algorithm::Md5, ranges: vec![ByteRange::at(0, 3_000_000)] };
    assert_eq!(kind(source.run(op, cancel).await), FileFaultKind::Cancelled);
}

#[tokio::test]
async fn what_cannot_be_sent_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let look = async |path: &std::path::Path| run(&FileSource::new(path), FileOp::Stat).await.unwrap_err();
    let fault = look(folder.path()).await;
    assert_eq!(fault.kind, FileFaultKind::Unusable);
    assert!(fault.detail.contains("is a folder"), "{}", fault.detail);
    let missing = folder.path().join("missing");
    let fault = look(&missing).await;
    assert_eq!(fault.kind, FileFaultKind::NotFound);
    assert!(fault.detail.contains(&missing.display().to_string()), "{}", fault.detail);
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for (path, word) in [(pipe.as_path(), "a named pipe"), (std::path::Path::new("/dev/zero"), "a device")] {
            let fault = look(path).await;
            assert_eq!(fault.kind, FileFaultKind::Unusable);
            assert!(fault.detail.contains(word), "{}", fault.detail);
        }
    }
}
