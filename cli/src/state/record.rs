//! One unfinished transfer, as it is written down.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longhaul::{Algorithm, Digest};
use serde::{Deserialize, Serialize};

use crate::args::{Made, Method, Overwrite};
use crate::exit::Failure;
use crate::request::{Fields, KeptStore, Options, Plan, Remote, Request, Source, Target, What, Who};

/// The form of records this version writes and reads.
const VERSION: u32 = 1;

/// A record. Untrusted when read: anybody may have edited it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    version: u32,
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// Without query and userinfo.
    pub(crate) url: String,
    path: Text,
    /// Seconds since 1970.
    pub(crate) started: u64,
    /// What had to be left out; the transfer can then only go on by its own command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) withheld: Vec<String>,
    /// That command, without its secrets.
    pub(crate) command: String,
    #[serde(default)]
    options: Kept,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Into a file.
    Get,
    /// Into a folder, by the server's name.
    GetInto,
    Put,
}

/// A path: as text where it is text, in hexadecimal where it is not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Hex { hex: String },
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_size: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_rate: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    header_files: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cacert: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_recheck: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<NonZeroU64>,
    overwrite: Overwrite,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_overwrite: bool,
    /// The file that has the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    url_file: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_host: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<KeptStore>,
    /// Whether a command said who asks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    credentials_command: bool,
    /// A fingerprint of what the store was told of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<String>,
}

