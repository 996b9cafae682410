//! File operations, journal writes and questions come to their end.

use bytes::Bytes;
use longhaul_core::OpId;
use longhaul_core::error::{FileFault, FileFaultKind};
use longhaul_core::intent::{Answer, FileOp, FileReply, JournalOp};

use super::{Event, Local, Work, World};
use crate::disk::temporary;
use crate::weather::happens;

impl World {
    pub(crate) fn local_done(&mut self, op: OpId) {
        let Some(local) = self.locals.remove(&op) else {
            return;
        };
        match &local.work {
            Work::Ask(question) => {
                let answer = match local.cancelled {
                    true => Answer::Refused(String::from("cancelled")),
                    false => self.answer(local.job, question),
                };
                let now = self.now();
                self.trace.note(self.now, format_args!("{op} answer"));
                self.engine.handle_answer(op, answer, now);
            }
            Work::Journal(action) => {
                let reply = self.write_journal(local.job, action);
                self.trace.note(self.now, format_args!("{op} journal {}", reply.is_ok()));
                let now = self.now();
                self.engine.handle_journal(op, reply, now);
            }
            Work::Recall => {
                let reply = self.read_journal(local.job);
                self.trace.note(self.now, format_args!("{op} recalled {:?}", reply.as_ref().map(Option::is_some)));
                let now = self.now();
                self.engine.handle_recalled(op, reply, now);
            }
            Work::File(action, mark) => {
                let reply = self.do_file(&local, action, *mark);
                self.trace.note(self.now, format_args!("{op} file {reply:?}"));
                let now = self.now();
                self.engine.handle_file(op, reply, now);
            }
        }
        self.check_journal(local.job);
    }

    fn do_file(&mut self, local: &Local, action: &FileOp, mark: usize) -> Result<FileReply, FileFault> {
        if local.cancelled && matches!(action, FileOp::Stat | FileOp::Fill { .. } | FileOp::Digest { .. }) {
            return Err(FileFault::new(FileFaultKind::Cancelled, ""));
        }
        let letting_go = matches!(action, FileOp::Release | FileOp::Remove);
        let fails = !letting_go && happens(&mut self.rng, self.weather.disk);
        let Some(job) = self.jobs.get(local.job) else {
            return Ok(FileReply::Done);
        };
        let name = job.file().to_owned();
        if fails {
            if *action == FileOp::Sync && self.disk.is_intact(&name, local.job) {
                self.disk.fail_sync(&name, mark);
            }
            return Err(FileFault::new(FileFaultKind::Io, "bad disk"));
        }
        let upload = job.direction() == longhaul_core::Direction::Upload;
        match action {
            FileOp::Stat if job.piped => Ok(FileReply::Source { len: None, fingerprint: None }),
            FileOp::Stat => {
                let file = self.disk.file(&name).ok_or_else(|| FileFault::new(FileFaultKind::NotFound, ""))?;
                Ok(FileReply::Source {
                    len: Some(file.content.len()),
                    fingerprint: job.fingerprints.then_some(file.print),
                })
            }
            FileOp::Digest { algorithm, ranges } => {
                let name = if upload { name } else { temporary(&name) };
                self.disk.digests(&name, *algorithm, ranges).map(FileReply::Digests)
            }
            FileOp::Reserve { total, keep, .. } => {
                if job.consumer.is_some_and(|consumer| consumer.has_taken()) && !keep {
                    return Err(FileFault::new(FileFaultKind::Unusable, "part of it was handed on already"));
                }
                let kept = self.disk.reserve(&name, local.job, *total, *keep)?;
                if let Some(job) = self.jobs.get_mut(local.job) {
                    job.held = true;
                }
                Ok(FileReply::Reserved { kept })
            }
            FileOp::Sync => self.disk.sync(&name, local.job, mark).map(|()| FileReply::Done),
            FileOp::Publish { len, durable, .. } => {
                if self.disk.is_intact(&name, local.job) {
                    self.check_publish(local.job, *len);
                }
                self.disk.publish(&name, local.job, *len, *durable)?;
                if happens(&mut self.rng, self.weather.disk) {
                    return Err(FileFault::new(FileFaultKind::Io, "the name may not last"));
                }
                Ok(FileReply::Published { path: name })
            }
            FileOp::Release | FileOp::Remove if upload => Ok(FileReply::Done),
            FileOp::Release | FileOp::Remove => {
                self.disk.release(&name, local.job, *action == FileOp::Remove)?;
                if let Some(job) = self.jobs.get_mut(local.job) {
                    // Whoever removed the file had the target to itself, and goes on to the journal.
                    job.held |= *action == FileOp::Remove;
                }
                Ok(FileReply::Done)
            }
            FileOp::Fill { .. } => Ok(self.pipe_in(local.job)),
            _ => Err(FileFault::new(FileFaultKind::Unusable, "not modelled")),
        }
    }

