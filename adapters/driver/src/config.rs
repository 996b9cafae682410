//! A client's settings, with their defaults and bounds.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroUsize;
use std::time::Duration;

use longhaul_core::Config;

use crate::rate::Rates;

/// The settings of a [`Client`](crate::Client). [`ClientConfig::default`] is right for most; [`ClientConfig::builder`] changes some.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    pub(crate) core: Config,
    pub(crate) seed: u64,
    pub(crate) command_capacity: usize,
    pub(crate) event_capacity: usize,
    pub(crate) listener_capacity: usize,
    pub(crate) tick: Duration,
    pub(crate) read_chunk: usize,
    pub(crate) write_batch: usize,
    pub(crate) rates: Rates,
    pub(crate) callback_grace: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            core: Config::default(),
            // The standard library's own entropy: different in every process and for every call.
            seed: RandomState::new().build_hasher().finish(),
            command_capacity: 256,
            event_capacity: 256,
            listener_capacity: 4096,
            tick: Duration::from_millis(200),
            read_chunk: 256 << 10,
            write_batch: 512 << 10,
            rates: Rates::unlimited(),
            callback_grace: Duration::from_secs(5),
        }
    }
}

impl ClientConfig {
    /// All defaults, to be changed.
    pub fn builder() -> ClientConfigBuilder {
        ClientConfigBuilder { config: Self::default() }
    }
}

/// A setting outside its bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting.
    pub setting: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.setting, self.rule)
    }
}

impl std::error::Error for ConfigError {}

/// Changes settings one by one; [`build`](Self::build) checks them all.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientConfigBuilder {
    config: ClientConfig,
}

impl ClientConfigBuilder {
    /// The engine's bounds, adaptive concurrency, checkpoint interval and redirects. Default [`Config::default`].
    pub fn core(mut self, core: Config) -> Self {
        self.config.core = core;
        self
    }

    /// Where the engine's randomness (jitter, session names) starts. Default: different for every client.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Commands that may wait for the loop. Default 256.
    pub fn command_capacity(mut self, commands: NonZeroUsize) -> Self {
        self.config.command_capacity = commands.get();
        self
    }

    /// Events kept for a handle that does not read them; the oldest go first, the end stays. Default 256.
    pub fn event_capacity(mut self, events: NonZeroUsize) -> Self {
        self.config.event_capacity = events.get();
        self
    }

    /// Events kept for slow listeners; the oldest go first, ends stay. Default 4096.
    pub fn listener_capacity(mut self, events: NonZeroUsize) -> Self {
        self.config.listener_capacity = events.get();
        self
    }

    /// How often requests in flight are looked at, for progress, stalls and the recent rate: 10 ms to 1 s. Default 200 ms.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.config.tick = tick;
        self
    }

    /// Bytes read from a source at once: 4 KiB to 16 MiB. A request holds about three such buffers. Default 256 KiB.
    pub fn read_chunk(mut self, bytes: usize) -> Self {
        self.config.read_chunk = bytes;
        self
    }

    /// Bytes gathered before they are written to a target: 4 KiB to 64 MiB. A request holds about two such batches; where the kernel
    /// moves by itself what comes, up to two pipes of 1 MiB instead. Default 512 KiB.
    pub fn write_batch(mut self, bytes: usize) -> Self {
        self.config.write_batch = bytes;
        self
    }

    /// Rate limits. Default none.
    pub fn rates(mut self, rates: Rates) -> Self {
        self.config.rates = rates;
        self
    }

    /// How long [`Client::close`](crate::Client::close) waits for callbacks that still run. Default 5 s.
    pub fn callback_grace(mut self, grace: Duration) -> Self {
        self.config.callback_grace = grace;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// The first setting that is outside its bounds.
    pub fn build(self) -> Result<ClientConfig, ConfigError> {
        let config = self.config;
        let (limits, concurrency) = (&config.core.limits, &config.core.concurrency);
        let rules = [
            (limits.uploads > 0, "limits.uploads", "must be at least 1"),
            (limits.downloads > 0, "limits.downloads", "must be at least 1"),
            (limits.requests > 0, "limits.requests", "must be at least 1"),
            (limits.per_authority > 0, "limits.per_authority", "must be at least 1"),
            (limits.per_task > 0, "limits.per_task", "must be at least 1"),
            (concurrency.floor > 0, "concurrency.floor", "must be at least 1"),
            (concurrency.floor <= concurrency.initial, "concurrency.initial", "must not be below concurrency.floor"),
            (
                concurrency.initial <= concurrency.ceiling,
                "concurrency.ceiling",
                "must not be below concurrency.initial",
            ),
            (config.core.interval.bytes > 0, "interval.bytes", "must be at least 1"),
            (!config.core.interval.time.is_zero(), "interval.time", "must not be zero"),
            (
                (Duration::from_millis(10)..=Duration::from_secs(1)).contains(&config.tick),
                "tick",
                "must be 10 ms to 1 s",
            ),
            ((4 << 10..=16 << 20).contains(&config.read_chunk), "read_chunk", "must be 4 KiB to 16 MiB"),
            ((4 << 10..=64 << 20).contains(&config.write_batch), "write_batch", "must be 4 KiB to 64 MiB"),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, setting, rule)) => Err(ConfigError { setting, rule }),
            None => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_own_bounds() {
        assert!(ClientConfig::builder().build().is_ok());
    }

    #[test]
    fn a_setting_out_of_bounds_is_named_with_its_rule() {
        let mut core = Config::default();
        core.concurrency.initial = 0;
        let error = ClientConfig::builder().core(core).build().expect_err("floor above initial");
        assert_eq!(error.to_string(), "concurrency.initial must not be below concurrency.floor");
        let error = ClientConfig::builder().tick(Duration::ZERO).build().expect_err("no tick");
        assert_eq!(error.setting, "tick");
        assert!(ClientConfig::builder().read_chunk(1).build().is_err());
        assert!(ClientConfig::builder().write_batch(usize::MAX).build().is_err());
    }

    #[test]
    fn seeds_differ_unless_given() {
        assert_ne!(ClientConfig::default().seed, ClientConfig::default().seed);
        assert_eq!(ClientConfig::builder().seed(7).build().expect("valid").seed, 7);
    }
}
