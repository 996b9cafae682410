//! The backend: it alone has the credentials. It opens uploads, issues plans for them, and never sees the content.
//!
//! A real one answers its own users over https and opens uploads with its HTTP client; the rest is the same.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Uri};
use longhaul::core::plan::{BodyDraft, PartDraft, RequestDraft, TagDraft};
use longhaul::core::{Now, Time, Wall};
use longhaul::presigned::{DownloadDraft, UploadDraft};
use longhaul::{azblob, oss, s3};
use longhaul_sign::azure::sas::{self, Grant, Resource, ResponseHeaders};
use longhaul_sign::sigv4::{Payload, Signer};
use longhaul_sign::{Target, date, encode, xml};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Seconds that an issued URL is good for.
const LIFE: u32 = 600;

/// Where objects go, and with what rights.
pub(crate) enum Backend {
    S3 { bucket: s3::Bucket, key: s3::AccessKey },
    Oss { bucket: oss::Bucket, key: oss::AccessKey },
    Azure { container: azblob::Container, name: String, key: azblob::AccountKey },
}

impl Backend {
    /// A plan for the whole upload of `size` bytes as `object`, or, when `id` names an open one, for these parts of it.
    pub(crate) fn upload(
        &self,
        object: &str,
        size: u64,
        part: u64,
        open: Option<(&str, &[u64])>,
    ) -> Result<UploadDraft> {
        let all: Vec<u64> = (1..=size.div_ceil(part)).collect();
        let (id, numbers) = match open {
            Some((id, numbers)) => (id.to_owned(), numbers),
            None => (self.open(object)?, &*all),
        };
        let expires_at = Some(now() + i64::from(LIFE));
        let mut draft = UploadDraft { total_size: size, part_size: part, ..UploadDraft::default() };
        for &number in numbers {
            let offset = (number - 1) * part;
            let block = STANDARD.encode(format!("{id}-{number:06}"));
            draft.parts.push(PartDraft {
                number,
                offset,
                size: part.min(size - offset),
                url: match self {
                    Self::Azure { .. } => {
                        self.url("PUT", object, &format!("comp=block&blockid={}", encode::component(&block)))?
                    }
                    _ => {
                        self.url("PUT", object, &format!("partNumber={number}&uploadId={}", encode::component(&id)))?
                    }
                },
                provider_part_id: matches!(self, Self::Azure { .. }).then_some(block),
                expires_at,
                headers: self.headers(),
                ..PartDraft::default()
            });
        }
        let session = format!("uploadId={}", encode::component(&id));
        let request = |method: &str, query: &str, body| -> Result<Option<RequestDraft>> {
            let (method, url) = (Some(method.to_owned()), self.url(method, object, query)?);
            Ok(Some(RequestDraft { method, url, headers: self.headers(), body, expires_at }))
        };
        if let Self::Azure { .. } = self {
            // There is nothing to abort: Azure drops blocks that nobody commits.
            draft.tag = TagDraft::None;
            draft.complete = request("PUT", "comp=blocklist", BodyDraft::AzureBlockList)?;
        } else {
            draft.complete = request("POST", &session, BodyDraft::S3Xml)?;
            draft.abort = request("DELETE", &session, BodyDraft::Empty)?;
        }
        draft.upload_id = Some(id);
        Ok(draft)
    }

    /// A plan for the download of `object`.
    pub(crate) fn download(&self, object: &str) -> Result<DownloadDraft> {
        let url = self.url("GET", object, "")?;
        Ok(DownloadDraft {
            url,
            headers: self.headers(),
            expires_at: Some(now() + i64::from(LIFE)),
            ..DownloadDraft::default()
        })
    }

    /// What goes along with every request: on Azure the version of the service.
    fn headers(&self) -> BTreeMap<String, String> {
        let version = matches!(self, Self::Azure { .. }).then(|| ("x-ms-version".to_owned(), "2023-11-03".to_owned()));
        version.into_iter().collect()
    }

    /// A URL with a signature for one request.
    fn url(&self, method: &str, object: &str, query: &str) -> Result<String> {
        let (method, none) = (Method::from_bytes(method.as_bytes())?, HeaderMap::new());
        let signed = match self {
            Self::S3 { bucket, key } => {
                let object = s3::Object::new(bucket.clone(), object, key.clone())?;
                let uri: Uri = format!("{}?{query}", object.url()).parse()?;
                let signer = Signer::new(key, bucket.region(), now());
                signer.presign(Target::new(&method, &uri, &none), Payload::Unsigned, LIFE)?.into_url()
            }
            Self::Oss { bucket, key } => {
                let now = Now::new(Time::ZERO, Wall::from_unix(now()));
                oss::Object::new(bucket.clone(), object, key.clone())?.presign(&method, query, &none, LIFE, now)?
            }
            Self::Azure { container, name, key } => {
                let blob = azblob::Blob::new(container.clone(), object, key.clone())?;
                let question = if query.is_empty() { "" } else { "?" };
                let token = grant(name, object, key)?;
                token.append_to(&format!("{}{question}{query}", blob.url()).parse()?)?
            }
        };
        Ok(signed.to_secret().expose().to_owned())
    }

    /// The store's id of a new upload.
    fn open(&self, object: &str) -> Result<String> {
        if let Self::Azure { .. } = self {
            // Blocks belong to the blob: a number of this upload's own keeps them apart from everybody else's.
            return Ok(format!("{:x}", now()));
        }
        let url: Uri = self.url("POST", object, "uploads")?.parse()?;
        let host = url.authority().ok_or("no host")?.as_str();
        let target = url.path_and_query().ok_or("no path")?;
        let mut stream = TcpStream::connect(host)?;
        write!(stream, "POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let told = xml::parse(body.as_bytes(), &xml::Limits::SMALL)?;
        Ok(told.text_at(&["UploadId"]).ok_or("the store opened no upload")?.to_owned())
    }
}

/// What a holder of the URL may do with one blob: make it, and read it.
pub(crate) fn grant(container: &str, blob: &str, key: &azblob::AccountKey) -> Result<azblob::SasToken> {
    // From whole hours to whole hours, so that all URLs of a plan carry the same one.
    let hour = now() / 3600 * 3600;
    let (start, expiry) = (date::iso8601(hour)?, date::iso8601(hour + 7200)?);
    let grant = Grant { version: "2023-11-03", permissions: "rcw", start: &start, expiry: &expiry, ..Grant::default() };
    let resource = Resource::Blob { container, blob };
    Ok(sas::service(key, resource, &grant, "", &ResponseHeaders::default())?.into_token())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}
