//! A small Azure: strict where the service is strict, with every signature recomputed from what arrived. Faults are for the tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use longhaul::Algorithm;
use longhaul::azblob::{AccountKey, SasToken};
use longhaul_sign::azure::shared_key;
use longhaul_sign::{Target, date, encode, xml};

use crate::support::raw::{Answer, Raw, Request};
use crate::support::{base64, digest};

pub const ACCOUNT: &str = "testaccount";
pub const CONTAINER: &str = "tbox";

pub fn key() -> AccountKey {
    AccountKey::new(ACCOUNT, "Y2FuYXJ5LXNlY3JldC1rZXk=").unwrap()
}

#[derive(Clone, Debug)]
pub struct Stored {
    pub content: Vec<u8>,
    pub etag: String,
    pub headers: HeaderMap,
    /// The blocks it is made of; none if it went up at once.
    pub blocks: Vec<(String, usize)>,
}

#[derive(Debug)]
pub struct State {
    pub blobs: BTreeMap<String, Stored>,
    /// Uncommitted blocks by blob and id.
    pub staged: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    versions: usize,
    /// The clock, in seconds ahead of the real one.
    pub skew: i64,
    /// The only SAS that counts, as it has to arrive.
    pub sas: Option<String>,
    /// Whether checksums of what arrived are told.
    pub tells_checksums: bool,
}

/// The store, shared with its server.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<State>>);

type Refusal = (u16, &'static str, String);

fn no(status: u16, code: &'static str) -> Refusal {
    (status, code, String::new())
}

impl Store {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            blobs: BTreeMap::new(),
            staged: BTreeMap::new(),
            versions: 0,
            skew: 0,
            sas: None,
            tells_checksums: true,
        })))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Serves the store; `script` departs from the right answer.
    pub async fn serve(&self, script: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static) -> Raw {
        let store = self.clone();
        Raw::start(move |request| script(request, store.answer(request))).await
    }

    fn answer(&self, request: &Request) -> Answer {
        let answer = self.state().act(request).unwrap_or_else(|(status, code, more)| error(status, code, &more));
        let date = date::http(self.state().now()).unwrap();
        let mut answer = answer.set("Date", &date).set("x-ms-request-id", "REQ1");
        if request.is_head() {
            answer.body.clear();
        }
        answer
    }
}

pub fn error(status: u16, code: &str, detail: &str) -> Answer {
    let detail = format!("<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>");
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>The message.\nRequestId:REQ1\nTime:now</Message>{detail}</Error>"
    );
    Answer::with_body(&format!("{status} Whatever"), body).set("x-ms-error-code", code)
}

fn crc64(content: &[u8]) -> String {
    let mut bytes = digest(Algorithm::Crc64Nvme, content).bytes().to_vec();
    bytes.reverse();
    base64(&bytes)
}

fn md5(content: &[u8]) -> String {
    base64(digest(Algorithm::Md5, content).bytes())
}

impl State {
    pub fn now(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap() + self.skew
    }

    fn act(&mut self, request: &Request) -> Result<Answer, Refusal> {
        assert_eq!(request.header("x-ms-version"), Some("2023-11-03"));
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        self.check_rights(request, query)?;
        let path = String::from_utf8(encode::decode(path).unwrap()).unwrap();
        let name = path.strip_prefix("/testaccount/tbox/").ok_or(no(404, "ContainerNotFound"))?.to_owned();
        let query: BTreeMap<String, String> = encode::query_pairs(query)
            .map(|(name, value)| (name.to_owned(), String::from_utf8(encode::decode_query(value).unwrap()).unwrap()))
            .collect();
        check_content(request)?;
        match (request.method.as_str(), query.get("comp").map(String::as_str)) {
            ("PUT", None) => self.put(name, request),
            ("PUT", Some("block")) => self.stage(name, &query["blockid"], request),
            ("PUT", Some("blocklist")) => self.commit(name, request),
            ("GET", Some("blocklist")) => self.list(&name, &query["blocklisttype"]),
            ("GET" | "HEAD", None) => self.get(&name, request),
            // A blob is never deleted (U9), and nothing else is ever asked.
            other => panic!("{other:?}"),
        }
    }

