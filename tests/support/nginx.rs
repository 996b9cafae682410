//! A real nginx, started by the oracle script.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One instance, on ports of its own. Stopped when dropped.
pub struct Nginx {
    ports: [u16; 3],
}

impl Nginx {
    /// Starts one; gets nginx first where it is missing.
    ///
    /// # Panics
    /// When there is no nginx and none can be got, with the way to get it.
    pub fn start(http: u16) -> Self {
        let nginx = Self { ports: [http, http + 1, http + 2] };
        if !nginx.script("start").status.success() {
            let install = nginx.script("install");
            assert!(
                install.status.success(),
                "these tests need nginx, and `tests/oracles/nginx.sh install` failed; install nginx 1.22 or newer so \
                 that it is on the PATH, then run them again:\n{}",
                String::from_utf8_lossy(&install.stderr)
            );
            let start = nginx.script("start");
            assert!(start.status.success(), "nginx does not start:\n{}", String::from_utf8_lossy(&start.stderr));
        }
        nginx
    }

    fn script(&self, verb: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/nginx.sh");
        let mut command = Command::new(script);
        command.arg(verb).env("LONGHAUL_NGINX_HTTP", self.ports[0].to_string());
        command.env("LONGHAUL_NGINX_TLS", self.ports[1].to_string());
        command.env("LONGHAUL_NGINX_OTHER", self.ports[2].to_string());
        command.output().unwrap()
    }

    fn ask(&self, verb: &str) -> String {
        String::from_utf8(self.script(verb).stdout).unwrap().trim_end().into()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ask("url"))
    }

    pub fn tls_url(&self, path: &str) -> String {
        format!("{}{path}", self.ask("tls"))
    }

    pub fn files(&self) -> PathBuf {
        Path::new(&self.ask("www")).join("files")
    }

    pub fn ca(&self) -> Vec<u8> {
        std::fs::read(self.ask("ca")).unwrap()
    }

    /// The lines of the access log.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.ask("log")).unwrap_or_default();
        text.lines().map(String::from).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.script("stop");
    }
}
