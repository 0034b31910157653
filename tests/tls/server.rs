//! A TLS server in front of a simulated pg-backup-api, as a web server stands there in production.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

/// What the server asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Nothing.
    Anyone,
    /// A certificate that the authority has signed.
    WithCertificate,
}

/// A running TLS server; stopped when it is dropped.
pub struct TlsServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TlsServer {
    /// Serves what `behind` answers with the certificate `name` from this folder.
    pub fn start(
        folder: &Path,
        name: &str,
        clients: Clients,
        version: &'static SupportedProtocolVersion,
        behind: SocketAddr,
    ) -> Self {
        let config = Arc::new(config(folder, name, clients, version));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::Relaxed) {
                    return;
                }
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = stream.unwrap();
                let patience = Some(Duration::from_secs(20));
                stream.set_read_timeout(patience).unwrap();
                thread::spawn(move || {
                    // A client that does not like the server is the client's affair.
                    let _ = pass_on(StreamOwned::new(connection, stream), behind);
                });
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Passes one request on, and its answer back.
fn pass_on(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    behind: SocketAddr,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().unwrap());
    let start = request.len();
    request.resize(start + length, 0);
    client.read_exact(&mut request[start..])?;
    // The answer ends where the API closes; the connection to the client ends with it.
    let request = String::from_utf8(request).unwrap();
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut api = TcpStream::connect(behind)?;
    api.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    api.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.conn.send_close_notify();
    client.flush()
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
