//! A TLS server in front of a simulated pg-backup-api, like a web server in production.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

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

/// A running TLS server; stopped when it is dropped.
pub struct TlsServer {
    address: SocketAddr,
    received: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let received = Arc::new(Mutex::new(String::new()));
        let heads = Arc::clone(&received);
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
                let heads = Arc::clone(&heads);
                thread::spawn(move || {
                    // a client that rejects the server is not an error here
                    let _ = serve(StreamOwned::new(connection, stream), then, &heads);
                });
            }
        });
        Self {
            address,
            received,
            stop,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that was received.
    pub fn received(&self) -> String {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    then: Then,
    received: &Mutex<String>,
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
    let request = String::from_utf8(request).unwrap();
    received.lock().unwrap().push_str(&request);
    client.write_all(&match then {
        Then::PassOn(api) => pass_on(&request, api)?,
        Then::Repeat => {
            let length = request.len();
            format!("HTTP/1.1 401 No\r\nContent-Length: {length}\r\n\r\n{request}").into_bytes()
        }
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
