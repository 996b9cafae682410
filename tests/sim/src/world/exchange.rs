//! Exchanges go on, step by step.

use bytes::Bytes;
use http::Method;
use longhaul_core::ByteRange;
use longhaul_core::OpId;
use longhaul_core::error::{Fault, FaultKind, FileFault, FileFaultKind, Sent};
use longhaul_core::intent::{Disposition, Outcome, Piece};
use longhaul_core::provider::Head;

use super::{Event, World};
use crate::content::Fill;
use crate::net::{Exchange, Fate, Stage};
use crate::server::presigner::SIGNED;
use crate::server::{Act, ranged};
use crate::weather::{happens, pick};
use crate::wire::{WireAnswer, WireBody, WirePiece, WireRequest, imf_fixdate};

/// How often one that waits for its consumer says so, in microseconds.
const TICK: u64 = 200_000;

impl World {
    /// One step of an exchange.
    pub(crate) fn net_step(&mut self, op: OpId) {
        let Some(mut exchange) = self.exchanges.remove(&op) else {
            return;
        };
        let outcome = match exchange.stage {
            Stage::Connecting => self.connect(op, &mut exchange),
            Stage::Sending => self.send(op, &mut exchange),
            Stage::Arriving => self.arrive(op, &mut exchange),
            Stage::Answering => self.answered(op, &mut exchange),
            Stage::Receiving => self.receive(op, &mut exchange),
        };
        match outcome {
            None => {
                self.exchanges.insert(op, exchange);
            }
            Some(outcome) => self.finish_exchange(op, exchange, outcome),
        }
    }

    fn finish_exchange(&mut self, op: OpId, exchange: Exchange, outcome: Outcome) {
        self.trace.note(self.now, format_args!("{op} done {}", brief(&outcome)));
        self.count_end(&exchange, &outcome);
        let now = self.now();
        drop(exchange);
        self.engine.handle_done(op, outcome, now);
    }

    /// A stopped exchange ends; its request may still arrive.
    pub(crate) fn net_stopped(&mut self, op: OpId) {
        let Some(exchange) = self.exchanges.remove(&op) else {
            return;
        };
        if exchange.is_underway() && happens(&mut self.rng, self.weather.ghost) {
            let delay = self.rng.up_to(3_000_000);
            self.schedule(delay, Event::Ghost(Box::new(exchange.request()), exchange.begun));
        }
        let moved = exchange.moved();
        self.finish_exchange(op, exchange, Outcome::Cancelled { moved });
    }

    fn connect(&mut self, op: OpId, exchange: &mut Exchange) -> Option<Outcome> {
        let broken = |kind, sent| Some(Outcome::Broken { moved: exchange.moved(), fault: Fault::new(kind, sent, "") });
        match exchange.fate {
            Fate::ConnectFails => return broken(FaultKind::Connect, Sent::No),
            Fate::Stale => return broken(FaultKind::Stale, Sent::No),
            Fate::StallConnect => return None,
            _ => {}
        }
        exchange.stage = Stage::Sending;
        self.tell(op, exchange);
        self.schedule(exchange.takes(exchange.next_send()), Event::Net(op));
        None
    }

    fn send(&mut self, op: OpId, exchange: &mut Exchange) -> Option<Outcome> {
        let len = exchange.next_send();
        if len == 0 && exchange.sent < exchange.body_len {
            return match exchange.fate {
                Fate::StallSending(_) => None,
                _ => Some(Outcome::Broken {
                    moved: exchange.moved(),
                    fault: Fault::new(FaultKind::Reset, Sent::Maybe, ""),
                }),
            };
        }
        for piece in exchange.slice(exchange.sent, len) {
            match self.read(exchange, piece) {
                Ok(piece) => exchange.wire.push(piece),
                Err(fault) => {
                    let moved = exchange.moved();
                    return Some(Outcome::Local { moved, fault });
                }
            }
        }
        exchange.sent += len;
        self.tell(op, exchange);
        if exchange.sent == exchange.body_len {
            if matches!(exchange.fate, Fate::StallSending(_)) {
                return None;
            }
            exchange.stage = Stage::Arriving;
            self.schedule(exchange.latency / 2, Event::Net(op));
        } else {
            self.schedule(exchange.takes(exchange.next_send()), Event::Net(op));
        }
        None
    }

