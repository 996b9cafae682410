//! The command line: what may be said, and what each word means.
//!
//! Values that may hold a secret (URLs, headers, proxies) are taken as they are and read later by code whose errors never
//! repeat them: clap's own would.

mod parse;
mod store;
mod value;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use longhaul::Digest;

pub(crate) use parse::parse;
pub(crate) use store::{Made, Plan, Store};

/// Moves large files to and from HTTP servers and object stores, and finishes them: through bad networks, pauses and crashes.
#[derive(Debug, Parser)]
#[command(
    name = "longhaul",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 transfer failed, 2 usage, 3 integrity, 4 not found or refused by the server, \
                  5 local disk, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Download a URL; the same command again goes on where a broken one stopped
    Get(Get),
    /// Upload a file; the same command again goes on where a broken one stopped
    Put(Put),
    /// Finish every transfer that is unfinished in the state folder
    Resume(Resume),
    /// Give unfinished transfers up: their uploads are aborted at the store, and what is left of them here is removed
    Cancel(Cancel),
    /// Draw a trace (--trace) as a page to look at in a browser
    Report(Report),
    /// Take a trace (--trace) through the core again, offline: print each step, and end with 1 at the first that differs
    Replay(Replay),
    /// Serve a folder over HTTP, for development and tests: ranged downloads, resumable uploads
    Serve(Serve),
    /// Upload and download 256 MiB on this machine through injected faults and a kill, and tell what was survived
    Demo(Demo),
}

impl Command {
    /// How its transfers are told of, where it has any.
    pub(crate) const fn output(&self) -> Option<&Output> {
        match self {
            Self::Get(args) => Some(&args.shared.output_options),
            Self::Put(args) => Some(&args.shared.output_options),
            Self::Resume(args) => Some(&args.unfinished.output_options),
            Self::Cancel(args) => Some(&args.unfinished.output_options),
            Self::Report(_) | Self::Replay(_) | Self::Serve(_) | Self::Demo(_) => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// What to download: an http or https URL (presigned ones and Azure's with a SAS too), s3://bucket/key, oss://bucket/key,
    /// az://container/blob, or @FILE with a URL in it, which keeps a signature off the command line
    #[arg(required_unless_present = "plan", conflicts_with = "plan")]
    pub(crate) url: Option<String>,
    /// Where to: a file; a folder (named as the server or the URL says); or - for standard output [default: this folder]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// What to do when the file exists. if-changed leaves it alone when it has the size and time the server tells, and
    /// otherwise replaces it, once the new content is complete and verified
    #[arg(long, value_enum, default_value_t = Overwrite::IfChanged, value_name = "WHEN")]
    pub(crate) overwrite: Overwrite,
    #[command(flatten)]
    pub(crate) shared: Shared,
    /// One version of the object, by the id the store gave it [default: the newest]
    #[arg(long, value_name = "ID", help_heading = "Object stores")]
    pub(crate) version_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Put {
    /// What to upload: a file, or - for standard input
    pub(crate) file: PathBuf,
    /// Where to: an http or https URL (presigned ones and Azure's with a SAS too), s3://bucket/key, oss://bucket/key,
    /// az://container/blob, or @FILE with a URL in it, which keeps a signature off the command line
    #[arg(required_unless_present = "plan", conflicts_with = "plan")]
    pub(crate) url: Option<String>,
    /// How, to an http or https URL: form is the resumable multipart/form-data protocol (`longhaul serve` speaks it), put is one
    /// plain PUT request [default: put where the URL is presigned, else form]
    #[arg(long, value_enum, hide_default_value = true)]
    pub(crate) method: Option<Method>,
    /// The name the server shall store it as [default: the file's]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The protocol's category field
    #[arg(long)]
    pub(crate) category: Option<String>,
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(flatten)]
    pub(crate) made: Made,
}

/// What get and put have in common. What has a heading of its own in the help comes last: clap puts all that follows below it.
#[derive(Debug, Args)]
pub(crate) struct Shared {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) state: State,
    #[command(flatten)]
    pub(crate) traced: Traced,
    #[command(flatten)]
    pub(crate) output_options: Output,
    #[command(flatten)]
    pub(crate) plan: Plan,
    #[command(flatten)]
    pub(crate) store: Store,
}

/// How a transfer is done.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Most requests at once, or auto: as many as turn out useful
    #[arg(long, value_parser = value::parts, default_value = "auto", value_name = "N|auto")]
    pub(crate) parts: Auto<NonZeroU32>,
    /// Bytes per request (8MiB, 8M, 1GiB, 65536), or auto
    #[arg(long, value_parser = value::part_size, default_value = "auto", value_name = "SIZE|auto")]
    pub(crate) part_size: Auto<NonZeroU64>,
    /// Most bytes per second (2MiB, 500K)
    #[arg(long, value_parser = value::rate, value_name = "RATE")]
    pub(crate) limit_rate: Option<NonZeroU64>,
    /// How often one piece of work is tried again without any progress [default: 8]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Longest silence in the middle of a transfer before a request is tried again (30s, 2m, 500ms); the beginning of an
    /// answer may take twice as long [default: 30s]
    #[arg(long, value_parser = value::duration, value_name = "TIME")]
    pub(crate) idle_timeout: Option<Duration>,
    /// A header for every request, 'Name: value'; or @FILE with one per line, which keeps secrets off the command line
    #[arg(short = 'H', long, value_name = "HEADER|@FILE")]
    pub(crate) header: Vec<String>,
    /// The checksum the content must have: md5, sha-1, sha-256, sha-512, crc32, crc32c, crc64nvme or crc64xz, in hexadecimal
    #[arg(long, value_parser = value::checksum, value_name = "ALGO:HEX")]
    pub(crate) checksum: Vec<Digest>,
    /// Root certificates (PEM) to trust beside the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// A proxy for everything, or none [default: as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say]
    #[arg(long, value_name = "URL|none")]
    pub(crate) proxy: Option<String>,
    /// Digest nothing for a later run. A killed upload goes on only with a file nobody touched since, and nothing is compared with
    /// what s3:// and az:// return, so that the system may send it by itself; a killed download begins anew
    #[arg(long)]
    pub(crate) no_recheck: bool,
    /// Bytes between two checkpoints
    #[arg(long, value_parser = value::part_size, default_value = "auto", hide = true)]
    pub(crate) checkpoint: Auto<NonZeroU64>,
}

