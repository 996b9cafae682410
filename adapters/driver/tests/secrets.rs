//! K1, K2: nothing secret is traced, told or shown.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and measure real time"
)]

mod common;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use common::server::Fate;
use common::{World, content, run};
use futures::StreamExt;
use longhaul_core::Event;
use longhaul_core::intent::Body;
use longhaul_core::provider::{Context, Head, Profile, Reply, Step, Verdict};
use longhaul_core::{Now, Provider};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

const CANARY: &str = "canary-8d1f";

/// Puts a secret everywhere a provider may put one.
struct Secretive(common::provider::Plain);

impl Debug for Secretive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secretive")
    }
}

impl Provider for Secretive {
    fn authority(&self) -> &str {
        self.0.authority()
    }
    fn object(&self) -> &str {
        self.0.object()
    }
    fn profile(&self) -> Profile {
        self.0.profile()
    }
    fn build(
        &self,
        step: &Step,
        cx: &Context<'_>,
        now: Now,
    ) -> Result<http::Request<Body>, longhaul_core::error::BuildError> {
        let mut request = self.0.build(step, cx, now)?;
        let path = request.uri().path_and_query().unwrap().as_str();
        let sign = if path.contains('?') { '&' } else { '?' };
        *request.uri_mut() = format!("http://user:{CANARY}@test{path}{sign}sig={CANARY}").parse().unwrap();
        request.headers_mut().insert("authorization", CANARY.parse().unwrap());
        Ok(request)
    }
    fn interpret(
        &self,
        step: &Step,
        cx: &Context<'_>,
        head: Head<'_>,
        body: &[u8],
        now: Now,
    ) -> Result<Reply, Verdict> {
        self.0.interpret(step, cx, head, body, now)
    }
}

/// Writes every span and event into one text.
#[derive(Clone, Default)]
struct Tape(Arc<(Mutex<String>, AtomicU64)>);

impl Visit for &Tape {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        *self.0.0.lock().unwrap() += &format!(" {}={value:?}", field.name());
    }
}

impl tracing::Subscriber for Tape {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        *self.0.0.lock().unwrap() += &format!("\nspan {}", span.metadata().name());
        span.record(&mut &*self);
        Id::from_u64(self.0.1.fetch_add(1, Ordering::SeqCst) + 1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        *self.0.0.lock().unwrap() += &format!("\n{}", event.metadata().level());
        event.record(&mut &*self);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn k1_no_secret_of_a_request_is_traced_told_or_shown() {
    let tape = Tape::default();
    tracing::subscriber::set_global_default(tape.clone()).unwrap();
    let world = World::new();
    let told = Arc::new(Mutex::new(String::new()));
    let tell = Arc::clone(&told);
    world.client.add_listener(move |event: &Event| *tell.lock().unwrap() += &format!("{event:?}"));
    world.server.put("a", content(300_000));
    world.server.fate("GET", [Some(Fate::Status(503)), Some(Fate::BreakAfter(5000)), None]);
    for name in ["a", "missing"] {
        let (mut job, _) = World::download(name);
        job.spec_mut().provider = Arc::new(Secretive(common::provider::Plain::new(name)));
        *told.lock().unwrap() += &format!("{job:?}");
        let mut transfer = run(world.client.submit(job)).unwrap();
        while let Some(event) = run(transfer.next()) {
            let snapshot = run(world.client.snapshot());
            *told.lock().unwrap() += &format!("{event:?} {snapshot:?} {transfer:?}");
        }
        *told.lock().unwrap() += &format!("{:?}", run(transfer));
    }
    let mut job = World::upload("up", content(1000));
    job.spec_mut().provider = Arc::new(Secretive(common::provider::Plain::new("up")));
    run(run(world.client.submit(job)).unwrap()).unwrap();
    world.close();

    let (tape, told) = (tape.0.0.lock().unwrap(), told.lock().unwrap());
    for text in [&*tape, &*told] {
        assert!(!text.contains(CANARY) && !text.contains("sig="), "{text}");
    }
    for wanted in ["span transfer", "TRACE", "DEBUG", "INFO", "completed", "failed", "http://test/a"] {
        assert!(tape.contains(wanted), "{wanted} is missing: {tape}");
    }
    let info = tape.lines().filter(|line| line.starts_with("INFO")).count();
    assert_eq!(info, 3, "one line per transfer: {tape}");
}
