//! A bounded reader for the XML that stores answer with.
//!
//! Follows XML 1.0 as far as the stores use it, through `quick-xml`'s event reader: elements, text, CDATA, the five predefined
//! entities and character references. There is no document type: a `<!DOCTYPE` is refused, so nothing expands. Attributes and
//! namespace prefixes are disregarded. White space or a byte order mark in front is allowed: S3 sends white space while it
//! completes an upload, Azure a byte order mark.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// How much a document may hold. What is beyond is an error, never a partial result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the document in bytes.
    pub bytes: usize,
    /// Elements inside each other, at most 128 whatever is said here.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
}

impl Limits {
    /// For listings: 32 MiB, 16 deep, 600,000 elements. Azure's longest block list (150,000 blocks) is about 20 MiB.
    pub const LIST: Self = Self { bytes: 32 << 20, depth: 16, elements: 600_000 };
    /// For errors and results of one request: 64 KiB, 16 deep, 1,000 elements.
    pub const SMALL: Self = Self { bytes: 64 << 10, depth: 16, elements: 1_000 };
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
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
    /// Elements are nested deeper than allowed.
    #[error("elements are nested more than {0} deep")]
    TooDeep(usize),
    /// There are more elements than allowed.
    #[error("there are more than {0} elements")]
    TooMany(usize),
    /// It is not UTF-8.
    #[error("the document is not UTF-8 (from byte {0} on)")]
    NotUtf8(usize),
    /// It has a document type definition.
    #[error("the document has a document type definition, which is not read")]
    DocType,
    /// An entity that only a document type could define, or a character that does not exist.
    #[error("the reference &{0}; is unknown")]
    UnknownReference(String),
    /// The document ends inside an element.
    #[error("the document ends inside <{0}>")]
    Truncated(String),
    /// It is not well-formed.
    #[error("not well-formed at byte {at}: {what}")]
    Syntax {
        /// Where, in bytes from the start.
        at: u64,
        /// What is wrong, in words.
        what: String,
    },
}

/// An element: its name without prefix, its own text, its children.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The name without namespace prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text directly inside, references resolved, white space kept (it may belong to an object key).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All children, in document order.
    pub fn children(&self) -> &[Element] {
        &self.children
    }

    /// The children of one name, in document order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element at a path of names below this one, such as `["Owner", "ID"]`; the empty path is this element.
    pub fn find(&self, path: &[&str]) -> Option<&Element> {
        match path.split_first() {
            None => Some(self),
            Some((name, rest)) => self.all(name).find_map(|child| child.find(rest)),
        }
    }

    /// The text of the first element at a path.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.find(path).map(Element::text)
    }
}

/// Reads a document and gives its root element.
///
/// Time and memory are linear in the size of the document, which the limits bound.
pub fn parse(document: &[u8], limits: &Limits) -> Result<Element, XmlError> {
    if document.len() > limits.bytes {
        return Err(XmlError::TooLarge { len: document.len(), max: limits.bytes });
    }
    let text = core::str::from_utf8(document).map_err(|error| XmlError::NotUtf8(error.valid_up_to()))?;
    let body = text.trim_start_matches(|c: char| c == '\u{feff}' || is_space(c));
    if body.is_empty() {
        return Err(XmlError::Empty);
    }
    let skipped = u64::try_from(text.len() - body.len()).unwrap_or(u64::MAX);
    Builder { limits, skipped, open: Vec::new(), root: None, elements: 0 }.run(body)
}

/// Escapes text for the inside of an element.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A reader turns a bare carriage return into a line feed (XML 1.0 §2.11).
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
    out
}

struct Builder<'l> {
    limits: &'l Limits,
    skipped: u64,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Builder<'_> {
    fn run(mut self, body: &str) -> Result<Element, XmlError> {
        let mut reader = Reader::from_str(body);
        loop {
            let at = self.skipped.saturating_add(reader.buffer_position());
            // Each event consumes input, so the loop ends with it.
            match reader.read_event() {
                Ok(Event::Start(tag)) => self.start(tag.local_name().into_inner(), at)?,
                Ok(Event::Empty(tag)) => {
                    self.start(tag.local_name().into_inner(), at)?;
                    self.end();
                }
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Text(text)) => self.text(&text.xml10_content(), at)?,
                Ok(Event::CData(text)) => self.text(&text.xml10_content(), at)?,
                Ok(Event::GeneralRef(name)) => {
                    let c = resolve(&name).ok_or_else(|| XmlError::UnknownReference(shorten(&name)))?;
                    self.text(c.encode_utf8(&mut [0; 4]), at)?;
                }
                Ok(Event::DocType(_)) => return Err(XmlError::DocType),
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
                Ok(Event::Eof) => break,
                Err(error) => {
                    let at = self.skipped.saturating_add(reader.error_position());
                    return Err(XmlError::Syntax { at, what: shorten(&error.to_string()) });
                }
            }
        }
        match (self.open.pop(), self.root) {
            (Some(open), _) => Err(XmlError::Truncated(open.name)),
            (None, Some(root)) => Ok(root),
            (None, None) => Err(XmlError::Empty),
        }
    }

    fn start(&mut self, name: &str, at: u64) -> Result<(), XmlError> {
        let depth = self.limits.depth.min(MAX_DEPTH);
        if self.root.is_some() {
            return Err(XmlError::Syntax { at, what: "a second root element".to_string() });
        }
        if self.open.len() >= depth {
            return Err(XmlError::TooDeep(depth));
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(XmlError::TooMany(self.limits.elements));
        }
        self.open.push(Element { name: name.to_string(), ..Element::default() });
        Ok(())
    }

    /// The reader has checked that an end belongs to the start.
    fn end(&mut self) {
        if let Some(done) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(done),
                None => self.root = Some(done),
            }
        }
    }

    fn text(&mut self, text: &str, at: u64) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.chars().all(is_space) => {}
            None => {
                return Err(XmlError::Syntax { at, what: "text outside the root element".to_string() });
            }
        }
        Ok(())
    }
}

/// Elements are dropped and searched by recursion, so the depth has a bound of its own.
const MAX_DEPTH: usize = 128;

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn resolve(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |hex| (hex, 16));
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            let code = u32::from_str_radix(digits, radix).ok().filter(|code| is_number && *code != 0)?;
            char::from_u32(code)
        }
    }
}

/// What goes into an error is bounded as well.
fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
