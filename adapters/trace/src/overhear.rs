//! A provider that tells what it said.
//!
//! The engine asks it for everything; what the real one answers is noted and passed on. So a replay needs neither URL nor key nor
//! body: it needs what was made of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use longhaul_core::error::BuildError;
use longhaul_core::intent::Body;
use longhaul_core::plan::UploadPlan;
use longhaul_core::provider::{Context, Head, Profile, Reply, Step, Verdict};
use longhaul_core::{Now, Provider, Wall};

use crate::form::Kept;
use crate::record::{self, Record};
use crate::recorder::Log;
use crate::redact;
use crate::said;

#[derive(Debug)]
pub(crate) struct Overheard {
    real: Arc<dyn Provider>,
    number: u64,
    log: Arc<Mutex<Log>>,
    /// The steps that lack something.
    unready: Mutex<BTreeSet<record::Step>>,
}

impl Overheard {
    /// `real`, noted as the next provider.
    pub(crate) fn new(real: Arc<dyn Provider>, log: &Arc<Mutex<Log>>) -> Self {
        let number = Log::with(log, |log| {
            log.providers += 1;
            let provider = log.providers;
            let plan = real.plan().map(|plan| Box::new(said::plan(plan, &mut log.names)));
            log.lines.note(Record::Provider {
                provider,
                authority: real.authority().to_owned(),
                object: real.object().to_owned(),
                profile: Box::new(real.profile().keep()),
                plan,
            });
            provider
        });
        Self { real, number, log: Arc::clone(log), unready: Mutex::default() }
    }
}

impl Provider for Overheard {
    fn authority(&self) -> &str {
        self.real.authority()
    }

    fn object(&self) -> &str {
        self.real.object()
    }

    fn profile(&self) -> Profile {
        self.real.profile()
    }

    fn build(&self, step: &Step, cx: &Context<'_>, now: Now) -> Result<Request<Body>, BuildError> {
        let built = self.real.build(step, cx, now);
        Log::with(&self.log, |log| {
            let (step, known) = (said::step(step, &mut log.names), said::known(cx, &mut log.names));
            let (method, url, body, unbuildable) = match &built {
                Ok(request) => {
                    let url = log.names.text(&redact::url(request.uri()));
                    (request.method().to_string(), url, said::body(request.body()), None)
                }
                Err(error) => {
                    (String::new(), String::new(), Vec::new(), Some((error.what.clone(), error.remedy.clone())))
                }
            };
            log.lines.note(Record::Built { provider: self.number, step, known, method, url, body, unbuildable });
        });
        built
    }

    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        let read = self.real.interpret(step, cx, head, body, now);
        Log::with(&self.log, |log| {
            let (step, known) = (said::step(step, &mut log.names), said::known(cx, &mut log.names));
            let meaning = said::meaning(&read, &mut log.names);
            log.lines.note(Record::Read { provider: self.number, step, known, meaning });
        });
        read
    }

    fn is_ready(&self, step: &Step, wall: Wall) -> bool {
        let ready = self.real.is_ready(step, wall);
        let mut unready = self.unready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready && unready.is_empty() {
            return true;
        }
        Log::with(&self.log, |log| {
            let step = said::step(step, &mut log.names);
            let news = if ready { unready.remove(&step) } else { unready.insert(step.clone()) };
            if news {
                log.lines.note(Record::Ready { provider: self.number, step, ready });
            }
        });
        ready
    }

    fn plan(&self) -> Option<&UploadPlan> {
        self.real.plan()
    }

    fn with_plan(&self, plan: UploadPlan) -> Option<Arc<dyn Provider>> {
        let real = self.real.with_plan(plan)?;
        Some(Arc::new(Self::new(real, &self.log)))
    }
}
