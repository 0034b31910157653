//! From a host name to addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Resolves names as the system does; a literal address needs no lookup.
#[derive(Debug, Default)]
pub(super) struct Lookup(DefaultResolver);

/// The system knows no address for the name.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotFound(io::Error);

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if let Some(address) = literal(uri) {
            let mut found = self.empty();
            found.push(address);
            return Ok(found);
        }
        self.0
            .resolve(uri, config, timeout)
            .map_err(|error| match error {
                ureq::Error::Io(error) => ureq::Error::Other(Box::new(NotFound(error))),
                other => other,
            })
    }
}

/// The literal address in a URL.
fn literal(uri: &Uri) -> Option<SocketAddr> {
    let host = uri.host()?;
    let ip: IpAddr = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
        .parse()
        .ok()?;
    let default = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    Some(SocketAddr::new(ip, uri.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_are_written_out_are_taken_literally() {
        for (url, address) in [
            ("http://127.0.0.1:7480/x", Some("127.0.0.1:7480")),
            ("http://127.0.0.1", Some("127.0.0.1:80")),
            ("https://[::1]/x", Some("[::1]:443")),
            ("https://barman.example:7480", None),
        ] {
            let found = literal(&url.parse().unwrap());
            assert_eq!(found, address.map(|text| text.parse().unwrap()), "{url}");
        }
    }
}
