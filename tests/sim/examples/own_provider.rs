//! A provider of one's own, tested in all weathers: `cargo run -p longhaul-sim --example own_provider`.
//!
//! The protocol is made up: `POST /name?from=N` appends what comes if there are N bytes so far; the answer is how many there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Request;
use longhaul_core::error::{BuildError, ServerFault, ServerFaultKind as Kind};
use longhaul_core::intent::Body;
use longhaul_core::provider::{Begin, Context, Head, Order, Profile, Provider, Receipt, Reply, Step, Verdict};
use longhaul_core::{Config, Direction, Now, rng::Rng, spec::Start};
use longhaul_sim::wire::{Moment, WireAnswer, WireRequest};
use longhaul_sim::{Job, JobKind, Server, Weather, World, content::Content};

#[derive(Debug)]
struct Appender(String);

impl Provider for Appender {
    fn authority(&self) -> &str {
        "append"
    }
    fn object(&self) -> &str {
        &self.0
    }
    fn profile(&self) -> Profile {
        let mut profile = Profile::download();
        (profile.order, profile.begin, profile.needs_total) = (Order::ServerOffset, Begin::Idempotent, true);
        profile
    }
    fn build(&self, step: &Step, _: &Context<'_>, _: Now) -> Result<Request<Body>, BuildError> {
        let (from, body) = step.range().map_or((0, Body::Empty), |range| (range.start(), Body::Source(range)));
        let request = Request::post(format!("{}?from={from}", self.0)).body(body);
        request.map_err(|error| BuildError::new(error.to_string(), "use a plain name"))
    }
    fn interpret(&self, step: &Step, cx: &Context<'_>, head: Head<'_>, body: &[u8], _: Now) -> Result<Reply, Verdict> {
        let fault = |kind| ServerFault::new(kind, step.kind(), Some(head.status.as_u16()), "");
        let held = std::str::from_utf8(body).ok().and_then(|text| text.parse().ok());
        match (head.status.as_u16(), held) {
            (200, Some(held)) => {
                let receipt = (Some(held) == cx.total).then(Receipt::default);
                Ok(Reply::Begun { session: None, next: Some(held), receipt })
            }
            (408 | 429 | 500..=599, _) => Err(Verdict::Retry { fault: fault(Kind::Unavailable), after: None }),
            _ => Err(Verdict::Fatal(fault(Kind::Refused))),
        }
    }
}

#[derive(Debug, Default)]
struct Files(BTreeMap<String, Content>);

impl Server for Files {
    fn answer(&mut self, request: &WireRequest, _: Moment) -> WireAnswer {
        let file = self.0.entry(format!("http://append{}", request.path())).or_default();
        if request.query("from") == Some(&file.len().to_string()) {
            request.content().into_iter().for_each(|(range, fill)| file.write(range, fill));
        }
        WireAnswer::status(200).text(file.len().to_string())
    }
    fn object(&self, name: &str) -> Option<Content> {
        self.0.get(name).cloned()
    }
}

pub(crate) fn main() {
    for seed in 0..300 {
        let mut world = World::new(seed, Config::default(), false);
        world.weather = Weather::draw(&mut Rng::new(seed));
        world.host("append", Files::default());
        world.put_source("file", 1 + seed * 100);
        let provider = Arc::new(Appender("http://append/file".into()));
        let job = world.add(Job::new(JobKind::Own { direction: Direction::Upload, provider, file: "file".into() }));
        world.submit(job, Start::Now);
        world.run_for(seed * 5_000);
        world.crash(seed % 2 == 0);
        world.finish();
        assert_eq!(world.verdict(), Ok(()), "seed {seed}");
    }
}
