//! A small S3: strict where Amazon is strict, with every signature recomputed from what arrived. Faults are for the tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use longhaul::{Algorithm, Digest};
use longhaul_s3::AccessKey;
use longhaul_sign::sigv4::{Payload, Select, Signer};
use longhaul_sign::{Target, date, encode, xml};

use crate::support::raw::{Answer, Raw, Request};
use crate::support::{base64, digest};

pub const REGION: &str = "eu-test-1";
pub const BUCKET: &str = "tbucket";
/// Listings have pages of this many parts.
const PAGE: usize = 2;

pub fn access() -> AccessKey {
    AccessKey::new("TESTAK", "canary-secret")
}

#[derive(Clone, Debug)]
pub struct Stored {
    pub content: Vec<u8>,
    pub etag: String,
    pub headers: HeaderMap,
    composite: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Session {
    pub key: String,
    pub parts: BTreeMap<u64, (Vec<u8>, String)>,
    headers: HeaderMap,
}

#[derive(Debug)]
pub struct State {
    pub objects: BTreeMap<String, Stored>,
    pub sessions: BTreeMap<String, Session>,
    opened: usize,
    /// The sessions as they were before the last commit.
    pub before: BTreeMap<String, Session>,
    /// Least bytes of a part that is not the last.
    pub least_part: usize,
    /// The clock, in seconds ahead of the real one.
    pub skew: i64,
    /// The session token that counts.
    pub token: Option<String>,
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
    pub fn new(least_part: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            objects: BTreeMap::new(),
            sessions: BTreeMap::new(),
            opened: 0,
            before: BTreeMap::new(),
            least_part,
            skew: 0,
            token: None,
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

    pub fn answer(&self, request: &Request) -> Answer {
        let answer = self.state().act(request).unwrap_or_else(|(status, code, more)| error(status, code, &more));
        let date = date::http(self.state().now()).unwrap();
        let mut answer = answer.set("Date", &date).set("x-amz-request-id", "REQ1").set("x-amz-id-2", "HOST2");
        if request.is_head() {
            answer.body.clear();
        }
        answer
    }
}

pub fn error(status: u16, code: &str, more: &str) -> Answer {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>The message.</Message>{more}</Error>");
    Answer::with_body(&format!("{status} Whatever"), body)
}

const CHECKSUMS: [(&str, Algorithm); 3] = [
    ("x-amz-checksum-crc64nvme", Algorithm::Crc64Nvme),
    ("x-amz-checksum-crc32c", Algorithm::Crc32c),
    ("x-amz-checksum-sha256", Algorithm::Sha256),
];

impl State {
    fn now(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap() + self.skew
    }

    fn act(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        self.check_signature(request)?;
        let path = String::from_utf8(encode::decode(path).unwrap()).unwrap();
        let key = path.strip_prefix("/tbucket/").ok_or(no(404, "NoSuchBucket"))?.to_owned();
        let query: BTreeMap<String, String> = encode::query_pairs(query)
            .map(|(name, value)| (name.to_owned(), String::from_utf8(encode::decode_query(value).unwrap()).unwrap()))
            .collect();
        check_content(request)?;
        match (request.method.as_str(), query.get("uploadId"), query.get("partNumber")) {
            ("POST", None, _) if query.contains_key("uploads") => Ok(self.open(key, request)),
            ("PUT", None, None) => self.put(key, request),
            ("PUT", Some(id), Some(number)) => self.part(id, number.parse().unwrap(), request),
            ("GET", Some(id), None) => self.list(id, query.get("part-number-marker")),
            ("POST", Some(id), None) => self.complete(&key, id, request),
            ("DELETE", Some(id), None) => {
                self.sessions.remove(id).map(|_| Answer::with_body("204 No Content", "")).ok_or(no(404, "NoSuchUpload"))
            }
            ("GET" | "HEAD", None, _) => self.get(&key, request),
            other => panic!("{other:?}"),
        }
    }

