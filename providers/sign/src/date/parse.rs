//! Reading the dates.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::{DAYS, DateError, MONTHS, civil};

const LONG_DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads `20250615T083005Z`.
pub fn parse_compact(text: &str) -> Result<i64, DateError> {
    let mut scan = Scan(text);
    let (year, month, day) = (scan.digits(4)?, scan.digits(2)?, scan.digits(2)?);
    scan.expect("T")?;
    let (hour, minute, second) = (scan.digits(2)?, scan.digits(2)?, scan.digits(2)?);
    scan.expect("Z")?;
    scan.end()?;
    unix(year, month, day, hour, minute, second)
}

/// Reads the ISO 8601 forms found in SAS tokens and in the stores' XML: `2025-06-15`, `2025-06-15T08:30Z`,
/// `2025-06-15T08:30:05Z`, `2025-06-15T08:30:05.1234567Z`, and an offset `+02:00` in the place of `Z`. Fractions are cut off.
pub fn parse_iso8601(text: &str) -> Result<i64, DateError> {
    let mut scan = Scan(text);
    let year = scan.digits(4)?;
    scan.expect("-")?;
    let month = scan.digits(2)?;
    scan.expect("-")?;
    let day = scan.digits(2)?;
    if scan.end().is_ok() {
        return unix(year, month, day, 0, 0, 0);
    }
    scan.expect("T")?;
    let hour = scan.digits(2)?;
    scan.expect(":")?;
    let minute = scan.digits(2)?;
    let mut second = 0;
    if scan.expect(":").is_ok() {
        second = scan.digits(2)?;
        if scan.expect(".").is_ok() {
            scan.fraction()?;
        }
    }
    let offset = scan.offset()?;
    scan.end()?;
    unix(year, month, day, hour, minute, second)?.checked_sub(offset).ok_or(DateError)
}

/// Reads an `HTTP-date` in its three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` (RFC 850) and
/// `Sun Nov  6 08:49:37 1994` (asctime).
///
/// `now` (unix seconds) resolves the two-digit year of RFC 850: a date more than 50 years ahead is a century earlier.
/// The weekday has to be one, it need not be the right one.
pub fn parse_http(text: &str, now: i64) -> Result<i64, DateError> {
    let text = text.trim_matches([' ', '\t']);
    match text.split_once(',') {
        Some((weekday, rest)) if DAYS.contains(&weekday) => parse_imf(rest),
        Some((weekday, rest)) if LONG_DAYS.contains(&weekday) => parse_rfc850(rest, now),
        Some(_) => Err(DateError),
        None => parse_asctime(text),
    }
}

fn parse_imf(rest: &str) -> Result<i64, DateError> {
    let mut scan = Scan(rest);
    scan.expect(" ")?;
    let day = scan.digits(2)?;
    scan.expect(" ")?;
    let month = scan.month()?;
    scan.expect(" ")?;
    let year = scan.digits(4)?;
    scan.expect(" ")?;
    let (hour, minute, second) = scan.clock()?;
    scan.expect(" GMT")?;
    scan.end()?;
    unix(year, month, day, hour, minute, second)
}

fn parse_rfc850(rest: &str, now: i64) -> Result<i64, DateError> {
    let mut scan = Scan(rest);
    scan.expect(" ")?;
    let day = scan.digits(2)?;
    scan.expect("-")?;
    let month = scan.month()?;
    scan.expect("-")?;
    let short = scan.digits(2)?;
    scan.expect(" ")?;
    let (hour, minute, second) = scan.clock()?;
    scan.expect(" GMT")?;
    scan.end()?;

    let this_year = civil(now).map_err(|_| DateError)?.year();
    let mut year = this_year - this_year.rem_euclid(100) + short;
    if year > this_year + 50 {
        year -= 100;
    } else if year <= this_year - 50 {
        year += 100;
    }
    unix(year, month, day, hour, minute, second)
}

fn parse_asctime(text: &str) -> Result<i64, DateError> {
    let mut scan = Scan(text);
    scan.one_of(&DAYS)?;
    scan.expect(" ")?;
    let month = scan.month()?;
    scan.expect(" ")?;
    let day = if scan.expect(" ").is_ok() { scan.digits(1)? } else { scan.digits(2)? };
    scan.expect(" ")?;
    let (hour, minute, second) = scan.clock()?;
    scan.expect(" ")?;
    let year = scan.digits(4)?;
    scan.end()?;
    unix(year, month, day, hour, minute, second)
}