    fn check_rights(&self, request: &Request, query: &str) -> Result<(), Refusal> {
        if query.contains("sig=") {
            let token = SasToken::parse(query).unwrap();
            if !token.is_valid_for(0, self.now()) {
                return Err((403, "AuthenticationFailed", "Signature not valid in the specified time frame".into()));
            }
            let sas = self.sas.as_ref().ok_or((403, "AuthenticationFailed", "Signature did not match.".into()))?;
            return if query == sas || query.ends_with(&format!("&{sas}")) {
                let writes = request.method == "PUT";
                let allowed = token.allows(if writes { 'w' } else { 'r' }) == Some(true);
                if allowed { Ok(()) } else { Err(no(403, "AuthorizationPermissionMismatch")) }
            } else {
                Err((403, "AuthenticationFailed", "Signature did not match.".into()))
            };
        }
        let authorization = request.header("authorization").ok_or(no(401, "NoAuthenticationInformation"))?;
        let time = date::parse_http(request.header("x-ms-date").unwrap(), self.now()).unwrap();
        if time.abs_diff(self.now()) > 900 {
            return Err((403, "AuthenticationFailed", "Request date header too old".into()));
        }
        let headers: HeaderMap = request
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let uri: Uri = format!("http://{}{}", request.header("host").unwrap(), request.target).parse().unwrap();
        let method = Method::from_bytes(request.method.as_bytes()).unwrap();
        let signed = shared_key::sign(Target::new(&method, &uri, &headers), &key(), time).unwrap();
        let ours = signed.headers().get("authorization").unwrap().to_str().unwrap();
        if ours == authorization { Ok(()) } else { Err(no(403, "AuthenticationFailed")) }
    }

    /// What the service says of content that it received.
    fn created(&self, request: &Request) -> Answer {
        let answer = Answer::with_body("201 Created", "");
        match request.header("content-md5") {
            _ if !self.tells_checksums => answer,
            Some(md5) => answer.set("Content-MD5", md5),
            None => answer.set("x-ms-content-crc64", &crc64(&request.body)),
        }
    }

    fn condition(&self, name: &str, request: &Request) -> Result<(), Refusal> {
        let there = self.blobs.get(name);
        if request.header("if-none-match") == Some("*") && there.is_some() {
            return Err(no(409, "BlobAlreadyExists"));
        }
        let other = request.header("if-match").is_some_and(|tag| there.map(|blob| blob.etag.as_str()) != Some(tag));
        if other { Err(no(412, "ConditionNotMet")) } else { Ok(()) }
    }

    fn replace(
        &mut self,
        name: String,
        content: Vec<u8>,
        blocks: Vec<(String, usize)>,
        mut headers: HeaderMap,
    ) -> String {
        self.versions += 1;
        let etag = format!("\"0x8D{}\"", self.versions);
        if blocks.is_empty() && !headers.contains_key("x-ms-blob-content-md5") {
            headers.insert("x-ms-blob-content-md5", md5(&content).parse().unwrap());
        }
        self.staged.remove(&name);
        self.blobs.insert(name, Stored { content, etag: etag.clone(), headers, blocks });
        etag
    }

    fn put(&mut self, name: String, request: &Request) -> Result<Answer, Refusal> {
        assert_eq!(request.header("x-ms-blob-type"), Some("BlockBlob"));
        self.condition(&name, request)?;
        let etag = self.replace(name, request.body.clone(), Vec::new(), kept(request));
        Ok(self.created(request).set("ETag", &etag))
    }

    fn stage(&mut self, name: String, id: &str, request: &Request) -> Result<Answer, Refusal> {
        assert!(request.header("if-none-match").is_none() && request.header("content-type").is_none());
        let blocks = self.staged.entry(name).or_default();
        if blocks.keys().any(|other| other.len() != id.len()) {
            return Err(no(400, "InvalidBlobOrBlock"));
        }
        blocks.insert(id.to_owned(), request.body.clone());
        Ok(self.created(request))
    }

