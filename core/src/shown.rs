//! URLs as they may be seen: without query, fragment and userinfo (K2).

use core::fmt;

use http::Uri;

/// Shows scheme, host, port and path only.
pub(crate) struct Shown<'a>(pub(crate) &'a Uri);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(scheme), Some(authority)) = (self.0.scheme_str(), self.0.authority()) {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            write!(f, "{scheme}://{host}")?;
        }
        f.write_str(self.0.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn k2_a_url_is_shown_without_query_and_userinfo() {
        let uri = Uri::from_static("https://me:canary@host:8080/a/b?sig=canary");
        assert_eq!(format!("{:?}", Shown(&uri)), "https://host:8080/a/b");
    }
}
