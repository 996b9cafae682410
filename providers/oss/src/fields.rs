//! The caller's own header fields, sorted to the requests they belong to (U11).
//!
//! What describes the object goes on
//! [`InitiateMultipartUpload`](https://www.alibabacloud.com/help/en/oss/developer-reference/initiatemultipartupload), its ACL and the callback on
//! [`CompleteMultipartUpload`](https://www.alibabacloud.com/help/en/oss/developer-reference/completemultipartupload) (which refuses what belongs
//! on the former), `x-oss-forbid-overwrite` on both, a limit of the rate on all that move content, the payer on all. A single
//! [`PutObject`](https://www.alibabacloud.com/help/en/oss/developer-reference/putobject) takes them all.

use longhaul_store::Kind;
use longhaul_store::fields::Rules;

/// Which fields go where, and which are longhaul's own.
pub(crate) const RULES: Rules = Rules { own: &OWN, belongs };

/// The condition that an upload replaces nothing.
pub(crate) const FORBID_OVERWRITE: &str = "x-oss-forbid-overwrite";

const SIGNER: &str = "longhaul signs every request itself";
const CHECKSUM: &str = "checksums are computed from the content: choose an Integrity";
const LIST: &str = "an upload is completed by the exact list of its parts";

/// Fields that would contradict what is computed.
const OWN: [(&str, &str); 13] = [
    ("authorization", SIGNER),
    ("date", SIGNER),
    ("x-oss-date", SIGNER),
    ("x-oss-content-sha256", SIGNER),
    ("x-oss-security-token", SIGNER),
    ("range", "longhaul asks for the ranges it needs"),
    ("x-oss-range-behavior", "longhaul reads ranges by the standard"),
    ("accept-encoding", "objects are moved as they are stored"),
    ("content-md5", CHECKSUM),
    ("x-oss-hash-crc64ecma", CHECKSUM),
    ("x-oss-complete-all", LIST),
    ("x-oss-copy-source*", "this is an upload, not a copy"),
    ("x-oss-append-*", "objects are made as a whole"),
];

fn belongs(name: &str, kind: Kind) -> bool {
    let describes = matches!(kind, Kind::Put | Kind::Create);
    match name {
        FORBID_OVERWRITE => matches!(kind, Kind::Put | Kind::Create | Kind::Complete),
        "x-oss-object-acl" | "x-oss-callback" | "x-oss-callback-var" => matches!(kind, Kind::Put | Kind::Complete),
        "x-oss-traffic-limit" => matches!(kind, Kind::Put | Kind::Part | Kind::Read),
        "x-oss-request-payer" => true,
        "cache-control" | "expires" => describes,
        _ if name.starts_with("content-") || name.starts_with("x-oss-") => describes,
        _ => true,
    }
}