    fn commit(&mut self, name: String, request: &Request) -> Result<Answer, Refusal> {
        self.condition(&name, request)?;
        let list = xml::parse(&request.body, &xml::Limits::LIST).unwrap();
        assert_eq!(list.name(), "BlockList");
        let (mut content, mut blocks) = (Vec::new(), Vec::new());
        for block in list.children() {
            // What a provider of ours sends, and what a plan's completion does.
            assert!(["Uncommitted", "Latest"].contains(&block.name()), "{}", block.name());
            let staged = self.staged.get(&name).and_then(|staged| staged.get(block.text()));
            let bytes = staged.ok_or(no(400, "InvalidBlockList"))?;
            content.extend_from_slice(bytes);
            blocks.push((block.text().to_owned(), bytes.len()));
        }
        let etag = self.replace(name, content, blocks, kept(request));
        Ok(Answer::with_body("201 Created", "").set("ETag", &etag))
    }

    fn list(&self, name: &str, kind: &str) -> Result<Answer, Refusal> {
        let (blob, staged) = (self.blobs.get(name), self.staged.get(name));
        if blob.is_none() && staged.is_none() {
            return Err(no(404, "BlobNotFound"));
        }
        let block = |id: &str, size: usize| format!("<Block><Name>{id}</Name><Size>{size}</Size></Block>");
        let committed: String = blob.iter().flat_map(|blob| &blob.blocks).map(|(id, size)| block(id, *size)).collect();
        let mut body = format!("<BlockList><CommittedBlocks>{committed}</CommittedBlocks>");
        if kind == "all" {
            let staged: String =
                staged.iter().flat_map(|all| all.iter()).map(|(id, bytes)| block(id, bytes.len())).collect();
            body += &format!("<UncommittedBlocks>{staged}</UncommittedBlocks>");
        }
        let mut answer = Answer::with_body("200 OK", body + "</BlockList>");
        if let Some(blob) = blob {
            let length = blob.content.len().to_string();
            answer = answer.set("ETag", &blob.etag).set("x-ms-blob-content-length", &length);
        }
        Ok(answer)
    }

    fn get(&self, name: &str, request: &Request) -> Result<Answer, Refusal> {
        let blob = self.blobs.get(name).ok_or(no(404, "BlobNotFound"))?;
        if request.header("if-match").is_some_and(|tag| tag != blob.etag) {
            return Err(no(412, "ConditionNotMet"));
        }
        let total = blob.content.len();
        let md5 = blob.headers.get("x-ms-blob-content-md5").map(|md5| md5.to_str().unwrap());
        let (mut answer, field) = match request.range() {
            Some((start, end)) if start < total => {
                let end = end.min(total);
                let answer = Answer::with_body("206 Partial Content", &blob.content[start..end]);
                (answer.set("Content-Range", &format!("bytes {start}-{}/{total}", end - 1)), "x-ms-blob-content-md5")
            }
            Some(_) => return Err(no(416, "InvalidRange")),
            None => (Answer::with_body("200 OK", blob.content.as_slice()), "Content-MD5"),
        };
        if let Some(md5) = md5 {
            answer = answer.set(field, md5);
        }
        Ok(answer.set("ETag", &blob.etag).set("Accept-Ranges", "bytes"))
    }
}

/// Compares content with what its headers say of it.
fn check_content(request: &Request) -> Result<(), Refusal> {
    let differs = |name: &str, ours: &dyn Fn(&[u8]) -> String| {
        request.header(name).is_some_and(|given| given != ours(&request.body))
    };
    assert!(request.header("content-md5").is_none() || request.header("x-ms-content-crc64").is_none());
    if differs("content-md5", &md5) {
        return Err(no(400, "Md5Mismatch"));
    }
    if differs("x-ms-content-crc64", &crc64) {
        return Err(no(400, "Crc64Mismatch"));
    }
    Ok(())
}

fn kept(request: &Request) -> HeaderMap {
    let keep = |name: &str| {
        name.starts_with("x-ms-meta-")
            || (name.starts_with("x-ms-blob-") && name != "x-ms-blob-type")
            || matches!(name, "x-ms-tags" | "x-ms-access-tier")
    };
    let pairs = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    pairs
        .filter(|(name, _)| keep(name))
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}
