//! A store for one test: its server, what the environment has to say of it, and its SDK.

use std::ops::Deref;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::place::{Place, sha256};
use crate::support::sdk::Sdk;
use crate::support::stores;

/// Azurite's own, which everybody knows.
pub(crate) const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    S3,
    Oss,
    Azure,
}

pub(crate) const ALL: [Kind; 3] = [Kind::S3, Kind::Oss, Kind::Azure];

/// A place whose environment knows a store.
pub(crate) struct Shop {
    pub(crate) kind: Kind,
    pub(crate) endpoint: String,
    place: Place,
    sdk: Mutex<Sdk>,
}

impl Deref for Shop {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Shop {
    pub(crate) async fn new(kind: Kind) -> Self {
        let (name, script) = match kind {
            Kind::S3 => ("S3", "moto"),
            Kind::Oss => ("OSS", "oss"),
            Kind::Azure => ("AZURE", "azurite"),
        };
        let endpoint = stores::endpoint(name, script);
        let mut place = Place::new().await;
        let said = endpoint.clone();
        let env: &[(&'static str, &str)] = match kind {
            Kind::S3 => &[
                ("AWS_ACCESS_KEY_ID", "TESTAK"),
                ("AWS_SECRET_ACCESS_KEY", "TESTSK0123456789"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ENDPOINT_URL", &said),
            ],
            Kind::Oss => &[
                ("OSS_ACCESS_KEY_ID", "TESTAK"),
                ("OSS_ACCESS_KEY_SECRET", "TESTSK0123456789"),
                ("OSS_REGION", "cn-hangzhou"),
                ("OSS_ENDPOINT", &said),
            ],
            Kind::Azure => &[
                ("AZURE_STORAGE_ACCOUNT", "devstoreaccount1"),
                ("AZURE_STORAGE_KEY", AZURITE_KEY),
                ("AZURE_STORAGE_ENDPOINT", &said),
            ],
        };
        place.env.extend(env.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let sdk = Mutex::new(Sdk::start(script, &endpoint));
        Self { kind, endpoint, place, sdk }
    }

    /// As the command names an object.
    pub(crate) fn name(&self, key: &str) -> String {
        let scheme = match self.kind {
            Kind::S3 => "s3",
            Kind::Oss => "oss",
            Kind::Azure => "az",
        };
        format!("{scheme}://tbucket/{key}")
    }

    /// The same place with another environment.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.place.env.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.place.env.push((name, value.to_owned()));
        }
    }

    pub(crate) fn ask(&self, question: &Value) -> Value {
        self.sdk.lock().unwrap().ask(question)
    }

    /// What the store has under `key` is `bytes`, as its SDK reads it, and no upload of it is open.
    #[track_caller]
    pub(crate) fn holds(&self, key: &str, bytes: &[u8]) {
        self.has(key, bytes);
        assert_eq!(self.ask(&json!({"do": "open", "key": key})), 0, "{key}: nothing is left behind");
    }

    /// What the store has under `key` is `bytes`.
    #[track_caller]
    pub(crate) fn has(&self, key: &str, bytes: &[u8]) {
        let there = self.ask(&json!({"do": "look", "key": key}));
        assert_eq!(there, json!({"size": bytes.len(), "sha256": sha256(bytes)}), "{key}");
    }

    /// Writes a file with what the SDK signed: a plan, or a link.
    pub(crate) fn signed(&self, file: &str, question: &Value) -> String {
        std::fs::write(self.path(file), self.ask(question).to_string()).unwrap();
        self.path(file).display().to_string()
    }
}
