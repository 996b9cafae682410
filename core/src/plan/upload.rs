//! A validated upload plan: which part goes where, and which URLs are still good.

mod refresh;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use http::{HeaderName, Method};

use super::draft::{BodyDraft, PartDraft, RequestDraft, TagDraft, UploadDraft};
use super::error::{Place, PlanError};
use super::policy::Policy;
use super::target::{PlannedRequest, Raw, read_object};
use crate::range::ByteRange;
use crate::time::Wall;

/// Seconds a URL must still be good for, unless the plan says otherwise.
pub(super) const MARGIN: u32 = 60;
/// Longest margin: a plan that keeps its URLs from ever being used is a mistake.
pub(super) const MOST_MARGIN: u32 = 24 * 3600;
/// Longest upload id and part id, in bytes.
const MOST_ID: usize = 1024;
/// Most metadata entries.
const MOST_METADATA: usize = 64;

/// A part of an upload plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedPart {
    request: PlannedRequest,
    id: Option<String>,
}

impl PlannedPart {
    /// The request that sends it, without its bytes.
    #[must_use]
    pub const fn request(&self) -> &PlannedRequest {
        &self.request
    }

    /// The store's own name for the part (Azure: the block id).
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// What names an uploaded part.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TagSource {
    /// This field of the answer.
    Header(HeaderName),
    /// Nothing in the answer.
    None,
}

/// An upload plan that holds. All parts but the last have one size; they are numbered from 1 in the order of their bytes.
///
/// `Debug` shows no query and no header value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadPlan {
    object: String,
    /// Neither the draft nor a part's URL says what the object is called.
    nameless: bool,
    authority: String,
    upload_id: Option<String>,
    metadata: BTreeMap<String, String>,
    total: u64,
    part_size: u64,
    parts: BTreeMap<u64, PlannedPart>,
    /// The store's names for parts whose URLs were dropped: their answers may still be on the way.
    dropped: BTreeMap<u64, Option<String>>,
    /// When the last of the parts' URLs expires; `i64::MAX` where one never does.
    latest: i64,
    complete: Option<PlannedRequest>,
    confirm: Option<PlannedRequest>,
    abort: Option<PlannedRequest>,
    tag: TagSource,
    margin: u32,
    refresh: bool,
    batch: (u32, u32),
}

impl UploadPlan {
    /// Holds a draft against a policy, at `wall`.
    ///
    /// # Errors
    /// The first thing that is wrong. Where the policy is not [refreshable](Policy::refreshable) all parts must be there, with URLs
    /// that do not expire within the margin.
    pub fn new(draft: &UploadDraft, policy: &Policy, wall: Wall) -> Result<Self, PlanError> {
        let at = |field, problem: String, remedy: &str| Err(PlanError::new(Place::Plan, field, problem, remedy));
        if draft.part_size == 0 {
            return at("part_size", "it is 0".to_string(), "say how many bytes a part has");
        }
        let count = draft.total_size.div_ceil(draft.part_size);
        policy.check_size(draft.total_size, count)?;
        if draft.parts.len() as u64 > count {
            let problem = format!("{} parts for {count}", draft.parts.len());
            return at("parts", problem, "issue one for each part_size bytes of total_size");
        }
        let margin = draft.refresh_margin.unwrap_or(MARGIN);
        if margin > MOST_MARGIN {
            return at("refresh_margin", format!("{margin} s"), "use at most a day");
        }
        if draft.upload_id.as_ref().is_some_and(|id| !is_id(id)) {
            return at(
                "upload_id",
                "it is empty, too long or unprintable".to_string(),
                "leave it out where there is none",
            );
        }
        if draft.metadata.len() > MOST_METADATA {
            return at("metadata", format!("{} entries", draft.metadata.len()), "keep it short");
        }
        let mut parts = BTreeMap::new();
        let mut latest = i64::MIN;
        for part in &draft.parts {
            let planned = read_part(part, draft, policy, count)?;
            latest = latest.max(part.expires_at.unwrap_or(i64::MAX));
            if parts.insert(part.number, planned).is_some() {
                let place = Place::Part(part.number);
                return Err(PlanError::new(place, "number", "another part has it", "number the parts from 1"));
            }
        }
        let request = |draft: &Option<RequestDraft>, place, method| read_request(draft.as_ref(), place, method, policy);
        let complete = request(&draft.complete, Place::Complete, Method::POST)?;
        let confirm = request(&draft.confirm, Place::Confirm, Method::GET)?;
        let abort = request(&draft.abort, Place::Abort, Method::DELETE)?;
        let others = [&complete, &confirm, &abort].into_iter().flatten();
        let Some(first) = parts.values().map(PlannedPart::request).chain(others).next() else {
            return at("parts", "there is no request at all".to_string(), "issue at least one URL");
        };
        let object = match &draft.object {
            Some(name) => read_object(name)?,
            None => first.shown(),
        };
        let plan = Self {
            object,
            nameless: draft.object.is_none() && parts.is_empty(),
            authority: first.authority(),
            upload_id: draft.upload_id.clone(),
            metadata: draft.metadata.clone(),
            total: draft.total_size,
            part_size: draft.part_size,
            parts,
            dropped: BTreeMap::new(),
            latest,
            complete,
            confirm,
            abort,
            tag: read_tag(&draft.tag)?,
            margin,
            refresh: policy.is_refreshable(),
            batch: policy.batch(),
        };
        plan.check_origin()?;
        plan.check_block_ids()?;
        if !plan.refresh {
            plan.check_complete(count, wall)?;
        }
        Ok(plan)
    }