/// What is left of a text to read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn expect(&mut self, text: &str) -> Result<(), DateError> {
        self.0 = self.0.strip_prefix(text).ok_or(DateError)?;
        Ok(())
    }

    fn end(&self) -> Result<(), DateError> {
        if self.0.is_empty() { Ok(()) } else { Err(DateError) }
    }

    /// Exactly `count` digits, at most four.
    fn digits(&mut self, count: usize) -> Result<i16, DateError> {
        let (digits, rest) = self.0.split_at_checked(count).ok_or(DateError)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DateError);
        }
        self.0 = rest;
        digits.parse().map_err(|_| DateError)
    }

    fn fraction(&mut self) -> Result<(), DateError> {
        let rest = self.0.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == self.0.len() {
            return Err(DateError);
        }
        self.0 = rest;
        Ok(())
    }

    fn clock(&mut self) -> Result<(i16, i16, i16), DateError> {
        let hour = self.digits(2)?;
        self.expect(":")?;
        let minute = self.digits(2)?;
        self.expect(":")?;
        Ok((hour, minute, self.digits(2)?))
    }

    /// `Z` or `±hh:mm`, in seconds east of UTC.
    fn offset(&mut self) -> Result<i64, DateError> {
        if self.expect("Z").is_ok() {
            return Ok(0);
        }
        let sign = match self.expect("+") {
            Ok(()) => 1,
            Err(DateError) => {
                self.expect("-")?;
                -1
            }
        };
        let hours = self.digits(2)?;
        self.expect(":")?;
        let minutes = self.digits(2)?;
        if hours > 23 || minutes > 59 {
            return Err(DateError);
        }
        Ok(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
    }

    fn one_of(&mut self, names: &[&str]) -> Result<i16, DateError> {
        let index = names.iter().position(|name| self.0.starts_with(name)).ok_or(DateError)?;
        self.expect(names.get(index).ok_or(DateError)?)?;
        i16::try_from(index).map_err(|_| DateError)
    }

    fn month(&mut self) -> Result<i16, DateError> {
        Ok(self.one_of(&MONTHS)? + 1)
    }
}

fn unix(year: i16, month: i16, day: i16, hour: i16, minute: i16, second: i16) -> Result<i64, DateError> {
    let small = |value: i16| i8::try_from(value).map_err(|_| DateError);
    // A leap second is legal in HTTP-date and unknown to unix time: it is read as the second before.
    let second = if second == 60 { 59 } else { second };
    let time = DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0);
    let time = time.and_then(|time| Offset::UTC.to_timestamp(time)).map_err(|_| DateError)?;
    Ok(time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::iso8601;

    const JUNE: i64 = 1_749_976_205;

    #[test]
    fn the_three_forms_of_rfc_9110() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse_http(text, JUNE), Ok(784_111_777), "{text}");
        }
        assert_eq!(parse_http(" Sun Nov 16 08:49:37 1994 ", JUNE), Ok(784_975_777));
        assert_eq!(parse_http("Sat, 31 Dec 2016 23:59:60 GMT", JUNE), Ok(1_483_228_799));
    }

    #[test]
    fn two_digit_years_are_at_most_fifty_years_ahead() {
        let at = |text| parse_http(text, JUNE).and_then(|t| iso8601(t).map_err(|_| DateError));
        assert_eq!(at("Sunday, 06-Nov-75 08:49:37 GMT").as_deref(), Ok("2075-11-06T08:49:37Z"));
        assert_eq!(at("Sunday, 06-Nov-76 08:49:37 GMT").as_deref(), Ok("1976-11-06T08:49:37Z"));
        assert_eq!(at("Sunday, 06-Nov-25 08:49:37 GMT").as_deref(), Ok("2025-11-06T08:49:37Z"));
        // Just before a new century, `01` is ahead.
        let late = parse_iso8601("2099-12-31").expect("a date");
        let next = parse_http("Saturday, 01-Jan-01 00:00:00 GMT", late).expect("a date");
        assert_eq!(iso8601(next).as_deref(), Ok("2101-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_http_date() {
        for text in [
            "",
            "Sun",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Xxx, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT+1",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "784111777",
            "Sun, 0\u{661} Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http(text, JUNE), Err(DateError), "{text}");
        }
    }

    #[test]
    fn iso_forms() {
        for text in [
            "2025-06-15T08:30:05Z",
            "2025-06-15T08:30:05.1234567Z",
            "2025-06-15T10:30:05+02:00",
            "2025-06-15T03:00:05-05:30",
        ] {
            assert_eq!(parse_iso8601(text), Ok(JUNE), "{text}");
        }
        assert_eq!(parse_iso8601("2025-06-15T08:30Z"), Ok(JUNE - 5));
        assert_eq!(parse_iso8601("2025-07-01"), Ok(1_751_328_000));
        for text in ["", "2025-06-15T", "2025-06-15T08:30:05", "2025-06-15T08:30:05.Z", "2025-13-01", "20250615"] {
            assert_eq!(parse_iso8601(text), Err(DateError), "{text}");
        }
        assert_eq!(parse_compact("20250615T083005Z"), Ok(JUNE));
        assert_eq!(parse_compact("20250615T083005"), Err(DateError));
    }
}