    /// Reads a piece of a request's body as it is now.
    fn read(&mut self, exchange: &Exchange, piece: Piece) -> Result<WirePiece, FileFault> {
        match piece {
            Piece::Inline(bytes) => Ok(WirePiece::Bytes(bytes)),
            Piece::Source(_) if happens(&mut self.rng, self.weather.disk) => {
                Err(FileFault::new(FileFaultKind::Io, "bad disk"))
            }
            Piece::Source(range) => {
                let job = self.job_of(exchange.task).and_then(|at| self.jobs.get(at));
                let file = job.and_then(|job| self.disk.file(job.file()));
                let file = file.ok_or_else(|| FileFault::new(FileFaultKind::NotFound, ""))?;
                if range.end() > file.content.len() {
                    return Err(FileFault::new(FileFaultKind::Changed, "it became shorter"));
                }
                Ok(WirePiece::Content(file.content.pieces(range)))
            }
        }
    }

    fn arrive(&mut self, op: OpId, exchange: &mut Exchange) -> Option<Outcome> {
        if exchange.answer.is_none() {
            let request = exchange.request();
            exchange.answer = Some(self.serve(&request));
        }
        match exchange.fate {
            Fate::Lost | Fate::LostStale => {
                let kind = if exchange.fate == Fate::Lost { FaultKind::Reset } else { FaultKind::Stale };
                let fault = Fault::new(kind, Sent::Maybe, "before the answer");
                Some(Outcome::Broken { moved: exchange.moved(), fault })
            }
            Fate::StallHead => None,
            _ => {
                exchange.stage = Stage::Answering;
                self.schedule(exchange.latency / 2, Event::Net(op));
                None
            }
        }
    }

    fn answered(&mut self, op: OpId, exchange: &mut Exchange) -> Option<Outcome> {
        let answer = exchange.answer.as_mut()?;
        if exchange.method == Method::HEAD {
            answer.body = WireBody::Bytes(Bytes::new());
        }
        let answer = answer.clone();
        let head = Head { status: answer.status, headers: &answer.headers };
        self.trace.note(self.now, format_args!("{op} head {}", answer.status));
        let now = self.now();
        let disposition = self.engine.handle_head(op, head, now);
        exchange.disposition = Some(disposition);
        exchange.heard = self.now;
        self.count_head(exchange);
        exchange.stage = Stage::Receiving;
        if disposition == Disposition::Close {
            let moved = exchange.moved();
            // Drivers differ in what they call an exchange that was closed at its head: for some of them it is over as any other.
            let complete = self.rng.up_to(1) == 0;
            return Some(if complete {
                Outcome::Complete { moved, body: Bytes::new() }
            } else {
                Outcome::Cancelled { moved }
            });
        }
        self.schedule(exchange.takes(exchange.next_come()), Event::Net(op));
        None
    }

