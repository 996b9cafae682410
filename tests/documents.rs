//! What the documents say is so: their links lead somewhere, the table of rusty-cat's capabilities is complete and its proofs exist (B5),
//! the diagrams of phases are those of the core's table.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The links of a text: what they are called and where they lead.
fn links(text: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    for (at, _) in text.match_indices("](") {
        let name = text[..at].rsplit_once('[').map_or("", |(_, name)| name);
        let target = text[at + 2..].split(')').next().unwrap_or_default();
        links.push((name, target));
    }
    links
}

fn documents() -> Vec<String> {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "SECURITY.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    documents
}

#[test]
fn every_link_between_files_leads_somewhere() {
    for document in documents() {
        let folder: PathBuf = root().join(&document).parent().unwrap().into();
        for (name, target) in links(&read(&document)) {
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = file.is_empty() || file.contains("://");
            assert!(
                elsewhere || folder.join(file).exists(),
                "{document}: [{name}] leads to {target}, which is not there"
            );
        }
    }
}

/// The first cells of the tables in rusty-cat's README (0.4): capabilities, API guide, configuration, builders, error codes.
const RUSTY_CAT: &str = "
HTTP resumable upload|HTTP resumable download|In-memory upload source|Bounded in-memory binary GET|Aliyun OSS direct upload/download
Aliyun OSS presigned upload/download|Azure Blob direct upload/download|Azure Blob SAS upload/download|Provider-neutral presigned primitives
Presigned plan validation|Presigned completion/abort callbacks|Presigned URL refresh on expiry|Upload concurrency setting
Download concurrency setting|Upload progress|Download progress|Global progress listener|Global SDK debug logs
Application-managed persistence|Custom database adaptation|Callback panic isolation|Chunk failure retry|Upload prepare retry
Intra-file parallel parts|Intra-file parallel download|Transport-aware retry & backoff|Disk-full & local-file-removed detection
Pause/resume/cancel|Paused import / selective restore|Resume after process restart / crash|Presigned multipart resume across restart
Provider multipart session id surfacing|Upload abort on cancel|Snapshot diagnostics|Custom HTTP client|Custom upload protocol
Custom download protocol|Custom upload request method/headers|Per-task download HTTP override
MeowClient::new|http_client()|register_global_progress_listener|unregister_global_progress_listener|clear_global_listener
set_debug_log_listener|try_enqueue(|enqueue_and_wait|try_enqueue_paused|try_enqueue_binary_task|`pause`|`resume`|`cancel`|`snapshot`|`close`
`is_closed`|max_upload_concurrency|max_download_concurrency|range_accept|http_client(reqwest::Client)|http_timeout|tcp_keepalive
command_queue_capacity|worker_event_queue_capacity|binary_download_config|MeowConfig::builder()|breakpoint_download_http
UploadPounceBuilder::new|UploadPounceBuilder::from_bytes|with_url|with_file_path|with_bytes|with_method|with_headers|with_breakpoint_upload
with_max_chunk_retries|with_max_upload_prepare_retries|with_max_parts_in_flight|DownloadPounceBuilder::new|with_client_file_sign
with_breakpoint_download`|with_breakpoint_download_http|with_total_size|`build()`
101 `|102 `|103 `|104 `|105 `|106 `|107 `|108 `|109 `|110 `|111 `|112 `|113 `|114 `|115 `|116 `|117 `|118 `|119 `|120 `|121 `|122 `|123 `|124 `";

#[test]
fn b5_every_row_of_rusty_cats_readme_has_its_row_and_its_proof() {
    let document = read("docs/coming-from-rusty-cat.md");
    let rows: Vec<&str> =
        document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| rusty-cat")).collect();
    for name in RUSTY_CAT.split(['|', '\n']).filter(|name| !name.is_empty()) {
        let there = rows.iter().any(|row| row.split(" | ").next().unwrap().contains(name));
        assert!(there, "no row for {name}");
    }
    for row in rows {
        let proof = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        let proofs = links(proof);
        assert!(!proofs.is_empty(), "no proof: {row}");
        for (name, target) in proofs {
            let text = read(&format!("docs/{target}"));
            // In backticks: something that is in that file. A test by the beginning of its name.
            let Some(item) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
            let is_test = item.split_once('_').is_some_and(|(id, _)| id.len() > 1 && id[1..].parse::<u8>().is_ok());
            let sought = if is_test { format!("fn {item}") } else { item.to_owned() };
            assert!(text.contains(&sought), "{target} has no {sought:?}: {row}");
        }
    }
}

/// The ways between phases as the core's own test recorded them, as a diagram. What every phase has, the stop, is left out.
fn diagram(direction: &str) -> String {
    let table =
        read(&format!("core/src/transfer/snapshots/longhaul_core__transfer__phase__tests__table_{direction}.snap"));
    let table = table.splitn(3, "---\n").nth(2).expect("a snapshot");
    let ways: Vec<[&str; 3]> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().try_into().expect("phase, signal, phase"))
        .filter(|[_, signal, to]: &[&str; 3]| *to != "-" && *signal != "Stop")
        .collect();
    let mut reached = vec!["Queued", "Ending"];
    let mut at = 0;
    while let Some(&phase) = reached.get(at) {
        let next = ways.iter().filter(|[from, ..]| *from == phase).map(|[.., to]| *to);
        let new: Vec<&str> = next.filter(|to| !reached.contains(to)).collect();
        for to in new {
            if !reached.contains(&to) {
                reached.push(to);
            }
        }
        at += 1;
    }
    let mut diagram = String::from("```mermaid\nstateDiagram-v2\n    [*] --> Queued\n");
    for phase in reached {
        let mut told: Vec<&str> = Vec::new();
        for [from, _, to] in &ways {
            if *from != phase || told.contains(to) {
                continue;
            }
            told.push(to);
            let signals: Vec<&str> =
                ways.iter().filter(|way| way[0] == phase && way[2] == *to).map(|[_, signal, _]| *signal).collect();
            writeln!(diagram, "    {phase} --> {to}: {}", signals.join(", ")).unwrap();
        }
    }
    diagram + "    Ended --> [*]\n```\n"
}

#[test]
fn the_diagrams_of_phases_are_those_of_the_table() {
    let path = "docs/architecture.md";
    let mut document = read(path);
    for direction in ["download", "upload"] {
        let (begin, end) = (format!("<!-- phases: {direction} -->\n"), format!("<!-- end: {direction} -->"));
        let from = document.find(&begin).expect("a place for the diagram") + begin.len();
        let upto = document.find(&end).expect("the end of the place");
        document.replace_range(from..upto, &diagram(direction));
    }
    if std::env::var_os("LONGHAUL_WRITE_DOCS").is_some() {
        std::fs::write(root().join(path), &document).unwrap();
    }
    assert!(
        document == read(path),
        "{path} shows other phases than the core has: LONGHAUL_WRITE_DOCS=1 cargo test --test documents writes it anew"
    );
}
