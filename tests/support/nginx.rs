//! A real nginx, started by the oracle script.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The plain port; the next two are for TLS and the other origin. Unlike the script's own defaults, so that both can run.
const PORT: u16 = 18_181;

/// One instance. Stopped when dropped.
pub struct Nginx {
    /// One test, of whatever process, has it at a time.
    _lock: File,
}

impl Nginx {
    /// Starts one; gets nginx first where it is missing.
    ///
    /// # Panics
    /// When there is no nginx and none can be got, with the way to get it.
    pub fn start() -> Self {
        let lock = File::create(std::env::temp_dir().join(format!("longhaul-nginx-{PORT}.lock"))).unwrap();
        lock.lock().unwrap();
        let nginx = Self { _lock: lock };
        // Lines of former runs are of no use, and there can be many.
        let _ = File::options().write(true).truncate(true).open(nginx.ask("log"));
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
        command.arg(verb).env("LONGHAUL_NGINX_HTTP", PORT.to_string());
        command.env("LONGHAUL_NGINX_TLS", (PORT + 1).to_string());
        command.env("LONGHAUL_NGINX_OTHER", (PORT + 2).to_string());
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

    /// The whole lines of the access log.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.ask("log")).unwrap_or_default();
        // The last line may be in the making.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(String::from).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.script("stop");
    }
}
