//! Through an HTTP proxy to the origin (RFC 9110 §9.3.6).

use http::HeaderValue;
use longhaul_core::error::{Fault, FaultKind, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bridge::Bridge;
use crate::net::Io;

/// Longest answer of a proxy to CONNECT, in bytes.
const LONGEST: usize = 16 << 10;

/// Asks the proxy behind `io` for a tunnel to `host:port`, which `io` then is.
pub(crate) async fn tunnel(
    io: Box<dyn Io>,
    host: &str,
    port: u16,
    authorization: Option<&HeaderValue>,
) -> Result<Box<dyn Io>, Fault> {
    let mut io = Bridge(io);
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(value) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    io.write_all(&request).await.map_err(|error| fault(error.to_string()))?;

    let mut answer = Vec::with_capacity(512);
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= LONGEST {
            return Err(fault("its answer to CONNECT is too long"));
        }
        // Byte by byte, so that nothing of the tunnel is taken with it; a few hundred bytes, once per connection.
        match io.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(fault("it closed the connection instead of answering CONNECT"));
            }
            Err(error) => return Err(fault(error.to_string())),
        }
    }
    match status(&answer) {
        Some(200..=299) => Ok(io.0),
        Some(407) => Err(fault("it asks for credentials (HTTP 407): put user and password into the proxy's URL")),
        Some(status) => Err(fault(format!("it refused a tunnel to {host}:{port} (HTTP {status})"))),
        None => Err(fault("it does not speak HTTP/1.1")),
    }
}

/// A failure of the proxy.
pub(crate) fn fault(words: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Proxy, Sent::No, words)
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}
