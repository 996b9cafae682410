//! A store, its SDK, and what every store's suite does with the two.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use longhaul::core::plan::{DownloadPlan, HostRule, Hosts, PlainHttp, Policy, UploadPlan};
use longhaul::core::{Provider, Wall};
use longhaul::http::{Headers, HttpPut};
use longhaul_presigned::{PresignedDownload, PresignedUpload, json};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::jobs::{from_file, to_file};
use crate::support::sdk::Sdk;
use crate::support::{Folder, client, content, run, stores};

/// A server, and in what it is not like the service it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Server {
    /// To the oracle script.
    pub(crate) script: &'static str,
    /// In the variable `LONGHAUL_…_ENDPOINT` that names another one in its place.
    pub(crate) variable: &'static str,
    pub(crate) region: &'static str,
    /// Who asks.
    pub(crate) key: &'static str,
    pub(crate) secret: &'static str,
    /// Bytes of a part.
    pub(crate) part: u64,
    /// By what it notices that a byte of a part is another one than was sent.
    pub(crate) notices: Notices,
    /// It does not make an object that must not be there already; without that it replaces what is there.
    pub(crate) conditions: bool,
    /// With which status it refuses URLs that have ended, if it does.
    pub(crate) ended: Option<u16>,
}

/// By what a server notices a part that was damaged on its way (D13).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notices {
    /// By nothing: it cannot tell, and makes the object of what it got.
    Nothing,
    /// It tells of every part what it got, or compares it with the MD5 that every upload to it has.
    Always,
    /// By a checksum, where one goes along.
    Checksums,
    /// By a signature, where it covers content.
    Signatures,
}

/// One store's server with its vendor's SDK at its side.
pub(crate) struct Counterpart {
    pub(crate) server: Server,
    pub(crate) endpoint: String,
    /// Bytes of a part.
    pub(crate) part: u64,
    sdk: Mutex<Sdk>,
    pub(crate) folder: Folder,
}

impl Counterpart {
    pub(crate) fn new(server: Server) -> Self {
        let endpoint = stores::endpoint(server.variable, server.script);
        let sdk = Mutex::new(Sdk::start(server.script, &endpoint));
        Self { server, endpoint, part: server.part, sdk, folder: Folder::new() }
    }

    pub(crate) fn ask(&self, question: &Value) -> Value {
        self.sdk.lock().unwrap().ask(question)
    }

    /// Sizes at which something begins or ends.
    pub(crate) fn sizes(&self) -> [u64; 6] {
        [0, 1, self.part - 1, self.part, self.part + 1, 5 * self.part + 7]
    }

    /// What the SDK tells of an object of `bytes`.
    pub(crate) fn told(bytes: &[u8]) -> Value {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        json!({"size": bytes.len(), "sha256": sha256})
    }

    /// What the SDK tells of the object under `key`; null: there is none.
    pub(crate) fn look(&self, key: &str) -> Value {
        self.ask(&json!({"do": "look", "key": key}))
    }

    /// How much waits in uploads that nobody completed: sessions, on Azure blocks.
    pub(crate) fn open(&self, key: &str) -> usize {
        let open = self.ask(&json!({"do": "open", "key": key}));
        open.as_u64().unwrap().try_into().unwrap()
    }

    /// What the store has under `key` is `bytes`, as its SDK reads it, and no upload of it is open.
    pub(crate) fn holds(&self, key: &str, bytes: &[u8]) {
        assert_eq!(self.look(key), Self::told(bytes), "{key:.60}");
        assert_eq!(self.open(key), 0, "{key:.60}: nothing is left behind");
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        self.folder.file("source", bytes)
    }

    /// `bytes` go up as `upload` says, and are what the SDK reads.
    pub(crate) async fn goes_up(&self, upload: impl Provider + 'static, key: &str, bytes: &[u8]) {
        let job = from_file(upload, &self.file(bytes), &self.folder.join("journals"), self.part);
        let done = run(&client(), job).await;
        assert!(done.is_ok(), "{key:.60} of {}: {done:?}", bytes.len());
        self.holds(key, bytes);
    }