    /// Recomputes the signature from what arrived, with the headers that the request says it signed.
    fn check_signature(&self, request: &Request) -> Result<(), Refusal> {
        let authorization = request.header("authorization").ok_or(no(403, "AccessDenied"))?;
        let region = authorization.split('/').nth(2).unwrap();
        if region != REGION {
            return Err((400, "AuthorizationHeaderMalformed", format!("<Region>{REGION}</Region>")));
        }
        let named: Vec<&str> =
            authorization.split_once("SignedHeaders=").unwrap().1.split(',').next().unwrap().split(';').collect();
        for (name, _) in &request.headers {
            let name = name.to_ascii_lowercase();
            assert!(!name.starts_with("x-amz-") || named.contains(&name.as_str()), "{name} is not signed");
        }
        let time = date::parse_compact(request.header("x-amz-date").unwrap()).unwrap();
        if time.abs_diff(self.now()) > 900 {
            let now = date::iso8601(self.now()).unwrap();
            return Err((403, "RequestTimeTooSkewed", format!("<ServerTime>{now}</ServerTime>")));
        }
        let mut key = access();
        if let Some(token) = &self.token {
            match request.header("x-amz-security-token") {
                Some(given) if given == token => key = key.with_session_token(token.as_str()),
                _ => return Err(no(400, "ExpiredToken")),
            }
        }
        let headers: HeaderMap = request
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let uri: Uri = format!("http://{}{}", request.header("host").unwrap(), request.target).parse().unwrap();
        let method = Method::from_bytes(request.method.as_bytes()).unwrap();
        let payload = Payload::Literal(request.header("x-amz-content-sha256").unwrap());
        let signer = Signer::new(&key, REGION, time).select(Select::Only(&named));
        let signed = signer.sign(Target::new(&method, &uri, &headers), payload).unwrap();
        let ours = signed.headers().get("authorization").unwrap().to_str().unwrap();
        if ours == authorization { Ok(()) } else { Err(no(403, "SignatureDoesNotMatch")) }
    }

    fn tell(&self, answer: Answer, content: &[u8]) -> Answer {
        if !self.tells_checksums {
            return answer;
        }
        answer.set("x-amz-checksum-crc64nvme", &base64(digest(Algorithm::Crc64Nvme, content).bytes()))
    }

    fn condition(&self, key: &str, request: &Request) -> Result<(), Refusal> {
        let there = self.objects.get(key);
        let clash = request.header("if-none-match") == Some("*") && there.is_some();
        let other = request.header("if-match").is_some_and(|tag| there.map(|object| object.etag.as_str()) != Some(tag));
        if clash || other { Err(no(412, "PreconditionFailed")) } else { Ok(()) }
    }

    fn put(&mut self, key: String, request: &Request) -> Result<Answer, Refusal> {
        self.condition(&key, request)?;
        let etag = format!("\"{}\"", digest(Algorithm::Md5, &request.body).hex());
        let answer = self.tell(Answer::with_body("200 OK", "").set("ETag", &etag), &request.body);
        let object = Stored { content: request.body.clone(), etag, headers: kept(request), composite: false };
        self.objects.insert(key, object);
        Ok(answer)
    }

