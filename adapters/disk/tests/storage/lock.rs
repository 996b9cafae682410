//! One transfer at a time on a target.

use std::fs;

use longhaul_core::error::FileFaultKind;
use longhaul_core::intent::{FileOp, FileReply};
use longhaul_disk::FileTarget;

use crate::helper;
use crate::support::{kind, names, publish, reserve, run, write};

#[tokio::test]
async fn d11_two_processes_on_one_target_and_one_is_told_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let (mut holder, word) = helper::start(helper::command("hold", &path));
    assert!(word.starts_with("kept=false"), "{word}");

    let target = FileTarget::new(&path);
    let fault = run(&target, reserve(Some(9), true)).await.unwrap_err();
    assert_eq!(fault.kind, FileFaultKind::Busy);
    assert!(fault.detail.contains(".a.longhaul"), "{}", fault.detail);
    assert!(helper::says(helper::command("try", &path)).starts_with("Busy"));
    assert_eq!(kind(run(&target, FileOp::Remove).await), FileFaultKind::Busy);

    // Killed, it leaves its bytes and no lock.
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(names(folder.path()), [".a.longhaul"]);
    assert_eq!(run(&target, reserve(Some(15), true)).await, Ok(FileReply::Reserved { kept: true }));
    run(&target, publish(15)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"from the helper");
}

#[tokio::test]
async fn d11_two_transfers_of_one_process_exclude_each_other_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let (first, second) = (FileTarget::new(&path), FileTarget::new(&path));
    run(&first, reserve(None, false)).await.unwrap();
    assert_eq!(kind(run(&second, reserve(None, false)).await), FileFaultKind::Busy);
    run(&first, FileOp::Release).await.unwrap();
    run(&second, reserve(None, false)).await.unwrap();
    // Published, the way is free for the next.
    write(&second, 0, b"x").await.unwrap();
    run(&second, publish(1)).await.unwrap();
    run(&first, reserve(None, false)).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn d11_links_to_one_file_meet_in_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    let (other, folder_link) = (folder.path().join("other"), folder.path().join("folder-link"));
    fs::create_dir(&other).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    std::os::unix::fs::symlink("link", other.join("chain")).unwrap();
    std::os::unix::fs::symlink("../real", other.join("relative")).unwrap();
    std::os::unix::fs::symlink(folder.path(), &folder_link).unwrap();
    fs::write(&real, "here").unwrap();
    run(&FileTarget::new(other.join("chain")), reserve(None, false)).await.unwrap();
    let first = FileTarget::new(&real);
    run(&first, reserve(None, false)).await.unwrap();
    for alias in [link, other.join("relative"), folder_link.join("real"), folder.path().join("./other/../real")] {
        assert_eq!(kind(run(&FileTarget::new(&alias), reserve(None, false)).await), FileFaultKind::Busy, "{alias:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn d11_another_users_temporary_file_does_not_lock_anybody_out() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("a");
    let theirs = folder.path().join(".a.longhaul");
    fs::write(&theirs, "theirs").unwrap();
    let mut command = helper::command("try", &path);
    if rustix_is_root() {
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
    } else {
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let word = helper::says(command);
    assert!(word.starts_with("kept=false") && word.ends_with(".a.longhaul-1"), "{word}");
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_foreign_things_under_the_temporary_name_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let temporary = folder.path().join(".a.longhaul");
    for trap in ["symbolic", "dangling", "hard", "folder", "pipe"] {
        match trap {
            "symbolic" => std::os::unix::fs::symlink(&precious, &temporary).unwrap(),
            "dangling" => std::os::unix::fs::symlink("nowhere", &temporary).unwrap(),
            "hard" => fs::hard_link(&precious, &temporary).unwrap(),
            "folder" => fs::create_dir(&temporary).unwrap(),
            _ => assert!(std::process::Command::new("mkfifo").arg(&temporary).status().unwrap().success()),
        }
        let target = FileTarget::new(folder.path().join("a"));
        assert_eq!(run(&target, reserve(None, false)).await, Ok(FileReply::Reserved { kept: false }), "{trap}");
        assert_eq!(target.temporary(), Some(folder.path().join(".a.longhaul-1")), "{trap}");
        write(&target, 0, b"overwritten").await.unwrap();
        run(&target, FileOp::Remove).await.unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious", "{trap}");
        assert!(!folder.path().join("nowhere").exists());
        let _ = fs::remove_file(&temporary).or_else(|_| fs::remove_dir(&temporary));
    }
}

#[cfg(target_os = "linux")]
pub(crate) fn rustix_is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}
