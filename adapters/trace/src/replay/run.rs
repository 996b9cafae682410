//! The loop of a replay: that of the driver, with the script in place of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use longhaul_core::intent::{Answer, Intent};
use longhaul_core::provider::Head;
use longhaul_core::spec::Limits;
use longhaul_core::time::{Now, Time, Wall};
use longhaul_core::{Config, Engine, EventKind, OpId, Provider, TaskId};
use longhaul_driver::trace::Said;

use super::recorded::Recorded;
use super::script::{Script, SharedScript, lock};
use super::{Replayed, give};
use crate::form::Kept;
use crate::frames;
use crate::read::Trace;
use crate::record::{Command, Record};
use crate::recorder::records;

pub(super) struct Run {
    script: SharedScript,
    torn: bool,
    now: Now,
    /// Providers that were handed over and not used yet, by number.
    provider: Option<(u64, Arc<dyn Provider>)>,
    ops: BTreeMap<String, OpId>,
    tasks: BTreeMap<String, TaskId>,
    /// The transfers that were accepted and have not ended.
    open: BTreeSet<TaskId>,
}

/// The record cannot be replayed: it is malformed, or names what never was.
struct Malformed;

impl Run {
    pub(super) fn new(trace: &Trace) -> Self {
        Self {
            script: Script::new(trace.records.clone()),
            torn: trace.torn,
            now: Now::default(),
            provider: None,
            ops: BTreeMap::new(),
            tasks: BTreeMap::new(),
            open: BTreeSet::new(),
        }
    }

    pub(super) fn run(mut self) -> Replayed {
        let begin = lock(&self.script).next();
        let engine = match &begin {
            Some(Record::Trace { seed, config, .. }) => Config::give(config).map(|config| Engine::new(config, *seed)),
            _ => None,
        };
        match engine {
            Some(mut engine) => self.turns(&mut engine),
            None => lock(&self.script).differs("the first record makes no engine".to_owned()),
        }
        let script = lock(&self.script);
        let unfinished = match script.cut() {
            Some(why) => Some(why.to_owned()),
            None if self.torn => Some("its last line is broken off".to_owned()),
            None if script.exhausted => Some("it breaks off in the middle of a turn".to_owned()),
            None => match self.open.len() {
                0 => None,
                1 => Some("it ends before its transfer does".to_owned()),
                some => Some(format!("it ends before {some} transfers do")),
            },
        };
        Replayed { steps: script.steps(), difference: script.difference.clone(), unfinished }
    }

    fn turns(&mut self, engine: &mut Engine) {
        loop {
            let turn = lock(&self.script).peek().cloned();
            match turn {
                None => return,
                Some(Record::Turn { at, wall }) => {
                    lock(&self.script).next();
                    self.now = Now::new(Time::from_micros(at), Wall::from_unix(wall));
                }
                Some(_) => {
                    lock(&self.script).differs("the turn is over: the core has nothing more to say".to_owned());
                    return;
                }
            }
            while self.tell(engine) {}
            self.intents(engine);
            self.events(engine);
        }
    }

    /// Tells the engine what stands next, if something does.
    fn tell(&mut self, engine: &mut Engine) -> bool {
        let Some(record) = lock(&self.script).peek().cloned() else { return false };
        if let Record::Provider { .. } = record {
            self.provider = Recorded::next(&self.script).map(|provider| (provider.number(), Arc::new(provider) as _));
            if self.provider.is_none() {
                lock(&self.script).differs("this makes no provider".to_owned());
            }
            return self.provider.is_some();
        }
        if !is_told(&record) {
            return false;
        }
        lock(&self.script).next();
        if self.apply(engine, record).is_err() {
            let mut script = lock(&self.script);
            script.differs(
                "the record before this one cannot be replayed: it is malformed, or names what never was".to_owned(),
            );
            return false;
        }
        true
    }

