//! The pictures: requests over time, throughput, the object. SVG whose coordinates are percentages, so that it fits any window.

use std::fmt::Write;

use super::story::{Ended, Request, State, Transfer};
use super::words::{self, esc};

/// Above this many requests the chart shows what each lane was mostly doing, and not each request.
const MOST_BARS: usize = 1500;
/// Steps of time of a chart that is drawn so, and of the throughput.
const STEPS: usize = 400;
/// Height of a lane, in pixels.
const LANE: usize = 22;
/// Most lanes drawn.
const MOST_LANES: usize = 96;
/// Columns of the picture of the object.
const COLUMNS: u64 = 300;

/// Where a moment lies, in hundredths of a percent of the transfer's time.
fn at(transfer: &Transfer, moment: u64) -> u64 {
    let span = u128::from(transfer.took().max(1));
    let from = u128::from(moment.clamp(transfer.begin, transfer.end.max(transfer.begin)) - transfer.begin);
    u64::try_from(from * 10_000 / span).unwrap_or(10_000)
}

fn percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

const fn class(state: State) -> &'static str {
    match state {
        State::Waiting => "w",
        State::Moving => "m",
        State::Stalled => "s",
        State::Failed => "f",
    }
}

/// The requests on their lanes over time.
pub(super) fn requests(transfer: &Transfer) -> String {
    let lanes = transfer.requests.iter().map(|request| request.lane + 1).max().unwrap_or(0).min(MOST_LANES);
    let drawn = if transfer.requests.len() > MOST_BARS { summed(transfer, lanes) } else { bars(transfer) };
    let label = format!(
        "{} on {} over {}; the table of all requests below says the same in words",
        words::count(transfer.requests.len() as u64, "request", "requests"),
        words::count(lanes as u64, "connection", "connections"),
        words::span(transfer.took())
    );
    let mut names = String::new();
    for lane in 1..=lanes {
        // Writing to a String cannot fail.
        let _ = write!(names, "<span>{lane}</span>");
    }
    format!(
        "<div class=\"lanes\"><div class=\"names\" aria-hidden=\"true\">{names}</div><div class=\"scroll\" tabindex=\"0\" role=\"group\" \
         aria-label=\"{label}\"><div class=\"wide\"><svg class=\"chart\" height=\"{}\" role=\"img\" aria-label=\"{label}\">{drawn}</svg>{}</div></div></div>",
        lanes * LANE,
        axis(transfer)
    )
}

fn bars(transfer: &Transfer) -> String {
    let mut out = String::new();
    for (index, request) in transfer.requests.iter().enumerate().filter(|(_, request)| request.lane < MOST_LANES) {
        let y = request.lane * LANE;
        let _ = write!(out, "<g data-n=\"{index}\"><title>{}</title>", esc(&described(transfer, request)));
        let mut rect = |class: &str, from: u64, to: u64, top: usize, height: usize| {
            let (x, end) = (at(transfer, from), at(transfer, to));
            let width = end.saturating_sub(x).max(8);
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\"/>",
                percent(x),
                y + top,
                percent(width)
            );
        };
        if request.spans.is_empty() {
            rect(class(State::Waiting), request.begin, request.end, 3, 14);
        }
        for span in &request.spans {
            rect(class(span.state), span.from, span.to, 3, 14);
        }
        if let Some(due) = request.retry {
            rect("r", request.end, due, 18, 3);
        }
        match &request.ended {
            Ended::Badly(_) => {
                let x = at(transfer, request.end);
                // Before its end, but not outside of the chart.
                let left = if x < 150 { 1 } else { -9 };
                let _ = write!(
                    out,
                    "<svg x=\"{}\" y=\"{}\" overflow=\"visible\"><path class=\"y\" d=\"M{left} 4l8 8m0-8l-8 8\"/><path class=\"x\" d=\"M{left} 4l8 8m0-8l-8 8\"/></svg>",
                    percent(x),
                    y + 2
                );
            }
            Ended::Cancelled => {
                let x = percent(at(transfer, request.end));
                let _ = write!(
                    out,
                    "<svg x=\"{x}\" y=\"{}\" overflow=\"visible\"><path class=\"c\" d=\"M-1 1v16\"/></svg>",
                    y + 2
                );
            }
            Ended::Not | Ended::Well => {}
        }
        out.push_str("</g>");
    }
    out
}

