//! The checksums of the three stores: that the algorithms named in the plans are these, combine, and are written like this.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm::{self, Crc32Iscsi, Crc32IsoHdlc, Crc64Nvme, Crc64Xz};
use crc_fast::{checksum, checksum_combine};
use longhaul_sign::hash::{hex, sha256};
use md5::Md5;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

use crate::{Case, same, text};

#[derive(Deserialize)]
struct Input {
    data_base64: Option<String>,
    lcg_seed: Option<u64>,
    size: Option<usize>,
    size_a: Option<usize>,
    size_b: Option<u64>,
    a: Option<Map<String, Value>>,
    b: Option<Map<String, Value>>,
    crc_b_ecma_decimal: Option<String>,
    part_sizes: Option<Vec<usize>>,
    part_count: Option<usize>,
}

pub(crate) fn run(case: &Case) -> Result<(), String> {
    let (input, expected): (Input, Map<String, Value>) = (case.input()?, case.expected()?);
    if expected.is_empty() {
        return Err("nothing is expected".to_owned());
    }
    match (&input, case.group.as_str()) {
        (Input { data_base64: Some(data), .. }, _) => whole(&STANDARD.decode(data).map_err(text)?, &expected),
        (Input { lcg_seed: Some(seed), size: Some(size), .. }, _) => whole(&lcg(*seed, *size), &expected),
        (Input { part_sizes: Some(sizes), lcg_seed: Some(seed), .. }, _) => {
            same("part count", input.part_count.unwrap_or(sizes.len()), sizes.len())?;
            multipart(&lcg(*seed, sizes.iter().sum()), sizes, &expected)
        }
        (Input { a: Some(a), size_b: Some(size_b), .. }, _) => combine(&input, a, *size_b, &expected),
        (_, group) => Err(format!("an unknown kind of checksum case: {group:?}")),
    }
}

/// Every written form of a checksum of these bytes.
fn whole(data: &[u8], expected: &Map<String, Value>) -> Result<(), String> {
    for (name, theirs) in expected {
        same(name, Value::from(written(name, data)?), theirs.clone())?;
    }
    Ok(())
}

fn written(name: &str, data: &[u8]) -> Result<String, String> {
    let crc32 = |algorithm| u32::try_from(checksum(algorithm, data)).map(u32::to_be_bytes).map_err(text);
    let crc64 = |algorithm| checksum(algorithm, data);
    Ok(match name {
        "crc64_ecma_decimal" => crc64(Crc64Xz).to_string(),
        "crc64_ecma_hex" => hex(&crc64(Crc64Xz).to_be_bytes()),
        "crc64_nvme_hex" => hex(&crc64(Crc64Nvme).to_be_bytes()),
        "x-amz-checksum-crc64nvme" => STANDARD.encode(crc64(Crc64Nvme).to_be_bytes()),
        "x-ms-content-crc64" => STANDARD.encode(crc64(Crc64Nvme).to_le_bytes()),
        "crc32c_hex" => hex(&crc32(Crc32Iscsi)?),
        "x-amz-checksum-crc32c" => STANDARD.encode(crc32(Crc32Iscsi)?),
        "x-goog-hash-crc32c" => format!("crc32c={}", STANDARD.encode(crc32(Crc32Iscsi)?)),
        "crc32_hex" => hex(&crc32(Crc32IsoHdlc)?),
        "x-amz-checksum-crc32" => STANDARD.encode(crc32(Crc32IsoHdlc)?),
        "md5_hex" => hex(&Md5::digest(data)),
        "content_md5" => STANDARD.encode(Md5::digest(data)),
        "sha1_base64" => STANDARD.encode(Sha1::digest(data)),
        "sha256_hex" => hex(&sha256(data)),
        "x-amz-checksum-sha256" => STANDARD.encode(sha256(data)),
        _ => return Err(format!("an unknown checksum: {name}")),
    })
}

