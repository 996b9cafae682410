//! From a request to something the library can be given.

use std::path::PathBuf;
use std::sync::Arc;

use longhaul::core::Checkpoint;
use longhaul::core::error::BuildError;
use longhaul::core::intent::JournalOp;
use longhaul::core::spec::Parallel;
use longhaul::driver::journal::JournalName;
use longhaul::driver::spool::SpooledSource;
use longhaul::driver::stream::StreamReader;
use longhaul::http::safe_file_name;
use longhaul::tokio::{FileJournal, FileSource, FileTarget, SpoolFile, frames};
use longhaul::{
    Deadlines, Download, Job, Journal, PartSize, PlannedDownload, PlannedUpload, RetryPolicy, Storage, Store,
    StoreObject, Upload,
};

use super::checked::CheckedSource;
use super::{Options, Remote, Request, Source, Target, Wallet, What};
use crate::args::{Method, Overwrite};
use crate::exit::Failure;

/// How far a stream may be ahead of who reads it.
const WINDOW: u64 = 16 << 20;

/// A job, and what the command keeps of it.
pub(crate) struct Ready {
    pub(crate) job: Job,
    /// What arrives, where standard output is the target.
    pub(crate) reader: Option<StreamReader>,
    /// What a later run may go on from.
    pub(crate) kept: Kept,
}

/// Where a transfer records how far it is.
pub(crate) struct Kept(Option<(Arc<FileJournal>, JournalName)>);

impl Kept {
    /// Bytes that are recorded as being where they belong, as far as the record can be read.
    pub(crate) async fn stored(&self) -> u64 {
        let Some((journal, name)) = &self.0 else { return 0 };
        let bytes = journal.load(name).await.ok().flatten().unwrap_or_default();
        Checkpoint::decode(&bytes).map_or(0, |checkpoint| checkpoint.stored())
    }

    /// Removes the record, unless it names an upload that is open at the server: without it that would stay there for ever.
    pub(crate) async fn forget(&self) {
        let Some((journal, name)) = &self.0 else { return };
        if !names_session(journal, name).await
            && let Err(error) = journal.run(name, JournalOp::Remove, false).await
        {
            tracing::warn!(id = %name.id, %error, "cannot remove a journal");
        }
    }
}

/// Whether an earlier run left an upload open at the server, as far as its journal in `journals` can be read.
pub(crate) async fn has_session(request: &Request, journals: Option<PathBuf>) -> bool {
    let Some(folder) = journals.filter(|_| matches!(request.what, What::Put { .. })) else { return false };
    names_session(&FileJournal::in_folder(folder), &JournalName { id: request.id(), beside: None }).await
}

async fn names_session(journal: &FileJournal, name: &JournalName) -> bool {
    match journal.load(name).await {
        Ok(None) => false,
        Ok(Some(bytes)) => Checkpoint::decode(&bytes).map_or(true, |checkpoint| checkpoint.session().is_some()),
        Err(_) => true,
    }
}

/// A download of any kind, described but for where it goes.
pub(super) trait Down {
    fn into_storage(self: Box<Self>, storage: Arc<dyn Storage>, destination: &str) -> Result<Job, BuildError>;
    fn to_stream(self: Box<Self>, window: u64) -> Result<(Job, StreamReader), BuildError>;
}

/// An upload of any kind, described but for where it comes from.
pub(super) trait Up {
    fn from_storage(self: Box<Self>, storage: Arc<dyn Storage>, source: &str) -> Result<Job, BuildError>;
}

/// The job for `request`, with its journal in `journals` where it has no better place.
pub(crate) async fn make(request: &Request, wallet: &Wallet, journals: Option<PathBuf>) -> Result<Ready, Failure> {
    let fields = request.options.fields.headers()?;
    let mut ready = match &request.what {
        What::Get { to, overwrite } => {
            let down: Box<dyn Down> = match &request.remote {
                Remote::Http(url) => Box::new(Download::new(url)?.headers(fields)?),
                Remote::Sas(url) => Box::new(longhaul::AzureBlob::from_sas_url(url)?.headers(fields)?),
                Remote::Store(store) => store.down(fields, wallet).await?,
                Remote::Plan(plan) => plan.down()?,
            };
            get(request, down, to, *overwrite, journals)?
        }
        What::Put { from, method, name, category, made } => {
            let up: Box<dyn Up> = match &request.remote {
                Remote::Http(url) => {
                    let upload = upload(url, from, *method, name.as_deref(), category.as_deref())?;
                    Box::new(upload.headers(fields)?)
                }
                Remote::Sas(url) => {
                    let fields = super::store::fields(super::store::Kind::Azure, made, fields)?;
                    let blob = longhaul::AzureBlob::from_sas_url(url)?.headers(fields)?;
                    let unchecked = request.options.no_recheck;
                    Box::new(if unchecked { blob.integrity(longhaul::azblob::Integrity::Unchecked) } else { blob })
                }
                Remote::Store(store) => store.up(made, fields, wallet, request.options.no_recheck).await?,
                Remote::Plan(plan) => plan.up()?,
            };
            if let Some(folder) = journals.as_ref().filter(|_| request.starts_afresh()) {
                // An earlier run may have gone by the other method: what it recorded is of no use any more.
                let name = JournalName { id: request.id(), beside: None };
                FileJournal::in_folder(folder).run(&name, JournalOp::Remove, false).await?;
            }
            put(request, up, from, journals)?
        }
    };
    settle(&mut ready.job, &request.options);
    ready.job = ready.job.with_rate(request.options.limit_rate);
    Ok(ready)
}