/// What each lane was mostly doing in each step of time; a failure is never lost.
fn summed(transfer: &Transfer, lanes: usize) -> String {
    let took = transfer.took().max(1);
    let step = |moment: u64| {
        let from = u128::from(moment.saturating_sub(transfer.begin)) * STEPS as u128 / u128::from(took);
        usize::try_from(from).unwrap_or(STEPS).min(STEPS - 1)
    };
    let mut grid: Vec<Vec<Option<State>>> = vec![vec![None; STEPS]; lanes];
    for request in &transfer.requests {
        let Some(row) = grid.get_mut(request.lane) else { continue };
        let mut paint = |from: u64, to: u64, state: State| {
            for cell in row.iter_mut().take(step(to) + 1).skip(step(from)) {
                *cell = (*cell).max(Some(state));
            }
        };
        for span in &request.spans {
            paint(span.from, span.to, span.state);
        }
        if request.is_bad() {
            paint(request.end, request.end, State::Failed);
        }
    }
    let mut out = String::new();
    for (lane, row) in grid.iter().enumerate() {
        let mut from = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if let Some(Some(state)) = run.first() {
                let (x, width) = (from * 10_000 / STEPS, run.len() * 10_000 / STEPS);
                let _ = write!(
                    out,
                    "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\"/>",
                    class(*state),
                    percent(x as u64),
                    lane * LANE + 3,
                    percent(width as u64)
                );
            }
            from += run.len();
        }
    }
    out
}

/// One request in a line.
pub(super) fn described(transfer: &Transfer, request: &Request) -> String {
    let from = words::span(request.begin.saturating_sub(transfer.begin));
    let took = words::span(request.end.saturating_sub(request.begin));
    let mut text = format!("{}: {} at {from}, {took}", request.name(), request.method);
    if let Some(status) = request.status {
        let _ = write!(text, ", HTTP {status}");
    }
    if let Some(headed) = request.headed {
        let _ = write!(text, " after {}", words::span(headed.saturating_sub(request.begin)));
    }
    if request.moved > 0 {
        let _ = write!(text, ", {}", words::bytes(request.moved));
    }
    match &request.ended {
        Ended::Badly(why) => drop(write!(text, ", failed: {why}")),
        Ended::Cancelled => text.push_str(", broken off as asked"),
        Ended::Not => text.push_str(", still under way"),
        Ended::Well => {}
    }
    if let Some(due) = request.retry {
        let _ = write!(text, "; tried again after {}", words::span(due.saturating_sub(request.end)));
    }
    text
}

/// The times below a chart.
fn axis(transfer: &Transfer) -> String {
    let mut out = String::from("<div class=\"axis\" aria-hidden=\"true\">");
    for quarter in 0..=4u64 {
        let _ = write!(out, "<span>{}</span>", words::span(transfer.took() / 4 * quarter));
    }
    out + "</div>"
}

/// Throughput over time.
pub(super) fn throughput(transfer: &Transfer) -> String {
    let took = transfer.took().max(1);
    let mut moved = [0u64; STEPS];
    for &(from, to, bytes) in &transfer.flow {
        let place = |moment: u64| {
            let place = u128::from(moment.saturating_sub(transfer.begin)) * STEPS as u128 / u128::from(took);
            usize::try_from(place).unwrap_or(STEPS).min(STEPS - 1)
        };
        let (first, last) = (place(from), place(to));
        let cells = (last - first + 1) as u64;
        for (index, cell) in moved.iter_mut().enumerate().take(last + 1).skip(first) {
            // What does not divide goes to the last one.
            let rest = if index == last { bytes % cells } else { 0 };
            *cell = cell.saturating_add(bytes / cells + rest);
        }
    }
    // A look at a meter is not a moment: three steps together.
    let smooth: Vec<u64> = (0..STEPS)
        .map(|index| {
            moved.iter().skip(index.saturating_sub(1)).take(3).fold(0, |sum: u64, &bytes| sum.saturating_add(bytes)) / 3
        })
        .collect();
    let most = smooth.iter().copied().max().unwrap_or(0).max(1);
    let mut line = String::from("M0 100");
    for (index, bytes) in smooth.iter().enumerate() {
        let y = 1000 - u128::from(*bytes) * 960 / u128::from(most);
        let _ = write!(line, "L{index} {}.{}", y / 10, y % 10);
    }
    let _ = write!(line, "L{} 100Z", STEPS - 1);
    let step = took / STEPS as u64;
    let peak = words::rate(most, step.max(1));
    let label = format!("throughput over {}, at most {peak}", words::span(took));
    format!(
        "<div class=\"flow\"><div class=\"peak\" aria-hidden=\"true\"><span>{peak}</span><span>0</span></div><div class=\"area\">\
         <svg viewBox=\"0 0 {} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\"><path d=\"{line}\"/></svg>{}</div></div>",
        STEPS - 1,
        axis(transfer)
    )
}

