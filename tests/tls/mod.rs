//! TLS against a real server with certificates made here: whatever the error, the message names it
//! and the file.

use patroni_barman::simulator::{Config, Simulator};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};

use crate::support::ended::Ended;
use crate::support::node::Node;
use crate::support::text::has;
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

    #[track_caller]
    fn has_switched(&self) {
        let active = self.behind.active_model("demo");
        assert_eq!(active.as_deref(), Some("demo:n1"));
    }

    /// Asserts that nothing reaches the API, with this message; a certificate may be renewed, so another attempt may help.
    fn refuses(&self, url: &str, files: Files, message: &str) {
        let message = message
            .replace("URL", url)
            .replace("DIR", self.folder.path("").to_str().unwrap());
        let ended = self.switch(url, files).case(&message).exits(3);
        has(&ended.message(), &message);
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
            stage.has_switched();
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
    let stage = Stage::new();
    let server = stage.serve("server", Clients::WithCertificate, &TLS13);
    let refuses = |key: &str, file: &'static str, message: &str| {
        let mut files = CLIENT;
        match key {
            "cert_file" => files.cert = Some(file),
            "key_file" => files.key = Some(file),
            _ => files.ca = Some(file),
        }
        stage.refuses(&url(files, &server), files, message);
    };
    for (key, file, why) in [
        ("cert_file", "none.crt", "no such file or directory"),
        ("cert_file", "", "is a directory"),
        ("key_file", "none.key", "no such file or directory"),
        ("ca_file", "none.crt", "no such file or directory"),
    ] {
        refuses(key, file, &format!("can't read `{key}` `DIR{file}`: {why}"));
    }
    let no_certificate = "it has no certificate in PEM form";
    for (key, file, why) in [
        ("cert_file", "empty.pem", no_certificate),
        ("cert_file", "text.pem", no_certificate),
        (
            "cert_file",
            "damaged.pem",
            "the text of its PEM block is damaged",
        ),
        ("cert_file", "endless.pem", "its PEM block has no `-----END"),
        ("cert_file", "client.key", no_certificate),
        (
            "key_file",
            "client.crt",
            "it has no private key in PEM form",
        ),
        ("key_file", "encrypted.key", "its private key is encrypted"),
        (
            "key_file",
            "odd.key",
            "its private key has an unsupported type",
        ),
        ("ca_file", "client.key", no_certificate),
        (
            "ca_file",
            "odd.crt",
            "one of its certificates can't be read",
        ),
    ] {
        refuses(key, file, &format!("`{key}` `DIR{file}`: {why}"));
    }
    refuses(
        "key_file",
        "stranger.key",
        "the key in `DIRstranger.key` does not belong to the certificate in `DIRclient.crt`",
    );
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
        stage.has_switched();
    }
}
