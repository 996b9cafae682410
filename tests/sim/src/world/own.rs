//! The embedder's own servers and transfers in the world.

use longhaul_core::{Direction, Provider};

use super::{Job, World};
use crate::server::own::Server;
use crate::wire::{Moment, WireAnswer, WireRequest};

impl World {
    /// A server of the embedder's own at `host`, which is the authority of its provider's URLs.
    pub fn host(&mut self, host: &str, server: impl Server + 'static) {
        self.hosts.insert(host.into(), Box::new(server));
    }

    pub(crate) fn host_answers(&mut self, request: &WireRequest, now: Moment) -> WireAnswer {
        let host = request.uri.authority().and_then(|host| self.hosts.get_mut(host.as_str()));
        host.map_or_else(|| WireAnswer::status(404), |host| host.answer(request, now))
    }

    /// Whether what a transfer says is complete is the same at both ends.
    pub(crate) fn own_is_right(&self, job: &Job, direction: Direction, provider: &dyn Provider) -> bool {
        let there = self.hosts.values().find_map(|host| host.object(provider.object()));
        match direction {
            Direction::Upload => there.is_some_and(|object| job.sources.contains(&object)),
            Direction::Download => self.disk.file(job.file()).map(|file| &file.content) == there.as_ref(),
        }
    }
}
