//! Objects of stores: `s3://bucket/key`, `oss://bucket/key`, `az://container/blob`.
//!
//! Names are taken as they are, nothing in them is decoded. Who asks is found out when the transfer begins, never before.

use std::path::PathBuf;

use longhaul::azblob::Container;
use longhaul::core::error::BuildError;
use longhaul::{AzureBlob, Environment, Headers, OssObject, Place, S3Object, azblob, oss, s3};
use serde::{Deserialize, Serialize};

use super::Wallet;
use super::job::{Down, Up};
use crate::args::{self, Made};
use crate::exit::Failure;
use crate::shown;

/// An object of a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Store {
    kind: Kind,
    /// The bucket, or the container.
    bucket: String,
    /// The key, or the blob's name.
    key: String,
    /// With what the environment said when it was named, so that a later run means the same object.
    place: Place,
    who: Who,
    /// Which version of it; none: the newest.
    version: Option<String>,
}

/// Kinds of stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    S3,
    Oss,
    Azure,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// Whoever the environment says.
    Environment,
    /// Nobody in particular.
    Anonymous,
    /// Who a command says.
    Command(String),
}

/// What a record holds of where a store is and who asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    path_style: bool,
    anonymous: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// A field for an upload.
type Field = (String, String);

impl Kind {
    const ALL: [Self; 3] = [Self::S3, Self::Oss, Self::Azure];

    const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Oss => "oss",
            Self::Azure => "az",
        }
    }

    /// What metadata, and the class of storage, are called.
    const fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::S3 => ("x-amz-meta-", "x-amz-storage-class"),
            Self::Oss => ("x-oss-meta-", "x-oss-storage-class"),
            Self::Azure => ("x-ms-meta-", "x-ms-access-tier"),
        }
    }
}

impl Store {
    /// Whether the store hears of the object's properties when an upload begins. Azure hears of them when it ends.
    pub(super) const fn is_told_at_begin(&self) -> bool {
        matches!(self.kind, Kind::S3 | Kind::Oss)
    }

    /// Reads what may be the name of an object; `None` where it is none. `file` is what is appended to a name that ends with `/`.
    /// What `args` do not say `environment` does.
    pub(super) fn parse(
        text: &str,
        file: Option<&str>,
        args: &args::Store,
        environment: &Environment,
    ) -> Option<Result<Self, Failure>> {
        let (scheme, rest) = text.split_once("://")?;
        // Schemes are the same in capitals (RFC 3986 section 3.1).
        let kind = Kind::ALL.into_iter().find(|kind| kind.scheme().eq_ignore_ascii_case(scheme))?;
        let mut said = Place::default();
        said.endpoint.clone_from(&args.endpoint);
        said.region.clone_from(&args.region);
        said.account.clone_from(&args.account);
        said.path_style = args.path_style;
        let who = match &args.credentials_command {
            Some(command) => Who::Command(command.clone()),
            None if args.anonymous => Who::Anonymous,
            None => Who::Environment,
        };
        let place = match kind {
            Kind::S3 => environment.s3_place(said),
            Kind::Oss => environment.oss_place(said),
            Kind::Azure => environment.azure_place(said),
        };
        Some(Self::new(kind, rest, file, place, who))
    }

    fn new(kind: Kind, rest: &str, file: Option<&str>, place: Place, who: Who) -> Result<Self, Failure> {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let mut key = key.to_owned();
        if key.is_empty() || key.ends_with('/') {
            key.push_str(file.unwrap_or_default());
        }
        let store = Self { kind, bucket: bucket.to_owned(), key, place, who, version: None };
        store.check()?;
        Ok(store)
    }

    /// Says what is wrong with where it is before anything else is done.
    fn check(&self) -> Result<(), Failure> {
        if self.key.is_empty() {
            let (scheme, bucket) = (self.kind.scheme(), shown::path(&PathBuf::from(&self.bucket)));
            let words = format!("{scheme}://{bucket} names no object: write it as {scheme}://{bucket}/NAME");
            return Err(Failure::usage(words));
        }
        self.url().map(drop).map_err(|error| self.wrong(&error))
    }

