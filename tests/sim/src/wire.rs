//! Requests and answers as they cross the simulated network.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use longhaul_core::{ByteRange, Time, Wall};

use crate::content::Fill;

/// A request that has arrived.
#[derive(Clone, Debug)]
pub struct WireRequest {
    /// The method.
    pub method: Method,
    /// Where it went.
    pub uri: Uri,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, in order.
    pub body: Vec<WirePiece>,
}

/// A stretch of a request's body.
#[derive(Clone, Debug)]
pub enum WirePiece {
    /// Bytes.
    Bytes(Bytes),
    /// Content as it was read from the source.
    Content(Vec<(ByteRange, Fill)>),
}

impl WireRequest {
    /// The request's path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// A parameter of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.uri.query()?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    /// A header field as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The source bytes in the body, in order.
    #[must_use]
    pub fn content(&self) -> Vec<(ByteRange, Fill)> {
        self.body
            .iter()
            .flat_map(|piece| match piece {
                WirePiece::Bytes(_) => Vec::new(),
                WirePiece::Content(pieces) => pieces.clone(),
            })
            .collect()
    }

    /// The other bytes of the body, content left out.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self
            .body
            .iter()
            .flat_map(|piece| match piece {
                WirePiece::Bytes(bytes) => bytes.to_vec(),
                WirePiece::Content(_) => Vec::new(),
            })
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct WireAnswer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: WireBody,
    /// Whether the body's length is announced; without it an early end cannot be told from the end.
    pub framed: bool,
}

/// An answer's body.
#[derive(Clone, Debug)]
pub enum WireBody {
    /// These bytes.
    Bytes(Bytes),
    /// Bytes of an object.
    Object(ByteRange, Fill),
}

impl WireBody {
    /// Length in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object(range, _) => range.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl WireAnswer {
    /// An answer of a status alone.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::new(),
            body: WireBody::Bytes(Bytes::new()),
            framed: true,
        }
    }

    /// With a header field; one that cannot be sent is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// With every header field a second time.
    #[must_use]
    pub fn twice(mut self) -> Self {
        for (name, value) in self.headers.clone() {
            if let Some(name) = name {
                self.headers.append(name, value);
            }
        }
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: WireBody) -> Self {
        self.body = body;
        self
    }

    /// With a text as body.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.body(WireBody::Bytes(Bytes::from(text.into())))
    }
}

/// The moment a request arrives, for the server.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The world's time.
    pub at: Time,
    /// The server's civil time.
    pub wall: Wall,
}

/// A date as HTTP writes it (RFC 9110 §5.6.7).
#[must_use]
pub fn imf_fixdate(at: Wall) -> String {
    let seconds = at.as_unix();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Civil date from days (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms).
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let name =
        |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or("");
    format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        name(&week, days.rem_euclid(7)),
        name(&names, month - 1),
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_provider_reads_them() {
        for seconds in [0, 784_111_777, 951_826_554, 4_102_444_799] {
            let text = imf_fixdate(Wall::from_unix(seconds));
            assert_eq!(longhaul_http::read::http_date(text.as_bytes()), Some(Wall::from_unix(seconds)), "{text}");
        }
        assert_eq!(imf_fixdate(Wall::from_unix(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
