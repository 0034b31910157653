//! From an error to its meaning for the request, in words.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error as TlsError, OtherError};
use ureq::{Error, Timeout};

use super::Failure;
use super::date;
use super::lookup::NotFound;
use super::transport::SpeaksTls;
use super::watch::Watch;
use crate::load::is_pipe;
use crate::model::{Api, duration};

/// Explains an exchange with this API and timeout that ended in an error.
pub(super) fn explain(api: &Api, watch: &Watch, timeout: Duration, error: &Error) -> Failure {
    let at = place(api);
    if let Some(error) = tls_error(error) {
        return tls(api, watch, error);
    }
    match error {
        Error::Other(other) if other.is::<SpeaksTls>() => {
            return Failure::NotSent(format!(
                "{at} speaks TLS; its address must start with `https://`"
            ));
        }
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl | Error::Tls(_) => {
            return Failure::Refused(format!("{at} can't be asked: {error}"));
        }
        Error::ConnectProxyFailed(reason) => {
            return Failure::NotSent(format!("no connection to {at}: {reason}"));
        }
        _ => {}
    }
    if !watch.sent() {
        return Failure::NotSent(not_sent(api, timeout, error));
    }
    let hint = if watch.asked_for_certificate() && api.cert_file.is_none() {
        "; it asked for a client certificate, and `cert_file` and `key_file` are not given"
    } else {
        ""
    };
    Failure::Unknown(format!("{}{hint}", broken(api, watch, timeout, error)))
}

/// The message for a connection that could not be established.
fn not_sent(api: &Api, timeout: Duration, error: &Error) -> String {
    let at = place(api);
    let limit = duration::format(api.connect_timeout.min(timeout));
    match error {
        Error::Timeout(Timeout::Resolve) => {
            format!("the address of {at} was not found within {limit}")
        }
        Error::Timeout(_) => format!("no connection to {at} within {limit}"),
        Error::HostNotFound => format!("can't find the address of {at}"),
        Error::Other(other) => match other.downcast_ref::<NotFound>() {
            Some(reason) => format!(
                "can't find the address of {at}: {}",
                plain(&reason.to_string())
            ),
            None => format!("can't connect to {at}: {other}"),
        },
        Error::Io(error) => format!("can't connect to {at}: {}", io_reason(error)),
        other => format!("can't connect to {at}: {other}"),
    }
}

/// The message for an exchange that broke off after the request was sent.
fn broken(api: &Api, watch: &Watch, timeout: Duration, error: &Error) -> String {
    let at = place(api);
    match error {
        Error::Timeout(_) if watch.answered() => {
            let limit = duration::format(timeout);
            format!("the answer of {at} was not complete within {limit}")
        }
        Error::Timeout(_) => format!("no answer from {at} within {}", duration::format(timeout)),
        Error::Protocol(_) | Error::LargeResponseHeader(..) if watch.answered() => {
            format!("the answer of {at} is not HTTP")
        }
        _ if watch.answered() => format!("{at} broke off in the middle of its answer"),
        Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            let reason = io_reason(error);
            format!("the connection to {at} broke before an answer came: {reason}")
        }
        // Some servers silently close the connection on a request that is not TLS.
        _ if api.url.as_str().starts_with("http://") => format!(
            "{at} closed the connection without an answer; if it speaks TLS, its address must start with `https://`"
        ),
        _ => format!("{at} closed the connection without an answer"),
    }
}

/// TLS refused by this side or by the server.
fn tls(api: &Api, watch: &Watch, error: &TlsError) -> Failure {
    let at = place(api);
    let message = match error {
        TlsError::InvalidCertificate(error) => certificate(api, error),
        TlsError::AlertReceived(alert) => match alert_meaning(api, watch, *alert) {
            Some(message) => message,
            // An alert in the middle of an answer says nothing about the request's fate.
            None if watch.sent() => {
                return Failure::Unknown(format!("{at} broke off the TLS connection: {alert:?}"));
            }
            None => format!("{at} refused the TLS handshake: {alert:?}"),
        },
        _ if watch.sent() => return Failure::Unknown(format!("TLS with {at} failed: {error}")),
        TlsError::InvalidMessage(_) => {
            format!("{at} does not speak TLS; is its address meant to start with `http://`?")
        }
        TlsError::PeerIncompatible(reason) => {
            format!("{at} has no TLS version or cipher that is still safe: {reason:?}")
        }
        _ => format!("TLS with {at} failed: {error}"),
    };
    Failure::NotSent(message)
}

