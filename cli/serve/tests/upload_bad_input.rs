//! Uploads that are wrong get an answer that names what is wrong, and leave nothing behind.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;
use std::time::Duration;

use support::{End, Form, Rig};

fn chunk() -> Form {
    Form::chunk(b"content", "x", 0, 7)
}

#[test]
fn a_wrong_form_answers_400_and_names_the_field() {
    let rig = Rig::new();
    let huge = "9".repeat(40);
    let cases = [
        (chunk().set("fileMd5", None), "fileMd5"),
        (chunk().set("fileMd5", Some("abc")), "fileMd5"),
        (chunk().set("fileMd5", Some("9A0364B9E99BB480DD25E1F0284C8555")), "fileMd5"),
        (chunk().set("fileName", None), "fileName"),
        (chunk().set("fileName", Some("..")), "fileName"),
        (chunk().set("fileName", Some("")), "fileName"),
        (chunk().set("fileName", Some("a/")), "fileName"),
        (chunk().set("fileName", Some(".longhaul-uploads")), "fileName"),
        (chunk().set("totalSize", None), "totalSize"),
        (chunk().set("totalSize", Some("-1")), "totalSize"),
        (chunk().set("totalSize", Some("+7")), "totalSize"),
        (chunk().set("totalSize", Some("7.0")), "totalSize"),
        (chunk().set("totalSize", Some("")), "totalSize"),
        (chunk().set("totalSize", Some(&huge)), "totalSize"),
        (chunk().set("totalSize", Some("6")), "totalSize"),
        (chunk().set("offset", None), "offset"),
        (chunk().set("offset", Some("1")), "totalSize"),
        (chunk().set("offset", Some("18446744073709551615")), "totalSize"),
        (chunk().set("partSize", None), "partSize"),
        (chunk().set("partSize", Some("6")), "partSize"),
        (chunk().set("partSize", Some("8")), "partSize"),
        (chunk().set("file", None), "file"),
        (chunk().file(b"again"), "file occurs twice"),
        (chunk().text("offset", "0"), "offset occurs twice"),
        (Form::chunk(b"content", "x", 3, 0), "empty"),
        (chunk().text("extra", "y".repeat(5000)), "longer than 4096"),
    ];
    for (form, named) in cases {
        let reply = rig.upload("/", &form);
        assert_eq!(reply.status, 400, "{named}: {reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(reply.error().contains(named), "{named}: {}", reply.error());
    }
    assert!(!rig.path("x").exists());
    let stats = rig.settle();
    assert_eq!(stats.content_discarded, stats.content_received);
    // Unknown fields are no fault, and category may be missing.
    let form = chunk().text("extra", "y").set("category", None);
    rig.upload("/", &form).file_id();
}

#[test]
fn a_connection_survives_a_wrong_form() {
    let rig = Rig::new();
    let mut wire = rig.connect();
    assert_eq!(wire.upload("POST", "/", &chunk().set("partSize", Some("6"))).status, 400);
    wire.upload("POST", "/", &chunk()).file_id();
}

#[test]
fn a_body_that_is_no_form_answers_400() {
    let rig = Rig::new();
    let (content_type, form) = chunk().encode();
    let truncated = &form[..form.len() - 10];
    let bodies: [(&str, &[u8]); 6] = [
        ("application/json", b"{}"),
        ("multipart/form-data", &form),
        ("text/plain; boundary=x", &form),
        (&content_type, b"no boundary here"),
        (&content_type, truncated),
        (&content_type, b""),
    ];
    for (content_type, body) in bodies {
        let length = body.len().to_string();
        let headers = [("Content-Type", content_type), ("Content-Length", &length)];
        let reply = rig.connect().ask("POST", "/", &headers, body);
        assert_eq!(reply.status, 400, "{content_type} {body:?}");
        assert!(!reply.error().is_empty());
    }
    let reply = rig.connect().ask("POST", "/", &[("Content-Length", "0")], b"");
    assert_eq!(reply.status, 400);
}

#[test]
fn a_body_without_a_length_answers_411() {
    let rig = Rig::new();
    let (content_type, form) = chunk().encode();
    let headers = [("Content-Type", content_type.as_str()), ("Transfer-Encoding", "chunked")];
    let mut wire = rig.connect();
    wire.send("POST", "/", &headers, b"");
    let _ = write!(wire.stream, "{:x}\r\n", form.len());
    let _ = wire.stream.write_all(&form);
    let _ = wire.stream.write_all(b"\r\n0\r\n\r\n");
    assert_eq!(wire.read(false).status, 411);
}

#[test]
fn an_endless_body_without_a_boundary_is_refused_while_it_is_sent() {
    let rig = Rig::new();
    let (content_type, _) = chunk().encode();
    let headers = [("Content-Type", content_type.as_str()), ("Content-Length", "1000000000")];
    let mut wire = rig.connect();
    wire.send("POST", "/", &headers, &vec![b'x'; 4 << 20]);
    let reply = wire.read(false);
    assert_eq!((reply.status, reply.end), (400, End::Complete));
    assert!(reply.error().contains("boundary"), "{}", reply.error());
    // What is still on its way is taken, so that no reset can overtake the answer.
    for _ in 0..4 {
        wire.stream.write_all(&[b'x'; 4096]).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_form_of_very_many_fields_is_refused() {
    let rig = Rig::new();
    let mut form = chunk();
    for n in 0..40 {
        form = form.text(&format!("f{n}"), "y");
    }
    let reply = rig.upload("/", &form);
    assert_eq!((reply.status, reply.error().contains("too many")), (400, true));
}

#[test]
fn a_folder_in_the_way_answers_409() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("x")).unwrap();
    assert_eq!(rig.upload("/", &chunk()).status, 409);
    rig.file("plain", 3);
    assert_eq!(rig.upload("/plain/", &chunk()).status, 409);
    assert_eq!(rig.upload("/plain/deeper", &chunk()).status, 409);
}

#[test]
fn a_path_that_climbs_answers_400() {
    let rig = Rig::new();
    assert_eq!(rig.upload("/../up", &chunk()).status, 400);
    assert_eq!(rig.upload("/%2e%2e/up", &chunk()).status, 400);
}
