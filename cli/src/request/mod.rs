//! One transfer as it was asked for: on the command line, or by a record of an earlier run.

mod checked;
mod checksum;
mod command;
mod headers;
mod job;
mod plan;
mod properties;
mod reach;
mod remote;
mod store;
mod wallet;

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul::http::Url;
use longhaul::{Digest, Environment};
use sha2::{Digest as _, Sha256};

use crate::args::{self, Made, Method, Overwrite};
use crate::exit::{Code, Failure};
use crate::shown;

pub(crate) use checksum::file_has;
pub(crate) use headers::Fields;
pub(crate) use job::{Kept, Ready, has_session, make};
pub(crate) use plan::Plan;
pub(crate) use reach::Clients;
pub(crate) use remote::Remote;
pub(crate) use store::{Kept as KeptStore, Store, Who};
pub(crate) use wallet::Wallet;

/// A transfer to be made.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) what: What,
    pub(crate) remote: Remote,
    /// The file that the URL was read from and can be read from again.
    pub(crate) url_file: Option<PathBuf>,
    pub(crate) options: Options,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Get { to: Target, overwrite: Overwrite },
    Put { from: Source, method: Option<Method>, name: Option<String>, category: Option<String>, made: Made },
}

/// Where a download goes. Paths are absolute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    File(PathBuf),
    /// By the name the server or the URL gives.
    Folder(PathBuf),
    Stdout,
}

/// Where an upload comes from. Paths are absolute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Stdin,
}

/// What get and put have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) parts: Option<NonZeroU32>,
    pub(crate) part_size: Option<NonZeroU64>,
    pub(crate) limit_rate: Option<NonZeroU64>,
    pub(crate) retries: Option<u32>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) fields: Fields,
    pub(crate) checksums: Vec<Digest>,
    pub(crate) cacert: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
    pub(crate) no_recheck: bool,
    pub(crate) checkpoint: Option<NonZeroU64>,
}

impl Request {
    pub(crate) fn from_get(get: args::Get) -> Result<Self, Failure> {
        hosts_need_plan(&get.shared.plan)?;
        let (remote, url_file) = match Plan::of_download(&get.shared.plan) {
            Some(plan) => (Remote::Plan(plan?), None),
            None => named(get.url.as_deref().unwrap_or_default(), None, &get.shared.store)?,
        };
        store::check_options(&get.shared.store, remote.store())?;
        let remote = match (get.version_id, remote) {
            (None, remote) => remote,
            (Some(id), Remote::Store(store)) => Remote::Store(store.at_version(id)),
            (Some(_), _) => {
                let words =
                    "--version-id is for s3://, oss:// and az://: here the URL, or the plan, says which version";
                return Err(Failure::usage(words));
            }
        };
        let to = target(get.output.as_deref())?;
        if to == Target::Stdout && get.shared.output_options.json {
            return Err(Failure::usage("-o - and --json both want standard output: leave one of them out"));
        }
        let what = What::Get { to, overwrite: get.overwrite };
        Self { what, remote, url_file, options: Options::from_args(get.shared.options)? }.checked()
    }

    pub(crate) fn from_put(put: args::Put) -> Result<Self, Failure> {
        let from = if put.file.as_os_str() == "-" { Source::Stdin } else { Source::File(absolute(&put.file)?) };
        hosts_need_plan(&put.shared.plan)?;
        let (remote, url_file) = match Plan::of_upload(&put.shared.plan) {
            Some(plan) => (Remote::Plan(plan?), None),
            None => named(put.url.as_deref().unwrap_or_default(), from.file_name(), &put.shared.store)?,
        };
        store::check_options(&put.shared.store, remote.store())?;
        let method = put.method.or(remote.method());
        if from == Source::Stdin && !put.shared.options.checksum.is_empty() {
            return Err(Failure::usage(
                "--checksum needs a file: what standard input holds is known only once it is sent",
            ));
        }
        let what = What::Put { from, method, name: put.name, category: put.category, made: put.made };
        Self { what, remote, url_file, options: Options::from_args(put.shared.options)? }.checked()
    }