impl Record {
    /// What may be written down of `request`.
    pub(super) fn of(request: &Request) -> Self {
        let withheld = request.secrets();
        let options = &request.options;
        let mut kept = Kept {
            parts: options.parts,
            part_size: options.part_size,
            limit_rate: options.limit_rate,
            retries: options.retries,
            idle_timeout_ms: options.idle_timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            checksums: options.checksums.iter().map(Digest::to_string).collect(),
            header_files: options.fields.files().iter().map(|path| Text::from(path.as_path())).collect(),
            cacert: options.cacert.as_deref().map(Text::from),
            proxy: options.proxy.clone().filter(|proxy| !crate::request::is_secret_proxy(proxy)),
            no_recheck: options.no_recheck,
            checkpoint: options.checkpoint,
            ..Kept::default()
        };
        let kind = match &request.what {
            What::Get { to, overwrite } => {
                kept.overwrite = *overwrite;
                if matches!(to, Target::Folder(_)) { Kind::GetInto } else { Kind::Get }
            }
            What::Put { method, name, category, made, .. } => {
                kept.method = *method;
                kept.name.clone_from(name);
                kept.category.clone_from(category);
                kept.content_type.clone_from(&made.content_type);
                kept.metadata.clone_from(&made.metadata);
                kept.storage_class.clone_from(&made.storage_class);
                kept.no_overwrite = made.no_overwrite;
                Kind::Put
            }
        };
        kept.url_file = request.url_file.as_deref().map(Text::from);
        // The transfer has read the same files a moment ago.
        kept.properties = request.properties().ok().flatten();
        match &request.remote {
            Remote::Store(store) => {
                kept.store = Some(KeptStore::of(store));
                kept.credentials_command = matches!(store.who(), Who::Command(_));
            }
            Remote::Plan(plan) => {
                kept.plan = Some(Text::from(plan.path()));
                kept.allow_host = plan.hosts().to_vec();
            }
            Remote::Http(_) | Remote::Sas(_) => {}
        }
        Self {
            version: VERSION,
            id: request.id(),
            kind,
            url: request.object(),
            path: Text::from(request.path().unwrap_or(Path::new(""))),
            started: now(),
            withheld,
            command: request.command(None),
            options: kept,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Cannot fail: there is no map with keys that are no text in it.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a record; `Err` says what is wrong with it.
    pub(super) fn decode(bytes: &[u8], id: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if version.version > VERSION {
            return Err(format!("it was written by a newer version; this one reads up to {VERSION}"));
        }
        let mut record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        record.id = id.to_owned();
        // What other files have to say is found out when it is wanted.
        if record.withheld.is_empty() && !record.needs_files() && record.request(Some(""))?.id() != id {
            return Err("its name and its content do not belong together".to_owned());
        }
        Ok(record)
    }

    fn needs_files(&self) -> bool {
        self.options.plan.is_some() || self.options.url_file.is_some()
    }

    /// Whether it takes a command that says who asks.
    pub(crate) const fn wants_command(&self) -> bool {
        self.options.credentials_command
    }

    /// Whether the store was told of the object what `request` says of it, as far as that is known.
    pub(crate) fn agrees(&self, request: &Request) -> Result<bool, Failure> {
        let now = request.properties()?;
        Ok(self.options.properties.as_ref().is_none_or(|then| Some(then) == now.as_ref()))
    }

    /// The local path.
    pub(crate) fn path(&self) -> PathBuf {
        self.path.path().unwrap_or_default()
    }

    /// The transfer it describes; `command` prints credentials, where it needs one. Where something was withheld, it is missing
    /// here, too.
    pub(crate) fn request(&self, command: Option<&str>) -> Result<Request, String> {
        let path = self.path.path().ok_or("its path is malformed")?;
        if !path.is_absolute() {
            return Err("its path is not absolute".to_owned());
        }
        let kept = &self.options;
        let what = match self.kind {
            Kind::Get => What::Get { to: Target::File(path), overwrite: kept.overwrite },
            Kind::GetInto => What::Get { to: Target::Folder(path), overwrite: kept.overwrite },
            Kind::Put => What::Put {
                from: Source::File(path),
                method: kept.method,
                name: kept.name.clone(),
                category: kept.category.clone(),
                made: Made {
                    content_type: kept.content_type.clone(),
                    metadata: kept.metadata.clone(),
                    storage_class: kept.storage_class.clone(),
                    no_overwrite: kept.no_overwrite,
                },
            },
        };
        let url_file = kept.url_file.as_ref().map(|text| text.path().ok_or("a path in it is malformed")).transpose()?;
        let remote = self.remote(url_file.as_deref(), command.filter(|_| kept.credentials_command))?;
        let files: Option<_> = kept.header_files.iter().map(Text::path).collect();
        let options = Options {
            parts: kept.parts,
            part_size: kept.part_size,
            limit_rate: kept.limit_rate,
            retries: kept.retries,
            idle_timeout: kept.idle_timeout_ms.map(Duration::from_millis),
            fields: Fields::from_files(files.ok_or("a path in it is malformed")?),
            checksums: kept
                .checksums
                .iter()
                .map(|text| digest(text))
                .collect::<Option<_>>()
                .ok_or("a checksum in it is malformed")?,
            cacert: kept.cacert.as_ref().map(|text| text.path().ok_or("a path in it is malformed")).transpose()?,
            proxy: kept.proxy.clone(),
            no_recheck: kept.no_recheck,
            checkpoint: kept.checkpoint,
        };
        Ok(Request { what, remote, url_file, options })
    }

    fn remote(&self, url_file: Option<&Path>, command: Option<&str>) -> Result<Remote, String> {
        let kept = &self.options;
        let remote = if let Some(plan) = &kept.plan {
            let path = plan.path().ok_or("a path in it is malformed")?;
            let read = if self.kind == Kind::Put { Plan::up_in } else { Plan::down_in };
            read(&path, kept.allow_host.clone()).map(Remote::Plan)
        } else if let Some(store) = &kept.store {
            store.store(&self.url, command).ok_or("it names no object of a store")?.map(Remote::Store)
        } else {
            match url_file {
                Some(file) => Remote::in_file(file),
                None => Remote::plain(&self.url),
            }
        };
        remote.map_err(|failure| failure.to_string())
    }
}

fn digest(text: &str) -> Option<Digest> {
    let (name, hex) = text.split_once(':')?;
    Digest::from_hex(Algorithm::from_name(name)?, hex)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl From<&Path> for Text {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Plain(text.to_owned()),
            None => Self::Hex {
                hex: path.as_os_str().as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }
}

impl Text {
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Plain(text) => Some(PathBuf::from(text)),
            Self::Hex { hex } => {
                let digits: Option<Vec<u8>> =
                    hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
                let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
                os_string(
                    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect(),
                )
                .map(PathBuf::from)
            }
        }
    }
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}
