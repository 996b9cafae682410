//! A bounded reader for the JSON that servers answer with.
//!
//! Follows RFC 8259 through `serde_json`, with a limit on size and on nesting before it starts. Of members with the same name
//! the last one counts.

use serde_json::Value;

/// How much a document may hold. What is beyond is an error, never a partial result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the document in bytes.
    pub bytes: usize,
    /// Arrays and objects inside each other, at most 127 whatever is said here.
    pub depth: usize,
}

impl Limits {
    /// For an answer about one request: 64 KiB, 16 deep.
    pub const SMALL: Self = Self { bytes: 64 << 10, depth: 16 };
    /// For plans and listings: 32 MiB, 16 deep.
    pub const LIST: Self = Self { bytes: 32 << 20, depth: 16 };
}

/// Why a document could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// There is nothing but white space.
    #[error("the document is empty")]
    Empty,
    /// It is larger than allowed.
    #[error("the document has {len} bytes, more than {max}")]
    TooLarge {
        /// Its size in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// It is nested deeper than allowed.
    #[error("the document is nested more than {0} deep")]
    TooDeep(usize),
    /// It is not JSON.
    #[error("not JSON at line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 where the line has none.
        column: usize,
    },
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Value);

impl Document {
    /// Its value.
    pub fn root(&self) -> Json<'_> {
        Json(&self.0)
    }

    /// The value as `serde_json` has it, for `Deserialize`.
    pub fn into_value(self) -> Value {
        self.0
    }
}

/// A value inside a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a Value);

impl<'a> Json<'a> {
    /// A member of an object; `None` where this is no object or the member is absent. A member may be [`null`](Self::is_null).
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.0.as_object()?.get(name).map(Json)
    }

    /// A member that is there and not null.
    pub fn some(self, name: &str) -> Option<Json<'a>> {
        self.get(name).filter(|member| !member.is_null())
    }

    /// Whether this is an object.
    pub fn is_object(self) -> bool {
        self.0.is_object()
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The text of a string.
    pub fn as_str(self) -> Option<&'a str> {
        self.0.as_str()
    }

    /// A whole number that is not negative. `1.0` and `1e3` are not whole numbers here.
    pub fn as_u64(self) -> Option<u64> {
        self.0.as_u64()
    }

    /// A whole number.
    pub fn as_i64(self) -> Option<i64> {
        self.0.as_i64()
    }

    /// A boolean.
    pub fn as_bool(self) -> Option<bool> {
        self.0.as_bool()
    }

    /// The items of an array; `None` where this is none.
    pub fn items(self) -> Option<impl Iterator<Item = Json<'a>>> {
        self.0.as_array().map(|items| items.iter().map(Json))
    }
}

/// Reads a document.
pub fn parse(document: &[u8], limits: &Limits) -> Result<Document, JsonError> {
    if document.len() > limits.bytes {
        return Err(JsonError::TooLarge { len: document.len(), max: limits.bytes });
    }
    if document.iter().all(|byte| b" \t\r\n".contains(byte)) {
        return Err(JsonError::Empty);
    }
    // serde_json refuses the 128th level by itself.
    let depth = limits.depth.min(127);
    if nesting(document) > depth {
        return Err(JsonError::TooDeep(depth));
    }
    serde_json::from_slice(document)
        .map(Document)
        .map_err(|error| JsonError::Syntax { line: error.line(), column: error.column() })
}

/// The deepest nesting of brackets outside strings. On what is not JSON the result means nothing, and the parser says so later.
fn nesting(document: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in document {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use super::*;

    fn read(text: &str) -> Result<Document, JsonError> {
        parse(text.as_bytes(), &Limits::SMALL)
    }

    #[test]
    fn members_are_typed() {
        let document =
            read(r#" {"fileId": "é\"[", "nextByte": 9, "n": null, "neg": -1, "f": 1.0, "l": [1, 2], "b": true} "#)
                .expect("JSON");
        let root = document.root();
        assert_eq!(root.get("fileId").and_then(Json::as_str), Some("é\"["));
        assert_eq!(root.get("nextByte").and_then(Json::as_u64), Some(9));
        assert_eq!(root.get("neg").map(|n| (n.as_u64(), n.as_i64())), Some((None, Some(-1))));
        assert_eq!(root.get("f").and_then(Json::as_u64), None);
        assert!(root.get("n").is_some_and(Json::is_null) && root.some("n").is_none() && root.get("x").is_none());
        let items: Vec<_> =
            root.get("l").and_then(Json::items).into_iter().flatten().filter_map(Json::as_u64).collect();
        assert_eq!(items, [1, 2]);
        assert_eq!(root.get("b").and_then(Json::as_bool), Some(true));
        assert!(root.is_object() && root.items().is_none());
    }

    #[test]
    fn limits_hold() {
        let limits = Limits { bytes: 64, depth: 2 };
        let read = |text: &str| parse(text.as_bytes(), &limits).map(|_| ());
        assert_eq!(read(&" ".repeat(65)), Err(JsonError::TooLarge { len: 65, max: 64 }));
        assert_eq!(read("[[1],[2],\"[[[[\\\"[[\"]"), Ok(()));
        assert_eq!(read("[[[1]]]"), Err(JsonError::TooDeep(2)));
        let deep = Limits { bytes: 1 << 20, depth: usize::MAX };
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(127).as_bytes(), &deep).is_ok());
        assert_eq!(parse(nested(128).as_bytes(), &deep), Err(JsonError::TooDeep(127)));
    }

    #[test]
    fn what_is_not_json() {
        assert_eq!(read(" \n"), Err(JsonError::Empty));
        for text in ["{", "<a/>", "{} x", "nul", "\"\u{1}\"", "[1,]"] {
            assert!(matches!(read(text), Err(JsonError::Syntax { .. })), "{text}");
        }
        assert!(matches!(parse(b"\"\xff\"", &Limits::SMALL), Err(JsonError::Syntax { line: 1, .. })));
    }
}
