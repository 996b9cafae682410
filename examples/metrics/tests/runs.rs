//! The example runs as it is, and exports what was done (B6).
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

#[test]
fn everything_in_the_table_is_exported_with_its_unit() {
    let run = Command::new(env!("CARGO_BIN_EXE_longhaul-example-metrics")).output().unwrap();
    let said = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(run.status.success(), "{said}");
    let value = |series: &str| -> f64 {
        let line =
            said.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no {series} in\n{said}"));
        let value = line.strip_prefix(series).and_then(|rest| rest.split_whitespace().next()).unwrap();
        value.parse().unwrap()
    };
    assert!(value("longhaul_bytes_total [B] direction=download") >= 33_554_432.0, "{said}");
    assert!(value("longhaul_bytes_total [B] direction=upload") >= 33_554_432.0, "{said}");
    assert!(value("longhaul_retries_total [] direction=download") >= 5.0, "{said}");
    assert_eq!(value("longhaul_requests_in_flight [] direction=download"), 0.0);
    assert_eq!(value("longhaul_requests_in_flight [] direction=upload"), 0.0);
    // A probe, 32 parts, and what was refused; each had a head and an end.
    let requests = value("longhaul_requests_total [] direction=download end=complete");
    assert!(requests >= 38.0, "{said}");
    assert_eq!(value("longhaul_request_head_seconds [s] direction=download"), requests);
    assert_eq!(value("longhaul_request_seconds [s] direction=download"), requests);
    assert_eq!(value("longhaul_transfers_total [] code=0 direction=download end=completed"), 1.0);
    assert_eq!(value("longhaul_transfers_total [] code=0 direction=upload end=completed"), 1.0);
}