    /// More of a pipe is read, into a file of the transfer's own.
    fn pipe_in(&mut self, at: usize) -> FileReply {
        let Some(job) = self.jobs.get_mut(at) else {
            return FileReply::Done;
        };
        let all = self.disk.file(job.file()).map_or(0, |file| file.content.len());
        job.piped_in = (job.piped_in + (all / 2).max(1)).min(all);
        FileReply::Filled { len: job.piped_in, end: job.piped_in == all }
    }

    /// The disk is full for a while.
    pub(crate) fn run_full(&mut self) {
        self.disk.full = true;
        let span = self.rng.up_to(20_000_000);
        self.schedule(span, Event::Room);
    }

    fn read_journal(&mut self, at: usize) -> Result<Option<Bytes>, FileFault> {
        if happens(&mut self.rng, self.weather.journal) {
            return Err(FileFault::new(FileFaultKind::Io, "it cannot be read"));
        }
        let journal = self.journal(at).map(<[u8]>::to_vec);
        if let Some(job) = self.jobs.get_mut(at) {
            job.former = journal.clone().unwrap_or_default();
        }
        Ok(journal.map(Bytes::from))
    }

    fn write_journal(&mut self, at: usize, action: &JournalOp) -> Result<(), FileFault> {
        let job = self.journal_of(at);
        self.watch_journal(at);
        let fails = happens(&mut self.rng, self.weather.journal) || self.disk.full;
        if fails {
            if let JournalOp::Append(frames) = action {
                let torn = self.rng.up_to(frames.len() as u64);
                let torn = usize::try_from(torn).unwrap_or(0);
                let journal = self.journals.entry(job).or_default();
                journal.extend_from_slice(frames.get(..torn).unwrap_or_default());
            }
            return Err(FileFault::new(FileFaultKind::Full, ""));
        }
        if let Some(job) = self.jobs.get_mut(at) {
            job.recorded |= matches!(action, JournalOp::Replace(_));
        }
        match action {
            JournalOp::Replace(all) => {
                self.journals.insert(job, all.to_vec());
            }
            JournalOp::Append(frames) => {
                let journal = self.journals.entry(job).or_default();
                journal.extend_from_slice(frames);
            }
            _ => {
                self.journals.remove(&job);
            }
        }
        Ok(())
    }

    /// The process dies while local work is under way: each may have happened, or, of an append, a part.
    pub(crate) fn crash_locals(&mut self) {
        for (_, local) in core::mem::take(&mut self.locals) {
            let happened = self.rng.up_to(1) == 0;
            match &local.work {
                Work::Journal(JournalOp::Append(frames)) => {
                    let kept = self.rng.up_to(frames.len() as u64);
                    let kept = usize::try_from(kept).unwrap_or(0);
                    let slot = self.journal_of(local.job);
                    let journal = self.journals.entry(slot).or_default();
                    journal.extend_from_slice(frames.get(..kept).unwrap_or_default());
                }
                Work::Journal(action) if happened => {
                    let weather = core::mem::replace(&mut self.weather.journal, 0);
                    let _ = self.write_journal(local.job, action);
                    self.weather.journal = weather;
                }
                Work::File(action, mark) if happened && !matches!(action, FileOp::Stat) => {
                    let _ = self.do_file(&local, action, *mark);
                }
                _ => {}
            }
        }
    }
}
