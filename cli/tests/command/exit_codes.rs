//! Each exit code, and that what is wrong is named together with its remedy.

use longhaul_serve::{Fault, What, When};

use crate::support::Place;

const FAST: &str = "--retries 1";

#[tokio::test(flavor = "multi_thread")]
async fn done_is_0_and_standard_output_has_the_path_and_nothing_else() {
    let place = Place::new().await;
    let bytes = place.remote("a.bin", 300_000);
    let told = place.words(&format!("get {} -o b.bin", place.url("a.bin"))).await.expect(0);
    assert_eq!(told.stdout, format!("{}\n", place.out("b.bin").display()));
    assert_eq!(std::fs::read(place.out("b.bin")).unwrap(), bytes);
    assert_eq!(place.outputs(), ["b.bin"]);
    assert!(place.records().is_empty());

    let (file, bytes) = place.local("c.bin", 300_000);
    let told = place.words(&format!("put {} {}", file.display(), place.url("up"))).await.expect(0);
    assert_eq!(told.stdout, "/up/c.bin\n", "the server's name for it");
    assert_eq!(std::fs::read(place.path("root/up/c.bin")).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_order_is_1() {
    let place = Place::with_faults(Fault::new(When::Always, What::Status { code: 503, retry_after: None })).await;
    place.remote("a.bin", 10);
    let told = place.words(&format!("get {} {FAST}", place.url("a.bin"))).await.expect(1);
    assert!(told.stderr.contains("HTTP 503"), "{told:?}");
    assert!(place.outputs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_reach_is_1() {
    let place = Place::new().await;
    // A port that is taken, so that nobody else gets it, and where nobody listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}/a.bin", socket.local_addr().unwrap());
    let told = place.words(&format!("get {url} {FAST}")).await.expect(1);
    assert!(told.stderr.contains("cannot connect") && told.stderr.contains("the same command"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_command_line_is_2_and_says_what_would_be_right() {
    let place = Place::new().await;
    let (file, _) = place.local("x", 1);
    std::fs::write(place.out("headers"), "X-A: 1\nno colon\n").unwrap();
    std::fs::write(place.out("bad.pem"), "no certificate").unwrap();
    let file = file.display();
    for (words, thing, remedy) in [
        ("get", "<URL>", "--help"),
        ("get ftp://h/x", "URL", "http"),
        ("get http:///x", "URL", "host"),
        ("get http://h:port/x", "URL", "port"),
        ("get http://h/x --parts 0", "--parts", "from 1 to 1024"),
        ("get http://h/x --parts many", "--parts", "auto"),
        ("get http://h/x --part-size 8X", "--part-size", "8MiB"),
        ("get http://h/x --limit-rate 0", "--limit-rate", "2MiB"),
        ("get http://h/x --retries -1", "-1", "--help"),
        ("get http://h/x --idle-timeout 0", "--idle-timeout", "30s"),
        ("get http://h/x --checksum abc", "--checksum", "ALGO:HEX"),
        ("get http://h/x --checksum whirlpool:00", "whirlpool", "sha-256"),
        ("get http://h/x --checksum md5:00", "--checksum", "32 hexadecimal digits"),
        ("get http://h/x --overwrite sometimes", "--overwrite", "if-changed"),
        ("get http://h/x --header nocolon", "--header", "Name: value"),
        ("get http://h/x --header Host:x", "host", "leave it out"),
        ("get http://h/x --header Range:bytes=0-1", "range", "longhaul"),
        ("get http://h/x --header @headers", "line 2", "Name: value"),
        ("get http://h/x --header @nothing", "nothing", "--header"),
        ("get http://h/x --cacert nothing.pem", "--cacert", "nothing.pem"),
        ("get http://h/x --cacert bad.pem", "root certificates", "BEGIN CERTIFICATE"),
        ("get http://h/x --proxy proxy:80", "--proxy", "http"),
        ("get http://h/x -o - --json", "--json", "leave one of them out"),
        ("get http://h/x -q -v", "--quiet", "--verbose"),
        ("put - http://h/x", "standard input", "--name"),
        ("put - http://h/x --name a --checksum md5:00000000000000000000000000000000", "--checksum", "file"),
        ("put {file} http://h/x --method put --name n", "--name", "--method form"),
        ("put {file} nonsense", "URL", "http"),
        // What would do nothing with this kind of URL.
        ("get http://h/x --region r", "--region", "s3:// and oss://"),
        ("get http://h/x --endpoint http://e", "--endpoint", "az://"),
        ("get http://h/x --path-style", "--path-style", "leave it out"),
        ("get http://h/x --account a", "--account", "az://"),
        ("put {file} http://h/x --anonymous", "--anonymous", "leave it out"),
        ("put {file} http://h/x --credentials-command c", "--credentials-command", "leave it out"),
        ("put {file} https://h/c/b?sv=1&sig=s --region r", "--region", "leave it out"),
        ("get s3://bucket/key --region r --account acme", "--account", "az://"),
        ("get az://data/blob --account acme --region r", "--region", "s3:// and oss://"),
        ("put {file} http://h/x --method put --part-size 1M", "--part-size", "leave it out"),
        ("resume --list --trace t", "--list", "--trace"),
        ("serve --listen here", "--listen", "127.0.0.1:8080"),
        ("fetch x", "fetch", "--help"),
    ] {
        let told = place.words(&words.replace("{file}", &file.to_string())).await;
        assert_eq!(told.code, Some(2), "{words}: {told:#?}");
        assert!(told.stderr.contains(thing) && told.stderr.contains(remedy), "{words}: {}", told.stderr);
        assert!(told.stdout.is_empty() || words.contains("--json"), "{words}: {}", told.stdout);
    }
    assert_eq!(place.server.stats().requests_total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_and_refused_are_4() {
    let place = Place::new().await;
    let told = place.words(&format!("get {}", place.url("nothing"))).await.expect(4);
    assert!(told.stderr.contains("HTTP 404"), "{told:?}");
    place.remote("a.bin", 10);
    place.server.set_faults(Fault::new(When::Always, What::Status { code: 403, retry_after: None }));
    place.words(&format!("get {}", place.url("a.bin"))).await.expect(4);
    let (file, _) = place.local("x", 1000);
    place.words(&format!("put {} {}", file.display(), place.url("up"))).await.expect(4);
    assert!(place.outputs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_disk_is_5_and_says_which_path() {
    let place = Place::new().await;
    place.remote("a.bin", 10);
    let url = place.url("a.bin");
    for (words, named) in [
        (format!("get {url} -o missing/a.bin"), "mkdir -p"),
        (format!("get {url} -o missing/"), "mkdir -p"),
        (format!("put missing {url}"), "missing"),
        (format!("put . {url} --name n"), "folder"),
        ("serve missing".to_owned(), "missing"),
    ] {
        let told = place.words(&words).await.expect(5);
        assert!(told.stderr.contains(named), "{words}: {}", told.stderr);
    }
    assert!(place.outputs().is_empty());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn devices_and_pipes_are_no_targets() {
    let place = Place::new().await;
    place.remote("a.bin", 10);
    let told = place.words(&format!("get {} -o /dev/null", place.url("a.bin"))).await.expect(5);
    assert!(told.stderr.contains("/dev/null") && told.stderr.contains("regular file"), "{told:?}");
    let told = place.words(&format!("put /dev/null {}", place.url("up"))).await.expect(5);
    assert!(told.stderr.contains("/dev/null"), "{told:?}");
}

/// A file that may not grow stands for a full disk: the system refuses in the same calls.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn d12_a_full_disk_is_5_and_leaves_what_was_there() {
    use crate::support::{Told, content};

    let place = Place::new().await;
    place.remote("a.bin", 2 << 20);
    std::fs::write(place.out("a.bin"), content(100)).unwrap();
    let mut command = tokio::process::Command::new("sh");
    command
        .args(["-c", r#"ulimit -f 64; exec "$0" "$@""#, env!("CARGO_BIN_EXE_longhaul")])
        .args(["get", &place.url("a.bin"), "-o"])
        .arg(place.out("a.bin"))
        .args(["--proxy", "none", "--state"])
        .arg(place.path("state"))
        .kill_on_drop(true);
    let told = Told::of(command).await.expect(5);
    assert!(told.stderr.contains("a.bin"), "{told:?}");
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap(), content(100));
    // The cause gone, the same command succeeds.
    place.words(&format!("get {} -o a.bin", place.url("a.bin"))).await.expect(0);
    assert_eq!(std::fs::read(place.out("a.bin")).unwrap().len(), 2 << 20);
}