/// The message for a problem with the server's certificate.
fn certificate(api: &Api, error: &CertificateError) -> String {
    let at = place(api);
    let authority = match &api.ca_file {
        Some(path) => format!("an authority in `ca_file` `{}`", path.display()),
        None => "an authority that this system trusts; name its authority in `ca_file`".to_owned(),
    };
    match error {
        CertificateError::UnknownIssuer => {
            format!("the certificate of {at} is not signed by {authority}")
        }
        CertificateError::BadSignature => {
            format!("the signature of the certificate of {at} is not by {authority}")
        }
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the certificate of {at} expired on {}",
            date::utc(Duration::from_secs(not_after.as_secs()))
        ),
        CertificateError::Expired => format!("the certificate of {at} has expired"),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate of {at} is not valid before {}; is this computer's clock right?",
            date::utc(Duration::from_secs(not_before.as_secs()))
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "the certificate of {at} is not for `{}` but for {}",
            expected.to_str(),
            names(presented)
        ),
        CertificateError::NotValidForName => {
            format!("the certificate of {at} is for another name")
        }
        CertificateError::Revoked => format!("the certificate of {at} is revoked"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("the certificate of {at} is not made for servers (extended key usage)")
        }
        CertificateError::Other(OtherError(other))
            if other.to_string().contains("CaUsedAsEndEntity") =>
        {
            format!(
                "{at} shows an authority's certificate (`CA:TRUE`) as its own; it needs one that the authority has signed"
            )
        }
        other => format!("the certificate of {at} is not accepted: {other}"),
    }
}

/// The names in a certificate, as the library writes them: `DnsName("barman.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let name = name.split_once('(').map_or(name.as_str(), |(_, name)| name);
        format!("`{}`", name.trim_end_matches(')').trim_matches('"'))
    };
    match presented {
        [] => "no name at all (it needs a subject alternative name)".to_owned(),
        some => some.iter().take(8).map(bare).collect::<Vec<_>>().join(", "),
    }
}

/// The meaning of the server's alert about the client certificate; `None` for any other alert.
fn alert_meaning(api: &Api, watch: &Watch, alert: AlertDescription) -> Option<String> {
    use AlertDescription as Alert;
    let at = place(api);
    let about_certificates = matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::HandshakeFailure
    );
    if !about_certificates || !watch.asked_for_certificate() {
        return None;
    }
    let Some(cert) = &api.cert_file else {
        return Some(format!(
            "{at} wants a client certificate: give `cert_file` and `key_file`"
        ));
    };
    let cert = cert.display();
    let reason = match alert {
        Alert::CertificateExpired => "it has expired",
        Alert::CertificateRevoked => "it is revoked",
        Alert::UnknownCA => "it does not know the authority that signed it",
        _ => {
            return Some(format!(
                "{at} does not accept the client certificate in `{cert}`: {alert:?}"
            ));
        }
    };
    Some(format!(
        "{at} does not accept the client certificate in `{cert}`: {reason}"
    ))
}

/// The server's scheme, host and port, in backticks, and the proxy, if there is one.
fn place(api: &Api) -> String {
    let url = api.url.as_str();
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url
        .get(authority..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |path| authority + path);
    let origin = url.get(..end).unwrap_or(url);
    match &api.proxy {
        Some(proxy) => format!("`{origin}` (through the proxy `{proxy}`)"),
        None => format!("`{origin}`"),
    }
}

fn tls_error(error: &Error) -> Option<&TlsError> {
    match error {
        Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => error.source()?.downcast_ref(),
    }
}

/// An I/O error without the operating system's number.
pub(super) fn io_reason(error: &io::Error) -> String {
    plain(&error.to_string())
}

fn plain(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or(text);
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(text);
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// The content of a file named in the rules, up to a limit.
pub(super) fn contents(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if is_pipe(path)? {
        return Err(io::Error::other("it is a pipe and no file"));
    }
    capped(File::open(path)?, limit)
}

/// Everything up to a limit; exceeding it is an error.
pub(super) fn capped(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(io::Error::other(format!("it has more than {limit} bytes")))
    }
}