    /// A setting is wrong or missing; where it comes from is said in the command's words.
    fn wrong(&self, error: &BuildError) -> Failure {
        let option = match error.what.as_str() {
            "there is no region" => " (--region)",
            "there is no storage account" => " (--account)",
            _ => "",
        };
        Failure::usage(format!("{}: {}{option}: {}", self.shown(), error.what, error.remedy))
    }

    /// The object's URL.
    fn url(&self) -> Result<String, BuildError> {
        Ok(match self.kind {
            Kind::S3 => {
                s3::Object::new(self.place.s3_bucket(&self.bucket)?, &self.key, s3::Access::Anonymous)?.url().to_owned()
            }
            Kind::Oss => oss::Object::new(self.place.oss_bucket(&self.bucket)?, &self.key, oss::Access::Anonymous)?
                .url()
                .to_owned(),
            Kind::Azure => azblob::Blob::new(self.container()?, &self.key, azblob::Access::Anonymous)?.url().to_owned(),
        })
    }

    fn container(&self) -> Result<Container, BuildError> {
        self.place.azure_container(&self.bucket)
    }

    /// As it was named.
    pub(super) fn shown(&self) -> String {
        format!("{}://{}/{}", self.kind.scheme(), self.bucket, self.key)
    }

    /// The same for the same object, and for no other.
    pub(super) fn identity(&self) -> String {
        let url = self.url().unwrap_or_default();
        match &self.version {
            Some(id) => format!("{url}#{id}"),
            None => url,
        }
    }

    /// One version of it.
    pub(super) fn at_version(mut self, id: String) -> Self {
        self.version = Some(id);
        self
    }

    /// Asked for by nobody in particular.
    pub(super) fn forget_who(&mut self) {
        self.who = Who::Anonymous;
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) const fn who(&self) -> &Who {
        &self.who
    }

    /// A download of it.
    pub(super) async fn down(&self, fields: Headers, wallet: &Wallet) -> Result<Box<dyn Down>, Failure> {
        let version = self.version();
        Ok(match self.kind {
            Kind::S3 => {
                let object = self.s3(fields, wallet).await?;
                Box::new(match version {
                    Some(id) => object.version(id),
                    None => object,
                })
            }
            Kind::Oss => {
                let object = self.oss(fields, wallet).await?;
                Box::new(match version {
                    Some(id) => object.version(id),
                    None => object,
                })
            }
            Kind::Azure => {
                let blob = self.azure(fields, wallet).await?;
                Box::new(match version {
                    Some(id) => blob.version(id),
                    None => blob,
                })
            }
        })
    }

    /// An upload that makes it.
    pub(super) async fn up(
        &self,
        made: &Made,
        given: Headers,
        wallet: &Wallet,
        unchecked: bool,
    ) -> Result<Box<dyn Up>, Failure> {
        let fields = fields(self.kind, made, given)?;
        Ok(match self.kind {
            Kind::S3 if unchecked => Box::new(self.s3(fields, wallet).await?.integrity(s3::Integrity::Unchecked)),
            Kind::S3 => Box::new(self.s3(fields, wallet).await?),
            Kind::Azure if unchecked => {
                Box::new(self.azure(fields, wallet).await?.integrity(azblob::Integrity::Unchecked))
            }
            Kind::Oss => Box::new(self.oss(fields, wallet).await?.overwriting(!made.no_overwrite)),
            Kind::Azure => Box::new(self.azure(fields, wallet).await?),
        })
    }

    async fn s3(&self, fields: Headers, wallet: &Wallet) -> Result<S3Object, Failure> {
        let bucket = self.place.s3_bucket(&self.bucket)?;
        let object = match &self.who {
            Who::Environment => S3Object::new(bucket, &self.key, self.own(Environment::of_process().s3_access())?)?,
            Who::Anonymous => S3Object::new(bucket, &self.key, s3::Access::Anonymous)?,
            Who::Command(command) => {
                let (access, credentials) = wallet.open(command).await?;
                S3Object::new(bucket, &self.key, access)?.renewed_by(&credentials)
            }
        };
        Ok(object.headers(fields)?)
    }

    async fn oss(&self, fields: Headers, wallet: &Wallet) -> Result<OssObject, Failure> {
        let bucket = self.place.oss_bucket(&self.bucket)?;
        let object = match &self.who {
            Who::Environment => OssObject::new(bucket, &self.key, self.own(Environment::of_process().oss_access())?)?,
            Who::Anonymous => OssObject::new(bucket, &self.key, oss::Access::Anonymous)?,
            Who::Command(command) => {
                let (access, credentials) = wallet.open(command).await?;
                OssObject::new(bucket, &self.key, access)?.renewed_by(&credentials)
            }
        };
        Ok(object.headers(fields)?)
    }

