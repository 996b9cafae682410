//! How servers are reached, and the clients that reach them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use longhaul::core::Config;
use longhaul::core::spec::Interval;
use longhaul::tokio::{HyperTransport, Proxy};
use longhaul::trace::Recorder;
use longhaul::{Client, ClientBuilder, ClientConfig};

use super::Request;
use crate::args::Traced;
use crate::exit::{Code, Failure};
use crate::traced::Traces;

/// The clients of this run: one for all transfers that reach servers in the same way.
#[derive(Default)]
pub(crate) struct Clients {
    all: Vec<(Reach, Client)>,
    traces: Traces,
}

impl Clients {
    /// None yet; what they do will be recorded as far as it is wanted.
    pub(crate) fn new(traced: Traced) -> Self {
        Self { all: Vec::new(), traces: Traces::new(traced) }
    }

    /// The client for `request`.
    pub(crate) fn of(&mut self, request: &Request) -> Result<&Client, Failure> {
        let reach = Reach::of(request);
        let at = match self.all.iter().position(|(known, _)| *known == reach) {
            Some(at) => at,
            None => {
                let client = reach.client(self.traces.recorder(request.path())?)?;
                self.all.push((reach, client));
                self.all.len() - 1
            }
        };
        self.all.get(at).map(|(_, client)| client).ok_or_else(|| Failure::new(Code::Failed, "there is no client"))
    }

    /// All of them so far.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Client> {
        self.all.iter().map(|(_, client)| client)
    }

    /// Closes them; each may take as long as `patience`. What went wrong with traces and pages.
    pub(crate) async fn close(self, patience: Duration) -> Vec<Failure> {
        for (_, client) in self.all {
            let _ = tokio::time::timeout(patience, client.close()).await;
        }
        self.traces.finish(patience).await
    }
}

/// How servers are reached, and how much goes on at once: what transfers must have in common to share a client.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Reach {
    cacert: Option<PathBuf>,
    proxy: Option<String>,
    parts: Option<u32>,
    checkpoint: Option<u64>,
}

impl Reach {
    fn of(request: &Request) -> Self {
        let options = &request.options;
        Self {
            cacert: options.cacert.clone(),
            proxy: options.proxy.clone(),
            parts: options.parts.map(std::num::NonZeroU32::get),
            checkpoint: options.checkpoint.map(std::num::NonZeroU64::get),
        }
    }

    /// A client that reaches servers this way, with its run recorded where that is wanted.
    fn client(&self, recorder: Option<Recorder>) -> Result<Client, Failure> {
        let mut transport = HyperTransport::builder();
        if let Some(path) = &self.cacert {
            let pem = fs::read(path).map_err(|error| {
                Failure::new(Code::Usage, format!("--cacert: cannot read {}: {error}", crate::shown::path(path)))
            })?;
            transport = transport.root_certificates(&pem);
        }
        match self.proxy.as_deref() {
            Some("none") => transport = transport.proxy(Proxy::None),
            Some(url) => transport = transport.proxy(Proxy::Url { url: url.to_owned(), except: String::new() }),
            None => {}
        }
        let builder = ClientBuilder::new().transport(transport).config(self.config()?);
        let client = match recorder {
            Some(recorder) => builder.trace(recorder),
            None => builder,
        };
        Ok(client.start()?)
    }

    fn config(&self) -> Result<ClientConfig, Failure> {
        let mut core = Config::default();
        if let Some(parts) = self.parts {
            let limits = &mut core.limits;
            let most = usize::try_from(parts).unwrap_or(usize::MAX);
            limits.per_task = limits.per_task.max(most);
            limits.per_authority = limits.per_authority.max(most);
            limits.requests = limits.requests.max(most);
            core.concurrency.ceiling = core.concurrency.ceiling.max(parts);
        }
        if let Some(bytes) = self.checkpoint {
            core.interval = Interval { bytes, ..core.interval };
        }
        ClientConfig::builder().core(core).build().map_err(|error| Failure::usage(error.to_string()))
    }
}
