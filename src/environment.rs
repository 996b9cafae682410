//! What the usual environment variables say of stores: where they are, and who asks.
//!
//! | store | who asks | where |
//! |---|---|---|
//! | S3 | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | `AWS_REGION` (else `AWS_DEFAULT_REGION`), `AWS_ENDPOINT_URL_S3` (else `AWS_ENDPOINT_URL`) |
//! | OSS | `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`, `OSS_SESSION_TOKEN` | `OSS_REGION`, `OSS_ENDPOINT` |
//! | Azure | `AZURE_STORAGE_KEY`, else `AZURE_STORAGE_SAS_TOKEN` | `AZURE_STORAGE_ACCOUNT`, `AZURE_STORAGE_ENDPOINT` |
//!
//! An empty variable is as good as none. Never reads a file.

use std::collections::BTreeMap;
use std::fmt;

/// The variables of an environment. `Debug` shows their names.
#[derive(Clone, Default)]
pub struct Environment(Option<BTreeMap<String, String>>);

/// Where a store is, as far as it was said: on a command line, in settings, in the environment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Place {
    /// A URL such as `https://s3.example.com`, without any bucket or container.
    pub endpoint: Option<String>,
    /// The region that requests are signed for (S3, OSS).
    pub region: Option<String>,
    /// The storage account (Azure).
    pub account: Option<String>,
    /// Whether the bucket stands in the path, whatever the endpoint (S3, OSS).
    pub path_style: bool,
}

impl Environment {
    /// The environment of this process. Variables are read when they are needed.
    #[must_use]
    pub const fn of_process() -> Self {
        Self(None)
    }

