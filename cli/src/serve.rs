//! `longhaul serve`: the reference server on a folder.

use longhaul_serve::{ServeConfig, Server};

use crate::args;
use crate::exit::{Code, Failure};
use crate::report::{hint, out};
use crate::shown;
use crate::signal::Signals;

/// Serves until told to stop.
pub(crate) async fn serve(args: args::Serve, mut signals: Signals) -> Result<Code, Failure> {
    if !args.folder.is_dir() {
        let words = format!("{} is not a folder: name one to serve", shown::path(&args.folder));
        return Err(Failure::new(Code::Disk, words));
    }
    let config = ServeConfig::new(&args.folder).uploads(!args.read_only);
    let server = Server::bind(args.listen, config).await.map_err(|error| {
        Failure::new(Code::Failed, format!("{error}; choose another address with --listen, or port 0 for a free one"))
    })?;
    out::stdout(&format!("{}\n", server.url("/")));
    hint(&format!(
        "serving {}{}; Ctrl-C ends it",
        shown::path(&args.folder),
        if args.read_only { ", read-only" } else { ", uploads allowed" }
    ));
    signals.wait().await;
    server.shutdown().await;
    Ok(Code::Done)
}
