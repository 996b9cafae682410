//! What the server may do, as plain data.

use std::path::PathBuf;
use std::time::Duration;

use crate::Faults;

/// The settings of one server. Made by [`ServeConfig::new`]; every field may be set directly as well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServeConfig {
    /// The folder that is served.
    pub root: PathBuf,
    /// Whether uploads are accepted. Default: no, the folder is read-only and POST, PUT and PATCH answer 405.
    pub uploads: bool,
    /// Whether an upload's MD5 is checked before it is published. Default: yes.
    pub verify: bool,
    /// Whether a folder answers GET with a plain HTML list of its files. Default: yes; otherwise 404.
    pub listing: bool,
    /// Whether a symbolic link may lead out of the root. Default: no, such a path answers 404.
    pub links_may_leave: bool,
    /// The faults to inject. Default: none. [`Running::set_faults`](crate::Running::set_faults) replaces them later.
    pub faults: Faults,
    /// How long a stall lasts when the client does not give up. Default: 5 minutes.
    pub stall_bound: Duration,
    /// Connections served at a time; further ones wait to be accepted. Default: 1,024.
    pub max_connections: usize,
}

impl ServeConfig {
    /// A read-only server of `root` without faults.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            uploads: false,
            verify: true,
            listing: true,
            links_may_leave: false,
            faults: Faults::none(),
            stall_bound: Duration::from_secs(300),
            max_connections: 1024,
        }
    }

    /// Sets [`ServeConfig::uploads`].
    #[must_use]
    pub fn uploads(mut self, allowed: bool) -> Self {
        self.uploads = allowed;
        self
    }

    /// Sets [`ServeConfig::verify`].
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Sets [`ServeConfig::faults`].
    #[must_use]
    pub fn faults(mut self, faults: impl Into<Faults>) -> Self {
        self.faults = faults.into();
        self
    }
}
