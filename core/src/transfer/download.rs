//! What a download does in each phase.

use alloc::vec::Vec;

use crate::digest::{Algorithm, Digest, Verification};
use crate::error::{Changed, Error};
use crate::event::{EventKind, Restart};
use crate::intent::{FileOp, FileReply};
use crate::provider::{Object, StepKind};
use crate::range::ByteRange;
use crate::spec::{Durability, Probing};
use crate::transfer::phase::Signal;
use crate::transfer::ranges::OPEN;
use crate::transfer::requests::protocol;
use crate::transfer::segments::{Segment, Segments};
use crate::transfer::{Cx, Phase, Stop, Transfer};

/// The digest that tells whether a stored stretch is still what was written.
pub(super) const STORED: Algorithm = Algorithm::Crc64Nvme;

impl Transfer {
    pub(super) fn start_download(&mut self, cx: &mut Cx<'_>) {
        let remote = &mut self.remote;
        if remote.object.total.is_none() {
            remote.object.total = self.spec.declared_size;
        }
        // Where no range is left to ask for, only a probe can tell what the object is now.
        let complete = remote.object.total == Some(remote.segments.total());
        if (self.spec.declared_size.is_some() || self.spec.probing == Probing::FirstRange) && !complete {
            self.signal(Signal::StartKnown, cx);
        } else {
            self.signal(Signal::Start, cx);
        }
    }

    /// The probe's answer.
    pub(super) fn probed(&mut self, object: Object, cx: &mut Cx<'_>) {
        if !self.remote.segments.is_empty() {
            let same = self.same_version(&object, 200);
            let usable = object.validator.pins() && object.ranges != Some(false);
            if let Err(changed) = same.and(if usable { Ok(()) } else { Err(Changed::Ranges) }) {
                self.drop_stored();
                cx.events.push(self.id, EventKind::Restarted(Restart::Changed(changed)));
            }
        }
        let remote = &mut self.remote;
        let mut object = object;
        if !remote.segments.is_empty() {
            // The same version has the same size, also where this answer does not tell it.
            object.total = object.total.or(remote.object.total);
        }
        let pinned = object.validator.pins() && object.total.is_some();
        remote.serial = remote.force_serial || !pinned || object.ranges == Some(false);
        remote.ranged = object.ranges == Some(true);
        remote.object = object;
        remote.known = true;
        self.signal(Signal::Probed, cx);
    }

    pub(super) fn drop_stored(&mut self) {
        self.remote.segments = Segments::default();
        self.keeper.reset();
        if !self.remote.known {
            // What was recorded of the version they were of goes with them.
            self.remote.object = Object { total: self.spec.declared_size, ..Object::default() };
        }
    }

    /// The file operation the present phase consists of.
    pub(super) fn download_file(&mut self) -> Option<FileOp> {
        let remote = &self.remote;
        match self.phase {
            Phase::Reserving if self.keeper.is_busy() => None,
            Phase::Reserving => Some(FileOp::Reserve {
                total: remote.object.total,
                keep: !remote.segments.is_empty(),
                name: remote.object.name.clone(),
                modified: remote.object.modified,
            }),
            Phase::Rechecking => Some(FileOp::Digest { algorithm: STORED, ranges: remote.segments.ranges() }),
            Phase::Verifying => {
                let algorithm = remote.expected.get(remote.verified)?.algorithm();
                let ranges = alloc::vec![ByteRange::at(0, remote.object.total?)];
                Some(FileOp::Digest { algorithm, ranges })
            }
            Phase::Publishing => Some(FileOp::Publish {
                len: remote.object.total?,
                modified: remote.object.modified,
                durable: self.spec.durability == Durability::Power,
            }),
            _ => None,
        }
    }

    pub(super) fn download_replied(&mut self, reply: FileReply, cx: &mut Cx<'_>) {
        match (self.phase, reply) {
            (Phase::Reserving, FileReply::Reserved { kept }) => {
                if !kept && !self.remote.segments.is_empty() {
                    self.drop_stored();
                    cx.events.push(self.id, EventKind::Restarted(Restart::LocalLost));
                }
                if self.remote.segments.is_empty() {
                    self.keeper.starts(cx.now.mono);
                    self.signal(Signal::Reserved, cx);
                } else {
                    self.signal(Signal::Kept, cx);
                }
            }
            (Phase::Reserving, FileReply::Unchanged) => {
                self.complete(Signal::Unchanged, crate::provider::Receipt::default(), cx);
            }
            (Phase::Rechecking, FileReply::Digests(found)) => self.rechecked_stored(&found, cx),
            (Phase::Verifying, FileReply::Digests(found)) => self.verify(found.first().copied().flatten(), cx),
            (Phase::Publishing, FileReply::Published { path }) => {
                self.remote.path = Some(path).filter(|path| !path.is_empty());
                self.complete(Signal::Published, crate::provider::Receipt::default(), cx);
            }
            _ => {
                self.fail(protocol(StepKind::Probe, "the storage replied to another question"), cx);
            }
        }
    }

