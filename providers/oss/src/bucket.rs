//! Where a bucket is: endpoint, region, name, and how the name stands in the URL.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints>,
//! <https://www.alibabacloud.com/help/en/oss/user-guide/access-buckets-via-custom-domain-names> and
//! <https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions>. Says nothing about keys.

use alloc::format;
use alloc::string::{String, ToString};

use longhaul_core::error::BuildError;
use longhaul_store::Endpoint;
use longhaul_store::endpoint::{check_bucket, check_region};

use crate::rules::Rules;

/// How a bucket's name stands in the URL. It stands in the signature in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Style {
    /// `https://bucket.endpoint/key`: the only one that Aliyun's own endpoints serve.
    Virtual,
    /// `https://endpoint/bucket/key`: for emulators and gateways.
    Path,
    /// `https://endpoint/key`: the endpoint is a domain of the bucket's own (CNAME).
    Custom,
    /// By path where the endpoint is an address or a name without a dot, else virtual-hosted.
    #[default]
    Auto,
}

/// A bucket: checked names, ready to make URLs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bucket {
    name: String,
    region: String,
    endpoint: Endpoint,
    style: Style,
    rules: Rules,
}

const REGION: &str = "name the bucket's region, such as cn-hangzhou";

impl Bucket {
    /// A bucket of Aliyun OSS in `region`, such as `cn-hangzhou`, by the region's public endpoint.
    ///
    /// # Errors
    /// What is wrong with region or name.
    pub fn aliyun(region: &str, name: &str) -> Result<Self, BuildError> {
        let region = plain(region);
        check_region(region, REGION)?;
        Self::new(Endpoint::https(format!("oss-{region}.aliyuncs.com")), region, name)
    }

    /// A bucket at `endpoint`, a URL such as `https://oss-cn-hangzhou-internal.aliyuncs.com`, `https://oss-accelerate.aliyuncs.com`,
    /// or `https://files.example.com` with [`Style::Custom`]; otherwise never with the bucket's name. `region` is the one that
    /// requests are signed for, such as `cn-hangzhou`.
    ///
    /// # Errors
    /// What is wrong with endpoint, region or name, or that the endpoint is another region's.
    pub fn at(endpoint: &str, region: &str, name: &str) -> Result<Self, BuildError> {
        let region = plain(region);
        check_region(region, REGION)?;
        Self::new(Endpoint::parse(endpoint)?, region, name)
    }

    fn new(endpoint: Endpoint, region: &str, name: &str) -> Result<Self, BuildError> {
        check_bucket(name, false)?;
        let host = endpoint.host();
        if host.ends_with(".aliyuncs.com") && host.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')) {
            let what = "the endpoint begins with the bucket's name";
            return Err(BuildError::new(what, format!("leave '{name}.' out of the endpoint")));
        }
        if let Some(there) = region_of(host)
            && there != region
        {
            let what = format!("the endpoint is of region {there}, and requests would be signed for {region}");
            return Err(BuildError::new(what, "give the endpoint and the region of the bucket"));
        }
        Ok(Self {
            name: name.to_string(),
            region: region.to_string(),
            endpoint,
            style: Style::Auto,
            rules: Rules::ALIYUN,
        })
    }

    /// The same with another addressing style.
    ///
    /// # Errors
    /// When the bucket's name cannot stand before the endpoint's, which is an address.
    pub fn with_style(mut self, style: Style) -> Result<Self, BuildError> {
        if style == Style::Virtual && self.endpoint.is_address() {
            let what = "the endpoint is an address, before which no bucket name can stand";
            return Err(BuildError::new(what, "use path-style addressing"));
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

    /// Limits of the store.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// Whether requests are encrypted on the way.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.endpoint.is_encrypted()
    }

    /// The bucket's URL, to which an encoded key is added.
    pub(crate) fn prefix(&self) -> String {
        let endpoint = &self.endpoint;
        match self.style {
            Style::Custom => endpoint.alone(),
            Style::Path => endpoint.in_path(&self.name),
            Style::Auto if endpoint.is_address() || !endpoint.host().contains('.') => endpoint.in_path(&self.name),
            Style::Virtual | Style::Auto => endpoint.before_host(&self.name),
        }
    }
}

/// A region as signatures have it: consoles and older settings show it as `oss-cn-hangzhou`.
fn plain(region: &str) -> &str {
    region.strip_prefix("oss-").unwrap_or(region)
}