    async fn azure(&self, fields: Headers, wallet: &Wallet) -> Result<AzureBlob, Failure> {
        let (container, key) = (self.container()?, &self.key);
        let blob = match &self.who {
            Who::Environment => {
                AzureBlob::new(container, key, self.own(Environment::of_process().azure_access(&self.place))?)?
            }
            Who::Anonymous => AzureBlob::new(container, key, azblob::Access::Anonymous)?,
            Who::Command(command) => {
                let (access, credentials) = wallet.open_azure(command).await?;
                AzureBlob::new(container, key, access)?.renewed_by(&credentials)
            }
        };
        Ok(blob.headers(fields)?)
    }

    /// The environment's rights; what else there is to do where it has none.
    fn own<A>(&self, access: Result<A, BuildError>) -> Result<A, Failure> {
        access.map_err(|error| {
            let more = match self.kind {
                Kind::Azure => "--credentials-command, or --anonymous for a public container",
                _ => "--credentials-command, or --anonymous for a public object",
            };
            Failure::usage(format!("{}: {error} (or say {more})", self.shown()))
        })
    }
}

/// Refuses what was said of a store where there is none, or one that knows no such thing: it would do nothing.
pub(super) fn check_options(args: &args::Store, store: Option<&Store>) -> Result<(), Failure> {
    let (all, buckets) = (&Kind::ALL[..], &[Kind::S3, Kind::Oss][..]);
    for (option, given, kinds) in [
        ("--endpoint", args.endpoint.is_some(), all),
        ("--region", args.region.is_some(), buckets),
        ("--path-style", args.path_style, buckets),
        ("--account", args.account.is_some(), &[Kind::Azure]),
        ("--credentials-command", args.credentials_command.is_some(), all),
        ("--anonymous", args.anonymous, all),
    ] {
        if given && !store.is_some_and(|store| kinds.contains(&store.kind)) {
            let names: Vec<_> = kinds.iter().map(|kind| format!("{}://", kind.scheme())).collect();
            return Err(Failure::usage(format!(
                "{option} is for {}: it does nothing here, leave it out",
                names.join(" and ")
            )));
        }
    }
    Ok(())
}

/// The fields of an upload: what was said of the object, and the caller's own.
pub(super) fn fields(kind: Kind, made: &Made, given: Headers) -> Result<Headers, Failure> {
    let (meta, class) = kind.fields();
    let mut fields: Vec<Field> = Vec::new();
    fields.extend(made.content_type.iter().map(|value| ("content-type".to_owned(), value.clone())));
    fields.extend(made.metadata.iter().map(|(name, value)| (format!("{meta}{name}"), value.clone())));
    fields.extend(made.storage_class.iter().map(|value| (class.to_owned(), value.clone())));
    if made.no_overwrite && kind != Kind::Oss {
        fields.push(("if-none-match".to_owned(), "*".to_owned()));
    }
    let mut headers = given;
    for (name, value) in fields {
        headers.add(&name, &value)?;
    }
    Ok(headers)
}

impl Kept {
    /// What may be recorded. A command that says who asks is not: it would be run again because a file says so.
    pub(crate) fn of(store: &Store) -> Self {
        let place = store.place();
        Self {
            endpoint: place.endpoint.clone(),
            region: place.region.clone(),
            account: place.account.clone(),
            path_style: place.path_style,
            anonymous: store.who == Who::Anonymous,
            version: store.version.clone(),
        }
    }

    /// The object of this name, asked for by `command`, where one is given.
    pub(crate) fn store(&self, name: &str, command: Option<&str>) -> Option<Result<Store, Failure>> {
        let args = args::Store {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            path_style: self.path_style,
            account: self.account.clone(),
            credentials_command: command.map(str::to_owned),
            anonymous: self.anonymous,
        };
        // What the environment says today is of no account: it was written down.
        let store = Store::parse(name, None, &args, &Environment::of([("", ""); 0]))?;
        Some(store.map(|store| Store { version: self.version.clone(), ..store }))
    }
}
