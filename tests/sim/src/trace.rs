//! What happened, as a hash and, on demand, as lines.

use std::fmt::{self, Write};

use longhaul_core::Time;

/// A trace: always hashed, kept as text only when asked for.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

struct Hasher(u64);

impl Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

impl Trace {
    /// An empty trace; `keep` to have its lines.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: keep.then(Vec::new) }
    }

    /// Takes a line in.
    pub fn note(&mut self, at: Time, line: fmt::Arguments<'_>) {
        let mut hasher = Hasher(self.hash ^ at.as_micros());
        // Hashing cannot fail.
        let _ = hasher.write_fmt(line);
        self.hash = hasher.0;
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{at:?} {line}"));
        }
    }

    /// The hash of everything noted.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, where they are kept.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}