    /// Keeps the stretches that are still what was recorded (D10).
    fn rechecked_stored(&mut self, found: &[Option<Digest>], cx: &mut Cx<'_>) {
        let recorded: Vec<Segment> = self.remote.segments.iter().collect();
        for (at, segment) in recorded.iter().enumerate() {
            let now = found.get(at).copied().flatten();
            if segment.digest.is_none() || now != segment.digest {
                self.remote.segments.remove(segment.range.start());
            }
        }
        self.keeper.confirmed(&self.remote.segments);
        self.signal(Signal::Rechecked, cx);
    }

    pub(super) fn enter_moving_download(&mut self, cx: &mut Cx<'_>) {
        let remote = &self.remote;
        let stored = remote.segments.total();
        self.parts.todo = match remote.object.total {
            _ if remote.serial => core::iter::once(OPEN).collect(),
            Some(total) => core::iter::once(ByteRange::at(0, total)).collect(),
            None => core::iter::once(ByteRange::at(0, self.range_size())).collect(),
        };
        for range in remote.segments.ranges() {
            self.parts.todo.remove(range);
        }
        if remote.known && remote.object.total == Some(0) {
            self.parts.clear();
        }
        self.progress.reused = stored;
        self.tell_moving(self.remote.object.total, stored, cx);
        self.check_moved(cx);
    }

    pub(super) fn tell_moving(&mut self, total: Option<u64>, reused: u64, cx: &mut Cx<'_>) {
        if !core::mem::replace(&mut self.reused_told, true) {
            cx.events.push(self.id, EventKind::Moving { total, reused });
        }
    }

    pub(super) fn check_moved(&mut self, cx: &mut Cx<'_>) {
        let whole = self.remote.object.total.is_some_and(|total| self.remote.segments.total() == total);
        if self.phase == Phase::Moving && self.works() && self.parts.is_done() && whole && self.remote.known {
            self.signal(Signal::Moved, cx);
        }
    }

    /// Content is complete: which digests must it have?
    pub(super) fn enter_verifying(&mut self, cx: &mut Cx<'_>) {
        let remote = &mut self.remote;
        remote.verified = 0;
        remote.expected = if self.spec.expected.is_empty() {
            let strongest =
                |algorithm: &Algorithm| remote.object.digests.iter().find(|digest| digest.algorithm() == *algorithm);
            Algorithm::ALL.iter().find_map(strongest).copied().into_iter().collect()
        } else {
            self.spec.expected.clone()
        };
        if remote.expected.is_empty() {
            self.signal(Signal::Verified, cx);
        }
    }

    fn verify(&mut self, found: Option<Digest>, cx: &mut Cx<'_>) {
        let Some(&expected) = self.remote.expected.get(self.remote.verified) else {
            return;
        };
        let Some(actual) = found else {
            if self.spec.window.is_some() && self.spec.expected.is_empty() {
                // What a consumer has taken cannot be read again, and the caller asked for no checksum.
                self.signal(Signal::Verified, cx);
                return;
            }
            let lost =
                crate::error::FileFault::new(crate::error::FileFaultKind::Lost, "it is shorter than what was written");
            self.fail(Error::Disk(lost), cx);
            return;
        };
        if actual != expected {
            self.stop(Stop::Fail { error: Error::Integrity { expected, actual }, discard: true }, cx);
            return;
        }
        if self.verification == Verification::NotProvided {
            self.verification = Verification::Verified(actual);
        }
        self.remote.verified += 1;
        if self.remote.verified == self.remote.expected.len() {
            self.signal(Signal::Verified, cx);
        }
    }

    pub(super) fn restart_download(&mut self, cx: &mut Cx<'_>) {
        self.drop_stored();
        self.parts.clear();
        let remote = &mut self.remote;
        remote.object = Object::default();
        remote.known = false;
        remote.by_range = false;
        remote.ranged = false;
        remote.serial = false;
        remote.hinted = None;
        remote.ended = None;
        self.location = None;
        self.hops = 0;
        self.signal(Signal::Restart, cx);
    }
}
