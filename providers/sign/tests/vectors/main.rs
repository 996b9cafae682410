//! Every case of every vector file: what official SDKs signed for the same input, bit for bit.
//!
//! `LONGHAUL_VECTORS` names another folder of the same format (`meta`, `cases[].input`, `cases[].expected`); the default is the
//! project's `tests/vectors`. What a case is follows from its input, not from the file's name. An unknown kind of case, an
//! unknown expectation, a file without cases and a folder without files are failures.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod azure;
mod checksums;
mod oss;
mod s3;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use longhaul_sign::date;
use serde::Deserialize;
use serde_json::Value;

#[test]
fn vectors_of_every_file_match_bit_for_bit() {
    let folder = folder();
    let listing = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "no vector file in {}", folder.display());

    let (mut total, mut failures) = (0, Vec::new());
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file: File =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!file.cases.is_empty(), "{name} has no cases");
        if let Some(count) = file.meta.count {
            assert_eq!(count, file.cases.len(), "{name} promises another number of cases");
        }
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let before = failures.len();
        for case in &file.cases {
            let kind = case.kind();
            *kinds.entry(kind).or_default() += 1;
            if let Err(what) = case.run(kind) {
                failures.push(format!("{name}: {}: {what}", case.id));
            }
        }
        total += file.cases.len();
        // Not `println!`, which the test harness keeps to itself.
        let failed = failures.len() - before;
        writeln!(io::stdout(), "vectors {name}: {} cases {kinds:?}, {failed} failed", file.cases.len()).unwrap();
    }
    writeln!(io::stdout(), "vectors in all: {total} cases, {} failed", failures.len()).unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A case that this program does not understand must not look like one that passed.
#[test]
fn vectors_of_an_unknown_kind_fail() {
    let text = r#"{"id": "x", "input": {"nonsense": 1}, "expected": {}}"#;
    let case: Case = serde_json::from_str(text).unwrap();
    assert!(case.run(case.kind()).is_err());
    let text = r#"{"id": "x", "input": {"data_base64": ""}, "expected": {"crc99": "0"}}"#;
    let case: Case = serde_json::from_str(text).unwrap();
    assert!(case.run(case.kind()).is_err());
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    meta: Meta,
    cases: Vec<Case>,
}

#[derive(Default, Deserialize)]
struct Meta {
    count: Option<usize>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    group: String,
    mode: Option<String>,
    input: Value,
    expected: Value,
}

impl Case {
    fn kind(&self) -> &'static str {
        let has = |key: &str| self.input.get(key).is_some();
        match () {
            () if has("secret_access_key") => "s3",
            () if has("access_key_secret") => "oss",
            () if has("key_base64") && has("method") => "azure-shared-key",
            () if has("key_base64") && has("resource") => "azure-sas",
            () if has("data_base64") || has("lcg_seed") || has("size_b") => "checksum",
            () => "unknown",
        }
    }

    fn run(&self, kind: &str) -> Result<(), String> {
        match kind {
            "s3" => s3::run(self),
            "oss" => oss::run(self),
            "azure-shared-key" => azure::shared_key(self),
            "azure-sas" => azure::sas(self),
            "checksum" => checksums::run(self),
            _ => Err("an unknown kind of case".to_owned()),
        }
    }

    fn input<'a, T: Deserialize<'a>>(&'a self) -> Result<T, String> {
        T::deserialize(&self.input).map_err(|error| format!("input: {error}"))
    }

    fn expected<'a, T: Deserialize<'a>>(&'a self) -> Result<T, String> {
        T::deserialize(&self.expected).map_err(|error| format!("expected: {error}"))
    }
}

fn folder() -> PathBuf {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    match env::var_os("LONGHAUL_VECTORS") {
        None => project.join("tests/vectors"),
        // Tests run in their package's folder; a relative folder is usually meant from the project's.
        Some(folder) if PathBuf::from(&folder).is_dir() => folder.into(),
        Some(folder) => project.join(folder),
    }
}

/// Compares, and shows both sides.
fn same<T: PartialEq + Debug>(what: &str, ours: T, theirs: T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}\n    ours:   {ours:?}\n    theirs: {theirs:?}")) }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn unix(time: &str) -> Result<i64, String> {
    date::parse_iso8601(time).map_err(text)
}

/// The URL as an HTTP client gets it, which must not change the path.
fn uri(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let (path, query) = path_and_query(url);
    same("path of the parsed URL", uri.path(), if path.is_empty() { "/" } else { path })?;
    same("query of the parsed URL", uri.query().unwrap_or_default(), query)?;
    Ok(uri)
}

fn path_and_query(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    rest.split_once('?').unwrap_or((rest, ""))
}

fn header_map(pairs: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(text)?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).map_err(text)?);
    }
    Ok(headers)
}

/// The headers that signing added, without the signature and those named.
fn added(headers: &HeaderMap, without: &[&str]) -> BTreeMap<String, String> {
    let pairs = headers.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    pairs.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

fn lower_case(pairs: &BTreeMap<String, String>, without: &[&str]) -> BTreeMap<String, String> {
    let pairs = pairs.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    pairs.filter(|(name, _)| !without.contains(&name.as_str())).collect()
}

/// A URL with its parameters in a fixed order, because theirs is free.
fn sorted(url: &str) -> (String, Vec<String>) {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters: Vec<String> = query.split('&').map(ToOwned::to_owned).collect();
    parameters.sort();
    (base.to_owned(), parameters)
}
