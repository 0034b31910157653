//! The program's HTTP client.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::headers::{self, Headers, Secrets, Variables};
use super::line::Line;
use super::tls::Material;
use super::{Clock as _, Failure, Http, Real, Request, Response, blocking};
use crate::model::{Api, Url};

/// Exchanges with one endpoint, several at once if necessary. Nothing is read or opened before the first one.
pub struct Client {
    shared: Arc<Shared>,
    heard: Option<Heard>,
}

/// Receives one line per exchange, without secrets.
pub type Heard = Rc<dyn Fn(&str)>;

/// The longest part of an answer in such a line.
const TOLD: usize = 400;

struct Shared {
    api: Api,
    variables: Variables,
    secrets: Secrets,
    kept: Mutex<Kept>,
}

/// The state kept from one exchange to the next.
#[derive(Default)]
struct Kept {
    /// By server.
    idle: BTreeMap<String, Vec<Line>>,
    /// Certificates and key, until an error occurs: they may have been replaced.
    tls: Option<Arc<Material>>,
}

impl Client {
    /// A client for this endpoint; `environment` holds the variables for its headers.
    pub fn new(api: &Api, environment: &BTreeMap<String, String>) -> Self {
        Self {
            shared: Arc::new(Shared {
                api: api.clone(),
                variables: headers::variables(&api.headers, environment),
                secrets: Secrets::default(),
                kept: Mutex::default(),
            }),
            heard: None,
        }
    }

    /// Sets the receiver of the lines.
    #[must_use]
    pub fn heard_by(mut self, heard: Option<Heard>) -> Self {
        self.heard = heard;
        self
    }

    /// The secrets that its last request carried.
    pub fn secrets(&self) -> Secrets {
        self.shared.secrets.clone()
    }
}

impl Shared {
    fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let headers = Headers::read(&self.api.headers, &self.variables)?;
        let server = origin(&request.url);
        let api = self.api_at(server);
        let line = self.line(&api, server, request.fresh)?;
        let timeout = request.effort.limit(self.api.timeout, request.limit);
        let timeout = timeout.max(Duration::from_millis(1));
        let result = line.exchange(&api, &headers, request, timeout);
        match result {
            Ok(_) => {
                let mut kept = self.kept();
                let idle = kept.idle.entry(server.to_owned()).or_default();
                idle.push(line);
                drop(kept);
                self.secrets.remember(headers);
            }
            Err(_) => self.kept().tls = None,
        }
        result
    }

    /// The endpoint at another server: that of another member, with the same connection settings.
    fn api_at(&self, server: &str) -> Cow<'_, Api> {
        match Url::new(server) {
            Ok(url) if origin(self.api.url.as_str()) != server => Cow::Owned(Api {
                url,
                ..self.api.clone()
            }),
            _ => Cow::Borrowed(&self.api),
        }
    }

    /// Takes an idle connection, or prepares one. A fresh one replaces an idle one.
    fn line(&self, api: &Api, server: &str, fresh: bool) -> Result<Line, Failure> {
        let idle = self.kept().idle.get_mut(server).and_then(Vec::pop);
        match idle.filter(|_| !fresh) {
            Some(line) => Ok(line),
            None => Line::new(api, self.tls(api)?.as_deref()),
        }
    }

    fn tls(&self, api: &Api) -> Result<Option<Arc<Material>>, Failure> {
        let mut urls = [Some(&api.url), api.proxy.as_ref()].into_iter().flatten();
        if !urls.any(|url| url.as_str().starts_with("https://")) {
            return Ok(None);
        }
        if let Some(tls) = &self.kept().tls {
            return Ok(Some(Arc::clone(tls)));
        }
        let tls = Arc::new(Material::read(&self.api)?);
        self.kept().tls = Some(Arc::clone(&tls));
        Ok(Some(tls))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let end = url.get(host..).and_then(|rest| rest.find('/'));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

impl Http for Client {
    async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let clock = Real::new();
        let began = clock.now();
        let (shared, own) = (Arc::clone(&self.shared), request.clone());
        let answer = blocking(move || shared.exchange(&own))
            .await
            .unwrap_or_else(|| Err(Failure::Unknown("the exchange broke off".to_owned())));
        if let Some(heard) = &self.heard {
            heard(&self.hide(&told(request, &answer, clock.now().saturating_sub(began))));
        }
        answer
    }

    fn hide(&self, text: &str) -> String {
        self.shared.secrets.hide(text)
    }
}

