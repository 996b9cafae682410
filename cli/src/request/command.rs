//! The command that asks for a transfer again, from any folder, without its secrets.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Request, Source, Target, What, is_secret_proxy};
use crate::args::{Method, Overwrite};
use crate::shown::{self, REDACTED};

impl Request {
    /// The command, quoted for a shell. Secrets are left out and marked.
    pub(crate) fn command(&self, state: Option<&Path>) -> String {
        let mut line = Line(vec!["longhaul".into(), self.kind().into()]);
        self.own(&mut line);
        self.common(&mut line);
        if let Some(state) = state {
            line.option("--state", state);
        }
        // After `--`, names that begin with a dash are names.
        line.add("--");
        if let What::Put { from, .. } = &self.what {
            line.add(match from {
                Source::File(path) => path.as_os_str(),
                Source::Stdin => OsStr::new("-"),
            });
        }
        line.add(shown::url(&self.url));
        line.quoted()
    }

    fn own(&self, line: &mut Line) {
        match &self.what {
            What::Get { to, overwrite } => {
                match to {
                    Target::File(path) | Target::Folder(path) => line.option("-o", path),
                    Target::Stdout => line.option("-o", "-"),
                }
                if *overwrite != Overwrite::default() {
                    line.option("--overwrite", overwrite.word());
                }
            }
            What::Put { method, name, category, .. } => {
                if *method == Method::Put {
                    line.option("--method", "put");
                }
                if let Some(name) = name {
                    line.add(format!("--name={name}"));
                }
                if let Some(category) = category {
                    line.add(format!("--category={category}"));
                }
            }
        }
    }

    fn common(&self, line: &mut Line) {
        let options = &self.options;
        if let Some(parts) = options.parts {
            line.option("--parts", parts.to_string());
        }
        if let Some(size) = options.part_size {
            line.option("--part-size", size.to_string());
        }
        if let Some(rate) = options.limit_rate {
            line.option("--limit-rate", rate.to_string());
        }
        if let Some(retries) = options.retries {
            line.option("--retries", retries.to_string());
        }
        if let Some(time) = options.idle_timeout {
            line.option("--idle-timeout", format!("{}ms", time.as_millis()));
        }
        for name in options.fields.lines() {
            line.option("--header", format!("{name}: {REDACTED}"));
        }
        for file in options.fields.files() {
            let mut value = OsString::from("@");
            value.push(file);
            line.option("--header", value);
        }
        for digest in &options.checksums {
            line.option("--checksum", digest.to_string());
        }
        if let Some(file) = &options.cacert {
            line.option("--cacert", file);
        }
        match options.proxy.as_deref() {
            Some(proxy) if is_secret_proxy(proxy) => line.option("--proxy", shown::url(proxy)),
            Some(proxy) => line.option("--proxy", proxy),
            None => {}
        }
    }
}

struct Line(Vec<OsString>);

impl Line {
    fn add(&mut self, word: impl AsRef<OsStr>) {
        self.0.push(word.as_ref().to_owned());
    }

    fn option(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.add(name);
        self.add(value);
    }

    fn quoted(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|word| shown::quoted(word)).collect();
        words.join(" ")
    }
}
