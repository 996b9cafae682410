//! A request that cannot be built: nobody has to wait for what is left to do.

use std::sync::Arc;

use longhaul_core::error::{BuildError, Error, Usage};
use longhaul_core::event::{End, EventKind};
use longhaul_core::intent::{Body, FileOp, Intent};
use longhaul_core::provider::{Context, Head, Profile, Provider, Reply, Step, Verdict};
use longhaul_core::spec::TransferKey;
use longhaul_core::{Config, Direction, Engine, Now, Spec};

/// Builds nothing.
#[derive(Debug)]
struct Unbuildable;

impl Provider for Unbuildable {
    fn authority(&self) -> &str {
        "nowhere:80"
    }

    fn object(&self) -> &str {
        "http://nowhere/"
    }

    fn profile(&self) -> Profile {
        Profile::download()
    }

    fn build(&self, _: &Step, _: &Context<'_>, _: Now) -> Result<http::Request<Body>, BuildError> {
        Err(BuildError::new("nothing can be built", "use another"))
    }

    fn interpret(&self, _: &Step, _: &Context<'_>, _: Head<'_>, _: &[u8], _: Now) -> Result<Reply, Verdict> {
        Ok(Reply::Aborted)
    }
}

#[test]
fn what_a_request_that_cannot_be_built_leaves_to_do_is_given_out_in_the_same_polling() {
    let mut engine = Engine::new(Config::default(), 1);
    let key = TransferKey::new(Direction::Download, "a", "b");
    let now = Now::default();
    let task = engine.submit(Spec::new(Direction::Download, Arc::new(Unbuildable), key), now).expect("new");
    let intent = engine.poll_intent(now);
    let Some(Intent::File { op, action: FileOp::Release, .. }) = intent else { panic!("{intent:?}") };
    assert!(engine.poll_intent(now).is_none());
    engine.handle_file(op, Ok(longhaul_core::intent::FileReply::Done), now);
    while engine.poll_intent(now).is_some() {}
    let end = core::iter::from_fn(|| engine.poll_event()).last().expect("an end");
    assert!(
        matches!(&end.kind, EventKind::Ended(End::Failed(Error::Usage(Usage::Build(_))))) && end.task == task,
        "{end:?}"
    );
}
