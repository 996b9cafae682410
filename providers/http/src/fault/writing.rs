//! One text in the ways that servers write it: percent-encoded, in XML or HTML, in JSON, broken into lines. Escapes are undone to compare
//! texts, while it stays known where in the original each letter stands. Takes linear time.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter::successors;

use crate::text::is_unprintable;

/// So many escapes within one another are undone: a URL, encoded once more, in a page.
const MOST_ROUNDS: usize = 3;

/// Characters that XML and HTML have names for, as far as they stand in URLs and tokens.
const NAMED: [(&[u8], char); 10] = [
    (b"amp;", '&'),
    (b"lt;", '<'),
    (b"gt;", '>'),
    (b"quot;", '"'),
    (b"apos;", '\''),
    (b"sol;", '/'),
    (b"plus;", '+'),
    (b"equals;", '='),
    (b"percnt;", '%'),
    (b"nbsp;", ' '),
];

/// The letters of a text as it is, and then with its escapes undone, once and again while there are any.
pub(super) fn of(text: &str) -> impl Iterator<Item = Letters> + use<> {
    successors(Some(Written::new(text)), Written::undone).take(1 + MOST_ROUNDS).map(Written::letters)
}

/// A text as it is compared: without white space and control characters, and without `+`, which stands for a space as often as for itself.
///
/// The letters are its bytes, each as the character of that number: what percent-escapes stand for need be no UTF-8.
#[derive(Default)]
pub(super) struct Letters {
    text: String,
    /// From where to where in the original each byte of `text` stands.
    places: Vec<(usize, usize)>,
}

impl Letters {
    /// The letters alone.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Where in the original these letters stand.
    pub(super) fn find(&self, letters: &str) -> impl Iterator<Item = (usize, usize)> {
        self.text.match_indices(letters).filter_map(|(at, found)| {
            let (start, _) = self.places.get(at)?;
            let (_, end) = self.places.get(at + found.len().checked_sub(1)?)?;
            Some((*start, *end))
        })
    }
}

/// The bytes of a text without white space and control characters.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// From where to where in the original each byte stands.
    places: Vec<(usize, usize)>,
}

impl Written {
    fn new(text: &str) -> Self {
        let mut written = Self::default();
        for (at, c) in text.char_indices() {
            written.push(c, (at, at + c.len_utf8()));
        }
        written
    }

    /// One more round of escapes undone; `None` where there is none.
    fn undone(&self) -> Option<Self> {
        let mut undone = Self::default();
        let mut at = 0;
        let mut any = false;
        while let (Some((byte, rest)), Some(place)) =
            (self.bytes.get(at..).and_then(<[u8]>::split_first), self.places.get(at))
        {
            let escape = escape(*byte, rest);
            let more = escape.as_ref().map_or(0, |(_, more)| *more);
            let place = (place.0, self.places.get(at + more).unwrap_or(place).1);
            match escape {
                Some((Escaped::Char(c), _)) => undone.push(c, place),
                Some((Escaped::Byte(byte), _)) => undone.push_byte(byte, place),
                None => undone.push_byte(*byte, place),
            }
            any |= more > 0;
            at += 1 + more;
        }
        any.then_some(undone)
    }

    fn letters(self) -> Letters {
        let mut letters = Letters::default();
        for (byte, place) in self.bytes.into_iter().zip(self.places).filter(|(byte, _)| *byte != b'+') {
            letters.text.push(char::from(byte));
            letters.places.resize(letters.text.len(), place);
        }
        letters
    }

    fn push(&mut self, c: char, place: (usize, usize)) {
        if !c.is_whitespace() && !is_unprintable(c) {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.push_byte(byte, place));
        }
    }

    fn push_byte(&mut self, byte: u8, place: (usize, usize)) {
        if !byte.is_ascii_control() && byte != b' ' {
            self.bytes.push(byte);
            self.places.push(place);
        }
    }
}

enum Escaped {
    Byte(u8),
    Char(char),
}

/// What an escape that begins with `byte` stands for, and how many bytes more it takes.
fn escape(byte: u8, rest: &[u8]) -> Option<(Escaped, usize)> {
    match (byte, rest) {
        (b'%', rest) => Some((Escaped::Byte(u8::try_from(hex(rest, 2)?).ok()?), 2)),
        (b'&', [b'#', b'x' | b'X', digits @ ..]) => numbered(digits, 16).map(|(c, len)| (Escaped::Char(c), 2 + len)),
        (b'&', [b'#', digits @ ..]) => numbered(digits, 10).map(|(c, len)| (Escaped::Char(c), 1 + len)),
        (b'&', rest) => {
            let (name, c) = NAMED.iter().find(|(name, _)| rest.starts_with(name))?;
            Some((Escaped::Char(*c), name.len()))
        }
        (b'\\', [b'u', digits @ ..]) => Some((Escaped::Char(char::from_u32(hex(digits, 4)?)?), 5)),
        (b'\\', [b'x', digits @ ..]) => Some((Escaped::Char(char::from_u32(hex(digits, 2)?)?), 3)),
        // Control characters, which are left out anyway.
        (b'\\', [b'b' | b'f' | b'n' | b'r' | b't', ..]) => Some((Escaped::Byte(b' '), 1)),
        (b'\\', [byte @ (b'/' | b'\\' | b'"' | b'\''), ..]) => Some((Escaped::Byte(*byte), 1)),
        _ => None,
    }
}

/// The number that exactly so many hexadecimal digits write.
fn hex(text: &[u8], digits: usize) -> Option<u32> {
    text.get(..digits)?.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

/// The character with this number, and how many bytes its digits and the semicolon take, which pages leave out.
fn numbered(text: &[u8], radix: u32) -> Option<(char, usize)> {
    // More digits than any character's number has: nobody writes so many zeros before it.
    const MOST_DIGITS: usize = 10;
    let digits = text.iter().map_while(|digit| char::from(*digit).to_digit(radix)).take(MOST_DIGITS);
    let (number, len) =
        digits.fold((0u32, 0), |(number, len), digit| (number.saturating_mul(radix).saturating_add(digit), len + 1));
    let end = usize::from(text.get(len) == Some(&b';'));
    (len > 0).then_some(())?;
    Some((char::from_u32(number)?, len + end))
}