    /// Refuses what does not go together.
    fn checked(self) -> Result<Self, Failure> {
        let refuse = |words: &str| Err(Failure::usage(words));
        if matches!(self.remote, Remote::Plan(_))
            && (self.options.part_size.is_some() || !self.options.fields.is_empty())
        {
            return refuse("--part-size and --header do not go with --plan: the plan says both");
        }
        let What::Put { from, method, name, category, made } = &self.what else { return Ok(self) };
        let is_store = matches!(self.remote, Remote::Store(_) | Remote::Sas(_));
        if !is_store && !made.is_default() {
            return refuse(
                "--content-type, --metadata, --storage-class and --no-overwrite are for object stores: give an http \
                           server its fields by --header",
            );
        }
        if method.is_some() && !matches!(self.remote, Remote::Http(_)) {
            return refuse("--method is for http and https URLs: leave it out");
        }
        if self.starts_afresh() && self.options.part_size.is_some() {
            return refuse("--part-size: one PUT sends all of it in one request, leave it out");
        }
        let form = *method == Some(Method::Form);
        if !form && (name.is_some() || category.is_some()) {
            return refuse("--name and --category belong to --method form: here the URL says what is stored");
        }
        if *from == Source::Stdin && form && name.is_none() {
            return refuse("standard input has no name: say with --name what the server shall store it as");
        }
        Ok(self)
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self.what {
            What::Get { .. } => "get",
            What::Put { .. } => "put",
        }
    }

    /// The server's end without anything secret.
    pub(crate) fn object(&self) -> String {
        self.remote.shown()
    }

    /// The file name in it, if there is one.
    pub(crate) fn url_name(&self) -> Option<String> {
        self.remote.file_name()
    }

    /// Whether a broken upload begins again at its first byte.
    pub(crate) const fn starts_afresh(&self) -> bool {
        matches!(self.what, What::Put { method: Some(Method::Put), .. })
    }

    /// Whether the server itself keeps what it has confirmed of an upload, without any record here.
    pub(crate) const fn is_kept_by_server(&self) -> bool {
        matches!((&self.what, &self.remote), (What::Put { .. }, Remote::Http(_))) && !self.starts_afresh()
    }

    /// The same, whatever is there.
    pub(crate) fn replacing(mut self) -> Self {
        if let What::Get { overwrite, .. } = &mut self.what {
            *overwrite = Overwrite::Always;
        }
        self
    }

    /// The same, asked for by nobody in particular.
    pub(crate) fn anonymous(mut self) -> Self {
        if let Remote::Store(store) = &mut self.remote {
            store.forget_who();
        }
        self
    }

