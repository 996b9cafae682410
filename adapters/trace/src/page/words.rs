//! Words and numbers for people, and the one place that makes text safe for HTML.

use crate::record::{Changed, Fault, FileFault, Step};

/// Text as HTML: no character of it can be read as markup, and none that changes the direction or hides what follows is left as it is.
pub(super) fn esc(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                safe.push('\u{fffd}');
            }
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Bytes, in three digits.
pub(super) fn bytes(bytes: u64) -> String {
    let (mut unit, mut size) = ("", 1u64);
    for (name, bytes_each) in [("KiB", 1u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)] {
        if bytes >= bytes_each {
            (unit, size) = (name, bytes_each);
        }
    }
    if unit.is_empty() {
        return format!("{bytes} B");
    }
    let tenths = u128::from(bytes) * 10 / u128::from(size);
    if tenths >= 1000 { format!("{} {unit}", tenths / 10) } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

/// A rate.
pub(super) fn rate(bytes_moved: u64, micros: u64) -> String {
    let per_second = u128::from(bytes_moved) * 1_000_000 / u128::from(micros.max(1));
    format!("{}/s", bytes(u64::try_from(per_second).unwrap_or(u64::MAX)))
}

/// A span of time, in microseconds, as people say it.
pub(super) fn span(micros: u64) -> String {
    let (millis, seconds) = (micros / 1000, micros / 1_000_000);
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", seconds, millis % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A moment, in seconds since 1970, as date and time in UTC.
pub(super) fn date(unix: i64) -> String {
    let (days, seconds) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    // Days to civil, after Howard Hinnant: years begin with March, so that the leap day is the last one.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * march_month + 2) / 5 + 1, (march_month + 2) % 12 + 1);
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", seconds / 3600, seconds % 3600 / 60, seconds % 60)
}

/// `1 retry`, `2 retries`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A step, with its part or range.
pub(super) fn step(step: &Step) -> String {
    let name = step_name(&step.step);
    match (step.number, step.range) {
        (Some(number), _) => format!("{name} {number}"),
        (None, Some((start, u64::MAX))) => format!("{name} from {}", bytes(start)),
        (None, Some((start, end))) => format!("{name} {} – {}", bytes(start), bytes(end)),
        (None, None) => name.to_owned(),
    }
}

pub(super) fn step_name(step: &str) -> &str {
    match step {
        "probe" | "probe_range" => "probe",
        "begin" => "opening",
        "put_whole" => "whole",
        "put_part" => "part",
        "get_range" => "range",
        "list_parts" => "listing",
        "commit" => "commit",
        "confirm" => "confirmation",
        "abort" => "abort",
        other => other,
    }
}

pub(super) fn fault(fault: &Fault) -> String {
    with_detail(&fault.kind, &fault.detail)
}

pub(super) fn file_fault(fault: &FileFault) -> String {
    with_detail(&fault.kind, &fault.detail)
}

fn with_detail(kind: &str, detail: &str) -> String {
    let kind = kind.replace('_', " ");
    if detail.is_empty() { kind } else { format!("{kind}: {detail}") }
}

pub(super) fn changed(changed: &Changed) -> String {
    match changed {
        Changed::Condition => "the object changed: its validator no longer matches".to_owned(),
        Changed::Validator { header, .. } => format!("the object changed: another {header}"),
        Changed::Size { known, seen } => format!("the object changed: {known} bytes, and then {seen}"),
        Changed::Ranges => "the object changed: the range is no longer served".to_owned(),
    }
}

/// Who has to act.
pub(super) fn blame(blame: &str) -> &'static str {
    match blame {
        "you" => "the call",
        "issuer" => "whoever issued the URL or credentials",
        "server" => "the server",
        "network" => "the network",
        "disk" => "the local disk",
        _ => "nobody",
    }
}

/// What to do about an error, by its number (docs/error-codes.md).
pub(super) const fn advice(code: u16, later: bool) -> &'static str {
    match code {
        101 => "Choose another part size, or let it be chosen.",
        102 => "Mend the URL, header or name that the message names.",
        103 => "Use another protocol for this kind of transfer.",
        201 => {
            "Get a fresh URL, plan or credentials from whoever issued them, and run the transfer again: it goes on with what was recorded."
        }
        301 => "Check the URL: the server has nothing there.",
        302 => "Check the credentials, what they permit, whether the URL has expired, and this machine's clock.",
        303 => "Read what the server says about the request; it will refuse it again as it is.",
        304 => "Run it again later, with fewer parts at once or a limited rate: it goes on with what was recorded.",
        305 => "Run it again when the server is well: it goes on with what was recorded.",
        306 => "Use the address that the server redirects to.",
        307 => "The server, or a proxy before it, does not keep to the protocol: show its operators this page.",
        308 => "Somebody else's object is there: choose another name, or decide to replace it.",
        320 => {
            "Run it again: it begins with the object as it is now. If it keeps changing, ask for a stable copy of it."
        }
        330 => "Compare the checksum with its source. If it is right, what the server holds is damaged.",
        401 => "Check the host name and this machine's name servers.",
        402 => "Check that the server runs and that nothing on the way (firewall, proxy) keeps it from being reached.",
        403 => "Check the certificate, its date and name, and whether its authority is trusted here.",
        404 => "Check the proxy's address and credentials.",
        405..=410 => {
            "Run it again: it goes on with what was recorded. If it keeps failing, look for what is on the way to the server."
        }
        501 => "Check the path.",
        502 | 503 => "Get the permission to write (or read) there, or choose another folder.",
        504 => "Free some space and run it again: it goes on with what was recorded.",
        505 => "Wait for the other transfer to the same target.",
        506 => "Choose another name, or allow the file to be replaced.",
        507 => "Run it again when nobody writes to the source.",
        508 => "Run it again; leave its temporary file alone this time.",
        509 => "Choose another path: this one is no file.",
        511 => "Look into the disk's health and the system's log.",
        602 => "Run it again: it goes on with what was recorded.",
        _ if later => "Run it again: it goes on with what was recorded.",
        _ => "Nothing: it was told to stop.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(esc("<script>'\"&\n\u{202e}x"), "&lt;script&gt;&#39;&quot;&amp;\u{fffd}\u{fffd}x");
    }

    #[test]
    fn dates_are_civil() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date(1_798_761_600), "2027-01-01 00:00:00 UTC");
        assert_eq!(date(-1), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            (bytes(0), bytes(1023), bytes(1536), bytes(300 << 30)),
            ("0 B".into(), "1023 B".into(), "1.5 KiB".into(), "300 GiB".into())
        );
        assert_eq!((span(0), span(1_250_000), span(61_000_000)), ("0 ms".into(), "1.2 s".into(), "1 min 01 s".into()));
        assert_eq!(rate(10 << 20, 2_000_000), "5.0 MiB/s");
        assert_eq!(rate(1, 0), "976 KiB/s");
    }
}
