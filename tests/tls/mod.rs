//! TLS against a real server with certificates made here: whatever the error, the message names it
//! and the file.

use patroni_barman::simulator::{Config, Simulator};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};

use crate::support::ended::Ended;
use crate::support::node::Node;
use crate::support::tls::certificates::Certificates;
use crate::support::tls::server::{Clients, Then, TlsServer};

/// The files and the host in the rules file.
#[derive(Debug, Clone, Copy)]
struct Files {
    host: &'static str,
    cert: Option<&'static str>,
    key: Option<&'static str>,
    ca: Option<&'static str>,
}

/// A client without a certificate.
const ANONYMOUS: Files = Files {
    host: "localhost",
    cert: None,
    key: None,
    ca: Some("ca.crt"),
};

/// A client with a certificate.
const CLIENT: Files = Files {
    cert: Some("client.crt"),
    key: Some("client.key"),
    ..ANONYMOUS
};

/// The certificates, and the API behind the TLS server.
struct Stage {
    folder: Certificates,
    behind: Simulator,
}

impl Stage {
    fn new() -> Self {
        let config = Config::default().server("demo").model("demo:n1");
        Self {
            folder: Certificates::make(),
            behind: Simulator::start(config).unwrap(),
        }
    }

    fn serve(
        &self,
        name: &str,
        clients: Clients,
        version: &'static SupportedProtocolVersion,
    ) -> TlsServer {
        let folder = self.folder.path("");
        TlsServer::start(
            &folder,
            name,
            clients,
            version,
            Then::PassOn(self.behind.address()),
        )
    }

    /// Runs a callback that switches to a model.
    fn switch(&self, url: &str, files: Files) -> Ended {
        let mut api = json!({"url": url});
        for (key, file) in [
            ("cert_file", files.cert),
            ("key_file", files.key),
            ("ca_file", files.ca),
        ] {
            if let Some(file) = file {
                api[key] = json!(self.folder.path(file));
            }
        }
        Node::new(&rules(&api)).promoted()
    }

    /// Asserts that nothing reaches the API, with this message; a certificate may be renewed, so another attempt may help.
    fn refuses(&self, url: &str, files: Files, message: &str) {
        let message = message
            .replace("URL", url)
            .replace("DIR", self.folder.path("").to_str().unwrap());
        let ended = self
            .switch(url, files)
            .case(format!("wanted: {message}"))
            .exits(3);
        assert!(
            ended.message().contains(&message),
            "wanted: {message}\n{ended:?}"
        );
        assert_eq!(ended.json()["steps"][0]["attempts"], 1, "{message}");
        assert_eq!(self.behind.served(), [], "{message}");
    }
}

/// Rules that switch to a model through this API.
fn rules(api: &Value) -> String {
    // JSON is valid YAML
    json!({
        "version": 1,
        "api": api,
        "defaults": {"fence": "none", "retry": {"attempts": 1}},
        "rules": [{
            "name": "switch",
            "on": "on_role_change",
            "role": "primary",
            "request": {"type": "config_switch", "server": "demo", "model_name": "demo:n1"},
        }],
    })
    .to_string()
}

fn url(files: Files, server: &TlsServer) -> String {
    format!("https://{}:{}", files.host, server.port())
}

#[test]
fn a_server_of_the_named_authority_is_talked_to() {
    for version in [&TLS12, &TLS13] {
        for (clients, files) in [
            (Clients::Anyone, ANONYMOUS),
            (Clients::Anyone, CLIENT),
            (Clients::WithCertificate, CLIENT),
            (
                Clients::WithCertificate,
                Files {
                    cert: Some("client-and-key.pem"),
                    key: Some("client-and-key.pem"),
                    host: "127.0.0.1",
                    ..CLIENT
                },
            ),
        ] {
            let stage = Stage::new();
            let server = stage.serve("server", clients, version);
            stage
                .switch(&url(files, &server), files)
                .case(format!("{files:?}"))
                .exits(0);
            assert_eq!(
                stage.behind.active_model("demo").as_deref(),
                Some("demo:n1")
            );
        }
    }
}

#[test]
fn a_server_certificate_that_does_not_fit_is_refused() {
    let with_ca = |ca| Files { ca, ..ANONYMOUS };
    let stage = Stage::new();
    for version in [&TLS12, &TLS13] {
        for (name, files, message) in [
            (
                "elsewhere",
                ANONYMOUS,
                "the certificate of `URL` is not for `localhost` but for `barman.example`, `*.backup.example`",
            ),
            (
                "expired",
                ANONYMOUS,
                "the certificate of `URL` expired on 2020-02-29 00:00:00 UTC",
            ),
            (
                "future",
                ANONYMOUS,
                "the certificate of `URL` is not valid before 2090-01-01 00:00:00 UTC",
            ),
            (
                "client-only",
                ANONYMOUS,
                "the certificate of `URL` is not made for servers",
            ),
            (
                "self-signed",
                with_ca(Some("self-signed.crt")),
                "`URL` shows an authority's certificate (`CA:TRUE`) as its own",
            ),
            (
                "server",
                with_ca(Some("other-ca.crt")),
                "the certificate of `URL` is not signed by an authority in `ca_file` `DIRother-ca.crt`",
            ),
            (
                "server",
                with_ca(None),
                "the certificate of `URL` is not signed by an authority that this system trusts; name its authority in `ca_file`",
            ),
        ] {
            let server = stage.serve(name, Clients::Anyone, version);
            stage.refuses(&url(files, &server), files, message);
        }
    }
}

