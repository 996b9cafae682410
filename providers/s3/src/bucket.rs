//! Where a bucket is: endpoint, region, name, and how the name stands in the URL.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>. Says nothing about keys.

use alloc::format;
use alloc::string::{String, ToString};

use longhaul_core::error::BuildError;
use longhaul_store::Endpoint;
use longhaul_store::endpoint::{self, check_bucket, refused};

use crate::rules::Rules;

/// How a bucket's name stands in the URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Style {
    /// `https://endpoint/bucket/key`.
    Path,
    /// `https://bucket.endpoint/key`.
    Virtual,
    /// Virtual-hosted with Amazon, unless the name has a dot that its TLS certificate would not cover; by path elsewhere.
    #[default]
    Auto,
}

/// A bucket: checked names, ready to make URLs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bucket {
    name: String,
    region: String,
    endpoint: Endpoint,
    amazon: bool,
    style: Style,
    rules: Rules,
}

impl Bucket {
    /// A bucket of Amazon S3 in `region`, such as `eu-central-1`.
    ///
    /// # Errors
    /// What is wrong with region or name.
    pub fn amazon(region: &str, name: &str) -> Result<Self, BuildError> {
        check_region(region)?;
        check_amazon_name(name)?;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Ok(Self {
            name: name.to_string(),
            region: region.to_string(),
            endpoint: Endpoint::https(format!("s3.{region}.{domain}")),
            amazon: true,
            style: Style::Auto,
            rules: Rules::AMAZON,
        })
    }

    /// A bucket of any S3-style store at `endpoint`, a URL such as `https://s3.example.com` or `http://127.0.0.1:9000`, never
    /// with the bucket's name. `region` is what the store expects in signatures: often `us-east-1`, `auto` or `garage`.
    ///
    /// The [`Rules`] of known stores are found by their host names; others have [`Rules::OTHERS`].
    ///
    /// # Errors
    /// What is wrong with endpoint, region or name.
    pub fn at(endpoint: &str, region: &str, name: &str) -> Result<Self, BuildError> {
        let endpoint = Endpoint::parse(endpoint)?;
        check_region(region)?;
        let bare = endpoint.host();
        let amazon = bare.ends_with(".amazonaws.com") || bare.ends_with(".amazonaws.com.cn");
        if amazon {
            check_amazon_name(name)?;
            if bare.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')) {
                let what = "the endpoint begins with the bucket's name";
                return Err(BuildError::new(what, format!("leave '{name}.' out of the endpoint")));
            }
        } else {
            check_name(name)?;
        }
        Ok(Self {
            name: name.to_string(),
            region: region.to_string(),
            amazon,
            style: Style::Auto,
            rules: if amazon { Rules::AMAZON } else { Rules::of_host(bare) },
            endpoint,
        })
    }

    /// The same with another addressing style.
    ///
    /// # Errors
    /// When the name cannot be part of a host name, or the endpoint is an address.
    pub fn with_style(mut self, style: Style) -> Result<Self, BuildError> {
        if style == Style::Virtual {
            check_amazon_name(&self.name)?;
            if self.endpoint.is_address() {
                let what = "the endpoint is an address, before which no bucket name can stand";
                return Err(BuildError::new(what, "use path-style addressing"));
            }
        }
        self.style = style;
        Ok(self)
    }

    /// The same with other rules.
    #[must_use]
    pub const fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The region as it stands in signatures.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Limits and habits of the store.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// Whether requests are encrypted on the way.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.endpoint.is_encrypted()
    }

    /// The bucket's URL, to which an encoded key is added: `https://bucket.host/` or `https://host/bucket/`.
    pub(crate) fn prefix(&self) -> String {
        let in_host = match self.style {
            Style::Path => false,
            Style::Virtual => true,
            Style::Auto => self.amazon && !(self.name.contains('.') && self.is_encrypted()),
        };
        if in_host { self.endpoint.before_host(&self.name) } else { self.endpoint.in_path(&self.name) }
    }
}

fn check_region(region: &str) -> Result<(), BuildError> {
    endpoint::check_region(
        region,
        "name the bucket's region, such as eu-central-1; S3-style stores mostly take us-east-1 or auto",
    )
}

