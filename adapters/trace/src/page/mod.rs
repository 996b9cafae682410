//! A trace as one self-contained HTML page: what moved when, what was retried and why, what was reused, how it ended. Pure: records
//! in, text out.
//!
//! The page loads nothing and forbids itself to (`Content-Security-Policy`); all that comes from the trace is escaped; its size is
//! bounded, however many requests there were.

mod chart;
mod story;
mod words;

use std::fmt::Write;

use crate::read::Trace;
use crate::record::{Event, Failure};
use story::{Ended, Story, Transfer};
use words::{bytes, count, esc, rate, span};

/// Most transfers of a trace that are drawn.
const MOST_TRANSFERS: usize = 20;
/// Most rows of a table.
const MOST_ROWS: usize = 500;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page of a trace.
#[must_use]
pub fn page(trace: &Trace) -> String {
    let story = story::story(trace);
    let title = match story.transfers.as_slice() {
        [one] => format!("{} of {}", direction(one), name(one)),
        transfers => count(transfers.len() as u64, "transfer", "transfers"),
    };
    let mut body = String::new();
    for transfer in story.transfers.iter().take(MOST_TRANSFERS) {
        body += &section(transfer, &story);
    }
    if story.transfers.is_empty() {
        body += "<main><p class=\"none\">Nothing was submitted while this was recorded.</p></main>";
    }
    if let Some(more) = story.transfers.len().checked_sub(MOST_TRANSFERS).filter(|more| *more > 0) {
        let _ = write!(
            body,
            "<p class=\"none\">And {} that are not drawn.</p>",
            count(more as u64, "transfer", "transfers")
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\"><title>{}</title><style>{STYLE}</style></head>\
         <body>{PATTERNS}{body}{}<script>{SCRIPT}</script></body></html>\n",
        esc(&title),
        footer(&story)
    )
}

/// What tells the states apart without colours. Not to be hidden by `display: none`, which would take the patterns out of use.
const PATTERNS: &str = "<svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\"><defs>\
    <pattern id=\"ps\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" class=\"s0\"/><rect width=\"3\" height=\"6\" class=\"s1\"/></pattern>\
    <pattern id=\"pa\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect width=\"5\" height=\"5\" class=\"a0\"/><circle cx=\"2.5\" cy=\"2.5\" r=\"1.2\" class=\"a1\"/></pattern>\
    <pattern id=\"pk\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\"><rect width=\"6\" height=\"6\" class=\"k0\"/><rect width=\"1.5\" height=\"6\" class=\"k1\"/></pattern>\
    </defs></svg>";

fn direction(transfer: &Transfer) -> &'static str {
    if transfer.upload { "Upload" } else { "Download" }
}

/// The last part of the object's name; of an upload by a protocol that has one, the file's.
fn name(transfer: &Transfer) -> &str {
    if let Some((_, name)) = transfer.object.strip_suffix(']').and_then(|object| object.rsplit_once(" [")) {
        return name;
    }
    let object = transfer.object.trim_end_matches('/');
    object.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(object)
}

fn section(transfer: &Transfer, story: &Story) -> String {
    let verdict = match &transfer.verdict {
        Some(Event::Completed { unchanged: true, .. }) => ("done", "Nothing to do"),
        Some(Event::Completed { .. }) => ("done", "Completed"),
        Some(Event::Failed { reason }) if reason.code == 601 => ("stopped", "Cancelled"),
        Some(Event::Failed { reason }) if reason.code == 602 => ("stopped", "Stopped"),
        Some(Event::Failed { .. }) => ("failed", "Failed"),
        _ => ("stopped", "Not at its end"),
    };
    let mut out = format!(
        "<main><header><p class=\"kind\">{}<span class=\"verdict {}\">{}</span><span>{}</span></p><h1><bdi>{}</bdi></h1><p class=\"url\"><bdi>{}</bdi></p></header>",
        direction(transfer),
        verdict.0,
        verdict.1,
        words::date(transfer.wall),
        esc(name(transfer)),
        esc(&transfer.object)
    );
    out += &outcome(transfer, story);
    out += &tiles(transfer);
    if !transfer.flow.is_empty() {
        let _ = write!(out, "<section><h2>Throughput</h2>{}</section>", chart::throughput(transfer));
    }
    if !transfer.requests.is_empty() {
        let _ = write!(
            out,
            "<section><h2>Requests on their connections</h2>{LEGEND}{}{ZOOM}</section>",
            chart::requests(transfer)
        );
    }
    if let Some(object) = chart::object(transfer) {
        let _ = write!(
            out,
            "<section><h2>What was reused</h2><p class=\"say\">{}</p>{OBJECT_LEGEND}{object}</section>",
            reuse(transfer)
        );
    }
    out += &troubles(transfer);
    out += &phases(transfer);
    out += &all_requests(transfer);
    out + "</main>"
}

