//! Nothing is held whole. A test binary of its own, because it reads the memory of its process.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};

use support::{Form, Rig};

const SIZE: usize = 256 << 20;
/// What the server may add to the memory of the process.
const ALLOWED: u64 = 24 << 20;

/// The most memory this process ever held.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn neither_a_chunk_nor_a_file_is_ever_whole_in_memory() {
    let rig = Rig::with(|config| config.verify(false));
    let block = support::pattern(1 << 20);
    // The form around 256 MiB that are made while they are sent.
    let name = "big";
    let shell = Form::chunk(b"@", name, 0, 1)
        .set("partSize", Some(&SIZE.to_string()))
        .set("totalSize", Some(&SIZE.to_string()));
    let (content_type, shell) = shell.encode();
    let middle = shell.iter().position(|byte| *byte == b'@').unwrap();
    let (before, after) = (&shell[..middle], &shell[middle + 1..]);
    let length = (before.len() + SIZE + after.len()).to_string();
    let headers = [("Content-Type", content_type.as_str()), ("Content-Length", &length)];

    let calm = peak();
    let mut wire = rig.connect();
    wire.send("POST", "/", &headers, before);
    for _ in 0..SIZE / block.len() {
        wire.stream.write_all(&block).unwrap();
    }
    wire.stream.write_all(after).unwrap();
    assert_eq!(wire.read(false).file_id(), "/big");
    let grown = peak() - calm;
    assert!(grown < ALLOWED, "the upload took {grown} bytes");

    let calm = peak();
    let mut wire = rig.connect();
    wire.send("GET", "/big", &[], b"");
    let mut buf = vec![0; 1 << 20];
    let mut left = SIZE;
    while left > 0 {
        left = left.saturating_sub(wire.stream.read(&mut buf).unwrap());
    }
    let grown = peak() - calm;
    assert!(grown < ALLOWED, "the download took {grown} bytes");
    println!("peak of the process: {} KiB", peak() / 1024);
}