    /// The local path, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.what {
            What::Get { to: Target::File(path) | Target::Folder(path), .. } => Some(path),
            What::Put { from: Source::File(path), .. } => Some(path),
            _ => None,
        }
    }

    /// Whether a later run could go on, so that a record makes sense.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.path().is_some()
    }

    /// What must not be recorded, in words.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = if self.url_file.is_some() { Vec::new() } else { self.remote.secrets() };
        secrets.extend(self.options.fields.lines().map(|name| format!("--header {name}")));
        if self.options.proxy.as_deref().is_some_and(is_secret_proxy) {
            secrets.push("the proxy's user and password".to_owned());
        }
        secrets
    }

    /// Names the transfer among the records: the same for the same command, whatever the URL's secrets are where that is safe.
    pub(crate) fn id(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(self.kind().as_bytes());
        match &self.what {
            // One file has one transfer at a time, whatever the URL.
            What::Get { to: Target::File(path), .. } => add(path.as_os_str().as_encoded_bytes()),
            // The query may be all that tells two objects in one folder apart.
            What::Get { to: Target::Folder(path), .. } => {
                add(path.as_os_str().as_encoded_bytes());
                add(b"/");
                add(self.remote.whole().as_bytes());
            }
            What::Get { to: Target::Stdout, .. } => add(self.remote.identity().as_bytes()),
            // By whichever method: who tries another one has given the first one up.
            What::Put { from, name, category, .. } => {
                if let Source::File(path) = from {
                    add(path.as_os_str().as_encoded_bytes());
                }
                add(self.remote.identity().as_bytes());
                add(format!("{name:?} {category:?}").as_bytes());
            }
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Options {
    fn from_args(args: args::Options) -> Result<Self, Failure> {
        if let Some(proxy) = args.proxy.as_deref().filter(|proxy| *proxy != "none") {
            check_proxy(proxy)?;
        }
        Ok(Self {
            parts: args.parts.given(),
            part_size: args.part_size.given(),
            limit_rate: args.limit_rate,
            retries: args.retries,
            idle_timeout: args.idle_timeout,
            fields: Fields::read(&args.header)?,
            checksums: args.checksum,
            cacert: args.cacert.as_deref().map(absolute).transpose()?,
            proxy: args.proxy,
            no_recheck: args.no_recheck,
            checkpoint: args.checkpoint.given(),
        })
    }
}

fn hosts_need_plan(args: &args::Plan) -> Result<(), Failure> {
    if args.plan.is_none() && !args.allow_host.is_empty() {
        return Err(Failure::usage("--allow-host says what a plan may name: give one by --plan"));
    }
    Ok(())
}

/// The server's end that was named, and the file its URL was read from. `file` is the name of what goes there.
fn named(given: &str, file: Option<&str>, store: &args::Store) -> Result<(Remote, Option<PathBuf>), Failure> {
    let (url, url_file) = remote::given(given)?;
    match Store::parse(&url, file, store, &Environment::of_process()) {
        Some(store) => Ok((Remote::Store(store?), None)),
        None => Ok((Remote::plain(&url)?, url_file)),
    }
}

impl Source {
    /// The file's own name, where it is text.
    fn file_name(&self) -> Option<&str> {
        match self {
            Self::File(path) => path.file_name().and_then(|name| name.to_str()),
            Self::Stdin => None,
        }
    }
}

fn check_proxy(proxy: &str) -> Result<(), Failure> {
    Url::parse(proxy).map(drop).map_err(|error| Failure::usage(format!("--proxy: {error} (or none, for no proxy)")))
}

/// Whether a proxy's URL holds anything that must not be recorded.
pub(crate) fn is_secret_proxy(proxy: &str) -> bool {
    proxy != "none"
        && Url::parse(proxy).map_or(true, |url| url.authorization().is_some() || url.uri().query().is_some())
}

fn target(output: Option<&Path>) -> Result<Target, Failure> {
    let Some(output) = output else {
        return Ok(Target::Folder(absolute(Path::new("."))?));
    };
    if output.as_os_str() == "-" {
        return Ok(Target::Stdout);
    }
    let path = absolute(output)?;
    let as_folder =
        output.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last)));
    if path.is_dir() {
        return Ok(Target::Folder(path));
    }
    let parent = if as_folder { Some(path.as_path()) } else { path.parent() };
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        let shown = shown::path(parent);
        return Err(Failure::new(
            Code::Disk,
            if parent.exists() {
                format!("{shown} is not a folder: name another place with -o")
            } else {
                format!("there is no folder {shown}: create it first (mkdir -p {})", shown::quoted(parent.as_os_str()))
            },
        ));
    }
    Ok(Target::File(path))
}

/// The path from the root on, so that it means the same in any folder. What it names need not exist.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    if path.as_os_str().is_empty() {
        return Err(Failure::usage("a path is empty: name a file or folder (. is this folder)"));
    }
    std::path::absolute(path).map_err(|error| Failure::disk("find the folder of", path, &error))
}