    fn receive(&mut self, op: OpId, exchange: &mut Exchange) -> Option<Outcome> {
        let answer = exchange.answer.clone()?;
        let len = exchange.next_come();
        let from = exchange.come;
        // Ranges are asked for within the window; an answer without one comes as it likes.
        let whole = answer.status == 200 && matches!(exchange.disposition, Some(Disposition::WriteAt { .. }));
        exchange.held = whole && self.overflows(exchange, from + len);
        if exchange.held {
            exchange.heard = self.now;
            self.tell(op, exchange);
            self.schedule(TICK, Event::Net(op));
            return None;
        }
        exchange.come += len;
        let wanted = match exchange.disposition {
            Some(Disposition::WriteAt { skip, offset, len: most, .. }) => {
                if let Err(fault) = self.store(exchange, &answer.body, (skip, offset, most), (from, len)) {
                    let moved = exchange.moved();
                    return Some(Outcome::Local { moved, fault });
                }
                most
            }
            _ => {
                if let WireBody::Bytes(bytes) = &answer.body {
                    let start = usize::try_from(from).unwrap_or(0);
                    let end = usize::try_from(from + len).unwrap_or(0);
                    exchange.collected.extend_from_slice(bytes.get(start..end).unwrap_or_default());
                }
                u64::MAX
            }
        };
        let ended = exchange.come >= answer.body.len();
        let full = exchange.written() >= wanted;
        let fault = |kind| Some(Outcome::Broken { moved: exchange.moved(), fault: Fault::new(kind, Sent::Maybe, "") });
        if exchange.struck() && (!ended || matches!(exchange.fate, Fate::ResetBody(_) | Fate::StallBody(_))) {
            match exchange.fate {
                Fate::ResetBody(_) => return fault(FaultKind::Reset),
                Fate::StallBody(_) => {
                    self.tell(op, exchange);
                    return None;
                }
                Fate::ShortUnnoticed(_) if answer.framed => {}
                _ => return fault(FaultKind::Truncated),
            }
        } else if !ended && !full {
            self.tell(op, exchange);
            self.schedule(exchange.takes(exchange.next_come()), Event::Net(op));
            return None;
        }
        Some(Outcome::Complete { moved: exchange.moved(), body: Bytes::from(core::mem::take(&mut exchange.collected)) })
    }

    /// Writes what came of an object's bytes to the target, at the place the engine gave.
    fn store(
        &mut self,
        exchange: &mut Exchange,
        body: &WireBody,
        (skip, offset, most): (u64, u64, u64),
        (from, len): (u64, u64),
    ) -> Result<(), FileFault> {
        let WireBody::Object(object, fill) = *body else {
            return Ok(());
        };
        let come = ByteRange::at(from, len);
        let Some(wanted) = come.intersect(ByteRange::at(skip, most)) else {
            return Ok(());
        };
        let source = ByteRange::at(object.start() + wanted.start(), wanted.len());
        let place = ByteRange::at(offset + (wanted.start() - skip), wanted.len());
        let Some(at) = self.job_of(exchange.task) else {
            return Ok(());
        };
        let Some(job) = self.jobs.get_mut(at) else {
            return Ok(());
        };
        job.received += place.len();
        let target = job.file().to_owned();
        let fill = if source == place { fill } else { Fill::Noise(source.start()) };
        let runs_full = happens(&mut self.rng, self.weather.full);
        if runs_full || happens(&mut self.rng, self.weather.disk) {
            let part = ByteRange::at(place.start(), self.rng.up_to(place.len()));
            self.disk.write(&target, at, part, fill)?;
            if !part.is_empty() {
                exchange.wrote.push((part, fill));
            }
            if runs_full {
                self.run_full();
                return Err(FileFault::new(FileFaultKind::Full, "short write"));
            }
            return Err(FileFault::new(FileFaultKind::Io, "short write"));
        }
        self.disk.write(&target, at, place, fill)?;
        exchange.wrote.push((place, fill));
        Ok(())
    }

    fn tell(&mut self, op: OpId, exchange: &mut Exchange) {
        self.count_more(exchange);
        let now = self.now();
        self.engine.handle_progress(op, exchange.moved(), now);
    }

