//! From an error of Azure to a verdict: what is tried again, what needs fresh credentials or another clock, and what to change
//! where trying again is no use.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes> and
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>. The code is in the head (`x-ms-error-code`, also to
//! `HEAD`) and in the body; what `AuthenticationFailed` means depends on the clocks and on how the request was signed.

#![allow(clippy::result_large_err, reason = "a reply is as large as a verdict: a box would save nothing")]

mod table;

use longhaul_core::Now;
use longhaul_core::error::ServerFaultKind::{Conflict, Denied, Redirected, Unavailable};
use longhaul_core::provider::{Context, Head, Step, StepKind, Verdict};
use longhaul_http::fault::Hide;
use longhaul_http::read::date;
use longhaul_store::Fields;
use longhaul_store::access::Rights as _;
use longhaul_store::fault::{ErrorBody, Errors, Refusal};

use crate::access::Access;
use crate::blob::Blob;
use crate::fields::is_conditional;

pub use longhaul_store::fault::Judgement;
pub use table::judge;

/// How Azure speaks of what went wrong.
pub(crate) const ERRORS: Errors = Errors { code: Some("x-ms-error-code"), ..Errors::new(judge, table::allowance) };

/// An answer, and what is needed to judge it where it is no success.
pub(crate) struct Answer<'a> {
    pub(crate) step: &'a Step,
    pub(crate) cx: &'a Context<'a>,
    pub(crate) head: Head<'a>,
    pub(crate) body: &'a [u8],
    pub(crate) now: Now,
    pub(crate) fields: &'a Fields,
    pub(crate) blob: &'a Blob,
}

impl Answer<'_> {
    /// The verdict on a refusal.
    pub(crate) fn verdict(&self) -> Verdict {
        verdict(self.blob, &self.refusal())
    }

    /// Whether the answer has this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.refusal().error().code.as_deref() == Some(code)
    }

    /// What must not be shown of a server's words.
    pub(crate) fn hide(&self) -> Hide {
        self.fields.hide(self.blob.access().hide())
    }

    fn refusal(&self) -> Refusal<'_> {
        Refusal {
            errors: &ERRORS,
            step: self.step,
            cx: self.cx,
            head: self.head,
            body: self.body,
            now: self.now,
            hide: self.hide(),
            region: "",
            conditional: is_conditional(self.fields),
        }
    }
}

/// The verdict on a refusal of something that was asked of `blob`.
pub(crate) fn verdict(blob: &Blob, refusal: &Refusal<'_>) -> Verdict {
    let error = refusal.error();
    let (status, step) = (refusal.head.status, refusal.step.kind());
    let judgement = match error.code.as_deref() {
        Some("AuthenticationFailed") => authentication(blob, refusal, &error),
        // Azurite's code for it; the service's own speaks of rights and networks.
        Some("AuthorizationFailure") if error.message.contains("failed to authenticate") || refusal.is_skewed() => {
            authentication(blob, refusal, &error)
        }
        // What Azurite calls a wrong Content-MD5.
        Some("InvalidOperation") if error.message.contains("contentMD5") => {
            judge("Md5Mismatch", step).unwrap_or_else(|| refusal.judgement(&error))
        }
        // The table knows what passes by itself.
        Some(code) if status.as_u16() == 409 && judge(code, step).is_none() => Judgement::Fatal(Conflict, ""),
        None if status.is_redirection() => {
            Judgement::Fatal(Redirected, "requests are signed for one host: name the endpoint that serves the blob")
        }
        _ => refusal.judgement(&error),
    };
    match judgement {
        // The blob may have been made all the same.
        Judgement::Retry(Unavailable, hint) if step == StepKind::Commit && status.as_u16() != 503 => {
            refusal.verdict_as(Judgement::Unknown(Unavailable, hint), &error)
        }
        judgement => refusal.verdict_as(judgement, &error),
    }
}

/// Whether a refusal speaks of a condition that does not hold, rather than of a lease.
pub(crate) fn is_condition(refusal: &Refusal<'_>) -> bool {
    refusal.error().code.is_none_or(|code| code == "ConditionNotMet")
}

/// Whether neither head nor body has a code that tells what is wrong.
pub(crate) fn is_mute(refusal: &Refusal<'_>) -> bool {
    refusal.error().code.is_none_or(|code| code == "AuthorizationFailure")
}

/// A signature that the service does not take.
fn authentication(blob: &Blob, refusal: &Refusal<'_>, error: &ErrorBody) -> Judgement {
    match blob.access() {
        Access::Anonymous => Judgement::Fatal(Denied, "the container is not public: give an account key or a SAS"),
        Access::Key(_) if refusal.is_skewed() => Judgement::Clock,
        Access::Key(_) => Judgement::Refresh(
            "the key is not one of this account's (or a proxy changed the request): check account and key",
        ),
        Access::Sas(token) => {
            let ours = refusal.now.wall.as_unix().saturating_add(refusal.cx.skew);
            let now = date(refusal.head.headers).map_or(ours, |server| server.as_unix());
            let words = error.authentication.as_deref().unwrap_or_default();
            if !token.is_valid_for(0, now) {
                Judgement::Refresh("the SAS has expired: get a fresh one")
            } else if token.starts_at().is_some_and(|start| start > now) {
                Judgement::Fatal(Denied, "the SAS is not valid yet: wait, or let it begin some minutes ago")
            } else if words.contains("time frame") {
                Judgement::Refresh("the SAS, or the policy it names, has expired or is not valid yet: get a fresh one")
            } else {
                Judgement::Refresh(
                    "the SAS is not (or no longer) valid here: copy it whole, and check that it is for this container or blob",
                )
            }
        }
    }
}