#[derive(Debug, Args)]
pub(crate) struct State {
    /// Where unfinished transfers are recorded [default: $LONGHAUL_STATE, or longhaul in the system's folder for state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl State {
    /// The folder that was named, here or in the environment.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.state.clone().or_else(|| std::env::var_os("LONGHAUL_STATE").map(PathBuf::from))
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Output {
    /// One JSON object per line on standard output: events, then a summary
    #[arg(long)]
    pub(crate) json: bool,
    /// Nothing on standard error but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell what happens inside; twice and three times for more
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What is kept of a run to look at.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Traced {
    /// Record what happens: a line for each decision and answer, without secrets and without content
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Draw what happened as a page to look at in a browser
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The trace
    pub(crate) trace: PathBuf,
    /// The page; - for standard output
    #[arg(short, long, value_name = "FILE.html")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The trace
    pub(crate) trace: PathBuf,
    /// Only the verdict
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What resume and cancel have in common.
#[derive(Debug, Args)]
pub(crate) struct Unfinished {
    /// The command that prints credentials, for transfers that had one: it is not recorded
    #[arg(long, value_name = "COMMAND")]
    pub(crate) credentials_command: Option<String>,
    #[command(flatten)]
    pub(crate) state: State,
    #[command(flatten)]
    pub(crate) output_options: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Only list what is unfinished
    #[arg(long, conflicts_with_all = ["trace", "report", "credentials_command"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) unfinished: Unfinished,
    #[command(flatten)]
    pub(crate) traced: Traced,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Which: by the file or folder, the URL or the id that `longhaul resume --list` tells
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "TRANSFER")]
    pub(crate) transfers: Vec<String>,
    /// All that are unfinished
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) unfinished: Unfinished,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder to serve
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_parser = value::address, value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Accept no uploads
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Tell what happens inside; twice and three times for more
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How much to move
    #[arg(long, value_parser = value::size, default_value = "256MiB", hide = true)]
    pub(crate) size: NonZeroU64,
    /// Tell what happens inside
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// A value, or `auto`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Auto<T> {
    Auto,
    Given(T),
}

impl<T> Auto<T> {
    pub(crate) fn given(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Given(value) => Some(value),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Overwrite {
    /// Refuse, before anything is fetched
    Never,
    /// Leave it when it has the size and time the server tells
    #[default]
    IfChanged,
    /// Replace it
    Always,
}

impl Overwrite {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::IfChanged => "if-changed",
            Self::Always => "always",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    /// The resumable multipart/form-data protocol
    #[default]
    Form,
    /// One PUT request
    Put,
}
