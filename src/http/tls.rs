//! TLS according to the rules file, and messages about unusable files.

use std::path::Path;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::Failure;
use super::failure::{contents, io_reason};
use super::watch::Watch;
use crate::model::Api;

/// The maximum size of a file of certificates in bytes; the system's own bundle has a quarter of a MiB.
const LARGEST_PEM: u64 = 16 * 1024 * 1024;

/// Certificates and key, read from the API's files.
pub(super) struct Material {
    roots: Arc<RootCertStore>,
    identity: Option<Arc<CertifiedKey>>,
}

impl Material {
    /// Reads the files.
    pub(super) fn read(api: &Api) -> Result<Self, Failure> {
        let identity = match (&api.cert_file, &api.key_file) {
            (Some(cert), key) => Some(identity(cert, key.as_deref().unwrap_or(cert))?),
            (None, Some(key)) => {
                return Err(Failure::NotSent(format!(
                    "`key_file` is `{}` but there is no `cert_file` for it",
                    key.display()
                )));
            }
            (None, None) => None,
        };
        let roots = match &api.ca_file {
            Some(path) => authorities(path)?,
            None => system_authorities()?,
        };
        Ok(Self {
            roots: Arc::new(roots),
            identity,
        })
    }

    /// TLS with these certificates; the watch notes if the server asks for one.
    pub(super) fn config(&self, watch: &Watch) -> Result<Arc<ClientConfig>, Failure> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::NotSent(format!("can't set up TLS: {error}")))?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_client_cert_resolver(Arc::new(Identity {
                certificate: self.identity.clone(),
                watch: watch.clone(),
            }));
        // Nothing is kept from one process to the next, so there is no session to resume.
        config.resumption = rustls::client::Resumption::in_memory_sessions(4);
        Ok(Arc::new(config))
    }
}

/// The client's certificate, which also notes that it was asked for.
#[derive(Debug)]
struct Identity {
    certificate: Option<Arc<CertifiedKey>>,
    watch: Watch,
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.watch.certificate_wanted();
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}

/// The client certificate with its key.
fn identity(cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Failure> {
    let chain = certificates("cert_file", cert)?;
    let pem = pem("key_file", key)?;
    let key_der = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        let reason = if String::from_utf8_lossy(&pem).contains("ENCRYPTED") {
            "its private key is encrypted; store it without a passphrase, readable only by this user".to_owned()
        } else {
            pem_reason(&error, "private key")
        };
        Failure::NotSent(format!("`key_file` `{}`: {reason}", key.display()))
    })?;
    let certified = CertifiedKey::from_der(chain, key_der, &ring::default_provider());
    certified.map(Arc::new).map_err(|error| {
        Failure::NotSent(match error {
            rustls::Error::InconsistentKeys(_) => format!(
                "the key in `{}` does not belong to the certificate in `{}`",
                key.display(),
                cert.display()
            ),
            rustls::Error::InvalidCertificate(_) => format!(
                "`cert_file` `{}`: its first certificate can't be read",
                cert.display()
            ),
            _ => format!(
                "`key_file` `{}`: its private key has an unsupported type",
                key.display()
            ),
        })
    })
}

fn authorities(path: &Path) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_file", path)? {
        roots.add(certificate).map_err(|_| {
            let path = path.display();
            Failure::NotSent(format!(
                "`ca_file` `{path}`: one of its certificates can't be read"
            ))
        })?;
    }
    Ok(roots)
}

fn system_authorities() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Failure::NotSent(
            "the system has no certificate authorities; name the server's in `ca_file`".to_owned(),
        ));
    }
    Ok(roots)
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let wrong =
        |reason: String| Failure::NotSent(format!("`{key}` `{}`: {reason}", path.display()));
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem(key, path)?).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(wrong(pem_reason(&PemError::NoItemsFound, "certificate")))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(pem_reason(&error, "certificate"))),
    }
}

fn pem(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    contents(path, LARGEST_PEM).map_err(|error| {
        let reason = io_reason(&error);
        Failure::NotSent(format!("can't read `{key}` `{}`: {reason}", path.display()))
    })
}

/// The parser's own messages can contain a line of a key, so they are never shown.
fn pem_reason(error: &PemError, what: &str) -> String {
    match error {
        PemError::NoItemsFound => format!("it has no {what} in PEM form (`-----BEGIN …`)"),
        PemError::MissingSectionEnd { .. } => "its PEM block has no `-----END …` line".to_owned(),
        PemError::Base64Decode(_) => "the text of its PEM block is damaged".to_owned(),
        _ => "it is not a PEM file".to_owned(),
    }
}
