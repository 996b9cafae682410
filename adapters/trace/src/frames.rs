//! A journal's frames with the names of sessions replaced (docs/checkpoint-format.md).
//!
//! Only whole frames are taken over, as the core reads them: what follows the first damaged one is nobody's, and could be anything.

use crate::record::Frames;
use crate::redact::Names;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
/// Longest payload, in bytes.
const MOST: usize = 12_288;
/// The fact that a stretch is on disk.
const STORED: u8 = 1;
/// The fact that a part is on the server.
const PART: u8 = 2;
/// The fact that names a session.
const SESSION: u8 = 3;

/// The frames of `journal`, names replaced.
pub(crate) fn keep(journal: &[u8], names: &mut Names) -> Frames {
    use std::fmt::Write;
    let bytes = replaced(journal, names).0;
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Frames(hex)
}

/// The journal that the frames make; `None` where they are malformed.
pub(crate) fn give(frames: &Frames) -> Option<Vec<u8>> {
    let digits = frames.0.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// The stretches of the object that the journal says are where they belong: of a download on disk, of an upload on the server.
pub(crate) fn stretches(journal: &[u8]) -> Vec<(u64, u64)> {
    let (mut journal, mut stretches) = (journal, Vec::new());
    while let Some((payload, rest)) = next(journal) {
        journal = rest;
        let range = match payload {
            [STORED, range @ ..] => Some(range),
            [PART, fields @ ..] => fields.get(8..),
            _ => None,
        };
        let number = |at: usize| range?.get(at..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
        if let (Some(start), Some(end)) = (number(0), number(8)) {
            stretches.push((start, end));
        }
    }
    stretches
}

/// How many frames there are, and a hash of them: what two writes are compared by.
pub(crate) fn sum(journal: &[u8], names: &mut Names) -> (usize, u64) {
    let (bytes, count) = replaced(journal, names);
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (count, hash)
}

fn replaced(mut journal: &[u8], names: &mut Names) -> (Vec<u8>, usize) {
    let (mut out, mut count) = (Vec::with_capacity(journal.len()), 0);
    while let Some((payload, rest)) = next(journal) {
        journal = rest;
        count += 1;
        let session = match payload {
            [SESSION, _, _, text @ ..] => std::str::from_utf8(text).ok(),
            _ => None,
        };
        match session {
            None => frame(payload, &mut out),
            Some(session) => {
                let name = names.session(session);
                let len = u16::try_from(name.len()).unwrap_or(0).to_le_bytes();
                frame(&[&[SESSION], &len[..], name.as_bytes()].concat(), &mut out);
            }
        }
    }
    (out, count)
}

fn next(journal: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len_bytes, rest) = journal.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len_bytes)).ok().filter(|len| (1..=MOST).contains(len))?;
    let (payload, rest) = rest.split_at_checked(len)?;
    (sealed(*len_bytes, payload) == *crc).then_some((payload, rest))
}

fn frame(payload: &[u8], out: &mut Vec<u8>) {
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&len);
    out.extend_from_slice(&sealed(len, payload));
    out.extend_from_slice(payload);
}

fn sealed(len: [u8; 4], payload: &[u8]) -> [u8; 4] {
    let mut crc = CRC.digest();
    crc.update(&len);
    crc.update(payload);
    crc.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(payloads: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for payload in payloads {
            frame(payload, &mut out);
        }
        out
    }

    #[test]
    fn a_session_is_renamed_and_all_else_stays() {
        let real = journal(&[b"LHCP", b"\x03\x09\x00upload-id", b"\x04\x02"]);
        let mut names = Names::new();
        let renamed = give(&keep(&real, &mut names)).expect("hexadecimal");
        assert_eq!(renamed, journal(&[b"LHCP", b"\x03\x09\x00session#1", b"\x04\x02"]));
        assert_eq!(sum(&real, &mut names), sum(&renamed, &mut Names::kept()), "both runs write the same");
    }

    #[test]
    fn stretches_are_those_of_stored_bytes_and_confirmed_parts() {
        let number = |number: u64| number.to_le_bytes();
        let stored = [&[STORED][..], &number(10), &number(20), &[0]].concat();
        let part = [&[PART][..], &number(3), &number(40), &number(60), b"\x01\x00t\x00"].concat();
        assert_eq!(stretches(&journal(&[b"LHCP", &stored, b"\x04\x02", &part])), [(10, 20), (40, 60)]);
    }

    #[test]
    fn what_is_no_frame_is_not_taken_over() {
        let mut real = journal(&[b"LHCP"]);
        let whole = real.clone();
        real.extend_from_slice(b"\x05\x00\x00\x00\x00\x00\x00\x00canary");
        assert_eq!(give(&keep(&real, &mut Names::new())), Some(whole));
        assert_eq!(keep(b"canary, a file of somebody else's", &mut Names::new()), Frames(String::new()));
        assert_eq!(give(&Frames("0g".into())), None);
    }
}