    /// These variables and no others.
    pub fn of(variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self(Some(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// A variable's value, unless it is empty.
    fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Some(variables) => variables.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The first of these that is there.
    fn first(&self, given: Option<String>, names: &[&str]) -> Option<String> {
        given.or_else(|| names.iter().find_map(|name| self.get(name)))
    }
}

#[cfg(any(feature = "s3", feature = "oss"))]
mod key {
    use longhaul_core::error::BuildError;
    use longhaul_sign::AccessKey;
    use longhaul_store::Access;

    use super::Environment;

    impl Environment {
        /// An access key of three variables.
        pub(super) fn access_key(&self, id: &str, secret: &str, token: &str) -> Result<Access, BuildError> {
            match (self.get(id), self.get(secret)) {
                (Some(id), Some(secret)) => {
                    let key = AccessKey::new(id.trim(), secret.trim());
                    Ok(match self.get(token) {
                        Some(token) => key.with_session_token(token.trim()),
                        None => key,
                    }
                    .into())
                }
                (Some(_), None) => {
                    Err(BuildError::new(format!("{id} is set, and {secret} is not"), format!("set {secret}")))
                }
                (None, Some(_)) => {
                    Err(BuildError::new(format!("{secret} is set, and {id} is not"), format!("set {id}")))
                }
                (None, None) => Err(BuildError::new("there are no credentials", format!("set {id} and {secret}"))),
            }
        }
    }
}

#[cfg(feature = "s3")]
mod s3 {
    use longhaul_core::error::BuildError;
    use longhaul_s3::{Access, Bucket, Style};

    use super::{Environment, Place};

    impl Environment {
        /// The access key for S3.
        ///
        /// # Errors
        /// Which variable is missing.
        pub fn s3_access(&self) -> Result<Access, BuildError> {
            self.access_key("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        }

        /// What was said of where S3 is, and for the rest what the environment says.
        #[must_use]
        pub fn s3_place(&self, said: Place) -> Place {
            Place {
                endpoint: self.first(said.endpoint, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
                region: self.first(said.region, &["AWS_REGION", "AWS_DEFAULT_REGION"]),
                account: None,
                path_style: said.path_style,
            }
        }
    }

    impl Place {
        /// The bucket `name` of S3: Amazon's where there is no endpoint.
        ///
        /// # Errors
        /// What is missing, or wrong.
        pub fn s3_bucket(&self, name: &str) -> Result<Bucket, BuildError> {
            let region = self.region.as_deref().ok_or_else(|| {
                let remedy = "give the bucket's, such as eu-central-1, or set AWS_REGION; S3-style stores mostly take \
                              us-east-1 or auto";
                BuildError::new("there is no region", remedy)
            })?;
            let bucket = match &self.endpoint {
                Some(endpoint) => Bucket::at(endpoint, region, name)?,
                None => Bucket::amazon(region, name)?,
            };
            if self.path_style { bucket.with_style(Style::Path) } else { Ok(bucket) }
        }
    }
}

#[cfg(feature = "oss")]
mod oss {
    use longhaul_core::error::BuildError;
    use longhaul_oss::{Access, Bucket, Style};

    use super::{Environment, Place};

    impl Environment {
        /// The access key for OSS.
        ///
        /// # Errors
        /// Which variable is missing.
        pub fn oss_access(&self) -> Result<Access, BuildError> {
            self.access_key("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN")
        }

        /// What was said of where OSS is, and for the rest what the environment says. An endpoint may be written without scheme,
        /// as Aliyun's own tools take it.
        #[must_use]
        pub fn oss_place(&self, said: Place) -> Place {
            let endpoint = self.first(said.endpoint, &["OSS_ENDPOINT"]);
            Place {
                endpoint: endpoint
                    .map(|endpoint| if endpoint.contains("://") { endpoint } else { format!("https://{endpoint}") }),
                region: self.first(said.region, &["OSS_REGION"]),
                account: None,
                path_style: said.path_style,
            }
        }
    }

    impl Place {
        /// The bucket `name` of OSS: by the region's public endpoint where there is no other.
        ///
        /// # Errors
        /// What is missing, or wrong.
        pub fn oss_bucket(&self, name: &str) -> Result<Bucket, BuildError> {
            let region = self.region.as_deref().ok_or_else(|| {
                BuildError::new("there is no region", "give the bucket's, such as cn-hangzhou, or set OSS_REGION")
            })?;
            let bucket = match &self.endpoint {
                Some(endpoint) => Bucket::at(endpoint, region, name)?,
                None => Bucket::aliyun(region, name)?,
            };
            if self.path_style { bucket.with_style(Style::Path) } else { Ok(bucket) }
        }
    }
}

#[cfg(feature = "azblob")]
mod azure {
    use longhaul_azblob::{Access, Container};
    use longhaul_core::error::BuildError;

    use super::{Environment, Place};

    impl Environment {
        /// The account key, or the shared access signature, for the account of `place`.
        ///
        /// # Errors
        /// Which variable is missing, or malformed.
        pub fn azure_access(&self, place: &Place) -> Result<Access, BuildError> {
            let named =
                |error: BuildError, name: &str| BuildError::new(format!("{name}: {}", error.what), error.remedy);
            if let Some(key) = self.get("AZURE_STORAGE_KEY") {
                let access = Access::key(place.account()?, key.trim());
                return access.map_err(|error| named(error, "AZURE_STORAGE_KEY"));
            }
            if let Some(token) = self.get("AZURE_STORAGE_SAS_TOKEN") {
                return Access::sas(&token).map_err(|error| named(error, "AZURE_STORAGE_SAS_TOKEN"));
            }
            Err(BuildError::new("there are no credentials", "set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"))
        }

        /// What was said of where the account is, and for the rest what the environment says.
        #[must_use]
        pub fn azure_place(&self, said: Place) -> Place {
            Place {
                endpoint: self.first(said.endpoint, &["AZURE_STORAGE_ENDPOINT"]),
                region: None,
                account: self.first(said.account, &["AZURE_STORAGE_ACCOUNT"]),
                path_style: false,
            }
        }
    }

    impl Place {
        fn account(&self) -> Result<&str, BuildError> {
            let account = self.account.as_deref();
            account
                .ok_or_else(|| BuildError::new("there is no storage account", "name it, or set AZURE_STORAGE_ACCOUNT"))
        }

        /// The container `name` of the account: in the public cloud where there is no endpoint.
        ///
        /// # Errors
        /// What is missing, or wrong.
        pub fn azure_container(&self, name: &str) -> Result<Container, BuildError> {
            match &self.endpoint {
                Some(endpoint) => Container::at(endpoint, self.account()?, name),
                None => Container::new(self.account()?, name),
            }
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(variables) => f.debug_tuple("Environment").field(&variables.keys()).finish(),
            None => f.debug_tuple("Environment").finish(),
        }
    }
}

#[cfg(all(test, feature = "s3", feature = "oss", feature = "azblob"))]
mod tests {
    use longhaul_sign::AccessKey;

    use super::*;

    #[test]
    fn keys_are_read_by_their_usual_names() {
        let environment = Environment::of([
            ("AWS_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("AWS_SESSION_TOKEN", "canary-token"),
            ("OSS_ACCESS_KEY_ID", "OK"),
            ("OSS_ACCESS_KEY_SECRET", "canary\n"),
            ("OSS_SESSION_TOKEN", ""),
        ]);
        let key = AccessKey::new("AK", "canary").with_session_token("canary-token");
        assert_eq!(environment.s3_access(), Ok(key.into()));
        assert_eq!(environment.oss_access(), Ok(AccessKey::new("OK", "canary").into()));
        assert!(!format!("{environment:?}").contains("canary"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |variables: &[(&str, &str)]| {
            let environment = Environment::of(variables.iter().copied());
            environment.s3_access().expect_err("incomplete").to_string()
        };
        assert!(error(&[]).contains("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{}", error(&[]));
        assert!(error(&[("AWS_ACCESS_KEY_ID", "a")]).ends_with("set AWS_SECRET_ACCESS_KEY"));
        assert!(error(&[("AWS_SECRET_ACCESS_KEY", "canary")]).ends_with("set AWS_ACCESS_KEY_ID"));
        let none = Place::default();
        for (error, variable) in [
            (none.s3_bucket("bucket").map(drop), "AWS_REGION"),
            (none.oss_bucket("bucket").map(drop), "OSS_REGION"),
            (none.azure_container("container").map(drop), "AZURE_STORAGE_ACCOUNT"),
            (Environment::of([("", "")]).azure_access(&none).map(drop), "AZURE_STORAGE_SAS_TOKEN"),
            (
                Environment::of([("AZURE_STORAGE_KEY", "canary!")]).azure_access(&account("acme")).map(drop),
                "AZURE_STORAGE_KEY",
            ),
        ] {
            let error = error.expect_err(variable).to_string();
            assert!(error.contains(variable) && !error.contains("canary"), "{error}");
        }
    }

    fn account(name: &str) -> Place {
        Place { account: Some(name.to_owned()), ..Place::default() }
    }

    #[test]
    fn what_was_said_goes_before_the_environment() {
        let environment = Environment::of([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", "https://all.example.com"),
            ("AWS_ENDPOINT_URL_S3", "https://s3.example.com"),
            ("OSS_REGION", "cn-hangzhou"),
            ("OSS_ENDPOINT", "oss-cn-hangzhou-internal.aliyuncs.com"),
            ("AZURE_STORAGE_ACCOUNT", "acme"),
        ]);
        let place = environment.s3_place(Place::default());
        assert_eq!(
            (place.region.as_deref(), place.endpoint.as_deref()),
            (Some("eu-west-1"), Some("https://s3.example.com"))
        );
        let place = environment.s3_place(Place { region: Some("us-west-2".to_owned()), ..Place::default() });
        assert_eq!(place.s3_bucket("bucket").expect("sound").region(), "us-west-2");
        let place = environment.oss_place(Place::default());
        assert_eq!(place.endpoint.as_deref(), Some("https://oss-cn-hangzhou-internal.aliyuncs.com"));
        assert!(place.oss_bucket("bucket").is_ok());
        assert_eq!(environment.azure_place(account("other")), account("other"));
        assert!(environment.azure_place(Place::default()).azure_container("container").is_ok());
    }
}
