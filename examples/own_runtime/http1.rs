//! HTTP/1.1 on a blocking connection: a request's head out, an answer's head and body in (RFC 9112). Bytes only: when to connect, what
//! to keep and what to make of a fault is not known here.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version};

/// The most of an answer's head that is read.
const HEAD: u64 = 256 << 10;

/// Writes the head of a request whose body has `len` bytes.
pub(crate) fn write_head(connection: &mut impl Write, request: &Parts, len: u64) -> io::Result<()> {
    let target = request.uri.path_and_query().map_or("/", |target| target.as_str());
    // Without user information, which is never sent.
    let host = request.uri.authority().map_or("", |authority| authority.as_str());
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let mut head = format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method).into_bytes();
    for (name, value) in &request.headers {
        head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    // An empty body is announced where one is expected.
    let expected = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    if (len > 0 || expected) && !request.headers.contains_key(CONTENT_LENGTH) {
        head.extend_from_slice(format!("content-length: {len}\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    connection.write_all(&head)
}

/// Reads the head of an answer; those that only say that there will be one are passed over.
pub(crate) fn read_head(connection: &mut impl BufRead) -> io::Result<Response<()>> {
    loop {
        let mut head = connection.take(HEAD);
        let status_line = line(&mut head)?;
        let mut words = status_line.splitn(3, ' ');
        let version = match words.next() {
            Some("HTTP/1.1") => Version::HTTP_11,
            Some("HTTP/1.0") => Version::HTTP_10,
            _ => return Err(wrong("this is not HTTP/1.1")),
        };
        let status = words.next().and_then(|code| code.parse::<StatusCode>().ok());
        let mut answer = Response::new(());
        *answer.status_mut() = status.ok_or_else(|| wrong("there is no status"))?;
        *answer.version_mut() = version;
        loop {
            let field = line(&mut head)?;
            if field.is_empty() {
                break;
            }
            let (name, value) = field.split_once(':').ok_or_else(|| wrong("a header field has no colon"))?;
            let name = HeaderName::try_from(name).map_err(|_| wrong("a header field has no valid name"))?;
            let value = HeaderValue::try_from(value.trim()).map_err(|_| wrong("a header field has no valid value"))?;
            answer.headers_mut().append(name, value);
        }
        if !answer.status().is_informational() {
            return Ok(answer);
        }
    }
}

/// How an answer's body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many more bytes.
    Length(u64),
    /// With an empty chunk; so many bytes of the present one are left.
    Chunked(u64),
    /// With the connection.
    Close,
}

impl Framing {
    /// As the head of the answer to a `method` request says (RFC 9112 §6.3).
    pub(crate) fn of(method: &Method, answer: &Response<()>) -> io::Result<Self> {
        let (status, fields) = (answer.status(), answer.headers());
        if method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok(Self::Length(0));
        }
        if let Some(coding) = fields.get(TRANSFER_ENCODING) {
            let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
            return if chunked { Ok(Self::Chunked(0)) } else { Err(wrong("an unknown transfer coding")) };
        }
        let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
        let Some(length) = lengths.next() else { return Ok(Self::Close) };
        if lengths.any(|other| other != length) {
            return Err(wrong("two lengths that differ"));
        }
        let digits = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|text| text.parse().ok()).map(Self::Length).ok_or_else(|| wrong("a length that is none"))
    }

    /// Reads some of the body into `buffer`; 0 is its end, as announced.
    pub(crate) fn read(&mut self, connection: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Chunked(0) = self {
            let size = line(&mut connection.take(HEAD))?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| wrong("a chunk has no size"))?;
            if size == 0 {
                // Trailers are passed over.
                while !line(&mut connection.take(HEAD))?.is_empty() {}
                *self = Self::Length(0);
            } else {
                *self = Self::Chunked(size);
            }
        }
        let left = match *self {
            Self::Length(left) | Self::Chunked(left) => left,
            Self::Close => u64::MAX,
        };
        let some = connection.take(left).read(buffer)?;
        match self {
            Self::Close => {}
            Self::Length(0) => return Ok(0),
            Self::Length(_) | Self::Chunked(_) if some == 0 => return Err(ErrorKind::UnexpectedEof.into()),
            Self::Length(left) => *left -= some as u64,
            Self::Chunked(left) => {
                *left -= some as u64;
                if *left == 0 && !line(&mut connection.take(2))?.is_empty() {
                    return Err(wrong("a chunk does not end where it should"));
                }
            }
        }
        Ok(some)
    }
}

/// Whether the connection can serve again after an answer with this head.
pub(crate) fn keeps(answer: &Response<()>) -> bool {
    let mut options = answer.headers().get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    answer.version() == Version::HTTP_11 && !options.any(|option| option.to_ascii_lowercase().contains("close"))
}

/// A line without its end.
fn line(connection: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    connection.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| wrong("a line is no text"))
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
