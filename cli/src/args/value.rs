//! Sizes, rates, times, checksums as people write them. Each error says what would be right.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use longhaul::{Algorithm, Digest};

use super::Auto;

/// Most requests at once that may be asked for.
const MOST_PARTS: u32 = 1024;

/// The units of sizes. A single letter and the IEC form count in 1024s, as everybody types them; `MB` is taken by its word.
const UNITS: [(&str, u64); 15] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1_000),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("gb", 1_000_000_000),
    ("t", 1 << 40),
    ("tib", 1 << 40),
    ("tb", 1_000_000_000_000),
    ("pib", 1 << 50),
];

pub(super) fn parts(text: &str) -> Result<Auto<NonZeroU32>, String> {
    if text == "auto" {
        return Ok(Auto::Auto);
    }
    match text.parse::<NonZeroU32>() {
        Ok(parts) if parts.get() <= MOST_PARTS => Ok(Auto::Given(parts)),
        _ => Err(format!("write a number from 1 to {MOST_PARTS}, or auto")),
    }
}

pub(super) fn part_size(text: &str) -> Result<Auto<NonZeroU64>, String> {
    if text == "auto" {
        Ok(Auto::Auto)
    } else {
        size(text).map(Auto::Given).map_err(|error| format!("{error}, or auto"))
    }
}

/// A rate per second; the `/s` may be written.
pub(super) fn rate(text: &str) -> Result<NonZeroU64, String> {
    size(text.strip_suffix("/s").unwrap_or(text))
        .map_err(|_| "write bytes per second, as 2MiB, 500K or 1000000".to_owned())
}

pub(super) fn size(text: &str) -> Result<NonZeroU64, String> {
    let wrong = || "write a size above zero, as 8MiB, 8M, 1GiB or 65536".to_owned();
    let (number, unit) = split(text);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    scaled(number, *unit).and_then(NonZeroU64::new).ok_or_else(wrong)
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time above zero, as 30s, 2m, 1h or 500ms".to_owned();
    let (number, unit) = split(text);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let millis = scaled(number, millis).filter(|&millis| millis > 0).ok_or_else(wrong)?;
    Ok(Duration::from_millis(millis))
}

pub(super) fn checksum(text: &str) -> Result<Digest, String> {
    let (name, hex) = text.split_once(':').ok_or("write it as ALGO:HEX, for instance sha-256:9f86d0…")?;
    let algorithm = Algorithm::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Algorithm::ALL.iter().map(|known| known.name()).collect();
        format!("there is no algorithm {name:?}; use one of {}", names.join(", "))
    })?;
    Digest::from_hex(algorithm, hex).ok_or_else(|| {
        format!(
            "a {name} checksum has {} hexadecimal digits; this has {} characters",
            algorithm.len() * 2,
            hex.chars().count()
        )
    })
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let with_host = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    with_host
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| "write an address and a port, as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080".to_owned())
}

pub(super) fn metadata(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(sound) {
        return Err("names of metadata are letters, digits, '-' and '_'".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Digits (one point allowed) and the rest.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

/// `number` times `unit`, in whole numbers: digits beyond a byte are cut off.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 9 || fraction.contains('.') || number.ends_with('.') {
        return None;
    }
    let mut total = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    if !fraction.is_empty() {
        let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit) / scale;
        total = total.checked_add(u64::try_from(part).ok()?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Option<u64> {
        size(text).ok().map(NonZeroU64::get)
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("8MiB", 8 << 20),
            ("8M", 8 << 20),
            ("8m", 8 << 20),
            ("1GiB", 1 << 30),
            ("65536", 65_536),
            ("1.5K", 1536),
            ("2MB", 2_000_000),
            ("1 KiB", 1024),
            ("7B", 7),
        ] {
            assert_eq!(bytes(text), Some(expected), "{text}");
        }
        for text in ["", "0", "M", "-1", "1X", "1.", ".5M", "1..2", "1.2.3M", "99999999999T", "0.1", "1e6", "٣"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let millis = |text: &str| duration(text).ok().map(|time| time.as_millis());
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("30"), Some(30_000));
        assert_eq!(millis("2m"), Some(120_000));
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("1.5s"), Some(1500));
        for text in ["", "0", "0s", "s", "1d", "-1s", "99999999999999999999h"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn parts_and_rates_have_bounds() {
        assert_eq!(parts("auto"), Ok(Auto::Auto));
        assert!(parts("1").is_ok() && parts("1024").is_ok());
        assert!(parts("0").is_err() && parts("1025").is_err() && parts("many").is_err());
        assert_eq!(rate("2MiB/s").map(NonZeroU64::get), Ok(2 << 20));
        assert!(rate("0").is_err());
    }

    #[test]
    fn checksums_name_what_is_wrong() {
        assert!(checksum("crc32c:00ff10ab").is_ok());
        assert!(checksum("SHA256:00").is_err_and(|error| error.contains("64 hexadecimal digits")));
        assert!(checksum("whirlpool:00").is_err_and(|error| error.contains("sha-256")));
        assert!(checksum("00").is_err_and(|error| error.contains("ALGO:HEX")));
    }

    #[test]
    fn addresses_need_a_port() {
        assert!(address("127.0.0.1:0").is_ok() && address("[::1]:80").is_ok() && address("localhost:80").is_ok());
        assert!(address("127.0.0.1").is_err() && address("example.org:80").is_err());
    }
}