#[test]
fn a_client_certificate_that_is_missing_or_not_liked_is_named() {
    let with = |cert, key| Files {
        cert: Some(cert),
        key: Some(key),
        ..ANONYMOUS
    };
    let stage = Stage::new();
    for version in [&TLS12, &TLS13] {
        for (files, message) in [
            (
                ANONYMOUS,
                "`URL` wants a client certificate: give `cert_file` and `key_file`",
            ),
            (
                with("stranger.crt", "stranger.key"),
                "`URL` does not accept the client certificate in `DIRstranger.crt`: it does not know the authority that signed it",
            ),
            (
                with("old-client.crt", "old-client.key"),
                "`URL` does not accept the client certificate in `DIRold-client.crt`: it has expired",
            ),
        ] {
            let server = stage.serve("server", Clients::WithCertificate, version);
            stage.refuses(&url(files, &server), files, message);
        }
    }
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named() {
    let cert = |cert| Files { cert, ..CLIENT };
    let key = |key| Files { key, ..CLIENT };
    let ca = |ca| Files { ca, ..CLIENT };
    let stage = Stage::new();
    let server = stage.serve("server", Clients::WithCertificate, &TLS13);
    for (files, message) in [
        (
            cert(Some("none.crt")),
            "can't read `cert_file` `DIRnone.crt`: no such file or directory",
        ),
        (
            cert(Some("")),
            "can't read `cert_file` `DIR`: is a directory",
        ),
        (
            cert(Some("empty.pem")),
            "`cert_file` `DIRempty.pem`: it has no certificate in PEM form",
        ),
        (
            cert(Some("text.pem")),
            "`cert_file` `DIRtext.pem`: it has no certificate in PEM form",
        ),
        (
            cert(Some("damaged.pem")),
            "`cert_file` `DIRdamaged.pem`: the text of its PEM block is damaged",
        ),
        (
            cert(Some("endless.pem")),
            "`cert_file` `DIRendless.pem`: its PEM block has no `-----END",
        ),
        (
            cert(Some("client.key")),
            "`cert_file` `DIRclient.key`: it has no certificate in PEM form",
        ),
        (
            key(Some("none.key")),
            "can't read `key_file` `DIRnone.key`: no such file or directory",
        ),
        (
            key(Some("client.crt")),
            "`key_file` `DIRclient.crt`: it has no private key in PEM form",
        ),
        (
            key(Some("encrypted.key")),
            "`key_file` `DIRencrypted.key`: its private key is encrypted",
        ),
        (
            key(Some("odd.key")),
            "`key_file` `DIRodd.key`: its private key has an unsupported type",
        ),
        (
            key(Some("stranger.key")),
            "the key in `DIRstranger.key` does not belong to the certificate in `DIRclient.crt`",
        ),
        (
            ca(Some("none.crt")),
            "can't read `ca_file` `DIRnone.crt`: no such file or directory",
        ),
        (
            ca(Some("client.key")),
            "`ca_file` `DIRclient.key`: it has no certificate in PEM form",
        ),
        (
            ca(Some("odd.crt")),
            "`ca_file` `DIRodd.crt`: one of its certificates can't be read",
        ),
    ] {
        stage.refuses(&url(files, &server), files, message);
    }
}

#[test]
fn the_wrong_scheme_is_noticed() {
    let stage = Stage::new();
    stage.refuses(
        &format!("https://localhost:{}", stage.behind.address().port()),
        ANONYMOUS,
        "`URL` does not speak TLS; is its address meant to start with `http://`?",
    );
    for version in [&TLS12, &TLS13] {
        let server = stage.serve("server", Clients::Anyone, version);
        stage.refuses(
            &format!("http://localhost:{}", server.port()),
            ANONYMOUS,
            "`URL` speaks TLS; its address must start with `https://`",
        );
    }
}

#[test]
fn the_command_line_names_its_files_in_the_place_of_the_rules_files() {
    for files in [
        &["--cert-file=client.crt", "--key-file=client.key"][..],
        // the Python tool accepts one file with both
        &["--cert-file=client-and-key.pem"],
    ] {
        let stage = Stage::new();
        let server = stage.serve("server", Clients::WithCertificate, &TLS13);
        let api = json!({"url": "http://127.0.0.1:9", "ca_file": "/none"});
        let files = files.iter().chain(&["--ca-file=ca.crt"]).map(|argument| {
            let (option, file) = argument.split_once('=').unwrap();
            format!("{option}={}", stage.folder.path(file).display())
        });
        Node::new(&rules(&api))
            .callback()
            .args([format!("--api-url=https://localhost:{}", server.port())])
            .args(files)
            .run()
            .exits(0);
        assert_eq!(
            stage.behind.active_model("demo").as_deref(),
            Some("demo:n1")
        );
    }
}
