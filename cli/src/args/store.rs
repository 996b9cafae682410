//! What may be said of object stores and plans. Secrets have no option: they come from the environment, a command, or files.

use std::path::PathBuf;

use clap::Args;

use super::value;

/// Where a store is, and who asks.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Object stores")]
pub(crate) struct Store {
    /// The store's URL, without bucket or container [default: as AWS_ENDPOINT_URL, OSS_ENDPOINT or AZURE_STORAGE_ENDPOINT says,
    /// else the vendor's own]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The region that requests are signed for [default: as AWS_REGION or OSS_REGION says]
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The bucket stands in the path of URLs, whatever the endpoint
    #[arg(long)]
    pub(crate) path_style: bool,
    /// The storage account of az:// [default: as AZURE_STORAGE_ACCOUNT says]
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// A command that prints who asks: an access key for s3:// or oss://, as AWS's credential_process does; a SAS for az://, as
    /// Azure's generate-sas does. Asked once for all transfers, and again before what it printed ends [default: the key in
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or in OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET,
    /// OSS_SESSION_TOKEN; AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN]
    #[arg(long, value_name = "COMMAND", conflicts_with = "anonymous")]
    pub(crate) credentials_command: Option<String>,
    /// Without credentials, for public objects
    #[arg(long)]
    pub(crate) anonymous: bool,
}

/// What an object is to be like, once it is made.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Object stores")]
pub(crate) struct Made {
    /// The object's media type
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Metadata of the object; may be given several times
    #[arg(long, value_parser = value::metadata, value_name = "NAME=VALUE")]
    pub(crate) metadata: Vec<(String, String)>,
    /// The object's storage class, or its access tier on Azure
    #[arg(long, value_name = "CLASS")]
    pub(crate) storage_class: Option<String>,
    /// Refuse to replace an object that is there
    #[arg(long)]
    pub(crate) no_overwrite: bool,
}

impl Made {
    pub(crate) const fn is_default(&self) -> bool {
        self.content_type.is_none() && self.metadata.is_empty() && self.storage_class.is_none() && !self.no_overwrite
    }
}

/// A presigned plan.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Presigned plans")]
pub(crate) struct Plan {
    /// A plan in JSON, in the place of a URL: what a backend signed, see docs/presigned.md. A fresh plan of the same transfer,
    /// written over it, is used when URLs run out
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// A host the plan may name, or .DOMAIN for all below it; may be given several times [default: any]
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
}
