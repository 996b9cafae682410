//! Download by a plan: ranges of one presigned URL, read and pinned as every plain HTTP download is ([`HttpDownload`]).
//!
//! A signature covers the method: the URL of a `GET` refuses `HEAD`. So the object is probed by a `GET` of its first byte.

use core::str;

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::plan::DownloadPlan;
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::{Now, Wall};
use longhaul_http::{Headers, HttpDownload};

/// Downloads by a presigned plan. `Debug` shows no query and no header value.
#[derive(Clone, Debug)]
pub struct PresignedDownload {
    plan: DownloadPlan,
    http: HttpDownload,
}

impl PresignedDownload {
    /// A download by `plan`.
    ///
    /// # Errors
    /// When a header of the plan is one that a download sets itself.
    pub fn new(plan: DownloadPlan) -> Result<Self, BuildError> {
        let mut headers = Headers::new();
        for (name, value) in plan.request().headers() {
            let text = str::from_utf8(value.as_bytes())
                .map_err(|_| BuildError::new("a header value of the plan is no UTF-8", "use printable characters"))?;
            headers.add(name.as_str(), text)?;
        }
        let url = alloc::format!("{}", plan.request().uri());
        let http = HttpDownload::new(&url)?.with_headers(headers)?.refreshable(plan.is_refreshable());
        Ok(Self { plan, http })
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &DownloadPlan {
        &self.plan
    }
}

/// The step that is carried out in place of `step`.
fn real(step: &Step) -> &Step {
    match step {
        Step::Probe => &Step::ProbeRange,
        step => step,
    }
}

impl Provider for PresignedDownload {
    fn authority(&self) -> &str {
        self.http.authority()
    }

    fn object(&self) -> &str {
        self.plan.object()
    }

    fn profile(&self) -> Profile {
        self.http.profile()
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let wall = Wall::from_unix(now.wall.as_unix().saturating_add(cx.skew));
        if cx.location.is_none() && !self.plan.is_usable(wall) {
            return Err(BuildError::new("the plan's URL has expired, or is about to", "issue a fresh one"));
        }
        self.http.build(real(step), cx, now)
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        match self.http.interpret(real(step), cx, head, body, now) {
            // The policy that the plan was held against holds for where its server sends us, too.
            Err(Verdict::Redirect { location, fault }) if self.plan.check_redirect(&location).is_err() => {
                Err(Verdict::Fatal(fault))
            }
            answer => answer,
        }
    }

    fn is_ready(&self, _: &Step, wall: Wall) -> bool {
        self.plan.is_usable(wall)
    }
}