    /// All parts go to one place: limits and connections are shared there.
    fn check_origin(&self) -> Result<(), PlanError> {
        let origin = |request: &PlannedRequest| (request.uri().scheme_str().map(String::from), request.authority());
        let Some(first) = self.parts.values().next().map(|part| origin(&part.request)) else { return Ok(()) };
        match self.parts.iter().find(|(_, part)| origin(&part.request) != first) {
            Some((&number, part)) => {
                let problem = format!("it goes to {}, another part to {}", part.request.authority(), first.1);
                Err(PlanError::new(
                    Place::Part(number),
                    "url",
                    problem,
                    "issue all parts for one scheme, host and port",
                ))
            }
            None => Ok(()),
        }
    }

    fn check_block_ids(&self) -> Result<(), PlanError> {
        let list = self.complete.as_ref().is_some_and(|request| *request.body() == super::PlannedBody::AzureBlockList);
        match self.parts.iter().find(|(_, part)| list && part.id.is_none()) {
            Some((&number, _)) => Err(PlanError::new(
                Place::Part(number),
                "provider_part_id",
                "the completion is a block list, and this part has no block id",
                "give the block id that is in its URL",
            )),
            None => Ok(()),
        }
    }

    /// Nobody can be asked: everything must be there.
    fn check_complete(&self, count: u64, wall: Wall) -> Result<(), PlanError> {
        let remedy = "issue it, or make the policy refreshable and answer questions for fresh URLs";
        for number in 1..=count {
            let place = Place::Part(number);
            match self.parts.get(&number) {
                None => return Err(PlanError::new(place, "url", "the part is missing", remedy)),
                Some(part) if !part.request.is_usable(wall, self.margin) => {
                    return Err(PlanError::new(place, "expires_at", "expired, or within the margin", remedy));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The object's stable name, without secrets.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// `host:port` of the parts.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What ties parts that were uploaded under one plan to a later one: the upload id, where there is one.
    #[must_use]
    pub fn session(&self) -> &str {
        self.upload_id.as_deref().unwrap_or("plan")
    }

    /// The store's id of the upload.
    #[must_use]
    pub fn upload_id(&self) -> Option<&str> {
        self.upload_id.as_deref()
    }

    /// The application's own words.
    #[must_use]
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Size of the object in bytes.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Size of every part but the last, in bytes.
    #[must_use]
    pub const fn part_size(&self) -> u64 {
        self.part_size
    }

    /// How many parts the object has.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total.div_ceil(self.part_size)
    }

    /// The part of this number, where the plan has it.
    #[must_use]
    pub fn part(&self, number: u64) -> Option<&PlannedPart> {
        self.parts.get(&number)
    }

    /// The request that completes the upload.
    #[must_use]
    pub const fn complete(&self) -> Option<&PlannedRequest> {
        self.complete.as_ref()
    }

    /// The request that asks whether it was completed.
    #[must_use]
    pub const fn confirm(&self) -> Option<&PlannedRequest> {
        self.confirm.as_ref()
    }

    /// The request that aborts it.
    #[must_use]
    pub const fn abort(&self) -> Option<&PlannedRequest> {
        self.abort.as_ref()
    }

    /// What names an uploaded part.
    #[must_use]
    pub const fn tag(&self) -> &TagSource {
        &self.tag
    }

    /// Seconds a URL must still be good for.
    #[must_use]
    pub const fn margin(&self) -> u32 {
        self.margin
    }

    /// Whether fresh URLs can be asked for.
    #[must_use]
    pub const fn is_refreshable(&self) -> bool {
        self.refresh
    }

    /// For how many parts URLs are asked for at once.
    #[must_use]
    pub const fn batch(&self) -> u32 {
        self.batch.0
    }

    /// The store's own name for the part of this number, also where its URL was refused and dropped since.
    #[must_use]
    pub fn part_id(&self, number: u64) -> Option<&str> {
        match self.parts.get(&number) {
            Some(part) => part.id(),
            None => self.dropped.get(&number)?.as_deref(),
        }
    }

    /// Fresh URLs are asked for when fewer than this many are left.
    #[must_use]
    pub const fn ahead(&self) -> u32 {
        self.batch.1
    }

    /// Whether this request may be sent at `wall`.
    #[must_use]
    pub const fn is_usable(&self, request: &PlannedRequest, wall: Wall) -> bool {
        request.is_usable(wall, self.margin)
    }

    /// The first part, of this number or a later one, that can be sent at `wall`.
    #[must_use]
    pub fn next_usable(&self, number: u64, wall: Wall) -> Option<u64> {
        if wall.as_unix().saturating_add(i64::from(self.margin)) >= self.latest {
            return None;
        }
        self.parts.range(number..).find(|(_, part)| self.is_usable(&part.request, wall)).map(|(&number, _)| number)
    }
}

fn is_id(id: &str) -> bool {
    (1..=MOST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A part where it belongs: its number, its bytes, its request.
fn read_part(part: &PartDraft, plan: &UploadDraft, policy: &Policy, count: u64) -> Result<PlannedPart, PlanError> {
    let place = Place::Part(part.number);
    let index = part.number.checked_sub(1).filter(|index| *index < count);
    let Some(index) = index else {
        let remedy = "number the parts from 1, in the order of their bytes";
        return Err(PlanError::new(place, "number", format!("the plan's parts are 1 to {count}"), remedy));
    };
    let offset = index.saturating_mul(plan.part_size);
    let right = ByteRange::at(offset, plan.part_size.min(plan.total_size.saturating_sub(offset)));
    if part.offset != right.start() {
        let problem = format!("it is {}, and the part begins at {}", part.offset, right.start());
        return Err(PlanError::new(place, "offset", problem, "part N begins at (N - 1) times part_size"));
    }
    if part.size != right.len() {
        let problem = format!("it is {}, and the part has {} bytes", part.size, right.len());
        return Err(PlanError::new(place, "size", problem, "all parts but the last have part_size bytes"));
    }
    // In the record of an uploaded part a space divides the id from the tag.
    if part.provider_part_id.as_ref().is_some_and(|id| !is_id(id)) {
        let problem = "it is empty, too long or unprintable";
        return Err(PlanError::new(place, "provider_part_id", problem, "leave it out where there is none"));
    }
    let request = PlannedRequest::new(
        &Raw {
            place,
            method: part.method.as_deref(),
            default: Method::PUT,
            url: &part.url,
            headers: &part.headers,
            size: Some(part.size),
            body: &BodyDraft::Empty,
            expires: part.expires_at,
        },
        policy,
    )?;
    Ok(PlannedPart { request, id: part.provider_part_id.clone() })
}

fn read_request(
    draft: Option<&RequestDraft>,
    place: Place,
    default: Method,
    policy: &Policy,
) -> Result<Option<PlannedRequest>, PlanError> {
    let Some(draft) = draft else { return Ok(None) };
    let raw = Raw {
        place,
        method: draft.method.as_deref(),
        default,
        url: &draft.url,
        headers: &draft.headers,
        size: None,
        body: &draft.body,
        expires: draft.expires_at,
    };
    PlannedRequest::new(&raw, policy).map(Some)
}

fn read_tag(draft: &TagDraft) -> Result<TagSource, PlanError> {
    match draft {
        TagDraft::Etag => Ok(TagSource::Header(http::header::ETAG)),
        TagDraft::None => Ok(TagSource::None),
        TagDraft::Header(name) => match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Ok(TagSource::Header(name)),
            Err(_) => {
                Err(PlanError::new(Place::Plan, "tag", "it is no header field's name", "name a field of the answer"))
            }
        },
    }
}
