//! The two servers named in a rules file: pg-backup-api and the local Patroni.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::Origin;

/// The name of a pg-backup-api in the rules file: a key of `apis`, or `default` for `api`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub struct ApiName(pub String);

impl Default for ApiName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for ApiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An `http` or `https` address without user, password, query or fragment; its scheme is in lower
/// case, and its path prefix is kept, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Url(String);

impl Url {
    /// The longest address, in bytes. Servers accept lines of a few thousand, and the path of a request is added.
    const LONGEST: usize = 2048;

    /// Accepts an address that a path can be appended to.
    ///
    /// # Errors
    /// The problem with it, for a message; a password in it is not repeated.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text
            .split_once("://")
            .map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest))
            .filter(|(scheme, _)| matches!(scheme.as_str(), "http" | "https"))
            .ok_or("it must start with `http://` or `https://`")?;
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err("it can't carry a user or password; use `headers` with `env` or `file`");
        }
        if rest.contains(['?', '#']) {
            return Err("it can't have a query (`?`) or a fragment (`#`)");
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii())
        {
            return Err("it can't have spaces, control characters or letters beyond ASCII");
        }
        if text.len() > Self::LONGEST {
            return Err("it is longer than 2048 characters");
        }
        if rest.contains(['<', '>', '"', '\\', '^', '`', '{', '|', '}']) {
            return Err("it has a character that addresses can't have");
        }
        if authority.parse::<Ipv6Addr>().is_ok() || is_v6_with_port(authority) {
            return Err("an IPv6 address must be in brackets, as in `http://[::1]:7480`");
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6
                    .split_once(']')
                    .ok_or("the `[` of its address is not closed")?;
                if host.parse::<Ipv6Addr>().is_err() {
                    return Err("the text between `[` and `]` is not an IPv6 address");
                }
                (host, port)
            }
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        if host.is_empty() {
            return Err("it has no host name");
        }
        if !host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
        {
            return Err("its host name has a character that host names can't have");
        }
        let port_fits = match port.strip_prefix(':') {
            Some(digits) => {
                let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
                only_digits && digits.parse::<u16>().is_ok_and(|port| port > 0)
            }
            None => port.is_empty(),
        };
        if !port_fits {
            return Err("its port is not a number from 1 to 65535");
        }
        Ok(Self(format!("{scheme}://{}", rest.trim_end_matches('/'))))
    }

    /// The address without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with a path appended to its own; `path` starts with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The source of a secret, which is read when needed. The rules file never contains the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable.
    Env(String),
    /// A file; its trailing line break is removed.
    File(PathBuf),
}

/// One pg-backup-api.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Its address.
    pub url: Url,
    /// The client certificate, PEM.
    pub cert_file: Option<PathBuf>,
    /// The client certificate's key, PEM.
    pub key_file: Option<PathBuf>,
    /// The authorities that may have signed the server's certificate, PEM; the system's if absent.
    pub ca_file: Option<PathBuf>,
    /// Headers for a proxy in front.
    pub headers: BTreeMap<String, Secret>,
    /// An HTTP proxy to go through. The environment's proxies are never used.
    pub proxy: Option<Url>,
    /// The time limit of one HTTP exchange.
    pub timeout: Duration,
    /// The time limit of name lookup and connection.
    pub connect_timeout: Duration,
}

impl Api {
    /// The default of `timeout`.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// The default of `connect_timeout`.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

    /// An API at this address with everything else at its default.
    #[must_use]
    pub const fn at(url: Url) -> Self {
        Self {
            url,
            cert_file: None,
            key_file: None,
            ca_file: None,
            headers: BTreeMap::new(),
            proxy: None,
            timeout: Self::TIMEOUT,
            connect_timeout: Self::CONNECT_TIMEOUT,
        }
    }
}

/// The cluster's Patroni, with the same connection settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patroni {
    /// The REST API of the local Patroni: its `url` is the first of `urls`.
    pub api: Api,
    /// The addresses of members, the local one first; at least one.
    pub urls: Vec<Url>,
    /// Its place in the rules.
    pub origin: Origin,
}

impl Patroni {
    /// A Patroni with only this API's address.
    pub fn new(api: Api) -> Self {
        let urls = vec![api.url.clone()];
        Self {
            api,
            urls,
            origin: Origin::default(),
        }
    }
}
/// Recognises `::1:7480`, where the address and the port can't be told apart.
fn is_v6_with_port(authority: &str) -> bool {
    let address = authority
        .rsplit_once(':')
        .map_or("", |(address, _)| address);
    address.parse::<Ipv6Addr>().is_ok()
}
