//! A TLS server in front of a simulated pg-backup-api, like a web server in production.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use crate::support::http::{self, Message};

/// The server's requirement for its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Nothing.
    Anyone,
    /// A certificate signed by the authority.
    WithCertificate,
}

/// The server's reaction to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Forwards it to this API, and the answer back.
    PassOn(SocketAddr),
    /// Rejects it, and repeats all of it.
    Repeat,
}

/// A TLS server that runs until the test process ends.
pub struct TlsServer {
    address: SocketAddr,
    received: Arc<Mutex<String>>,
}

impl TlsServer {
    /// Serves with the certificate `name` from this directory.
    pub fn start(
        folder: &Path,
        name: &str,
        clients: Clients,
        version: &'static SupportedProtocolVersion,
        then: Then,
    ) -> Self {
        let config = Arc::new(config(folder, name, clients, version));
        let received = Arc::new(Mutex::new(String::new()));
        let heads = Arc::clone(&received);
        let address = http::serve(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let patience = Some(Duration::from_secs(20));
            stream.set_read_timeout(patience).unwrap();
            // a client that rejects the server is not an error here
            let _ = serve(StreamOwned::new(connection, stream), then, &heads);
        });
        Self { address, received }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that was received.
    pub fn received(&self) -> String {
        self.received.lock().unwrap().clone()
    }
}

fn serve(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    then: Then,
    received: &Mutex<String>,
) -> io::Result<()> {
    let request = Message::read(&mut BufReader::new(&mut client));
    let request = request.ok_or(io::ErrorKind::UnexpectedEof)?;
    let request = String::from_utf8(request.bytes()).unwrap();
    received.lock().unwrap().push_str(&request);
    client.write_all(&match then {
        Then::PassOn(api) => pass_on(&request, api)?,
        Then::Repeat => http::response("401 No", &request).into_bytes(),
    })?;
    client.conn.send_close_notify();
    client.flush()
}

/// The API's answer, up to the end of the connection.
fn pass_on(request: &str, api: SocketAddr) -> io::Result<Vec<u8>> {
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut api = TcpStream::connect(api)?;
    api.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    api.read_to_end(&mut answer)?;
    Ok(answer)
}

fn config(
    folder: &Path,
    name: &str,
    clients: Clients,
    version: &'static SupportedProtocolVersion,
) -> ServerConfig {
    let certificate = |file: &str| CertificateDer::from_pem_file(folder.join(file)).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap();
    let builder = match clients {
        Clients::Anyone => builder.with_no_client_auth(),
        Clients::WithCertificate => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate("ca.crt")).unwrap();
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = fs::read(folder.join(format!("{name}.key"))).unwrap();
    builder
        .with_single_cert(
            vec![certificate(&format!("{name}.crt"))],
            PrivateKeyDer::from_pem_slice(&key).unwrap(),
        )
        .unwrap()
}