const LEGEND: &str = "<ul class=\"legend\"><li><i class=\"w\"></i>waiting for an answer</li><li><i class=\"m\"></i>transferring</li>\
    <li><i class=\"s\"></i>stalled</li><li><i class=\"x\">×</i>failed</li><li><i class=\"r\"></i>waiting to try again</li></ul>";
const OBJECT_LEGEND: &str = "<ul class=\"legend\"><li><i class=\"k\"></i>kept from before</li><li><i class=\"m\"></i>moved in this run</li>\
    <li><i class=\"a\"></i>moved more than once</li><li><i class=\"n\"></i>not there</li></ul>";
const ZOOM: &str = "<div class=\"zoom\" role=\"group\" aria-label=\"width of the chart\"><button type=\"button\" data-z=\"1\" aria-pressed=\"true\">all</button>\
    <button type=\"button\" data-z=\"4\" aria-pressed=\"false\">4×</button><button type=\"button\" data-z=\"16\" aria-pressed=\"false\">16×</button>\
    <output aria-live=\"polite\">Point at a request, or use the arrow keys in the chart.</output></div>";

/// How it ended: for a failure where, why, and what to do.
fn outcome(transfer: &Transfer, story: &Story) -> String {
    match &transfer.verdict {
        Some(Event::Failed { reason }) if !matches!(reason.code, 601 | 602) => failure(transfer, reason),
        Some(Event::Failed { reason }) => {
            format!(
                "<p class=\"say\">{}, {} after its beginning.</p>",
                esc(&capital(&reason.words)),
                span(transfer.took())
            )
        }
        Some(Event::Completed { path, verified, unchanged, .. }) => {
            let mut text = String::new();
            if *unchanged {
                text += "The target had the object already. ";
            }
            if let Some(path) = path {
                let _ = write!(text, "It is at <b><bdi>{}</bdi></b>. ", esc(path));
            }
            match verified {
                Some(digest) => {
                    let (algorithm, value) = digest.split_once(':').unwrap_or((digest, ""));
                    let short = value.get(..16).unwrap_or(value);
                    let _ = write!(
                        text,
                        "Its content was compared with the announced {} <code>{}…</code>.",
                        esc(algorithm),
                        esc(short)
                    );
                }
                None if !transfer.upload && !unchanged => {
                    text += "Nobody gave a checksum of the whole to compare it with."
                }
                None => {}
            }
            if text.is_empty() { text } else { format!("<p class=\"say\">{text}</p>") }
        }
        _ => {
            let why = story.unfinished.as_deref().unwrap_or("it was recorded while the transfer ran");
            format!("<p class=\"say\">The trace does not tell the end: {}.</p>", esc(why))
        }
    }
}