/// The rules for general purpose buckets; what begins as an ARN gets a hint of its own.
fn check_amazon_name(name: &str) -> Result<(), BuildError> {
    if name.starts_with("arn:") {
        let remedy = "give the access point's alias (it ends with -s3alias) as the bucket's name";
        return Err(BuildError::new("an ARN is not a bucket's name", remedy));
    }
    check_bucket(name, true)
}

/// What S3-style stores take beyond that: capitals, underscores, up to 255 characters.
fn check_name(name: &str) -> Result<(), BuildError> {
    if name.is_empty() || name.len() > 255 {
        return Err(refused(name, "has not between 1 and 255 characters", true));
    }
    if let Some(c) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
        return Err(refused(name, &format!("has the character {c:?}"), true));
    }
    if matches!(name, "." | "..") {
        return Err(refused(name, "is a path", true));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(bucket: Result<Bucket, BuildError>) -> String {
        bucket.expect("sound").prefix()
    }

    #[test]
    fn amazon_buckets_stand_in_the_host_unless_a_dot_forbids_it() {
        assert_eq!(
            prefix(Bucket::amazon("eu-central-1", "my-bucket")),
            "https://my-bucket.s3.eu-central-1.amazonaws.com/"
        );
        assert_eq!(
            prefix(Bucket::amazon("eu-central-1", "my.bucket")),
            "https://s3.eu-central-1.amazonaws.com/my.bucket/"
        );
        assert_eq!(
            prefix(Bucket::amazon("cn-north-1", "my-bucket")),
            "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/"
        );
        let path = Bucket::amazon("us-east-1", "my-bucket").and_then(|bucket| bucket.with_style(Style::Path));
        assert_eq!(prefix(path), "https://s3.us-east-1.amazonaws.com/my-bucket/");
    }

    #[test]
    fn other_stores_have_the_bucket_in_the_path_unless_asked_otherwise() {
        let at = |endpoint| Bucket::at(endpoint, "us-east-1", "tbucket");
        assert_eq!(prefix(at("http://127.0.0.1:9000")), "http://127.0.0.1:9000/tbucket/");
        assert_eq!(prefix(at("https://S3.example.com/")), "https://s3.example.com/tbucket/");
        assert_eq!(prefix(at("https://gateway.example.com/s3/")), "https://gateway.example.com/s3/tbucket/");
        assert_eq!(prefix(at("http://[::1]:9000")), "http://[::1]:9000/tbucket/");
        let hosted = at("https://s3.example.com:8443").and_then(|bucket| bucket.with_style(Style::Virtual));
        assert_eq!(prefix(hosted), "https://tbucket.s3.example.com:8443/");
        for address in ["http://127.0.0.1:9000", "http://[::1]:9000"] {
            let error = at(address).and_then(|bucket| bucket.with_style(Style::Virtual)).expect_err(address);
            assert!(error.remedy.contains("path-style"), "{error}");
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        for (name, why) in [
            ("ab", "between 3 and 63"),
            ("My-Bucket", "'M'"),
            ("my_bucket", "'_'"),
            ("-bucket", "begins or ends"),
            ("bucket.", "begins or ends"),
            ("a..b", "two dots"),
            ("192.168.0.1", "an address"),
            ("arn:aws:s3:::x", "ARN"),
            ("a/b/c", "'/'"),
            ("a\r\nb", "'\\r'"),
        ] {
            let error = Bucket::amazon("us-east-1", name).expect_err(name);
            assert!(error.what.contains(why), "{error}");
            assert!(!error.what.contains('\n'));
        }
        for name in ["", ".", "..", "a/b", "a?b", "é"] {
            assert!(Bucket::at("http://localhost", "us-east-1", name).is_err(), "{name}");
        }
        assert!(Bucket::at("http://localhost", "us-east-1", "My_Bucket").is_ok());
    }

    #[test]
    fn bad_endpoints_and_regions_are_refused() {
        for endpoint in
            ["", "localhost:9000", "ftp://h", "http://u:p@h", "http://h/?a", "https://b1b.s3.us-east-1.amazonaws.com"]
        {
            assert!(Bucket::at(endpoint, "us-east-1", "b1b").is_err(), "{endpoint}");
        }
        for region in ["", "eu central", "a/b", "é"] {
            assert!(Bucket::amazon(region, "bucket").is_err(), "{region}");
        }
    }
}
