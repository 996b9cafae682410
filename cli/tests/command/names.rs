//! Odd names, folders, standard input and output.

use crate::support::{Place, content};

#[tokio::test(flavor = "multi_thread")]
async fn into_a_folder_by_the_urls_name() {
    let place = Place::new().await;
    let bytes = place.remote("a b.bin", 1000);
    std::fs::create_dir(place.out("sub")).unwrap();
    let url = place.url("a%20b.bin");
    let told = place.words(&format!("get {url} -o sub/")).await.expect(0);
    assert_eq!(told.stdout, format!("{}\n", place.out("sub/a b.bin").display()));
    place.words(&format!("get {url} -o sub")).await.expect(0);
    let told = place.words(&format!("get {url}")).await.expect(0);
    assert_eq!(told.stdout, format!("{}\n", place.out("a b.bin").display()));
    for path in ["sub/a b.bin", "a b.bin"] {
        assert_eq!(std::fs::read(place.out(path)).unwrap(), bytes, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_begin_with_a_dash() {
    let place = Place::new().await;
    let bytes = place.remote("-a", 1000);
    place.run(["get", &place.url("-a"), "-o", "-b"]).await.expect(2);
    place.run(["get", &place.url("-a"), "-o=-b"]).await.expect(0);
    assert_eq!(std::fs::read(place.out("-b")).unwrap(), bytes);
    place.run(["put", "--", "-b", &place.url("up")]).await.expect(0);
    assert_eq!(std::fs::read(place.path("root/up/-b")).unwrap(), bytes);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_mean_something_on_windows_are_stored_as_they_are() {
    let place = Place::new().await;
    for name in ["a\\b", "C:x", "x.. ", "NUL"] {
        let (file, bytes) = place.local(name, 1000);
        let told = place.run(["put".as_ref(), file.as_os_str(), place.url("up").as_ref()]).await.expect(0);
        assert_eq!(std::fs::read(place.path("root/up").join(name)).unwrap(), bytes, "{name}");
        // And it is there under the name that the server told.
        let url = place.url(told.stdout.trim().trim_start_matches('/'));
        place.run(["get", &url, "-o", "back", "--overwrite", "always"]).await.expect(0);
        assert_eq!(std::fs::read(place.out("back")).unwrap(), bytes, "{name}");
    }
    let (file, _) = place.local("\u{1b}[2J", 10);
    let told = place.run(["put".as_ref(), file.as_os_str(), place.url("up").as_ref()]).await;
    assert!(told.code != Some(0) && told.stderr.contains("control"), "{told:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_text() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let place = Place::new().await;
    let bytes = place.remote("a.bin", 5000);
    let name = OsString::from_vec(b"n\xff\xfe\n.bin".to_vec());
    let args = ["get".into(), place.url("a.bin").into(), "-o".into(), name.clone(), "-q".into()];
    let output = place.command(&args as &[OsString]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut line = place.out(&name).into_os_string().into_vec();
    line.push(b'\n');
    assert_eq!(output.stdout, line, "the path as it is");
    assert_eq!(std::fs::read(place.out(&name)).unwrap(), bytes);

    // Sending it needs a name that is text.
    let told = place.run([OsString::from("put"), name.clone(), place.url("up").into()]).await.expect(2);
    assert!(told.stderr.contains("--name"), "{told:?}");
    place.run([OsString::from("put"), name, place.url("up").into(), "--name".into(), "n".into()]).await.expect(0);
    assert_eq!(std::fs::read(place.path("root/up/n")).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_names_and_ones_too_long() {
    let place = Place::new().await;
    place.remote("a.bin", 1000);
    let (long, longer) = ("n".repeat(250), "n".repeat(300));
    place.run(["get", &place.url("a.bin"), "-o", &long]).await.expect(0);
    assert!(place.out(&long).exists());
    let told = place.run(["get", &place.url("a.bin"), "-o", &longer]).await.expect(5);
    assert!(told.stderr.contains("nnnn"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn to_standard_output_in_order() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 5 << 20);
    let output = place.command(["get", &place.url("a.bin"), "-o", "-", "--part-size", "512K"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == bytes, "{} bytes", output.stdout.len());
    assert!(place.outputs().is_empty() && place.records().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn from_standard_input() {
    let place = Place::new().await;
    let (path, bytes) = place.local("x", 3 << 20);
    for method in [["--name", "in.bin"], ["--method", "form"]] {
        let mut command = place.command(["put", "-", &place.url("up"), "--name", "in.bin"]);
        if method[0] == "--method" {
            command.args(method);
        }
        command.stdin(std::fs::File::open(&path).unwrap());
        let output = command.output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read(place.path("root/up/in.bin")).unwrap() == bytes);
    }
    assert!(place.records().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_empty_files_both_ways() {
    let place = Place::new().await;
    place.remote("empty", 0);
    place.words(&format!("get {} -o e", place.url("empty"))).await.expect(0);
    assert_eq!(std::fs::read(place.out("e")).unwrap(), b"");
    place.words(&format!("put e {} --name f", place.url("up"))).await.expect(0);
    assert_eq!(std::fs::read(place.path("root/up/f")).unwrap(), b"");
    let output = place.command(["get", &place.url("empty"), "-o", "-"]).output().await.unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(0), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocols_fields() {
    let place = Place::new().await;
    let (file, bytes) = place.local("x", 1000);
    place
        .words(&format!("put {} {} --name other.bin --category films", file.display(), place.url("up")))
        .await
        .expect(0);
    assert_eq!(std::fs::read(place.path("root/up/other.bin")).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_is_no_folder() {
    let place = Place::new().await;
    place.remote("a.bin", 1000);
    std::fs::write(place.path("file"), "x").unwrap();
    let mut args = vec!["get".to_owned(), place.url("a.bin"), "--state".to_owned()];
    args.push(place.path("file").display().to_string());
    let told = place.run(&args).await.expect(5);
    assert!(told.stderr.contains("file"), "{told:?}");
    // One that nobody named is done without.
    std::fs::write(place.path("home/.local"), content(1)).unwrap();
    let mut command = place.command(["get", &place.url("a.bin"), "-o", "a.bin"]);
    command.env_remove("LONGHAUL_STATE");
    let told = crate::support::Told::of(command).await;
    if cfg!(target_os = "linux") {
        assert!(told.stderr.contains("--state"), "{told:?}");
    }
    told.expect(0);
}