/// The region in the name of one of Aliyun's endpoints. Global ones (`oss-accelerate`) have none.
fn region_of(host: &str) -> Option<&str> {
    let region = host.strip_suffix(".aliyuncs.com")?.strip_prefix("oss-")?;
    let region = region.strip_suffix("-internal").unwrap_or(region);
    (!region.starts_with("accelerate") && !region.contains('.')).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(bucket: Result<Bucket, BuildError>) -> String {
        bucket.expect("sound").prefix()
    }

    #[test]
    fn aliyuns_buckets_stand_in_the_host() {
        let own = "https://my-bucket.oss-cn-hangzhou.aliyuncs.com/";
        assert_eq!(prefix(Bucket::aliyun("cn-hangzhou", "my-bucket")), own);
        assert_eq!(prefix(Bucket::aliyun("oss-cn-hangzhou", "my-bucket")), own);
        assert_eq!(Bucket::aliyun("oss-cn-hangzhou", "my-bucket").expect("sound").region(), "cn-hangzhou");
        let at = |endpoint| Bucket::at(endpoint, "cn-hangzhou", "my-bucket");
        assert_eq!(prefix(at("https://oss-cn-hangzhou.aliyuncs.com")), own);
        assert_eq!(
            prefix(at("https://oss-cn-hangzhou-internal.aliyuncs.com/")),
            "https://my-bucket.oss-cn-hangzhou-internal.aliyuncs.com/"
        );
        assert_eq!(prefix(at("https://oss-accelerate.aliyuncs.com")), "https://my-bucket.oss-accelerate.aliyuncs.com/");
        assert_eq!(prefix(at("http://oss.example.com:8080")), "http://my-bucket.oss.example.com:8080/");
    }

    #[test]
    fn addresses_and_local_names_have_the_bucket_in_the_path() {
        let at = |endpoint| Bucket::at(endpoint, "cn-hangzhou", "tbucket");
        assert_eq!(prefix(at("http://127.0.0.1:9000")), "http://127.0.0.1:9000/tbucket/");
        assert_eq!(prefix(at("http://[::1]:9000/oss/")), "http://[::1]:9000/oss/tbucket/");
        assert_eq!(prefix(at("http://localhost:9000")), "http://localhost:9000/tbucket/");
        let hosted = at("http://localhost:9000").and_then(|bucket| bucket.with_style(Style::Virtual));
        assert_eq!(prefix(hosted), "http://tbucket.localhost:9000/");
        let path = at("https://oss.example.com").and_then(|bucket| bucket.with_style(Style::Path));
        assert_eq!(prefix(path), "https://oss.example.com/tbucket/");
        for address in ["http://127.0.0.1:9000", "http://[::1]:9000"] {
            let error = at(address).and_then(|bucket| bucket.with_style(Style::Virtual)).expect_err(address);
            assert!(error.remedy.contains("path-style"), "{error}");
        }
    }

    #[test]
    fn a_domain_of_the_buckets_own_stands_alone() {
        let custom = Bucket::at("https://files.example.com", "cn-hangzhou", "my-bucket")
            .and_then(|bucket| bucket.with_style(Style::Custom));
        assert_eq!(prefix(custom), "https://files.example.com/");
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        for (name, why) in [
            ("ab", "between 3 and 63"),
            ("My-Bucket", "'M'"),
            ("my_bucket", "'_'"),
            ("my.bucket", "'.'"),
            ("-bucket", "begins or ends"),
            ("bucket-", "begins or ends"),
            ("a/b/c", "'/'"),
            ("a\r\nb", "'\\r'"),
        ] {
            let error = Bucket::aliyun("cn-hangzhou", name).expect_err(name);
            assert!(error.what.contains(why) && !error.what.contains('\n'), "{error}");
        }
    }

    #[test]
    fn o7_endpoints_and_regions_that_do_not_fit_are_refused() {
        for endpoint in ["", "localhost:9000", "ftp://h", "http://u:p@h", "http://h/?a"] {
            assert!(Bucket::at(endpoint, "cn-hangzhou", "my-bucket").is_err(), "{endpoint}");
        }
        for region in ["", "cn hangzhou", "a/b", "é", "oss-"] {
            assert!(Bucket::aliyun(region, "my-bucket").is_err(), "{region}");
        }
        let error = Bucket::at("https://oss-cn-shanghai-internal.aliyuncs.com", "cn-hangzhou", "my-bucket")
            .expect_err("two regions");
        assert!(error.what.contains("cn-shanghai") && error.what.contains("cn-hangzhou"), "{error}");
        let error = Bucket::at("https://my-bucket.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou", "my-bucket")
            .expect_err("twice");
        assert!(error.remedy.contains("leave 'my-bucket.' out"), "{error}");
    }
}
