//! How a fresh plan is taken in: it may bring URLs, never another upload.

use super::{PlannedPart, UploadPlan};
use crate::plan::{Place, PlanError};
use crate::time::Wall;

impl UploadPlan {
    /// This plan with what a fresh one brings. Where `distrust` is set the parts' URLs of this one have been refused, and only
    /// the fresh ones stay.
    ///
    /// # Errors
    /// When the fresh plan is for another upload, or cuts it differently.
    pub fn refreshed(&self, fresh: &Self, distrust: bool) -> Result<Self, PlanError> {
        let other = |field, remedy: &str| {
            Err(PlanError::new(Place::Plan, field, "the fresh plan has another one than the first", remedy))
        };
        if fresh.upload_id != self.upload_id {
            return other("upload_id", "issue fresh URLs of the upload that was begun");
        }
        if fresh.object != self.object && !fresh.nameless && !self.nameless {
            return other("object", "issue fresh URLs of the upload that was begun, with the name it had");
        }
        if fresh.total != self.total {
            return other("total_size", "issue fresh URLs of the upload that was begun");
        }
        if fresh.part_size != self.part_size {
            return other("part_size", "keep the size of parts");
        }
        if !fresh.parts.is_empty() && !self.parts.is_empty() && fresh.authority != self.authority {
            return other("parts", "keep the host of the parts");
        }
        let mut merged = self.clone();
        if distrust {
            let dropped = core::mem::take(&mut merged.parts);
            merged.dropped.extend(dropped.into_iter().map(|(number, part)| (number, part.id)));
        }
        for (&number, part) in &fresh.parts {
            let known = self.parts.get(&number).map(|known| &known.id).or_else(|| self.dropped.get(&number));
            if known.is_some_and(|known| *known != part.id) {
                let problem = "the fresh plan has another one than the first";
                return Err(PlanError::new(Place::Part(number), "provider_part_id", problem, "keep the parts' ids"));
            }
            merged.parts.insert(number, part.clone());
        }
        let expiry = |part: &PlannedPart| part.request.expires().map_or(i64::MAX, Wall::as_unix);
        merged.latest = merged.parts.values().map(expiry).max().unwrap_or(i64::MIN);
        if !fresh.parts.is_empty() {
            merged.authority.clone_from(&fresh.authority);
        }
        for (mine, theirs) in [
            (&mut merged.complete, &fresh.complete),
            (&mut merged.confirm, &fresh.confirm),
            (&mut merged.abort, &fresh.abort),
        ] {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        merged.margin = fresh.margin;
        Ok(merged)
    }
}