/// An exchange on one line.
fn told(request: &Request, answer: &Result<Response, Failure>, took: Duration) -> String {
    let Request { url, body, .. } = request;
    let asked = match body {
        Some(body) => format!("POST {url} {body}"),
        None => format!("GET {url}"),
    };
    let took = took.as_millis();
    match answer {
        Ok(Response { status, body, .. }) => {
            let text = String::from_utf8_lossy(body.get(..TOLD).unwrap_or(body));
            let rest = match body.len().saturating_sub(TOLD) {
                0 => String::new(),
                rest => format!("… ({rest} bytes more)"),
            };
            format!("{asked}: {status} in {took} ms: {text}{rest}")
        }
        Err(failure) => format!("{asked}: no answer after {took} ms: {failure}"),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variables hold secrets.
        f.debug_struct("Client")
            .field("url", &self.shared.api.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};

    use serde_json::json;

    use super::super::{BODY_LIMIT, Effort, block_on, together};
    use super::*;
    use crate::model::Secret;

    /// A server that accepts one connection, reads the given amount, applies the function,
    /// and returns what it read.
    fn server(
        reads_until: &'static str,
        then: impl FnOnce(TcpStream) + Send + 'static,
    ) -> (Api, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/prefix", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut read = Vec::new();
            while !read.ends_with(reads_until.as_bytes()) {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                read.push(byte[0]);
            }
            then(stream);
            String::from_utf8(read).unwrap()
        });
        let mut api = Api::at(Url::new(&url).unwrap());
        api.timeout = Duration::from_millis(500);
        api.connect_timeout = Duration::from_millis(300);
        (api, thread)
    }

    fn says(answer: &'static [u8]) -> impl FnOnce(TcpStream) + Send + 'static {
        move |mut stream| stream.write_all(answer).unwrap()
    }

    #[test]
    fn a_post_goes_over_a_new_connection_and_a_question_over_a_kept_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Api::at(Url::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap());
        let server = thread::spawn(move || {
            let mut requests = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut count, mut read) = (0, Vec::new());
                let mut part = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut part) {
                    read.extend_from_slice(&part[..length]);
                    let end: &[u8] = if read.starts_with(b"POST") {
                        b"{}"
                    } else {
                        b"\r\n\r\n"
                    };
                    if read.ends_with(end) {
                        (count, read) = (count + 1, Vec::new());
                        stream
                            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                            .unwrap();
                    }
                }
                requests.push(count);
            }
            requests
        });
        let client = Client::new(&api, &BTreeMap::new());
        let get = Request::get(api.url.join("/x"), Effort::Usual);
        let post = Request::post(api.url.join("/x"), json!({}));
        for request in [&get, &get, &post, &get] {
            block_on(client.exchange(request)).unwrap();
        }
        drop(client);
        assert_eq!(server.join().unwrap(), [2, 2]);
    }

    #[test]
    fn several_exchanges_go_on_at_once_and_their_connections_are_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Api::at(Url::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap());
        let server = thread::spawn(move || {
            let mut streams: Vec<_> = (0..3).map(|_| listener.accept().unwrap().0).collect();
            // all three requests are sent before the first is answered
            for _ in 0..2 {
                for stream in streams.iter_mut().rev() {
                    let mut read = Vec::new();
                    while !read.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        stream.read_exact(&mut byte).unwrap();
                        read.push(byte[0]);
                    }
                }
                for stream in &mut streams {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                        .unwrap();
                }
            }
        });
        let client = Client::new(&api, &BTreeMap::new());
        let request = Request::get(api.url.join("/x"), Effort::Usual);
        for _ in 0..2 {
            let all = (0..3).map(|_| client.exchange(&request)).collect();
            assert!(block_on(together(all)).iter().all(Result::is_ok));
        }
        server.join().unwrap();
    }

    fn get(api: &Api) -> Result<Response, Failure> {
        let request = Request::get(api.url.join("/x"), Effort::Usual);
        block_on(Client::new(api, &BTreeMap::new()).exchange(&request))
    }

    #[test]
    fn a_request_is_sent_as_it_is_and_its_answer_is_given_as_it_is() {
        let (mut api, server) = server(
            "}",
            says(b"HTTP/1.1 301 Moved\r\nLocation: /y\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nhi"),
        );
        api.headers = [("X-Token".to_owned(), Secret::Env("TOKEN".to_owned()))].into();
        let environment = [("TOKEN".to_owned(), "s3cret\n".to_owned())].into();
        let request = Request::post(api.url.join("/x"), json!({"type": "x"}));
        let client = Client::new(&api, &environment);
        let response = block_on(client.exchange(&request)).unwrap();
        assert_eq!(
            response,
            Response {
                status: 301,
                retry_after: Some(Duration::from_secs(7)),
                location: Some("/y".to_owned()),
                date: None,
                server: None,
                body: b"hi".to_vec(),
            }
        );
        let received = server.join().unwrap().to_ascii_lowercase();
        assert!(
            received.starts_with("post /prefix/x http/1.1\r\n"),
            "{received}"
        );
        assert!(
            received.contains("\r\ncontent-type: application/json\r\n"),
            "{received}"
        );
        assert_eq!(received.matches("content-type").count(), 1, "{received}");
        assert!(received.contains("\r\nx-token: s3cret\r\n"), "{received}");
        assert!(received.ends_with("\r\n\r\n{\"type\":\"x\"}"), "{received}");
        assert!(!format!("{client:?}").contains("s3cret"));
    }

    #[test]
    fn a_secret_that_the_server_repeats_is_taken_out() {
        let (mut api, server) = server(
            "\r\n\r\n",
            says(b"HTTP/1.1 401 No\r\nLocation: /?t=s3cret\r\nContent-Length: 19\r\n\r\nnot s3cret s3crets!"),
        );
        api.headers = [("X".to_owned(), Secret::Env("TOKEN".to_owned()))].into();
        let environment = [("TOKEN".to_owned(), "Bearer s3cret".to_owned())].into();
        let request = Request::get(api.url.join("/x"), Effort::Usual);
        let response = block_on(Client::new(&api, &environment).exchange(&request)).unwrap();
        assert_eq!(response.body, b"not *** ***s!");
        assert_eq!(response.location.as_deref(), Some("/?t=***"));
        server.join().unwrap();
    }

    #[test]
    fn what_happens_after_the_request_went_out_leaves_its_fate_unknown() {
        let cases: [(&str, &'static [u8]); 6] = [
            ("without an answer", b""),
            ("is not HTTP", b"hello there\r\n\r\n"),
            ("middle of its answer", b"HTTP/1.1 2"),
            (
                "middle of its answer",
                b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{",
            ),
            (
                "is not HTTP",
                b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            ),
            (
                "middle of its answer",
                b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            ),
        ];
        for (message, answer) in cases {
            let (api, server) = server("\r\n\r\n", says(answer));
            let failure = get(&api).unwrap_err();
            server.join().unwrap();
            let Failure::Unknown(text) = failure else {
                panic!("{failure:?} for {}", answer.escape_ascii());
            };
            assert!(
                text.contains(message),
                "{text} for {}",
                answer.escape_ascii()
            );
            assert!(text.contains("`http://127.0.0.1:"), "{text}");
        }
    }

    #[test]
    fn a_server_that_does_not_answer_ends_at_the_timeout() {
        let (api, server) = server("\r\n\r\n", |mut stream| {
            let _ = stream.read(&mut [0]);
        });
        let failure = get(&api).unwrap_err();
        let url = api.url.as_str().trim_end_matches("/prefix");
        assert_eq!(
            failure,
            Failure::Unknown(format!("no answer from `{url}` within 500ms"))
        );
        server.join().unwrap();
    }

    #[test]
    fn without_a_connection_nothing_was_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        for (url, message) in [
            (
                format!("http://{address}"),
                format!("can't connect to `http://{address}`: connection refused"),
            ),
            (
                "http://no-such-host.invalid:1/x".to_owned(),
                "can't find the address of `http://no-such-host.invalid:1`".to_owned(),
            ),
        ] {
            let mut api = Api::at(Url::new(&url).unwrap());
            api.connect_timeout = Duration::from_secs(20);
            api.timeout = Duration::from_secs(20);
            let Failure::NotSent(text) = get(&api).unwrap_err() else {
                panic!("{url}");
            };
            assert!(text.starts_with(&message), "{text}");
        }
    }

    #[test]
    fn a_body_without_end_is_read_up_to_the_limit() {
        let (mut api, server) = server("\r\n\r\n", |mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 8192]).is_ok() {}
        });
        api.timeout = Duration::from_secs(20);
        assert_eq!(get(&api).unwrap().body.len(), BODY_LIMIT);
        server.join().unwrap();
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            Secret::File(path)
        };
        for (secret, message) in [
            (
                Secret::Env("NOPE".into()),
                "the environment variable `NOPE`, which is not set",
            ),
            (
                Secret::File(folder.path().join("none")),
                "none`: no such file or directory",
            ),
            (file("empty", b"\n"), "empty` for the header `X` is empty"),
            (
                file("lines", b"s3cret\ns3cret\n"),
                "has characters that the header `X` can't carry",
            ),
            (
                file("large", "s".repeat(100_000).as_bytes()),
                "more than 65536 bytes",
            ),
        ] {
            let mut api = Api::at(Url::new("http://127.0.0.1:1").unwrap());
            api.headers = [("X".to_owned(), secret)].into();
            let Failure::NotSent(text) = get(&api).unwrap_err() else {
                panic!("{message}");
            };
            assert!(text.contains(message), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}
