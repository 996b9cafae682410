//! A provider that says what the real one said.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Uri};
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind};
use longhaul_core::intent::{Body, Piece};
use longhaul_core::plan::UploadPlan;
use longhaul_core::provider::{Context, Head, Profile, Reply, Step, Verdict};
use longhaul_core::{ByteRange, Now, Provider, Wall};

use super::give;
use super::script::{Script, SharedScript, lock};
use crate::form::Kept;
use crate::record::{self, Record};
use crate::said;

/// Most bytes that are made up in place of those of a body that was built; more were never inline.
const MOST_INLINE: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Recorded {
    number: u64,
    authority: String,
    object: String,
    profile: Profile,
    plan: Option<UploadPlan>,
    script: SharedScript,
    unready: Mutex<BTreeSet<record::Step>>,
}

impl Recorded {
    /// The provider that stands next in the script. `None` where none does, or it is malformed.
    pub(super) fn next(script: &SharedScript) -> Option<Self> {
        let record = lock(script).next()?;
        let Record::Provider { provider, authority, object, profile, plan } = record else { return None };
        let plan = match plan {
            None => None,
            Some(plan) => Some(give::plan(&plan)?),
        };
        Some(Self {
            number: provider,
            authority,
            object,
            profile: Profile::give(&profile)?,
            plan,
            script: Arc::clone(script),
            unready: Mutex::default(),
        })
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// After a difference or the end: what makes the engine come to rest.
    fn over(step: &Step) -> Verdict {
        Verdict::Fatal(ServerFault::new(ServerFaultKind::Protocol, step.kind(), None, "the replay ends here"))
    }
}

fn unbuildable() -> BuildError {
    BuildError::new("the replay ends here", "see its difference")
}

fn request(method: &str, url: &str, pieces: &[record::Piece]) -> Option<Request<Body>> {
    let mut left = MOST_INLINE;
    let piece = |piece: &record::Piece| {
        Some(match *piece {
            record::Piece::Inline(len) => {
                left = left.checked_sub(len)?;
                let len = usize::try_from(len).ok()?;
                Piece::Inline(Bytes::from(vec![0; len]))
            }
            record::Piece::Source(start, end) => Piece::Source(ByteRange::new(start, end)?),
        })
    };
    let pieces: Option<Vec<Piece>> = pieces.iter().map(piece).collect();
    let pieces = pieces?;
    let body = if pieces.is_empty() { Body::Empty } else { Body::Pieces(pieces) };
    let uri = Uri::try_from(url).ok()?;
    Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(uri).body(body).ok()
}

impl Provider for Recorded {
    fn authority(&self) -> &str {
        &self.authority
    }

    fn object(&self) -> &str {
        &self.object
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn build(&self, step: &Step, cx: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let mut script = lock(&self.script);
        let (step, known) = ask(&mut script, step, cx);
        let recorded = match script.peek() {
            Some(Record::Built { provider, step: there, known: then, method, url, body, unbuildable })
                if *provider == self.number && *there == step && *then == known =>
            {
                match unbuildable {
                    Some((what, remedy)) => Some(Err(BuildError::new(what.clone(), remedy.clone()))),
                    None => request(method, url, body).map(Ok),
                }
            }
            _ => None,
        };
        if let Some(built) = recorded {
            script.next();
            return built;
        }
        let (method, url, body) = (String::new(), String::new(), Vec::new());
        script.expect(&Record::Built { provider: self.number, step, known, method, url, body, unbuildable: None });
        Err(unbuildable())
    }

    fn interpret(&self, step: &Step, cx: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        let mut script = lock(&self.script);
        let (form, known) = ask(&mut script, step, cx);
        let recorded = match script.peek() {
            Some(Record::Read { provider, step: there, known: then, meaning })
                if *provider == self.number && *there == form && *then == known =>
            {
                give::meaning(meaning)
            }
            _ => None,
        };
        if let Some(read) = recorded {
            script.next();
            return read;
        }
        let meaning = record::Meaning::Aborted;
        script.expect(&Record::Read { provider: self.number, step: form, known, meaning });
        Err(Self::over(step))
    }

    fn is_ready(&self, step: &Step, _: Wall) -> bool {
        let mut script = lock(&self.script);
        let step = said::step(step, &mut script.names);
        let mut unready = self.unready.lock().unwrap_or_else(PoisonError::into_inner);
        let news = match script.peek() {
            Some(Record::Ready { provider, step: there, ready }) if *provider == self.number && *there == step => {
                Some(*ready)
            }
            _ => None,
        };
        if let Some(ready) = news {
            script.next();
            if ready {
                unready.remove(&step);
            } else {
                unready.insert(step.clone());
            }
        }
        !unready.contains(&step)
    }

    fn plan(&self) -> Option<&UploadPlan> {
        self.plan.as_ref()
    }

    fn with_plan(&self, plan: UploadPlan) -> Option<Arc<dyn Provider>> {
        let mut script = lock(&self.script);
        let now = said::plan(&plan, &mut script.names);
        let (number, profile) = match script.peek() {
            Some(Record::Provider { provider, profile, plan: Some(then), .. }) if **then == now => {
                (*provider, Profile::give(profile)?)
            }
            _ => {
                script.differs("the provider takes another plan".to_owned());
                return None;
            }
        };
        script.next();
        Some(Arc::new(Self {
            number,
            authority: plan.authority().to_owned(),
            object: plan.object().to_owned(),
            profile,
            plan: Some(plan),
            script: Arc::clone(&self.script),
            unready: Mutex::default(),
        }))
    }
}

fn ask(script: &mut Script, step: &Step, cx: &Context<'_>) -> (record::Step, record::Known) {
    (said::step(step, &mut script.names), said::known(cx, &mut script.names))
}
