//! Nothing outside the root is ever served.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Form, Rig};

#[test]
fn names_are_decoded_and_found() {
    let rig = Rig::new();
    rig.file("a b/ü%.txt", 5);
    let reply = rig.get("/a%20b/%C3%BC%25.txt?query=1", &[]);
    assert_eq!((reply.status, reply.body.len()), (200, 5));
    assert_eq!(rig.get("/a%20b//%C3%BC%25.txt", &[]).status, 200);
    assert_eq!(rig.get("/a%20b/%C3%BC%25.txt/", &[]).status, 404);
    assert_eq!(rig.get("/none", &[]).status, 404);
}

#[test]
fn no_path_climbs_out_of_the_root() {
    let rig = Rig::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    let absolute = outside.path().join("secret");
    let mut wire = rig.connect();
    for path in [
        format!("/../{name}/secret"),
        format!("/%2e%2e/{name}/secret"),
        format!("/..%2f{name}%2fsecret"),
        format!("/x/../../{name}/secret"),
        format!("/..\\{name}\\secret"),
        format!("/{}", absolute.display()),
        format!("/{}", absolute.display().to_string().replace('/', "%2F")),
        "/f%00".to_owned(),
        "/%ff%fe".to_owned(),
    ] {
        let reply = wire.ask("GET", &path, &[], b"");
        assert!(matches!(reply.status, 400 | 404), "{path}: {reply:?}");
        assert!(!reply.body.windows(6).any(|w| w == b"secret"), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn links_may_lead_about_inside_the_root_but_not_out_of_it() {
    use std::os::unix::fs::symlink;
    let mut rig = Rig::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    rig.file("real", 5);
    symlink("real", rig.path("inside")).unwrap();
    symlink(outside.path().join("secret"), rig.path("leak")).unwrap();
    symlink(outside.path(), rig.path("folder")).unwrap();
    symlink(".longhaul-uploads", rig.path("parts")).unwrap();
    assert_eq!(rig.get("/inside", &[]).status, 200);
    assert_eq!(rig.get("/leak", &[]).status, 404);
    assert_eq!(rig.get("/folder/secret", &[]).status, 404);
    // Uploads do not follow such links either.
    assert_eq!(rig.upload("/folder/", &Form::chunk(b"x", "new", 0, 1)).status, 404);
    assert_eq!(rig.upload("/folder/deeper/", &Form::chunk(b"x", "new", 0, 1)).status, 404);
    assert_eq!(rig.upload("/parts/", &Form::chunk(b"x", "new", 0, 1)).status, 404);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    rig.config.links_may_leave = true;
    rig.restart();
    assert_eq!(rig.get("/leak", &[]).body, b"secret");
}

#[test]
fn unfinished_uploads_are_not_served() {
    let rig = Rig::new();
    let bytes = support::pattern(100);
    assert_eq!(rig.upload("/", &Form::chunk(&bytes, "x", 0, 50)).next_byte(), 50);
    let hidden = rig.path(".longhaul-uploads");
    let part = std::fs::read_dir(hidden).unwrap().next().unwrap().unwrap();
    let name = part.file_name().into_string().unwrap();
    assert_eq!(rig.get(&format!("/.longhaul-uploads/{name}"), &[]).status, 404);
    assert_eq!(rig.get("/.longhaul-uploads/", &[]).status, 404);
    let list = String::from_utf8(rig.get("/", &[]).body).unwrap();
    assert!(!list.contains("longhaul-uploads"), "{list}");
}

#[test]
fn a_folder_is_a_list_of_links_or_404() {
    let mut rig = Rig::new();
    rig.file("sub/<b> & \"c\".txt", 3);
    rig.file("plain", 3);
    let root = String::from_utf8(rig.get("/", &[]).body).unwrap();
    assert!(root.contains("<a href=\"/sub/\">sub/</a>"), "{root}");
    assert!(root.contains("<a href=\"/plain\">plain</a>"), "{root}");
    let sub = rig.get("/sub", &[]);
    assert_eq!(sub.header("content-type"), Some("text/html; charset=utf-8"));
    let sub = String::from_utf8(sub.body).unwrap();
    let link = "<a href=\"/sub/%3Cb%3E%20%26%20%22c%22.txt\">&lt;b&gt; &amp; &quot;c&quot;.txt</a>";
    assert!(sub.contains(link), "{sub}");
    rig.config.listing = false;
    rig.restart();
    assert_eq!(rig.get("/", &[]).status, 404);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_a_file() {
    let rig = Rig::new();
    let made = std::process::Command::new("mkfifo").arg(rig.path("pipe")).status();
    assert!(made.unwrap().success());
    assert_eq!(rig.get("/pipe", &[]).status, 404);
}