fn get(
    request: &Request,
    down: Box<dyn Down>,
    to: &Target,
    overwrite: Overwrite,
    journals: Option<PathBuf>,
) -> Result<Ready, Failure> {
    let (target, destination, folder) = match to {
        Target::Stdout => {
            let (job, reader) = down.to_stream(WINDOW)?;
            return Ok(Ready { job, reader: Some(reader), kept: Kept(None) });
        }
        Target::File(path) => (FileTarget::new(path), path.as_os_str(), path.parent()),
        Target::Folder(path) => {
            let fallback = request.url_name().unwrap_or_else(|| "download".to_owned());
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
    let journal = Arc::new(FileJournal::beside_or_in(folder));
    let name = JournalName { id: request.id(), beside };
    let job = down
        .into_storage(Arc::new(target), &destination)?
        .with_journal(Arc::clone(&journal) as Arc<dyn Journal>, name.clone());
    Ok(Ready { job, reader: None, kept: Kept(Some((journal, name))) })
}

/// What to upload to a plain URL.
fn upload(
    url: &str,
    from: &Source,
    method: Option<Method>,
    name: Option<&str>,
    category: Option<&str>,
) -> Result<Upload, Failure> {
    if method == Some(Method::Put) {
        return Ok(Upload::put(url)?);
    }
    let name = name.or(from.file_name()).ok_or_else(|| {
        Failure::usage("the file's name is not text in UTF-8: say with --name what the server shall store it as")
    })?;
    let upload = Upload::new(url, name)?;
    Ok(match category {
        Some(category) => upload.category(category)?,
        None => upload,
    })
}

fn put(request: &Request, up: Box<dyn Up>, from: &Source, journals: Option<PathBuf>) -> Result<Ready, Failure> {
    let mut job = match from {
        Source::File(path) => {
            let file: Arc<dyn Storage> = Arc::new(FileSource::new(path));
            let checksums = &request.options.checksums;
            let source = if checksums.is_empty() { file } else { Arc::new(CheckedSource::new(file, checksums)) };
            up.from_storage(source, &path.to_string_lossy())?
        }
        Source::Stdin => {
            let source = SpooledSource::new(frames(tokio::io::stdin()), Arc::new(SpoolFile::default()));
            up.from_storage(Arc::new(source), "standard input")?
        }
    };
    let repeatable = *from != Source::Stdin && !request.starts_afresh();
    let mut kept = Kept(None);
    if let Some(folder) = journals.filter(|_| repeatable) {
        job.spec_mut().journal = true;
        let journal = Arc::new(FileJournal::in_folder(folder));
        let name = JournalName { id: request.id(), beside: None };
        job = job.with_journal(Arc::clone(&journal) as Arc<dyn Journal>, name.clone());
        kept = Kept(Some((journal, name)));
    }
    Ok(Ready { job, reader: None, kept })
}

/// What was said of any kind of transfer.
fn settle(job: &mut Job, options: &Options) {
    let spec = job.spec_mut();
    if let Some(size) = options.part_size {
        spec.part_size = PartSize::Bytes(size.get());
    }
    if let Some(parts) = options.parts {
        spec.parallel = Parallel::Most(parts);
    }
    if let Some(retries) = options.retries {
        spec.retry = RetryPolicy::default().with_retries(retries);
    }
    if let Some(idle) = options.idle_timeout {
        // As with the defaults, an answer's first byte may take twice as long: the server has work to do.
        spec.deadlines = Deadlines::default().with_idle(Some(idle)).with_first_byte(Some(idle.saturating_mul(2)));
    }
    spec.recheck = !options.no_recheck;
    if spec.direction == longhaul::Direction::Download {
        spec.expected.extend(&options.checksums);
    }
}

impl Down for Download {
    fn into_storage(self: Box<Self>, storage: Arc<dyn Storage>, destination: &str) -> Result<Job, BuildError> {
        Ok((*self).into_storage(storage, destination))
    }

    fn to_stream(self: Box<Self>, window: u64) -> Result<(Job, StreamReader), BuildError> {
        Ok((*self).to_stream(window))
    }
}

impl<S: Store> Down for StoreObject<S> {
    fn into_storage(self: Box<Self>, storage: Arc<dyn Storage>, destination: &str) -> Result<Job, BuildError> {
        (*self).into_storage(storage, destination)
    }

    fn to_stream(self: Box<Self>, window: u64) -> Result<(Job, StreamReader), BuildError> {
        (*self).to_stream(window)
    }
}

impl Down for PlannedDownload {
    fn into_storage(self: Box<Self>, storage: Arc<dyn Storage>, destination: &str) -> Result<Job, BuildError> {
        (*self).into_storage(storage, destination)
    }

    fn to_stream(self: Box<Self>, window: u64) -> Result<(Job, StreamReader), BuildError> {
        (*self).to_stream(window)
    }
}

impl Up for Upload {
    fn from_storage(self: Box<Self>, storage: Arc<dyn Storage>, source: &str) -> Result<Job, BuildError> {
        Ok((*self).from_storage(storage, source))
    }
}

impl<S: Store> Up for StoreObject<S> {
    fn from_storage(self: Box<Self>, storage: Arc<dyn Storage>, source: &str) -> Result<Job, BuildError> {
        Ok((*self).from_storage(storage, source))
    }
}

impl Up for PlannedUpload {
    fn from_storage(self: Box<Self>, storage: Arc<dyn Storage>, source: &str) -> Result<Job, BuildError> {
        (*self).from_storage(storage, source)
    }
}
