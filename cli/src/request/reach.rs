//! How servers are reached.

use std::fs;
use std::path::PathBuf;

use longhaul::core::Config;
use longhaul::core::spec::Interval;
use longhaul::tokio::{HyperTransport, Proxy};
use longhaul::{Client, ClientBuilder, ClientConfig};

use super::Request;
use crate::exit::{Code, Failure};

/// How servers are reached, and how much goes on at once: what transfers must have in common to share a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reach {
    cacert: Option<PathBuf>,
    proxy: Option<String>,
    parts: Option<u32>,
    checkpoint: Option<u64>,
}

impl Reach {
    pub(crate) fn of(request: &Request) -> Self {
        let options = &request.options;
        Self {
            cacert: options.cacert.clone(),
            proxy: options.proxy.clone(),
            parts: options.parts.map(std::num::NonZeroU32::get),
            checkpoint: options.checkpoint.map(std::num::NonZeroU64::get),
        }
    }

    /// A client that reaches servers this way.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
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
        let client = ClientBuilder::new().transport(transport).config(self.config()?).start()?;
        Ok(client)
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
