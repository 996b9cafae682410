//! The server that these suites ask, and its control plane: what it holds, what it has open, what it does wrong.

use longhaul_oss::{AccessKey, Bucket, Object};
use longhaul_sign::json::{Document, Json, Limits, parse};

use crate::crc64;
use crate::support::stores;

#[derive(Clone)]
pub(crate) struct Emulator {
    endpoint: String,
}

/// A key that no other run has used: what was asked about it is this run's.
pub(crate) fn own(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(format!("LONGHAUL_OSS_{name}")).unwrap_or(default.into())
}

impl Emulator {
    pub(crate) fn new() -> Self {
        Self { endpoint: stores::endpoint("OSS", "oss") }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        self.bucket_of(&setting("REGION", "cn-hangzhou"), &setting("BUCKET", "tbucket"))
    }

    pub(crate) fn bucket_of(&self, region: &str, name: &str) -> Bucket {
        Bucket::at(&self.endpoint, region, name).unwrap()
    }

    pub(crate) fn key(&self) -> AccessKey {
        AccessKey::new(setting("KEY", "TESTAK"), setting("SECRET", "TESTSK0123456789"))
    }

    /// A temporary key.
    pub(crate) fn sts(&self) -> AccessKey {
        let all = setting("STS", "STS.TESTAK:STSSK0123456789:ststoken+/=with==chars");
        let mut three = all.splitn(3, ':').map(String::from);
        let mut next = || three.next().expect("id:secret:token");
        AccessKey::new(next(), next()).with_session_token(next())
    }

    pub(crate) fn object(&self, key: &str) -> Object {
        Object::new(self.bucket(), key, self.key()).unwrap()
    }

    /// Makes the server do something wrong once, on requests about `key` (whose name matches no other test's).
    pub(crate) fn fault(&self, key: &str, fault: &str) {
        self.control("POST", "faults", &format!("{{\"key\": \"^{key}$\", {fault}}}"));
    }

    /// Size and CRC-64 of an object, as the server computed them.
    pub(crate) fn stored(&self, key: &str) -> Option<(u64, String)> {
        let objects = self.control("GET", "objects", "");
        let object = objects.root().get(self.bucket().name())?.get(key)?;
        Some((object.get("size").and_then(Json::as_u64)?, object.get("crc64").and_then(Json::as_u64)?.to_string()))
    }

    /// Whether an object is there and has these bytes.
    pub(crate) fn holds(&self, key: &str, bytes: &[u8]) -> bool {
        let crc = crc64(bytes).bytes().iter().fold(0u64, |crc, byte| crc << 8 | u64::from(*byte));
        self.stored(key) == Some((bytes.len() as u64, crc.to_string()))
    }

    /// How many uploads of a key are open.
    pub(crate) fn open(&self, key: &str) -> usize {
        let uploads = self.control("GET", "uploads", "").into_value();
        let uploads = uploads.as_object().expect("an object");
        uploads.values().filter(|upload| upload["key"] == key).count()
    }

    /// What was asked about a key: operation, part, status.
    pub(crate) fn log(&self, key: &str) -> Vec<(String, Option<String>, u64)> {
        let log = self.control("GET", "log", "");
        log.root()
            .items()
            .expect("a list")
            .filter(|line| line.get("key").and_then(Json::as_str) == Some(key))
            .map(|line| {
                let text = |name| line.get(name).and_then(Json::as_str).map(String::from);
                (text("op").unwrap_or_default(), text("part"), line.get("status").and_then(Json::as_u64).unwrap_or(0))
            })
            .collect()
    }

    /// How often an operation on a key was asked.
    pub(crate) fn asked(&self, key: &str, op: &str) -> usize {
        self.log(key).iter().filter(|(asked, ..)| asked == op).count()
    }

    fn control(&self, method: &str, what: &str, body: &str) -> Document {
        let (_, body) = stores::ask(&self.endpoint, method, &format!("/_emu/{what}"), body);
        parse(&body, &Limits::LIST).unwrap()
    }
}
