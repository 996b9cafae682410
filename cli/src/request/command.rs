//! The command that asks for a transfer again, from any folder, without its secrets.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Remote, Request, Source, Target, What, Who, is_secret_proxy};
use crate::args::{Made, Method, Overwrite};
use crate::shown::{self, REDACTED};

impl Request {
    /// The command, quoted for a shell. Secrets are left out and marked.
    pub(crate) fn command(&self, state: Option<&Path>) -> String {
        let mut line = Line(vec!["longhaul".into(), self.kind().into()]);
        self.own(&mut line);
        self.common(&mut line);
        self.server(&mut line);
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
        match (&self.url_file, &self.remote) {
            (Some(file), _) => line.add(at(file)),
            (None, Remote::Http(url) | Remote::Sas(url)) => line.add(shown::url(url)),
            (None, Remote::Store(store)) => line.add(store.shown()),
            (None, Remote::Plan(_)) => {}
        }
        line.quoted()
    }

    /// Where a store is, who asks, which plan.
    fn server(&self, line: &mut Line) {
        match &self.remote {
            Remote::Store(store) => {
                let place = store.place();
                for (option, value) in
                    [("--endpoint", &place.endpoint), ("--region", &place.region), ("--account", &place.account)]
                {
                    if let Some(value) = value {
                        line.option(option, value);
                    }
                }
                if place.path_style {
                    line.add("--path-style");
                }
                if let Some(id) = store.version() {
                    line.add(format!("--version-id={id}"));
                }
                match store.who() {
                    Who::Environment => {}
                    Who::Anonymous => line.add("--anonymous"),
                    Who::Command(command) => line.option("--credentials-command", command),
                }
            }
            Remote::Plan(plan) => {
                line.option("--plan", plan.path());
                for host in plan.hosts() {
                    line.option("--allow-host", host);
                }
            }
            Remote::Http(_) | Remote::Sas(_) => {}
        }
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
            What::Put { method, name, category, made, .. } => {
                describe(made, line);
                if *method == Some(Method::Put) {
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
            line.option("--header", at(file));
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
        if options.no_recheck {
            line.add("--no-recheck");
        }
    }
}

/// What was said of the object.
fn describe(made: &Made, line: &mut Line) {
    if let Some(kind) = &made.content_type {
        line.option("--content-type", kind);
    }
    for (name, value) in &made.metadata {
        line.option("--metadata", format!("{name}={value}"));
    }
    if let Some(class) = &made.storage_class {
        line.option("--storage-class", class);
    }
    if made.no_overwrite {
        line.add("--no-overwrite");
    }
}

fn at(file: &Path) -> OsString {
    let mut word = OsString::from("@");
    word.push(file);
    word
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