    fn apply(&mut self, engine: &mut Engine, record: Record) -> Result<(), Malformed> {
        let now = self.now;
        match record {
            Record::Submit { provider, key, spec } => {
                let (number, there) = self.provider.take().ok_or(Malformed)?;
                let spec = give::spec(&spec, key, there).filter(|_| number == provider).ok_or(Malformed)?;
                let task = engine.submit(spec, now);
                if let Ok(task) = task {
                    self.tasks.insert(task.to_string(), task);
                    self.open.insert(task);
                }
                self.said(&Said::Submitted(task));
            }
            Record::Command { command, task, weight, limits } => {
                self.command(engine, command, task.as_deref(), weight, limits.as_ref().map(Limits::give))?;
            }
            Record::Consumed { task, upto } => engine.handle_consumed(self.task(&task)?, upto, now),
            Record::Head { op, status, headers } => {
                let status = StatusCode::from_u16(status).map_err(|_| Malformed)?;
                let headers = header_map(&headers).ok_or(Malformed)?;
                let disposition = engine.handle_head(self.op(&op)?, Head { status, headers: &headers }, now);
                self.said(&Said::Disposition(disposition));
            }
            Record::Progress { op, moved } => {
                engine.handle_progress(self.op(&op)?, give::moved(&moved).ok_or(Malformed)?, now);
            }
            Record::Done { op, moved, outcome } => {
                let moved = give::moved(&moved).ok_or(Malformed)?;
                engine.handle_done(self.op(&op)?, give::outcome(&outcome, moved).ok_or(Malformed)?, now);
            }
            Record::File { op, reply } => {
                engine.handle_file(self.op(&op)?, give::file_reply(&reply).ok_or(Malformed)?, now);
            }
            Record::Journal { op, fault } => {
                let reply = match fault {
                    None => Ok(()),
                    Some(fault) => Err(give::file_fault(&fault).ok_or(Malformed)?),
                };
                engine.handle_journal(self.op(&op)?, reply, now);
            }
            Record::Recalled { op, journal, fault } => {
                let reply = match (journal, fault) {
                    (_, Some(fault)) => Err(give::file_fault(&fault).ok_or(Malformed)?),
                    (None, None) => Ok(None),
                    (Some(journal), None) => Ok(Some(frames::give(&journal).ok_or(Malformed)?.into())),
                };
                engine.handle_recalled(self.op(&op)?, reply, now);
            }
            Record::Answer { op, provider, refused } => {
                let answer = match (provider, refused) {
                    (Some(number), _) => {
                        let (there, provider) = self.provider.take().ok_or(Malformed)?;
                        if there != number {
                            return Err(Malformed);
                        }
                        Answer::Provider(provider)
                    }
                    (None, Some(words)) => Answer::Refused(words),
                    (None, None) => return Err(Malformed),
                };
                engine.handle_answer(self.op(&op)?, answer, now);
            }
            Record::Timeout => engine.handle_timeout(now),
            _ => return Err(Malformed),
        }
        Ok(())
    }

    fn command(
        &self,
        engine: &mut Engine,
        command: Command,
        task: Option<&str>,
        weight: Option<u32>,
        limits: Option<Option<Limits>>,
    ) -> Result<(), Malformed> {
        let now = self.now;
        let task = || self.task(task.ok_or(Malformed)?);
        let done = match command {
            Command::Pause => engine.pause(task()?, now),
            Command::Resume => engine.resume(task()?, now),
            Command::Cancel => engine.cancel(task()?, now),
            Command::Weight => engine.set_weight(task()?, weight.and_then(NonZeroU32::new).ok_or(Malformed)?),
            Command::Limits => {
                engine.set_limits(limits.flatten().ok_or(Malformed)?, now);
                return Ok(());
            }
            Command::Shutdown => {
                engine.shutdown(now);
                return Ok(());
            }
            Command::Forget => {
                engine.forget(task()?);
                return Ok(());
            }
        };
        self.said(&Said::Commanded(done));
        Ok(())
    }

    fn intents(&mut self, engine: &mut Engine) {
        while let Some(intent) = engine.poll_intent(self.now) {
            if !self.said(&Said::Intent(&intent)) {
                return;
            }
            let op = match &intent {
                Intent::Http { op, .. }
                | Intent::File { op, .. }
                | Intent::Journal { op, .. }
                | Intent::Recall { op, .. }
                | Intent::Ask { op, .. } => *op,
                _ => continue,
            };
            self.ops.insert(op.to_string(), op);
        }
    }

    fn events(&mut self, engine: &mut Engine) {
        // The driver lets go of an ended transfer while it tells events.
        while !matches!(lock(&self.script).peek(), None | Some(Record::Turn { .. })) {
            if self.tell(engine) {
                continue;
            }
            let Some(event) = engine.poll_event() else { return };
            let progress = engine.progress(event.task);
            if matches!(event.kind, EventKind::Ended(_)) {
                self.open.remove(&event.task);
            }
            if !self.said(&Said::Event(&event, progress)) {
                return;
            }
        }
        let goes_on = lock(&self.script).peek().is_some();
        if goes_on && let Some(event) = engine.poll_event() {
            self.said(&Said::Event(&event, None));
        }
    }

    /// Compares what the core says with what stands next.
    fn said(&self, said: &Said<'_>) -> bool {
        let mut script = lock(&self.script);
        let now: Vec<Record> = records(said, &mut script.names).collect();
        now.iter().all(|record| script.expect(record))
    }

    fn op(&self, name: &str) -> Result<OpId, Malformed> {
        self.ops.get(name).copied().ok_or(Malformed)
    }

    fn task(&self, name: &str) -> Result<TaskId, Malformed> {
        self.tasks.get(name).copied().ok_or(Malformed)
    }
}

/// Whether a record is of something that the engine was told.
const fn is_told(record: &Record) -> bool {
    matches!(
        record,
        Record::Submit { .. }
            | Record::Command { .. }
            | Record::Consumed { .. }
            | Record::Head { .. }
            | Record::Progress { .. }
            | Record::Done { .. }
            | Record::File { .. }
            | Record::Journal { .. }
            | Record::Recalled { .. }
            | Record::Answer { .. }
            | Record::Timeout
    )
}

fn header_map(fields: &[(String, String)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(headers)
}