    fn open(&mut self, key: String, request: &Request) -> Answer {
        self.opened += 1;
        let id = format!("up/load+{}=", self.opened);
        let body = format!(
            "<?xml version=\"1.0\"?>\n<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        );
        self.sessions.insert(id, Session { key, parts: BTreeMap::new(), headers: kept(request) });
        Answer::with_body("200 OK", body)
    }

    fn part(&mut self, id: &str, number: u64, request: &Request) -> Result<Answer, Refusal> {
        assert!(request.header("content-type").is_none() && request.header("if-none-match").is_none());
        let tag = format!("\"{}\"", digest(Algorithm::Md5, &request.body).hex());
        let session = self.sessions.get_mut(id).ok_or(no(404, "NoSuchUpload"))?;
        if let Some(algorithm) = session.headers.get("x-amz-checksum-algorithm") {
            let field = format!("x-amz-checksum-{}", algorithm.to_str().unwrap().to_ascii_lowercase());
            request.header(&field).ok_or(no(400, "InvalidRequest"))?;
        }
        session.parts.insert(number, (request.body.clone(), tag.clone()));
        Ok(self.tell(Answer::with_body("200 OK", "").set("ETag", &tag), &request.body))
    }

    fn list(&self, id: &str, marker: Option<&String>) -> Result<Answer, Refusal> {
        let session = self.sessions.get(id).ok_or(no(404, "NoSuchUpload"))?;
        let after: u64 = marker.map_or(0, |marker| marker.parse().unwrap());
        let page: Vec<_> = session.parts.range(after + 1..).take(PAGE).collect();
        let last = page.last().map_or(after, |(number, _)| **number);
        let more = session.parts.range(last + 1..).next().is_some();
        let mut body = format!(
            "<ListPartsResult><NextPartNumberMarker>{last}</NextPartNumberMarker><IsTruncated>{more}</IsTruncated>"
        );
        for (number, (content, tag)) in page {
            let (tag, size) = (xml::escape(tag), content.len());
            body += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag><Size>{size}</Size></Part>");
        }
        Ok(Answer::with_body("200 OK", body + "</ListPartsResult>"))
    }

    fn complete(&mut self, key: &str, id: &str, request: &Request) -> Result<Answer, Refusal> {
        let session = self.sessions.get(id).ok_or(no(404, "NoSuchUpload"))?;
        assert_eq!(session.key, key);
        self.condition(key, request)?;
        let list = xml::parse(&request.body, &xml::Limits::LIST).unwrap();
        let mut content = Vec::new();
        let mut tags = Vec::new();
        let count = list.all("Part").count();
        for (at, part) in list.all("Part").enumerate() {
            let number: u64 = part.text_at(&["PartNumber"]).unwrap().parse().unwrap();
            if number <= at as u64 {
                return Err(no(400, "InvalidPartOrder"));
            }
            let (bytes, tag) = session.parts.get(&number).ok_or(no(400, "InvalidPart"))?;
            if part.text_at(&["ETag"]) != Some(tag) {
                return Err(no(400, "InvalidPart"));
            }
            if bytes.len() < self.least_part && at + 1 < count {
                return Err(no(400, "EntityTooSmall"));
            }
            tags.extend_from_slice(Digest::from_hex(Algorithm::Md5, tag.trim_matches('"')).unwrap().bytes());
            content.extend_from_slice(bytes);
        }
        let whole = base64(digest(Algorithm::Crc64Nvme, &content).bytes());
        if request.header("x-amz-checksum-crc64nvme").is_some_and(|given| given != whole) {
            return Err(no(400, "BadDigest"));
        }
        let etag = format!("\"{}-{count}\"", digest(Algorithm::Md5, &tags).hex());
        let told = if self.tells_checksums {
            format!("<ChecksumCRC64NVME>{whole}</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>")
        } else {
            String::new()
        };
        let body = format!(
            "<?xml version=\"1.0\"?>\n   \n<CompleteMultipartUploadResult><ETag>{}</ETag>{told}</CompleteMultipartUploadResult>",
            xml::escape(&etag)
        );
        let headers = session.headers.clone();
        self.before = self.sessions.clone();
        self.sessions.remove(id);
        self.objects.insert(key.to_owned(), Stored { content, etag, headers, composite: true });
        Ok(Answer::with_body("200 OK", body))
    }

    fn get(&self, key: &str, request: &Request) -> Result<Answer, Refusal> {
        let object = self.objects.get(key).ok_or(no(404, "NoSuchKey"))?;
        if request.header("if-match").is_some_and(|tag| tag != object.etag) {
            return Err(no(412, "PreconditionFailed"));
        }
        let total = object.content.len();
        let mut answer = match request.range() {
            Some((start, end)) if start < total => {
                let end = end.min(total);
                Answer::with_body("206 Partial Content", &object.content[start..end])
                    .set("Content-Range", &format!("bytes {start}-{}/{total}", end - 1))
            }
            Some(_) => {
                let more = format!("<ActualObjectSize>{total}</ActualObjectSize>");
                return Err((416, "InvalidRange", more));
            }
            None => Answer::with_body("200 OK", object.content.as_slice()),
        };
        if request.header("x-amz-checksum-mode") == Some("ENABLED") && request.range().is_none() {
            answer = self.tell(answer, &object.content);
            if self.tells_checksums && object.composite {
                answer = answer.set("x-amz-checksum-type", "FULL_OBJECT");
            }
        }
        Ok(answer.set("ETag", &object.etag).set("Accept-Ranges", "bytes"))
    }
}

/// Compares content with what its headers say of it.
fn check_content(request: &Request) -> Result<(), Refusal> {
    let sha = request.header("x-amz-content-sha256").unwrap();
    if sha != "UNSIGNED-PAYLOAD" && sha != digest(Algorithm::Sha256, &request.body).hex() {
        return Err(no(400, "XAmzContentSHA256Mismatch"));
    }
    // A completion carries the checksum of the object, not of the list.
    if request.method == "PUT" {
        for (field, algorithm) in CHECKSUMS {
            if request.header(field).is_some_and(|given| given != base64(digest(algorithm, &request.body).bytes())) {
                return Err(no(400, "BadDigest"));
            }
        }
    }
    Ok(())
}

fn kept(request: &Request) -> HeaderMap {
    let keep = |name: &str| {
        name.starts_with("x-amz-meta-")
            || matches!(name, "content-type" | "cache-control" | "x-amz-checksum-algorithm" | "x-amz-storage-class")
    };
    request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| keep(name))
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}
