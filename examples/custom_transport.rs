//! A transport of one's own: around the one that is there, it refuses every fifth request before it is sent, as a bad network
//! would. The core repeats what was refused, and the transport counts what went through.
#![allow(clippy::print_stdout, reason = "an example speaks")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use longhaul::core::error::{Fault, FaultKind, Sent};
use longhaul::driver::transport::{Frames, SendBody};
use longhaul::tokio::{HyperTransport, TokioRuntime};
use longhaul::{ClientConfig, Download, PartSize, Transport};

/// See above. A transport around another client altogether looks the same.
struct Unlucky {
    inner: HyperTransport,
    requests: AtomicU64,
    bytes: Arc<AtomicU64>,
}

impl Transport for Unlucky {
    fn send(&self, request: http::Request<SendBody>) -> BoxFuture<'static, Result<http::Response<Frames>, Fault>> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % 5 == 4 {
            let fault = Fault::new(FaultKind::Connect, Sent::No, "no luck");
            return futures::future::ready(Err(fault)).boxed();
        }
        let (answer, bytes) = (self.inner.send(request), Arc::clone(&self.bytes));
        async move {
            let counted = |frames: Frames| {
                frames
                    .inspect(move |frame| {
                        let len = frame.as_ref().map_or(0, |frame| frame.len() as u64);
                        bytes.fetch_add(len, Ordering::Relaxed);
                    })
                    .boxed()
            };
            Ok(answer.await?.map(counted))
        }
        .boxed()
    }

    fn reports_connections(&self) -> bool {
        self.inner.reports_connections()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = support::Server::start().await?;
    let bytes = Arc::new(AtomicU64::new(0));
    let inner = HyperTransport::builder().build(Arc::new(TokioRuntime::current()?))?;
    let transport = Unlucky { inner, requests: AtomicU64::new(0), bytes: Arc::clone(&bytes) };
    let client = longhaul::tokio::client(ClientConfig::default(), transport)?;

    let download = Download::new(&own.url("sample.bin"))?.part_size(PartSize::Bytes(1 << 20));
    let transfer = client.submit(download.to(own.path("downloaded.bin"))).await?;
    let done = transfer.await?;
    println!("{} bytes arrived, {} went through this transport", done.total, bytes.load(Ordering::Relaxed));
    client.close().await;
    Ok(())
}
