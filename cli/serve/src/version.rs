//! The version of a file: what its validators are made of ([RFC 9110 §8.8](https://www.rfc-editor.org/rfc/rfc9110#section-8.8)).

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::file;
use crate::plan::Validators;

/// Two files with the same version have the same content: the change time cannot be set back by `touch`, and a
/// version is not used until [`Version::unsettled`] says that the file's clock has ticked since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) len: u64,
    modified: Option<SystemTime>,
    inode: u64,
    /// Nanoseconds.
    changed: i128,
}

impl Version {
    pub(crate) fn of(meta: &Metadata) -> Self {
        let (inode, changed) = file::inode_and_change(meta);
        Self { len: meta.len(), modified: meta.modified().ok(), inode, changed }
    }

    /// How long to wait until a further change is sure to get another time stamp. File systems stamp with a clock
    /// that ticks every 1 to 10 ms.
    pub(crate) fn unsettled(&self, now: SystemTime) -> Option<Duration> {
        const TICK: Duration = Duration::from_millis(20);
        let modified = self.modified.map_or(0, file::nanos);
        let age = file::nanos(now) - self.changed.max(modified);
        let left = i128::try_from(TICK.as_nanos()).unwrap_or(0) - age;
        // A stamp that lies further ahead than one tick was set by hand.
        if !(1..=i128::from(TICK.subsec_nanos())).contains(&left) {
            return None;
        }
        u64::try_from(left).ok().map(Duration::from_nanos)
    }

    fn etag(&self) -> String {
        let modified = self.modified.map_or(0, file::nanos);
        format!("\"{:x}-{:x}-{modified:x}-{:x}\"", self.len, self.inode, self.changed)
    }

    /// Whole seconds; a time that lies ahead is not told (RFC 9110 §8.8.2.1).
    fn last_modified(&self, now: SystemTime) -> Option<SystemTime> {
        let modified = self.modified.filter(|time| *time <= now)?;
        let seconds = modified.duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

/// The validators one answer shows.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    /// With quotes, and `W/` when weak.
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<SystemTime>,
    /// The second of `modified` is over, so that its date tells versions apart (RFC 9110 §8.8.2.2).
    pub(crate) modified_is_strong: bool,
}

impl Tags {
    pub(crate) fn new(version: &Version, shown: Validators, now: SystemTime) -> Self {
        let modified = version.last_modified(now).filter(|_| shown == Validators::Strong);
        Self {
            etag: match shown {
                Validators::Strong => Some(version.etag()),
                Validators::Weak => Some(format!("W/{}", version.etag())),
                Validators::Missing => None,
            },
            modified,
            modified_is_strong: modified.is_some_and(|time| time + Duration::from_secs(1) <= now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_settled_a_tick_after_the_change() {
        let at = |nanos: i128| Version { len: 1, modified: None, inode: 1, changed: nanos };
        let now = UNIX_EPOCH + Duration::from_secs(1);
        let second = 1_000_000_000;
        let wait = |changed| at(changed).unsettled(now);
        assert_eq!(wait(second), Some(Duration::from_millis(20)));
        assert_eq!(wait(second - 15_000_000), Some(Duration::from_millis(5)));
        assert_eq!(wait(second - 20_000_000), None);
        assert_eq!(wait(0), None);
        // Set by hand to a time ahead: waiting would not help.
        assert_eq!(wait(2 * second), None);
    }
}
