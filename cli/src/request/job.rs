//! From a request to something the library can be given.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use longhaul::core::Config;
use longhaul::core::spec::{Interval, Parallel};
use longhaul::driver::journal::JournalName;
use longhaul::driver::stream::StreamReader;
use longhaul::http::{Url, safe_file_name};
use longhaul::tokio::{FileJournal, FileTarget, HyperTransport, Proxy};
use longhaul::{Client, ClientBuilder, ClientConfig, Deadlines, Download, Job, PartSize, RetryPolicy, Upload};

use super::{Options, Request, Source, Target, What};
use crate::args::{Method, Overwrite};
use crate::exit::{Code, Failure};

/// How far a stream may be ahead of who reads it.
const WINDOW: u64 = 16 << 20;

/// A job, and what the command keeps of it.
pub(crate) struct Ready {
    pub(crate) job: Job,
    /// What arrives, where standard output is the target.
    pub(crate) reader: Option<StreamReader>,
}

/// The job for `request`, with its journal in `journals` where it has no better place.
pub(crate) fn make(request: &Request, journals: Option<PathBuf>) -> Result<Ready, Failure> {
    match &request.what {
        What::Get { to, overwrite } => get(request, to, *overwrite, journals),
        What::Put { from, method, name, category } => {
            let upload = upload(request, from, *method, name.as_deref(), category.as_deref())?;
            let job = put(request, upload, from);
            let journal = journals.filter(|_| *method == Method::Form && *from != Source::Stdin);
            let job = match journal {
                Some(folder) => job.with_journal(
                    Arc::new(FileJournal::in_folder(folder)),
                    JournalName { id: request.id(), beside: None },
                ),
                None => job,
            };
            Ok(Ready { job, reader: None })
        }
    }
}

fn get(request: &Request, to: &Target, overwrite: Overwrite, journals: Option<PathBuf>) -> Result<Ready, Failure> {
    let options = &request.options;
    let mut download = Download::new(&request.url)?
        .headers(options.fields.headers()?)?
        .part_size(part_size(options))
        .retry(retry(options))
        .deadlines(deadlines(options));
    if let Some(parts) = options.parts {
        download = download.parts(parts);
    }
    for digest in &options.checksums {
        download = download.checksum(*digest);
    }
    let (target, destination, folder) = match to {
        Target::Stdout => {
            let (job, reader) = download.to_stream(WINDOW);
            return Ok(Ready { job: job.with_rate(options.limit_rate), reader: Some(reader) });
        }
        Target::File(path) => (FileTarget::new(path), path.as_os_str(), path.parent()),
        Target::Folder(path) => {
            let fallback = Url::parse(&request.url)?.file_name().unwrap_or("download").to_owned();
            (FileTarget::in_folder(path, fallback, safe_file_name), path.as_os_str(), Some(path.as_path()))
        }
    };
    let target = target.overwrite(match overwrite {
        Overwrite::Never => longhaul::Overwrite::Never,
        Overwrite::IfChanged => longhaul::Overwrite::IfChanged,
        Overwrite::Always => longhaul::Overwrite::Always,
    });
    let beside = target.temporary();
    let folder = journals.or_else(|| folder.map(PathBuf::from)).unwrap_or_default();
    // Paths that differ only in what is no UTF-8 must not meet, so bytes and not text.
    let destination: String = destination.as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let job = download
        .into_storage(Arc::new(target), &destination)
        .with_rate(options.limit_rate)
        .with_journal(Arc::new(FileJournal::beside_or_in(folder)), JournalName { id: request.id(), beside });
    Ok(Ready { job, reader: None })
}

fn upload(
    request: &Request,
    from: &Source,
    method: Method,
    name: Option<&str>,
    category: Option<&str>,
) -> Result<Upload, Failure> {
    let upload = match method {
        Method::Put => Upload::put(&request.url)?,
        Method::Form => {
            let own = match from {
                Source::File(path) => path.file_name().and_then(|name| name.to_str()),
                Source::Stdin => None,
            };
            let name = name.or(own).ok_or_else(|| {
                Failure::usage(
                    "the file's name is not text in UTF-8: say with --name what the server shall store it as",
                )
            })?;
            let upload = Upload::new(&request.url, name)?;
            match category {
                Some(category) => upload.category(category)?,
                None => upload,
            }
        }
    };
    let options = &request.options;
    Ok(upload
        .headers(options.fields.headers()?)?
        .part_size(part_size(options))
        .retry(retry(options))
        .deadlines(deadlines(options)))
}

fn put(request: &Request, upload: Upload, from: &Source) -> Job {
    let mut job = match from {
        Source::File(path) => upload.from(path),
        Source::Stdin => upload.from_reader(tokio::io::stdin()),
    };
    if let Some(parts) = request.options.parts {
        job.spec_mut().parallel = Parallel::Most(parts);
    }
    job.with_rate(request.options.limit_rate)
}

fn part_size(options: &Options) -> PartSize {
    options.part_size.map_or(PartSize::Auto, |size| PartSize::Bytes(size.get()))
}

fn retry(options: &Options) -> RetryPolicy {
    let policy = RetryPolicy::default();
    match options.retries {
        Some(retries) => policy.with_retries(retries),
        None => policy,
    }
}

fn deadlines(options: &Options) -> Deadlines {
    let deadlines = Deadlines::default();
    match options.idle_timeout {
        // As with the defaults, an answer's first byte may take twice as long: the server has work to do.
        Some(idle) => deadlines.with_idle(Some(idle)).with_first_byte(Some(idle.saturating_mul(2))),
        None => deadlines,
    }
}

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
