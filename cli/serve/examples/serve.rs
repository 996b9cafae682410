//! Serves a folder until the process is ended: `cargo run --release -p longhaul-serve --example serve -- DIR [PORT]`.
//! Made for measuring the server with other people's clients.
#![allow(clippy::print_stdout)]

use std::io;

use longhaul_serve::{ServeConfig, Server};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let root = args.next().unwrap_or_else(|| ".".to_owned());
    let port = args.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = ServeConfig::new(root).uploads(true);
        let server = Server::bind(([127, 0, 0, 1], port).into(), config).await?;
        println!("{}", server.url("/"));
        std::future::pending().await
    })
}
