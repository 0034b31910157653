//! The read-only HTTP server for the agent's pages.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// The number of clients served at once; others wait.
const CLIENTS: usize = 64;

/// The time after which a connection is closed.
const LONGEST: Duration = Duration::from_secs(30);

/// A complete HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// The reason why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It can't listen on the address.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The system could not create a thread or runtime.
    #[error("no server for `{0}`: {1}")]
    System(SocketAddr, io::Error),
}

/// Returns the answer for a path; `None` if there is no such page.
type Pages = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// A server on a thread of its own, which lasts as long as the process.
#[derive(Debug)]
pub struct Server {
    /// The address it listens on.
    pub address: SocketAddr,
}

impl Server {
    /// Starts it. If a token is set, every page but `/healthz`, which has no secrets, requires it.
    pub fn start(
        address: SocketAddr,
        token: Option<String>,
        pages: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
    ) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = StdListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let system = |error| ServerError::System(address, error);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system)?;
        let pages: Pages = Arc::new(pages);
        let run = move || {
            let inside = runtime.enter();
            let Ok(listener) = TcpListener::from_std(listener) else {
                return;
            };
            drop(inside);
            LocalSet::new().block_on(&runtime, accept(listener, token.map(Arc::from), pages));
        };
        let thread = thread::Builder::new().name("pages".to_owned());
        thread.spawn(run).map_err(system)?;
        Ok(Self { address: bound })
    }
}

async fn accept(listener: TcpListener, token: Option<Arc<str>>, pages: Pages) {
    let clients = Arc::new(AtomicUsize::new(0));
    loop {
        match listener.accept().await {
            Ok((stream, _)) if clients.load(Ordering::Relaxed) < CLIENTS => {
                let (clients, token, pages) =
                    (Arc::clone(&clients), token.clone(), Arc::clone(&pages));
                clients.fetch_add(1, Ordering::Relaxed);
                tokio::task::spawn_local(async move {
                    let served = serve(stream, token, pages);
                    let _ = tokio::time::timeout(LONGEST, served).await;
                    clients.fetch_sub(1, Ordering::Relaxed);
                });
            }
            // Too many connections or no file descriptors left: some connection will end.
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, token: Option<Arc<str>>, pages: Pages) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, token.as_deref(), &pages);
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn respond(
    request: &Request<Incoming>,
    token: Option<&str>,
    pages: &Pages,
) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "nothing can be changed here\n",
        );
        let methods = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, methods);
        return response;
    }
    let path = request.uri().path();
    let shown = request.headers().get(AUTHORIZATION);
    if let Some(token) = token.filter(|_| path != "/healthz")
        && !shown.is_some_and(|shown| is_token(shown.as_bytes(), token))
    {
        let mut response = plain(StatusCode::UNAUTHORIZED, "a token is needed\n");
        let scheme = HeaderValue::from_static("Basic realm=\"patroni_barman\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        return response;
    }
    let Some(answer) = pages(path) else {
        return plain(StatusCode::NOT_FOUND, "there is no such page\n");
    };
    let mut response = plain(
        StatusCode::from_u16(answer.status).unwrap_or_default(),
        answer.body,
    );
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}

fn plain(status: StatusCode, body: impl Into<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Returns true if a header has the token: as `Bearer`, or as the password of `Basic`, which browsers ask for.
fn is_token(header: &[u8], token: &str) -> bool {
    let header = String::from_utf8_lossy(header);
    let (scheme, rest) = header.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") {
        return same(rest.trim().as_bytes(), token.as_bytes());
    }
    let basic = scheme.eq_ignore_ascii_case("basic");
    let decoded = BASE64.decode(rest.trim()).ok().filter(|_| basic);
    let decoded = decoded.unwrap_or_default();
    let colon = decoded.iter().position(|byte| *byte == b':');
    let password = colon.and_then(|colon| decoded.get(colon + 1..));
    password.is_some_and(|password| same(password, token.as_bytes()))
}

/// Compares in constant time.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).map(|(one, other)| one ^ other);
    let differences = differences.fold(0, |all, difference| all | difference);
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_in_two_ways() {
        let basic = format!("Basic {}", BASE64.encode("any:s3cret"));
        for (header, shown) in [
            ("Bearer s3cret", true),
            ("bearer s3cret", true),
            (basic.as_str(), true),
            ("Bearer s3cre", false),
            ("Bearer ", false),
            ("Basic s3cret", false),
            ("s3cret", false),
            ("", false),
        ] {
            assert_eq!(is_token(header.as_bytes(), "s3cret"), shown, "{header}");
        }
    }
}
