//! HTTP by hyper and rustls for longhaul, on any runtime: what is asked of one is [`Net`].
//!
//! [`HyperTransport`] speaks HTTP/1.1 and HTTP/2, over TLS with the system's trust store, directly or by proxies, with a pool of
//! connections. An adapter to a runtime (`longhaul-tokio`, `longhaul-smol`, …) brings sockets, a clock and tasks.
#![deny(unsafe_code)]

mod body;
mod bridge;
mod builder;
mod connect;
mod connection;
mod dial;
mod drive;
mod fault;
mod frames;
#[cfg(target_os = "linux")]
mod kernel;
mod link;
mod net;
mod pool;
mod proxy;
mod route;
mod spans;
mod tls;
mod transport;
mod unread;

pub use bridge::FuturesIo;
pub use builder::{Protocols, TransportBuilder, TransportError};
pub use net::{Io, Net};
#[cfg(target_os = "linux")]
pub use net::{Socket, WithSocket};
pub use route::Proxy;
pub use transport::HyperTransport;