/// What happened to a stretch of the object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stretch {
    Kept,
    Moved,
    Again,
    Missing,
}

/// The object from its first byte to its last: what was there, what moved, what moved more than once.
pub(super) fn object(transfer: &Transfer) -> Option<String> {
    let total = transfer.total.filter(|total| *total > 0)?;
    let mut times = vec![0u64; usize::try_from(COLUMNS).ok()?];
    let width = total.div_ceil(COLUMNS).max(1);
    for request in &transfer.requests {
        let Some((start, end)) = request.step.range else { continue };
        let moved = if transfer.upload {
            if request.ended == Ended::Well { end.saturating_sub(start) } else { 0 }
        } else {
            request.moved
        };
        let end = start.saturating_add(moved).min(end).min(total);
        let (first, last) = (start / width, end.div_ceil(width));
        for index in first..last {
            // Bytes of this column that moved.
            let (from, to) = ((index * width).max(start), ((index + 1).saturating_mul(width)).min(end));
            if let Some(cell) = usize::try_from(index).ok().and_then(|index| times.get_mut(index)) {
                *cell = cell.saturating_add(to.saturating_sub(from));
            }
        }
    }
    let whole = matches!(transfer.verdict, Some(crate::record::Event::Completed { .. }));
    let columns = usize::try_from(total.div_ceil(width)).ok()?;
    // Most of the column stands in the record that an earlier run left.
    let was_recorded = |index: usize| {
        let (from, to) = (index as u64 * width, (index as u64 + 1).saturating_mul(width));
        let share = |&(start, end): &(u64, u64)| end.min(to).saturating_sub(start.max(from));
        transfer.recorded.iter().map(share).fold(0, u64::saturating_add) >= width.min(total - from).div_ceil(2)
    };
    let stretch = |(index, moved): (usize, &u64)| {
        let size = width.min(total - (index as u64) * width);
        // Neighbouring ranges may meet in one column.
        if *moved > size.saturating_add(size / 8) {
            Stretch::Again
        } else if *moved >= size.div_ceil(2) {
            Stretch::Moved
        } else if whole || (transfer.reused > 0 && was_recorded(index)) {
            Stretch::Kept
        } else {
            Stretch::Missing
        }
    };
    let stretches: Vec<Stretch> = times.iter().take(columns).enumerate().map(stretch).collect();
    let (mut out, mut from) = (String::new(), 0);
    for run in stretches.chunk_by(|a, b| a == b) {
        let class = match run.first()? {
            Stretch::Kept => "k",
            Stretch::Moved => "m",
            Stretch::Again => "a",
            Stretch::Missing => "n",
        };
        let (x, span) = (from * 10_000 / columns, run.len() * 10_000 / columns);
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"0\" width=\"{}\" height=\"26\"/>",
            percent(x as u64),
            percent(span as u64)
        );
        from += run.len();
    }
    let label = format!(
        "the object of {}: {} were there from before, {} moved in this run, {} of them more than once",
        words::bytes(total),
        words::bytes(transfer.numbers.reused),
        words::bytes(transfer.numbers.moved),
        words::bytes(transfer.numbers.resent)
    );
    Some(format!(
        "<svg class=\"object\" height=\"26\" role=\"img\" aria-label=\"{label}\">{out}</svg><div class=\"axis\" aria-hidden=\"true\">\
         <span>0</span><span>{}</span><span>{}</span></div>",
        words::bytes(total / 2),
        words::bytes(total)
    ))
}