    /// What `download` brings is `bytes`.
    pub(crate) async fn comes_down(&self, download: impl Provider + 'static, bytes: &[u8]) {
        let target = self.folder.join("target");
        let name = download.object().to_owned();
        let done = run(&client(), to_file(download, &target, self.part)).await;
        assert!(done.is_ok(), "{name:?} of {}: {done:?}", bytes.len());
        assert!(std::fs::read(&target).unwrap() == bytes, "{name:?}");
        std::fs::remove_file(&target).unwrap();
    }

    /// Both ways at every size, with the library's own signatures.
    pub(crate) async fn every_size<U: Provider + 'static, D: Provider + 'static>(
        &self,
        folder: &str,
        up: impl Fn(&str) -> U,
        down: impl Fn(&str) -> D,
    ) {
        for size in self.sizes() {
            let (mine, theirs) = (format!("{folder}/mine/{size}"), format!("{folder}/theirs/{size}"));
            let bytes = content(size as usize, size + 1);
            self.goes_up(up(&mine), &mine, &bytes).await;
            self.ask(&json!({"do": "put", "key": theirs, "file": self.file(&bytes), "part": self.part}));
            self.comes_down(down(&theirs), &bytes).await;
        }
    }

    /// Both ways for every key.
    pub(crate) async fn every_key<U: Provider + 'static, D: Provider + 'static>(
        &self,
        keys: &[String],
        up: impl Fn(&str) -> U,
        down: impl Fn(&str) -> D,
    ) {
        for (number, key) in keys.iter().enumerate() {
            // Every other one in parts.
            let bytes = content(10 + number % 2 * (2 * self.part as usize), number as u64);
            self.goes_up(up(key), key, &bytes).await;
            self.comes_down(down(key), &bytes).await;
        }
    }

    /// Both ways at every size, with plans that the SDK issues.
    pub(crate) async fn every_size_by_plan(&self) {
        for size in self.sizes() {
            self.by_plan(&format!("planned/{size} a+b%"), &content(size as usize, size + 9)).await;
        }
    }

    /// Much of it, both ways: with the library's own signatures, and with plans.
    pub(crate) async fn three_hundred_mebibytes<U: Provider + 'static, D: Provider + 'static>(
        &self,
        up: impl Fn(&str) -> U,
        down: impl Fn(&str) -> D,
    ) {
        static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| content(300 << 20, 3));
        self.goes_up(up("large"), "large", &LARGE).await;
        self.comes_down(down("large"), &LARGE).await;
        self.by_plan("large by plan", &LARGE).await;
    }

    async fn by_plan(&self, key: &str, bytes: &[u8]) {
        let policy = policy();
        let size = bytes.len();
        if size > 0 {
            let plan = self.ask(&json!({"do": "plan", "key": key, "size": size, "part": self.part}));
            let draft = json::upload_draft(plan.to_string().as_bytes()).unwrap();
            let plan = UploadPlan::new(&draft, &policy, now()).unwrap();
            self.goes_up(PresignedUpload::new(plan), key, bytes).await;
        } else {
            // A plan has parts; nothing at all goes up with one request.
            let form = self.ask(&json!({"do": "form", "key": key}));
            let mut headers = Headers::new();
            for (name, value) in form["headers"].as_object().unwrap() {
                headers.add_line(&format!("{name}: {}", value.as_str().unwrap())).unwrap();
            }
            let put = HttpPut::new(form["url"].as_str().unwrap()).unwrap().with_headers(headers).unwrap();
            self.goes_up(put, key, bytes).await;
        }
        let link = self.ask(&json!({"do": "link", "key": key, "size": size}));
        let draft = json::download_draft(link.to_string().as_bytes()).unwrap();
        let plan = DownloadPlan::new(&draft, &policy, now()).unwrap();
        self.comes_down(PresignedDownload::new(plan).unwrap(), bytes).await;
    }
}

/// What these servers' URLs may be.
pub(crate) fn policy() -> Policy {
    Policy::new(Hosts::These(vec![HostRule::Exact("127.0.0.1".into())])).with_plain_http(PlainHttp::Loopback)
}

/// This machine's clock, in unix seconds.
pub(crate) fn now() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Wall::from_unix(since.as_secs().try_into().unwrap())
}
