//! One request and its answer: what counts it, logs it, and carries its faults.

use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};

use crate::link::Link;
use crate::plan::Plan;
use crate::shared::Shared;

/// Lives from the request's head to the last byte of its answer; dropping it writes the line of the access log.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) link: Arc<Link>,
    pub(crate) plan: Plan,
    pub(crate) method: Method,
    /// Without query.
    pub(crate) path: String,
    /// Body bytes of the answer handed over.
    pub(crate) sent: u64,
    status: Option<StatusCode>,
    begun: Instant,
}

impl Exchange {
    pub(crate) fn begin(shared: Arc<Shared>, link: Arc<Link>, plan: Plan, method: Method, path: String) -> Self {
        shared.counters.request_begins(&method);
        Self { shared, link, plan, method, path, sent: 0, status: None, begun: Instant::now() }
    }

    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Counts a fault that happened.
    pub(crate) fn fired(&self, kind: &'static str) {
        self.shared.counters.fault(kind);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.counters.request_ends();
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Status 0: the connection ended without an answer.
        let status = self.status.map_or(0, |status| status.as_u16());
        tracing::info!(target: "longhaul_serve::access", method = %self.method, path = %self.path, status, bytes = self.sent, millis);
    }
}
