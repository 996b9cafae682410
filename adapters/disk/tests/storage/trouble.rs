//! Disks that are full or read-only, and a system that opens no more files. All are made for one helper process; the disks in a mount
//! namespace of its own.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_disk::FileTarget;
use longhaul_driver::storage::Storage;

use crate::helper;
use crate::lock::rustix_is_root;
use crate::support::{digest, digests, names, pattern, publish, reserve, run, write};

/// A helper in a namespace where `prepare`, a shell command, has mounted something on `folder`.
fn mounted(part: &str, folder: &Path, prepare: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(if rustix_is_root() {
        ["--mount"].as_slice()
    } else {
        ["--mount", "--user", "--map-root-user"].as_slice()
    });
    command.args(["--", "sh", "-c"]).arg(format!("cd / && {prepare} && exec \"$0\" \"$@\""));
    command.arg(std::env::current_exe().unwrap()).env("FOLDER", folder);
    helper::configure(&mut command, part, &folder.join("a"));
    command
}

#[test]
fn d12_a_full_disk_is_told_before_the_first_byte_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let word = helper::says(mounted("full", folder.path(), "mount -t tmpfs -o size=1m none \"$FOLDER\""));
    assert_eq!(word, "done");
}

/// Played in the helper, where the target's folder has room for a megabyte.
pub(crate) async fn full_disk(target: &FileTarget) -> String {
    let folder = target.path().unwrap().parent().unwrap().to_path_buf();
    run(target, FileOp::Remove).await.unwrap();
    // Known to be too large: refused at once, nothing left behind.
    let fault = run(target, reserve(Some(4 << 20), false)).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Full);
    assert!(fault.detail.contains("4194304 bytes"), "{}", fault.detail);
    assert_eq!(names(&folder), [""; 0]);

    // Size unknown: the disk fills up under way. What was written stays.
    let content = pattern(2 << 20);
    run(target, reserve(None, false)).await.unwrap();
    write(target, 0, &content[..512 << 10]).await.unwrap();
    let fault = write(target, 512 << 10, &content[512 << 10..]).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Full);
    assert!(fault.detail.contains(".a.longhaul"), "{}", fault.detail);
    // So does one that takes bytes from a pipe.
    if let Some(mut pipe) = target.pipe() {
        (&pipe.writer).write_all(&content[512 << 10..(512 << 10) + (1 << 20)]).unwrap();
        pipe.len = 1 << 20;
        let fault = target.write_piped(512 << 10, pipe, 1 << 20).await.unwrap_err();
        assert_eq!(fault.kind, FileFaultKind::Full, "{fault}");
        assert!(fault.detail.contains(".a.longhaul"), "{}", fault.detail);
    }
    run(target, FileOp::Release).await.unwrap();

    // Not more room yet: what was kept survives the failed attempt.
    let fault = run(target, reserve(Some(2 << 20), true)).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Full);
    assert_eq!(names(&folder), [".a.longhaul"]);

    let status = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&folder).status().unwrap();
    assert!(status.success());
    assert_eq!(run(target, reserve(Some(2 << 20), true)).await, Ok(FileReply::Reserved { kept: true }));
    assert_eq!(digests(target, &[(0, 512 << 10)]).await, [digest(&content[..512 << 10])]);
    write(target, 512 << 10, &content[512 << 10..]).await.unwrap();
    run(target, publish(2 << 20)).await.unwrap();
    assert_eq!(fs::read(folder.join("a")).unwrap(), content);
    String::from("done")
}

#[test]
fn d12_a_read_only_file_system_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let word = helper::says(mounted("try", folder.path(), "mount -t tmpfs -o ro none \"$FOLDER\""));
    assert!(word.starts_with("ReadOnly "), "{word}");
    assert!(word.contains(".a.longhaul"), "{word}");
}

#[test]
fn d12_a_folder_without_permission_is_told_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = helper::command("try", &folder.path().join("a"));
    if rustix_is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
    }
    let word = helper::says(command);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(word.starts_with("Denied "), "{word}");
    assert!(word.contains(".a.longhaul"), "{word}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn d12_what_cannot_be_made_durable_for_want_of_descriptors_fails_before_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    helper::configure(&mut command, "few-descriptors", &folder.path().join("a"));
    assert_eq!(helper::says(command), "done");
}

/// Played in the helper, which may have a few files open.
pub(crate) async fn few_descriptors(target: &FileTarget) -> String {
    let folder = target.path().unwrap().parent().unwrap().to_path_buf();
    run(target, FileOp::Remove).await.unwrap();
    let mut others: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    // One is enough for the file, and none is left for its folder.
    others.pop();
    let fault = run(target, reserve(Some(3), false)).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Io, "{fault}");
    assert_eq!(names(&folder), [""; 0]);

    others.pop();
    run(target, reserve(Some(3), false)).await.unwrap();
    assert!(fs::File::open("/dev/null").is_err(), "no other is left");
    write(target, 0, b"abc").await.unwrap();
    run(target, publish(3)).await.unwrap();
    assert_eq!(fs::read(folder.join("a")).unwrap(), b"abc");
    String::from("done")
}
