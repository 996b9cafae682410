//! One exchange on the simulated network: a request on its way, an answer on its way back, and what is to befall it.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use longhaul_core::intent::{Deadlines, Disposition, Moved, Piece};
use longhaul_core::rng::Rng;
use longhaul_core::{ByteRange, TaskId, Time};

use crate::content::{Fill, digest};
use crate::weather::{Weather, between, happens};
use crate::wire::{WireAnswer, WirePiece, WireRequest};

/// What befalls an exchange. Numbers are bytes of the body concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fate {
    /// Nothing.
    #[default]
    Fine,
    /// The connection cannot be made.
    ConnectFails,
    /// The kept connection was closed meanwhile.
    Stale,
    /// Silence before there is a connection.
    StallConnect,
    /// The connection breaks after so many bytes of the request.
    ResetSending(u64),
    /// Silence after so many bytes of the request.
    StallSending(u64),
    /// The server carries the request out and the connection breaks before the answer.
    Lost,
    /// The same, and the transport takes it for a kept connection that was closed meanwhile.
    LostStale,
    /// The server carries the request out and says nothing.
    StallHead,
    /// The connection breaks after so many bytes of the answer.
    ResetBody(u64),
    /// Silence after so many bytes of the answer.
    StallBody(u64),
    /// The answer ends after so many bytes.
    ShortBody(u64),
    /// The same, and the transport does not notice.
    ShortUnnoticed(u64),
}

impl Fate {
    /// Draws a fate. `body` is the length of the request's body, `answer` what the answer's may be.
    pub fn draw(weather: &Weather, rng: &mut Rng, body: u64, answer: u64) -> Self {
        if happens(rng, weather.connect) {
            return Self::ConnectFails;
        }
        if happens(rng, weather.stale) {
            return if rng.up_to(2) == 0 { Self::LostStale } else { Self::Stale };
        }
        if happens(rng, weather.lost) {
            return Self::Lost;
        }
        if happens(rng, weather.reset) {
            return if body > 0 && rng.up_to(1) == 0 {
                Self::ResetSending(rng.up_to(body))
            } else {
                Self::ResetBody(rng.up_to(answer))
            };
        }
        if happens(rng, weather.stall) {
            return match rng.up_to(3) {
                0 => Self::StallConnect,
                1 => Self::StallSending(rng.up_to(body)),
                2 => Self::StallHead,
                _ => Self::StallBody(rng.up_to(answer)),
            };
        }
        if happens(rng, weather.short) {
            let at = rng.up_to(answer);
            return if rng.up_to(1) == 0 { Self::ShortBody(at) } else { Self::ShortUnnoticed(at) };
        }
        Self::Fine
    }
}

/// How far an exchange is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// No connection yet.
    Connecting,
    /// The request is being sent.
    Sending,
    /// The request is there in full, or about to be.
    Arriving,
    /// The answer's head is on its way.
    Answering,
    /// The answer's body is.
    Receiving,
}

/// One exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Whose it is.
    pub task: TaskId,
    /// The server, as in the URL.
    pub host: String,
    /// The request's head.
    pub method: Method,
    /// Where it goes.
    pub uri: Uri,
    /// The request's fields.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Vec<Piece>,
    /// Its length.
    pub body_len: u64,
    /// Content bytes it counts against the limit of bytes in flight.
    pub cost: u64,
    /// The digest wanted over the content sent.
    pub digest: Option<longhaul_core::Algorithm>,
    /// What befalls it.
    pub fate: Fate,
    /// How far it is.
    pub stage: Stage,
    /// Body bytes sent.
    pub sent: u64,
    /// The body as far as it is sent.
    pub wire: Vec<WirePiece>,
    /// The answer, once there is one.
    pub answer: Option<WireAnswer>,
    /// What to do with its body.
    pub disposition: Option<Disposition>,
    /// Body bytes of the answer that have come.
    pub come: u64,
    /// What was written of them, by its place in the object.
    pub wrote: Vec<(ByteRange, Fill)>,
    /// Bytes collected.
    pub collected: Vec<u8>,
    /// Bytes per second.
    pub rate: u64,
    /// Microseconds there and back.
    pub latency: u64,
    /// Content bytes that the request sends.
    pub content_len: u64,
    /// Content bytes moved, as the engine was last told.
    pub told: u64,
    /// Its clocks.
    pub deadlines: Deadlines,
    /// When it began.
    pub begun: Time,
    /// When the engine last heard of it.
    pub heard: Time,
    /// To be stopped.
    pub cancelled: bool,
    /// It waits for its consumer.
    pub held: bool,
}

