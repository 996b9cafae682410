//! A validated download plan: one URL, good for a while.

use alloc::string::String;

use http::{Method, Uri};

use super::draft::{BodyDraft, DownloadDraft};
use super::error::{Place, PlanError};
use super::policy::Policy;
use super::target::{PlannedRequest, Raw, read_object};
use super::upload::{MARGIN, MOST_MARGIN};
use crate::time::Wall;

/// A download plan that holds. `Debug` shows no query and no header value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DownloadPlan {
    object: String,
    request: PlannedRequest,
    total: Option<u64>,
    margin: u32,
    policy: Policy,
}

impl DownloadPlan {
    /// Holds a draft against a policy, at `wall`.
    ///
    /// # Errors
    /// The first thing that is wrong. Where the policy is not [refreshable](Policy::refreshable) the URL must not expire within the
    /// margin.
    pub fn new(draft: &DownloadDraft, policy: &Policy, wall: Wall) -> Result<Self, PlanError> {
        let margin = draft.refresh_margin.unwrap_or(MARGIN);
        if margin > MOST_MARGIN {
            let problem = alloc::format!("{margin} s");
            return Err(PlanError::new(Place::Plan, "refresh_margin", problem, "use at most a day"));
        }
        policy.check_size(draft.total_size.unwrap_or(0), 0)?;
        let raw = Raw {
            place: Place::Plan,
            method: None,
            default: Method::GET,
            url: &draft.url,
            headers: &draft.headers,
            size: None,
            body: &BodyDraft::Empty,
            expires: draft.expires_at,
        };
        let request = PlannedRequest::new(&raw, policy)?;
        if !policy.is_refreshable() && !request.is_usable(wall, margin) {
            let remedy = "issue a fresh URL, or make the policy refreshable and answer questions for one";
            return Err(PlanError::new(Place::Plan, "expires_at", "expired, or within the margin", remedy));
        }
        let object = match &draft.object {
            Some(name) => read_object(name)?,
            None => request.shown(),
        };
        Ok(Self { object, request, total: draft.total_size, margin, policy: policy.clone() })
    }

    /// The object's stable name, without secrets.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The request, without its range.
    #[must_use]
    pub const fn request(&self) -> &PlannedRequest {
        &self.request
    }

    /// Size of the object in bytes, where the plan tells it.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether a fresh URL can be asked for.
    #[must_use]
    pub const fn is_refreshable(&self) -> bool {
        self.policy.is_refreshable()
    }

    /// Whether the URL may be used at `wall`.
    #[must_use]
    pub const fn is_usable(&self, wall: Wall) -> bool {
        self.request.is_usable(wall, self.margin)
    }

    /// Whether a redirect may lead there: the policy holds for it as well.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_redirect(&self, location: &Uri) -> Result<(), PlanError> {
        let host = location.host().unwrap_or_default().to_ascii_lowercase();
        self.policy.check_host(Place::Plan, location.scheme_str().unwrap_or_default(), &host)
    }
}
