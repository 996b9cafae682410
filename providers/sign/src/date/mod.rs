//! Dates as the stores write them. Time is unix seconds, always UTC.
//!
//! The calendar comes from `jiff`: maintained, `no_std`, two crates in the tree where `time` brings five, and `httpdate` needs
//! std. Only its calendar is used; the few fixed formats are read and written here, because a general parser would accept more
//! than the servers mean.
//!
//! Vendor pages: RFC 9110 §5.6.7 (`HTTP-date`, three forms), ISO 8601 basic and extended forms as in the signature guides.

mod parse;

use alloc::format;
use alloc::string::String;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::SignError;

pub use parse::{parse_compact, parse_http, parse_iso8601};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A text that is no date of the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the expected form")]
pub struct DateError;

/// `20250615T083005Z`: the date of SigV4 and OSS V4.
pub fn compact(unix_seconds: i64) -> Result<String, SignError> {
    let t = civil(unix_seconds)?;
    let (year, month, day) = (t.year(), t.month(), t.day());
    Ok(format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", t.hour(), t.minute(), t.second()))
}

/// `20250615`: the date of a signature scope.
pub fn day(unix_seconds: i64) -> Result<String, SignError> {
    let t = civil(unix_seconds)?;
    Ok(format!("{:04}{:02}{:02}", t.year(), t.month(), t.day()))
}

/// `2025-06-15T08:30:05Z`: the dates of a SAS.
pub fn iso8601(unix_seconds: i64) -> Result<String, SignError> {
    let t = civil(unix_seconds)?;
    let (year, month, day) = (t.year(), t.month(), t.day());
    Ok(format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", t.hour(), t.minute(), t.second()))
}

/// `Sun, 15 Jun 2025 08:30:05 GMT`: `Date` and `x-ms-date` (RFC 1123, the *IMF-fixdate* of RFC 9110).
pub fn http(unix_seconds: i64) -> Result<String, SignError> {
    let t = civil(unix_seconds)?;
    let weekday = DAYS[usize::from(t.weekday().to_monday_zero_offset().unsigned_abs()) % 7];
    let month = MONTHS[usize::from(t.month().unsigned_abs()).wrapping_sub(1) % 12];
    let (day, year) = (t.day(), t.year());
    Ok(format!("{weekday}, {day:02} {month} {year:04} {:02}:{:02}:{:02} GMT", t.hour(), t.minute(), t.second()))
}

fn civil(unix_seconds: i64) -> Result<DateTime, SignError> {
    let time = Timestamp::from_second(unix_seconds).map_err(|_| SignError::TimeOutOfRange(unix_seconds))?;
    let time = Offset::UTC.to_datetime(time);
    if time.year() < 0 { Err(SignError::TimeOutOfRange(unix_seconds)) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUNE: i64 = 1_749_976_205;

    #[test]
    fn formats() {
        assert_eq!(compact(JUNE).as_deref(), Ok("20250615T083005Z"));
        assert_eq!(day(JUNE).as_deref(), Ok("20250615"));
        assert_eq!(iso8601(JUNE).as_deref(), Ok("2025-06-15T08:30:05Z"));
        assert_eq!(http(JUNE).as_deref(), Ok("Sun, 15 Jun 2025 08:30:05 GMT"));
        assert_eq!(http(0).as_deref(), Ok("Thu, 01 Jan 1970 00:00:00 GMT"));
        assert_eq!(compact(1_709_251_199).as_deref(), Ok("20240229T235959Z"));
    }

    #[test]
    fn years_outside_four_digits_are_refused() {
        for time in [i64::MIN, -62_167_219_201, 253_402_300_800, i64::MAX] {
            assert_eq!(compact(time), Err(SignError::TimeOutOfRange(time)));
        }
        assert_eq!(compact(-62_167_219_200).as_deref(), Ok("00000101T000000Z"));
    }
}
