//! Where a container is: account, endpoint, name.
//!
//! Follows <https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata>. Says
//! nothing about blobs.

use alloc::format;
use alloc::string::{String, ToString};

use longhaul_core::error::BuildError;
use longhaul_store::Endpoint;

use crate::rules::Rules;

/// Containers with names of their own form: <https://learn.microsoft.com/rest/api/storageservices/working-with-the-root-container>.
const SPECIAL: [&str; 3] = ["$root", "$web", "$logs"];

/// A container: checked names, ready to make URLs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Container {
    name: String,
    /// What stands before a blob's name.
    prefix: String,
    encrypted: bool,
    rules: Rules,
}

impl Container {
    /// A container of a storage account in the public cloud: `https://account.blob.core.windows.net/name`.
    ///
    /// # Errors
    /// What is wrong with one of the names.
    pub fn new(account: &str, name: &str) -> Result<Self, BuildError> {
        check_account(account)?;
        Self::of(&Endpoint::https(format!("{account}.blob.core.windows.net")), name)
    }

    /// A container at any endpoint: another cloud (`https://account.blob.core.chinacloudapi.cn`), a domain of one's own, or
    /// Azurite. Where the endpoint is an address or `localhost` and has no path, the account is its first segment, as Azurite
    /// wants it; one that is given (`http://127.0.0.1:10000/devstoreaccount1`) stays.
    ///
    /// # Errors
    /// What is wrong with the endpoint or one of the names.
    pub fn at(endpoint: &str, account: &str, name: &str) -> Result<Self, BuildError> {
        check_account(account)?;
        let parsed = Endpoint::parse(endpoint)?;
        let local = parsed.is_address() || parsed.host() == "localhost";
        if local && !parsed.has_path() {
            return Self::of(&Endpoint::parse(&parsed.in_path(account))?, name);
        }
        Self::of(&parsed, name)
    }

    fn of(endpoint: &Endpoint, name: &str) -> Result<Self, BuildError> {
        check_name(name)?;
        let (prefix, encrypted) = (endpoint.in_path(name), endpoint.is_encrypted());
        Ok(Self { name: name.to_string(), prefix, encrypted, rules: Rules::CURRENT })
    }

    /// The same with another version of the service. Default [`Rules::CURRENT`].
    #[must_use]
    pub const fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service's version and limits.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// Whether requests are encrypted on the way.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The container's URL, to which an encoded name is added: `https://host/container/`.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// 3 to 24 lower-case letters and digits, and the read-only second region's suffix.
fn check_account(account: &str) -> Result<(), BuildError> {
    let name = account.strip_suffix("-secondary").unwrap_or(account);
    let sound = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if sound && (3..=24).contains(&name.len()) {
        return Ok(());
    }
    let remedy =
        "storage accounts have names of 3 to 24 lower-case letters and digits: give the name, not a URL or key";
    Err(BuildError::new(format!("{:?} is not a storage account's name", shown(account)), remedy))
}

fn check_name(name: &str) -> Result<(), BuildError> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let why = if SPECIAL.contains(&name) {
        return Ok(());
    } else if !(3..=63).contains(&name.len()) {
        "has not between 3 and 63 characters".to_string()
    } else if let Some(c) = name.chars().find(|c| !sound(*c)) {
        format!("has the character {c:?}")
    } else if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
        "has a '-' at an end, or two in a row".to_string()
    } else {
        return Ok(());
    };
    let remedy = "container names are 3 to 63 lower-case letters, digits and single '-'";
    Err(BuildError::new(format!("the container name {:?} {why}", shown(name)), remedy))
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_endpoint() {
        let at = |endpoint: &str| Container::at(endpoint, "devstoreaccount1", "box").expect(endpoint).prefix;
        assert_eq!(Container::new("acme", "box").expect("sound").prefix(), "https://acme.blob.core.windows.net/box/");
        assert_eq!(at("http://127.0.0.1:10000"), "http://127.0.0.1:10000/devstoreaccount1/box/");
        assert_eq!(at("http://127.0.0.1:10000/"), "http://127.0.0.1:10000/devstoreaccount1/box/");
        assert_eq!(at("http://localhost:10000/devstoreaccount1"), "http://localhost:10000/devstoreaccount1/box/");
        assert_eq!(at("http://[::1]:10000/other/"), "http://[::1]:10000/other/box/");
        assert_eq!(at("https://files.example.com"), "https://files.example.com/box/");
        assert_eq!(at("https://acme.blob.core.chinacloudapi.cn/"), "https://acme.blob.core.chinacloudapi.cn/box/");
    }

    #[test]
    fn names_are_those_the_service_takes() {
        for name in ["abc", "a-b-c", "0a9", "$root", "$web", "$logs"] {
            assert!(Container::new("acme", name).is_ok(), "{name}");
        }
        let long = "a".repeat(64);
        for name in ["", "ab", &long, "Box", "a_b", "a--b", "-ab", "ab-", "$other", "a/b", "a\nb"] {
            assert!(Container::new("acme", name).is_err(), "{name}");
        }
        for account in ["", "ab", "Acme", "a.b.c", "https://acme", &"a".repeat(25)] {
            assert!(Container::new(account, "box").is_err(), "{account}");
        }
        assert!(Container::new("acme-secondary", "box").is_ok());
    }
}
