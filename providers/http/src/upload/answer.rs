//! The default protocol's answer: nothing, or a small JSON object.

use alloc::string::String;

use longhaul_core::provider::Receipt;
use serde::Deserialize;
use serde_json::Number;

/// What the server said.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    file_id: Option<String>,
    /// Where the server wants to go on.
    pub(super) next: Option<u64>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "fileId", default)]
    file_id: Option<String>,
    #[serde(rename = "nextByte", default)]
    next_byte: Option<Number>,
}

impl Answer {
    /// Reads a body that was cut at `limit` bytes. White space stands for an empty object; members of other names are ignored.
    /// Those are skipped without recursion, so depth costs no stack.
    pub(super) fn read(body: &[u8], limit: usize) -> Result<Self, &'static str> {
        if body.len() >= limit {
            return Err("the answer is too long for this protocol");
        }
        match body.trim_ascii_start().first() {
            None => return Ok(Self::default()),
            Some(b'{') => {}
            Some(_) => return Err("the answer is not a JSON object"),
        }
        let wire: Wire = serde_json::from_slice(body)
            .map_err(|_| "the answer is not a JSON object with a text fileId and a whole nextByte")?;
        let next = wire.next_byte.map(|number| match number.as_u64() {
            Some(next) => Ok(next),
            None if number.is_i64() => Err("the answer's nextByte is negative"),
            None => Err("the answer's nextByte is not a whole number of 64 bits"),
        });
        Ok(Self { file_id: wire.file_id, next: next.transpose()? })
    }

    /// The upload is complete. An empty id together with an offset is how some servers say that there is no id yet.
    pub(super) fn receipt(self) -> Option<Receipt> {
        let id = self.file_id.filter(|id| !id.is_empty() || self.next.is_none())?;
        let mut receipt = Receipt::default();
        receipt.id = Some(id);
        Some(receipt)
    }
}