fn combine(input: &Input, a: &Map<String, Value>, size_b: u64, expected: &Map<String, Value>) -> Result<(), String> {
    if let (Some(seed), Some(size_a), Some(b)) = (input.lcg_seed, input.size_a, &input.b) {
        let data = lcg(seed, size_a + usize::try_from(size_b).map_err(text)?);
        whole(&data[..size_a], a)?;
        whole(&data[size_a..], b)?;
        whole(&data, expected)?;
    }
    // What is known of `b` is either all of it, or only its CRC and a length too large to compute.
    let b = match (&input.b, &input.crc_b_ecma_decimal) {
        (Some(b), _) => b.clone(),
        (None, Some(crc)) => Map::from_iter([("crc64_ecma_decimal".to_owned(), Value::from(crc.clone()))]),
        (None, None) => return Err("nothing is known of b".to_owned()),
    };
    let mut combined = 0;
    for (name, algorithm, radix) in [
        ("crc64_ecma_decimal", Crc64Xz, 10),
        ("crc64_nvme_hex", Crc64Nvme, 16),
        ("crc32c_hex", Crc32Iscsi, 16),
        ("crc32_hex", Crc32IsoHdlc, 16),
    ] {
        let number = |map: &Map<String, Value>| {
            map.get(name).and_then(Value::as_str).and_then(|text| u64::from_str_radix(text, radix).ok())
        };
        if let (Some(a), Some(b), Some(theirs)) = (number(a), number(&b), number(expected)) {
            same(name, checksum_combine(algorithm, a, b, size_b), theirs)?;
            combined += 1;
        }
    }
    let known = ["crc64_ecma_decimal", "crc64_nvme_hex", "crc32c_hex", "crc32_hex"];
    same("number of checksums combined", combined, known.iter().filter(|name| expected.contains_key(**name)).count())
}

fn multipart(data: &[u8], sizes: &[usize], expected: &Map<String, Value>) -> Result<(), String> {
    let mut rest = data;
    let mut parts = Vec::new();
    for size in sizes {
        let (part, after) = rest.split_at(*size);
        parts.push(part);
        rest = after;
    }
    let composite = |digest: &dyn Fn(&[u8]) -> Vec<u8>| {
        let all: Vec<u8> = parts.iter().flat_map(|part| digest(part)).collect();
        digest(&all)
    };
    let count = parts.len();
    for (name, theirs) in expected {
        let ours = match name.as_str() {
            "part_md5_hex" => Value::from_iter(parts.iter().map(|part| hex(&Md5::digest(part)))),
            "etag_s3" => format!("{}-{count}", hex(&composite(&|data| Md5::digest(data).to_vec()))).into(),
            "crc32c_composite" => format!("{}-{count}", STANDARD.encode(composite(&crc32c))).into(),
            "sha256_composite" => {
                format!("{}-{count}", STANDARD.encode(composite(&|data| sha256(data).to_vec()))).into()
            }
            "crc64nvme_full_object" => STANDARD.encode(joined(Crc64Nvme, &parts).to_be_bytes()).into(),
            "crc64_ecma_decimal" => joined(Crc64Xz, &parts).to_string().into(),
            _ => written(name, data)?.into(),
        };
        same(name, &ours, theirs)?;
    }
    Ok(())
}

fn crc32c(data: &[u8]) -> Vec<u8> {
    checksum(Crc32Iscsi, data).to_be_bytes()[4..].to_vec()
}

/// The checksum of the whole from those of its parts, as it is computed from parallel uploads.
fn joined(algorithm: CrcAlgorithm, parts: &[&[u8]]) -> u64 {
    parts.iter().fold(checksum(algorithm, b""), |crc, part| {
        checksum_combine(algorithm, crc, checksum(algorithm, part), part.len() as u64)
    })
}

/// The generator of the vectors' `meta.lcg`.
fn lcg(seed: u64, size: usize) -> Vec<u8> {
    let mut x = seed;
    let step = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 56) as u8
    };
    std::iter::repeat_with(step).take(size).collect()
}
