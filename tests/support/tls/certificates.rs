//! Authorities and the certificates they sign, as files, created when a test runs.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

/// A directory of certificates. The names of its files describe them.
pub struct Certificates(TempDir);

impl Certificates {
    pub fn make() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let ca = authority("the authority");
        let other = authority("another authority");
        folder.write("ca.crt", &ca.pem());
        folder.write("other-ca.crt", &other.pem());

        let here = || params(&["localhost", "127.0.0.1"]);
        folder.sign("server", &here(), &ca);
        folder.sign(
            "elsewhere",
            &params(&["barman.example", "*.backup.example"]),
            &ca,
        );
        let mut expired = here();
        expired.not_before = date_time_ymd(2019, 1, 1);
        expired.not_after = date_time_ymd(2020, 2, 29);
        folder.sign("expired", &expired, &ca);
        let mut future = here();
        future.not_before = date_time_ymd(2090, 1, 1);
        folder.sign("future", &future, &ca);
        let mut purpose = here();
        purpose.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        folder.sign("client-only", &purpose, &ca);
        let own_key = KeyPair::generate().unwrap();
        let mut own = here();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        folder.write("self-signed.crt", &own.self_signed(&own_key).unwrap().pem());
        folder.write("self-signed.key", &own_key.serialize_pem());

        folder.sign("client", &params(&["n1"]), &ca);
        let mut nameless = params(&["n1"]);
        nameless.distinguished_name = DistinguishedName::new();
        folder.sign("nameless", &nameless, &ca);
        folder.sign("stranger", &params(&["n1"]), &other);
        let mut old = params(&["n1"]);
        old.not_before = date_time_ymd(2019, 1, 1);
        old.not_after = date_time_ymd(2020, 2, 29);
        folder.sign("old-client", &old, &ca);
        let both = fs::read_to_string(folder.path("client.crt")).unwrap()
            + &fs::read_to_string(folder.path("client.key")).unwrap();
        folder.write("client-and-key.pem", &both);

        folder.write("empty.pem", "");
        folder.write("text.pem", "this is not PEM\n");
        folder.write(
            "damaged.pem",
            "-----BEGIN CERTIFICATE-----\nMII!\n-----END CERTIFICATE-----\n",
        );
        folder.write("endless.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
        folder.write(
            "encrypted.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        folder.write(
            "odd.crt",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        );
        folder.write(
            "odd.key",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        );
        folder
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// The path as an argument.
    pub fn named(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    fn write(&self, file: &str, content: &str) {
        fs::write(self.path(file), content).unwrap();
    }

    fn sign(&self, name: &str, params: &CertificateParams, by: &CertifiedIssuer<'_, KeyPair>) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, by).unwrap();
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    // strict clients require the authority's key identifier
    params.use_authority_key_identifier_extension = true;
    params
}