fn failure(transfer: &Transfer, reason: &Failure) -> String {
    let last = transfer.requests.iter().rev().find(|request| request.is_bad());
    let phase = match transfer
        .phases
        .iter()
        .rev()
        .find(|(_, phase)| !matches!(phase.as_str(), "ending" | "aborting" | "cleaning" | "ended"))
    {
        Some((_, phase)) => format!(", while {}", esc(phase)),
        None => String::new(),
    };
    let at = last.filter(|_| (300..500).contains(&reason.code)).map(|request| {
        let status = request.status.map(|status| format!(", answered {status}")).unwrap_or_default();
        format!(
            "<dt>Where</dt><dd>{}{status}: <code>{} <bdi>{}</bdi></code></dd>",
            esc(&request.name()),
            esc(&request.method),
            esc(&request.url)
        )
    });
    let got = match transfer.total {
        Some(total) => format!("{} of {}", bytes(transfer.numbers.acknowledged), bytes(total)),
        None => bytes(transfer.numbers.acknowledged),
    };
    format!(
        "<section class=\"failure\" role=\"alert\"><h2>{}</h2><dl><dt>When</dt><dd>{} after its beginning{phase}</dd>{}<dt>Stored</dt><dd>{got}</dd>\
         <dt>Blame</dt><dd>{} <span class=\"code\">error {}</span></dd><dt>What to do</dt><dd><b>{}</b></dd></dl></section>",
        esc(&capital(&reason.words)),
        span(transfer.took()),
        at.unwrap_or_default(),
        words::blame(&reason.blame),
        reason.code,
        words::advice(reason.code, reason.later)
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The numbers.
fn tiles(transfer: &Transfer) -> String {
    let numbers = &transfer.numbers;
    let mut tiles = vec![
        ("Size", transfer.total.map_or_else(|| "unknown".to_owned(), bytes), String::new()),
        ("Took", span(transfer.took()), String::new()),
        ("Average", rate(numbers.moved, transfer.took()), String::new()),
        (
            if transfer.upload { "Sent" } else { "Received" },
            bytes(numbers.moved),
            if numbers.resent > 0 { format!("{} of it in vain", bytes(numbers.resent)) } else { String::new() },
        ),
        ("Reused", bytes(numbers.reused), String::new()),
        ("Requests", numbers.requests.to_string(), String::new()),
        ("Retries", numbers.retries.to_string(), String::new()),
    ];
    let stalls = transfer.troubles.iter().filter(|trouble| trouble.kind == "stall").count();
    if stalls > 0 {
        tiles.push(("Stalls", stalls.to_string(), String::new()));
    }
    let mut out = String::from("<dl class=\"tiles\">");
    for (label, value, note) in tiles {
        let note = if note.is_empty() { note } else { format!("<small>{note}</small>") };
        let _ = write!(out, "<div><dt>{label}</dt><dd>{value}{note}</dd></div>");
    }
    out + "</dl>"
}

fn reuse(transfer: &Transfer) -> String {
    let numbers = &transfer.numbers;
    if numbers.reused == 0 {
        return "Nothing was left by an earlier run: every byte moved in this one.".to_owned();
    }
    let share =
        transfer.total.filter(|total| *total > 0).map(|total| u128::from(numbers.reused) * 100 / u128::from(total));
    let share = share.map(|share| format!(" ({share} %)")).unwrap_or_default();
    format!(
        "{}{share} were left by an earlier run, compared with their record, and did not move again.",
        bytes(numbers.reused)
    )
}

/// The table of what went wrong.
fn troubles(transfer: &Transfer) -> String {
    let mut out = String::from("<section><h2>Retries, stalls and refusals</h2>");
    if transfer.troubles.is_empty() {
        let none = match &transfer.verdict {
            Some(Event::Failed { .. }) => "None before its end: nothing was tried again.",
            _ => "None: every request did what it was sent for.",
        };
        return out + "<p class=\"say\">" + none + "</p></section>";
    }
    out +=
        "<div class=\"table\"><table><thead><tr><th>At</th><th>What</th><th>Why</th><th>Then</th></tr></thead><tbody>";
    for trouble in transfer.troubles.iter().take(MOST_ROWS) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td><span class=\"tag {}\">{}</span> {}</td><td>{}</td><td>{}</td></tr>",
            span(trouble.at.saturating_sub(transfer.begin)),
            trouble.kind,
            trouble.kind,
            esc(&trouble.what),
            esc(&trouble.why),
            esc(&trouble.then)
        );
    }
    out += "</tbody></table></div>";
    out += &left_out(transfer.troubles.len());
    out + "</section>"
}

fn left_out(rows: usize) -> String {
    match rows.checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        Some(more) => format!("<p class=\"say\">And {more} more; the trace has them all.</p>"),
        None => String::new(),
    }
}

fn phases(transfer: &Transfer) -> String {
    let mut out = String::from("<details><summary>What it was at</summary><ol class=\"phases\">");
    for (at, phase) in transfer.phases.iter().take(MOST_ROWS) {
        let _ = write!(out, "<li><span>{}</span>{}</li>", span(at.saturating_sub(transfer.begin)), esc(phase));
    }
    out + "</ol></details>"
}

fn all_requests(transfer: &Transfer) -> String {
    let mut out = format!(
        "<details><summary>All requests ({})</summary><div class=\"table\"><table><thead><tr><th>At</th><th>Took</th><th>Lane</th><th>What</th>\
         <th>Status</th><th>First byte</th><th>Moved</th><th>End</th></tr></thead><tbody>",
        transfer.requests.len()
    );
    for request in transfer.requests.iter().take(MOST_ROWS) {
        let end = match &request.ended {
            Ended::Well => "done",
            Ended::Cancelled => "broken off as asked",
            Ended::Not => "under way",
            Ended::Badly(why) => why,
        };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            span(request.begin.saturating_sub(transfer.begin)),
            span(request.end.saturating_sub(request.begin)),
            request.lane + 1,
            esc(&request.name()),
            request.status.map(|status| status.to_string()).unwrap_or_default(),
            request.headed.map(|headed| span(headed.saturating_sub(request.begin))).unwrap_or_default(),
            if request.moved > 0 { bytes(request.moved) } else { String::new() },
            esc(end)
        );
    }
    out += "</tbody></table></div>";
    out += &left_out(transfer.requests.len());
    out + "</details>"
}

fn footer(story: &Story) -> String {
    let unfinished = match &story.unfinished {
        Some(why) => format!(" The trace is not whole: {}.", esc(why)),
        None => String::new(),
    };
    format!(
        "<footer><p>Drawn by {} from {}.{unfinished} No secret and no content is in it. <code>longhaul replay</code> takes the same trace through the core again.</p></footer>",
        esc(&story.by),
        count(story.records as u64, "record", "records")
    )
}
