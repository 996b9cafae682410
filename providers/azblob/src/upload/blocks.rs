//! The names of blocks, and the lists of them.
//!
//! Uncommitted blocks belong to a blob's name, whoever sent them: so each of an upload's blocks is named after the upload's own nonce
//! and its number, all of one length, and only those are committed, by exactly that list. Two uploads to one name cannot mix: the
//! commit of one drops the other's blocks.
//! <https://learn.microsoft.com/rest/api/storageservices/put-block-list>,
//! <https://learn.microsoft.com/rest/api/storageservices/get-block-list>.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longhaul_core::ByteRange;
use longhaul_core::provider::{Context, UploadedPart};
use longhaul_sign::xml::{self, Element, Limits};

/// The id of block `number` as it is sent: base64 of 48 bytes, 32 of the nonce.
pub(super) fn id(cx: &Context<'_>, number: u64) -> String {
    STANDARD.encode(format!("{}-{number:015}", cx.nonce.simple()))
}

/// The number of the block with this id, if it is one of this upload's.
fn number(cx: &Context<'_>, name: &str) -> Option<u64> {
    let bytes = STANDARD.decode(name).ok()?;
    let number = core::str::from_utf8(&bytes).ok()?.rsplit_once('-')?.1.parse().ok()?;
    (number > 0 && id(cx, number) == name).then_some(number)
}

/// The exact list of blocks that makes the blob, in order. Taken from the uncommitted ones: a commit never takes effect twice.
pub(super) fn list<'a>(parts: impl Iterator<Item = &'a UploadedPart>) -> String {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for part in parts {
        list.push_str("<Uncommitted>");
        list.push_str(&xml::escape(&part.tag));
        list.push_str("</Uncommitted>");
    }
    list.push_str("</BlockList>");
    list
}

/// The blocks of a blob.
pub(super) struct Blocks {
    committed: Vec<(String, u64)>,
    uncommitted: Vec<(String, u64)>,
}

impl Blocks {
    /// Reads the answer to Get Block List.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let root = xml::parse(body, &Limits::LIST)
            .map_err(|error| format!("the answer is not the XML it should be: {error}"))?;
        if root.name() != "BlockList" {
            return Err("the answer is not a BlockList".to_string());
        }
        Ok(Self { committed: section(&root, "CommittedBlocks")?, uncommitted: section(&root, "UncommittedBlocks")? })
    }

    /// This upload's blocks, whether in the blob or not: those that a commit took late are found by the next one.
    pub(super) fn own(&self, cx: &Context<'_>) -> Vec<UploadedPart> {
        let all = self.committed.iter().chain(&self.uncommitted);
        all.filter_map(|(name, size)| {
            Some(UploadedPart::new(number(cx, name)?, ByteRange::at(0, *size), name.as_str()))
        })
        .collect()
    }

    /// Whether the blob is made of this upload's blocks, all of them, in order, and of nothing else. Where the record of a former
    /// run is not complete, the numbers in their names have to do.
    pub(super) fn are_all_of(&self, cx: &Context<'_>) -> bool {
        let known: u64 = cx.parts.values().map(|part| part.range.len()).sum();
        if Some(known) == cx.total {
            let same =
                |((name, size), part): (&(String, u64), &UploadedPart)| *name == part.tag && *size == part.range.len();
            return self.committed.len() == cx.parts.len() && self.committed.iter().zip(cx.parts.values()).all(same);
        }
        let in_order = self.committed.iter().zip(1..).all(|((name, _), at)| number(cx, name) == Some(at));
        let total = self.committed.iter().try_fold(0u64, |total, (_, size)| total.checked_add(*size));
        in_order && total.is_some() && total == cx.total
    }
}

fn section(root: &Element, name: &str) -> Result<Vec<(String, u64)>, String> {
    let Some(section) = root.find(&[name]) else { return Ok(Vec::new()) };
    let block = |block: &Element| {
        let name = block.text_at(&["Name"]).map(str::trim).filter(|name| !name.is_empty())?;
        Some((name.to_string(), block.text_at(&["Size"])?.trim().parse().ok()?))
    };
    section
        .all("Block")
        .map(|found| block(found).ok_or_else(|| "a block in the list has no name or size".to_string()))
        .collect()
}