impl Exchange {
    /// Draws latency and rate.
    pub fn set_pace(&mut self, weather: &Weather, rng: &mut Rng) {
        self.latency = between(rng, weather.latency);
        self.rate = between(rng, weather.rate).max(1);
    }

    /// Microseconds that `bytes` take.
    #[must_use]
    pub const fn takes(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(1_000_000) / self.rate
    }

    /// The next stretch of the request's body to send: the bytes until the next border (of a piece, a share, or the fate).
    #[must_use]
    pub fn next_send(&self) -> u64 {
        let left = self.body_len - self.sent;
        let share = (self.body_len / 3).max(1).min(left);
        match self.fate {
            Fate::ResetSending(at) | Fate::StallSending(at) if at > self.sent => share.min(at - self.sent),
            Fate::ResetSending(_) | Fate::StallSending(_) => 0,
            _ => share,
        }
    }

    /// The stretch of the answer's body that comes next.
    #[must_use]
    pub fn next_come(&self) -> u64 {
        let len = self.answer.as_ref().map_or(0, |answer| answer.body.len());
        let left = len.saturating_sub(self.come);
        let share = (len / 3).max(1).min(left);
        match self.fate {
            Fate::ResetBody(at) | Fate::StallBody(at) | Fate::ShortBody(at) | Fate::ShortUnnoticed(at) => {
                share.min(at.saturating_sub(self.come))
            }
            _ => share,
        }
    }

    /// Whether the fate strikes the answer's body at this place.
    #[must_use]
    pub fn struck(&self) -> bool {
        match self.fate {
            Fate::ResetBody(at) | Fate::StallBody(at) | Fate::ShortBody(at) | Fate::ShortUnnoticed(at) => {
                self.come >= at
            }
            _ => false,
        }
    }

    /// Whether all of the request is sent and the server has not seen it yet.
    #[must_use]
    pub fn is_underway(&self) -> bool {
        self.stage == Stage::Arriving && self.answer.is_none()
    }

    /// Bytes written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.wrote.iter().map(|(range, _)| range.len()).sum()
    }

    /// How far it has come, as the engine is told.
    #[must_use]
    pub fn moved(&self) -> Moved {
        let digest = match (self.digest, self.disposition) {
            (Some(algorithm), _) if self.sent == self.body_len => Some(digest(algorithm, &self.request().content())),
            (_, Some(Disposition::WriteAt { digest: Some(algorithm), .. })) => Some(digest(algorithm, &self.wrote)),
            _ => None,
        };
        Moved {
            connected: self.stage != Stage::Connecting,
            sent: self.sent,
            written: self.written(),
            digest,
            held: self.held,
        }
    }

    /// Content bytes moved so far, in whichever direction. A form's own words do not count beyond its content.
    #[must_use]
    pub fn content_moved(&self) -> u64 {
        match self.disposition {
            Some(Disposition::WriteAt { .. }) => self.written(),
            _ => self.sent.min(self.content_len),
        }
    }

    /// When the clock that runs now runs out.
    #[must_use]
    pub fn due(&self) -> Option<Time> {
        match self.stage {
            Stage::Connecting => self.deadlines.connect.map(|span| self.begun + span),
            Stage::Receiving => self.deadlines.idle.map(|span| self.heard + span),
            Stage::Sending if self.sent < self.body_len => self.deadlines.idle.map(|span| self.heard + span),
            Stage::Sending | Stage::Arriving | Stage::Answering => {
                self.deadlines.first_byte.map(|span| self.heard + span)
            }
        }
    }

    /// The request as far as it is sent.
    #[must_use]
    pub fn request(&self) -> WireRequest {
        WireRequest {
            method: self.method.clone(),
            uri: self.uri.clone(),
            headers: self.headers.clone(),
            body: self.wire.clone(),
        }
    }

    /// The pieces of the body in `from..from + len`, by their own places.
    #[must_use]
    pub fn slice(&self, from: u64, len: u64) -> Vec<Piece> {
        let (mut at, mut out) = (0, Vec::new());
        for piece in &self.body {
            let here = ByteRange::at(at, piece.len());
            at = here.end();
            let Some(part) = here.intersect(ByteRange::at(from, len)) else {
                continue;
            };
            let skip = part.start() - here.start();
            out.push(match piece {
                Piece::Inline(bytes) => {
                    let start = usize::try_from(skip).unwrap_or(0);
                    let end = start + usize::try_from(part.len()).unwrap_or(0);
                    Piece::Inline(Bytes::copy_from_slice(bytes.get(start..end).unwrap_or_default()))
                }
                Piece::Source(range) => Piece::Source(ByteRange::at(range.start() + skip, part.len())),
            });
        }
        out
    }
}
