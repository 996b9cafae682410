//! A small server and a folder of its own, so that every example runs as it is.
#![allow(dead_code, reason = "not every example needs all of it")]

use longhaul_serve::{Faults, Running, ServeConfig, Server as Reference};

/// The reference server on loopback, over a temporary folder with a 32 MiB `sample.bin`.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    running: Running,
}

impl Server {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let sample: Vec<u8> = (0..32u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        std::fs::create_dir(folder.path().join("www"))?;
        std::fs::write(folder.path().join("www/sample.bin"), sample)?;
        let config = ServeConfig::new(folder.path().join("www")).uploads(true);
        let running = Reference::bind(([127, 0, 0, 1], 0).into(), config).await?;
        Ok(Self { folder, running })
    }

    /// The URL of something on the server.
    pub(crate) fn url(&self, path: &str) -> String {
        self.running.url(path)
    }

    /// What the server does wrong from now on.
    pub(crate) fn faults(&self, faults: impl Into<Faults>) {
        self.running.set_faults(faults);
    }

    /// A place beside the server's own folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// The served sample as a local file.
    pub(crate) fn sample(&self) -> String {
        self.path("www/sample.bin")
    }
}
