//! Entity tags: of what went up at once the MD5, of what was made of parts `MD5(the parts' MD5s)-count`, with most stores.

use alloc::format;
use alloc::string::String;

use longhaul_core::provider::UploadedPart;
use longhaul_core::{Algorithm, Digest};
use md5::{Digest as _, Md5};

/// An entity tag without its quotes.
#[must_use]
pub fn bare(tag: &str) -> &str {
    tag.trim().trim_matches('"')
}

/// The MD5 that a tag stands for, where it has the shape of one.
#[must_use]
pub fn md5(tag: &str) -> Option<Digest> {
    Digest::from_hex(Algorithm::Md5, bare(tag))
}

/// The tag of the object made of these parts, in order, without quotes; `None` where one of the parts' tags is no MD5.
#[must_use]
pub fn composite<'a>(parts: impl Iterator<Item = &'a UploadedPart>) -> Option<String> {
    let mut all = Md5::new();
    let mut count = 0u64;
    for part in parts {
        all.update(md5(&part.tag)?.bytes());
        count += 1;
    }
    let whole = Digest::new(Algorithm::Md5, &all.finalize())?;
    (count > 0).then(|| format!("{}-{count}", whole.hex()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use longhaul_core::ByteRange;

    #[test]
    fn the_composite_tag_is_as_amazon_computes_it() {
        let part = |number, tag| UploadedPart::new(number, ByteRange::at(0, 1), tag);
        // MD5 of two MD5s of nothing; one tag with quotes, one without.
        let parts = [part(1, "\"d41d8cd98f00b204e9800998ecf8427e\""), part(2, "D41D8CD98F00B204E9800998ECF8427E")];
        assert_eq!(composite(parts.iter()).as_deref(), Some("5873dd45edd01f09c1ef2e7819369e8e-2"));
        assert_eq!(composite([part(1, "opaque")].iter()), None);
        assert_eq!(composite([].iter()), None);
    }
}