    /// A request arrives at its server.
    pub(crate) fn serve(&mut self, request: &WireRequest) -> WireAnswer {
        if self.keep_requests {
            self.arrived.push((self.now, request.clone()));
        }
        self.requests += 1;
        let act = self.rules.strike(request);
        match act {
            Some(Act::Status(status, after)) => {
                let answer = WireAnswer::status(status);
                return match after {
                    Some(after) => answer.with("retry-after", after),
                    None => answer,
                };
            }
            Some(Act::Change) => self.change_object(request.path()),
            Some(Act::Forget) => {
                self.forgets += 1;
                self.store.forget();
                self.blocks.forget();
                self.form.forget(0);
            }
            _ => {}
        }
        if act.is_none() {
            let busy = |exchange: &&Exchange| exchange.answer.as_ref().is_some_and(|answer| !answer.body.is_empty());
            if self.exchanges.values().filter(busy).count() >= self.at_a_time {
                return WireAnswer::status(503);
            }
            if happens(&mut self.rng, self.weather.throttle) {
                return self.throttled(request);
            }
            if happens(&mut self.rng, self.weather.error) {
                let status = pick(&mut self.rng, &[500, 502, 504, 408]).unwrap_or(500);
                return WireAnswer::status(status);
            }
            if happens(&mut self.rng, self.weather.amnesia) {
                self.forgets += 1;
                if self.rng.up_to(1) == 0 {
                    self.store.forget();
                    self.blocks.forget();
                    self.hosts.values_mut().for_each(|host| host.forget());
                }
                let keep = self.rng.up_to(255);
                self.form.forget(keep);
            }
        }
        let defect = match act {
            Some(Act::Defect(defect)) => Some(defect),
            _ if happens(&mut self.rng, self.weather.defect) => pick(&mut self.rng, &ranged::Defect::ALL),
            _ => None,
        };
        let host = request.uri.authority().map(|host| host.as_str());
        let moment = self.moment_at(host.unwrap_or_default());
        let answer = match host {
            Some("form") => self.form.answer(request),
            Some("store") => self.store.answer(request, moment),
            Some("presigned") => self.presigner.answer(&mut self.store, request, moment),
            Some("blocks") => self.blocks.answer(request, moment),
            Some(host) if self.hosts.contains_key(host) => self.host_answers(request, moment),
            Some(SIGNED) => match self.presigner.refuse_download(request, moment) {
                Some(refusal) => refusal,
                None => self.ranged.answer(request, defect, moment),
            },
            _ => self.ranged.answer(request, defect, moment),
        };
        match act {
            Some(Act::Say(status, words)) => WireAnswer::status(status).text(words),
            _ => answer,
        }
    }

    fn throttled(&mut self, request: &WireRequest) -> WireAnswer {
        let host = request.uri.authority().map_or("", |host| host.as_str());
        let status = pick(&mut self.rng, &[429, 503, 503]).unwrap_or(503);
        let answer = WireAnswer::status(status);
        let seconds = self.rng.up_to(20);
        match self.rng.up_to(2) {
            0 => answer,
            1 => answer.with("retry-after", seconds.to_string()),
            _ => {
                let when = self.moment_at(host).wall.as_unix() + i64::try_from(seconds).unwrap_or(0);
                let wall = longhaul_core::Wall::from_unix(when);
                answer.with("retry-after", imf_fixdate(wall))
            }
        }
    }

    /// All exchanges die with their process. What was on its way may arrive.
    pub(crate) fn crash_exchanges(&mut self) {
        for (_, exchange) in core::mem::take(&mut self.exchanges) {
            if exchange.is_underway() && self.rng.up_to(1) == 0 {
                let delay = self.rng.up_to(2_000_000);
                self.schedule(delay, Event::Ghost(Box::new(exchange.request()), exchange.begun));
            }
        }
    }
}

fn brief(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Complete { moved, body } => format!("complete {} {}", moved.written, body.len()),
        Outcome::Broken { moved, fault } => format!("broken {} {fault}", moved.written),
        Outcome::Local { moved, fault } => format!("local {} {fault}", moved.written),
        Outcome::Cancelled { moved } => format!("cancelled {}", moved.written),
        other => format!("{other:?}"),
    }
}
