//! The client that the program uses: it blocks, and every wait is over when it returns.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Method;
use ureq::http::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, TcpConnector};
use ureq::{Agent, AsSendBody, Body, Proxy};

use super::failure::explain;
use super::headers::{self, Headers, Secrets, Variables};
use super::lookup::Lookup;
use super::timely::{StartConnector, TimelyConnector};
use super::transport::{TlsConnector, WatchConnector};
use super::watch::Watch;
use super::{Effort, Failure, Http, Request, Response, tls};
use crate::model::Api;

/// How much of an answer's body is read; the rest is left.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Exchanges with one API. Nothing is read or opened before the first one.
pub struct Client {
    api: Api,
    variables: Variables,
    agent: OnceCell<Agent>,
    watch: Watch,
    secrets: Secrets,
}

impl Client {
    /// A client for this API; `environment` holds the variables that its headers may come from.
    #[must_use]
    pub fn new(api: &Api, environment: &BTreeMap<String, String>) -> Self {
        Self {
            api: api.clone(),
            variables: headers::variables(&api.headers, environment),
            agent: OnceCell::new(),
            watch: Watch::default(),
            secrets: Secrets::default(),
        }
    }

    /// What its last request carried and nobody is to see.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    fn agent(&self) -> Result<&Agent, Failure> {
        if let Some(agent) = self.agent.get() {
            return Ok(agent);
        }
        let agent = self.build()?;
        Ok(self.agent.get_or_init(|| agent))
    }

    fn build(&self) -> Result<Agent, Failure> {
        let api = &self.api;
        let proxy = match &api.proxy {
            Some(url) => Some(
                Proxy::new(url.as_str())
                    .map_err(|error| explain(api, &self.watch, api.timeout, &error))?,
            ),
            None => None,
        };
        let through_proxy = proxy.is_some();
        let uses_tls = [Some(&api.url), api.proxy.as_ref()]
            .into_iter()
            .flatten()
            .any(|url| url.as_str().starts_with("https://"));
        let tls = if uses_tls {
            Some(tls::config(api, &self.watch)?)
        } else {
            None
        };
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(proxy)
            .timeout_resolve(Some(api.connect_timeout))
            .timeout_connect(Some(api.connect_timeout))
            .user_agent(concat!("patroni_barman/", env!("CARGO_PKG_VERSION")))
            .build();
        let watch = || self.watch.clone();
        let connector = StartConnector { watch: watch() }
            .chain(ConnectProxyConnector::default())
            .chain(TimelyConnector {
                watch: watch(),
                tcp: TcpConnector::default(),
            })
            .chain(TlsConnector(tls))
            .chain(WatchConnector {
                watch: watch(),
                through_proxy,
            });
        Ok(Agent::with_parts(config, connector, Lookup::default()))
    }

    fn send(&self, request: &Request) -> Result<Response, Failure> {
        let headers = Headers::read(&self.api.headers, &self.variables)?;
        let agent = self.agent()?;
        let usual = match request.effort {
            Effort::Usual => self.api.timeout,
            Effort::Large => self.api.timeout.max(Effort::LONG),
        };
        let timeout = request
            .limit
            .map_or(usual, |limit| limit.min(usual))
            .max(Duration::from_millis(1));
        self.watch.start(timeout);
        let explain = |error: &ureq::Error| explain(&self.api, &self.watch, timeout, error);
        let call = headers.put(ureq::http::Request::builder().uri(&request.url));
        let result = match &request.body {
            None => run(agent, timeout, call.method(Method::GET).body(())),
            Some(body) => {
                let call = call.method(Method::POST);
                let call = call.header(CONTENT_TYPE, "application/json");
                run(agent, timeout, call.body(body.to_string()))
            }
        };
        let (head, body) = result.map_err(|error| explain(&error))?.into_parts();
        let mut bytes = Vec::new();
        let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX);
        body.into_reader()
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| explain(&error.into()))?;
        if !head.status.is_success() {
            // What is long is cut later, and a secret must not be cut before it is found.
            bytes = headers.hide(&bytes);
        }
        let response = Response {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            location: location(&head.headers, &headers),
            date: date(&head.headers),
            body: bytes,
        };
        self.secrets.remember(headers);
        Ok(response)
    }
}

/// Sends a request, which may take so long in all.
fn run<B: AsSendBody>(
    agent: &Agent,
    timeout: Duration,
    request: Result<ureq::http::Request<B>, ureq::http::Error>,
) -> Result<ureq::http::Response<Body>, ureq::Error> {
    let request = agent.configure_request(request?);
    agent.run(request.timeout_global(Some(timeout)).build())
}

impl Http for Client {
    async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        self.send(request)
    }

    fn hide(&self, text: &str) -> String {
        self.secrets.hide(text)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variables hold secrets.
        f.debug_struct("Client")
            .field("url", &self.api.url)
            .finish_non_exhaustive()
    }
}

/// How long to wait: a number of seconds, or a date, which counts from the answer's own. Nobody is
/// waited for longer than a day.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    let after = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match after.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => moment(after)?.saturating_sub(date(headers)?),
    };
    Some(wait.min(LONGEST))
}

fn date(headers: &HeaderMap) -> Option<Duration> {
    moment(headers.get(DATE)?.to_str().ok()?)
}

/// A moment as headers write it, since the Unix epoch.
fn moment(text: &str) -> Option<Duration> {
    let moment = jiff::fmt::rfc2822::parse(text).ok()?;
    moment.timestamp().as_duration().try_into().ok()
}

fn location(answered: &HeaderMap, sent: &Headers) -> Option<String> {
    let location = sent.hide(answered.get(LOCATION)?.as_bytes());
    Some(String::from_utf8_lossy(&location).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};

    use serde_json::json;

    use super::super::block_on;
    use super::*;
    use crate::model::{Secret, Url};

    /// A server that takes one connection, reads as much as is said, does what is said with it,
    /// and gives back what it read.
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

    fn get(api: &Api) -> Result<Response, Failure> {
        let request = Request {
            body: None,
            url: api.url.join("/x"),
            limit: None,
            effort: Effort::Usual,
        };
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
        let request = Request {
            body: Some(json!({"type": "x"})),
            url: api.url.join("/x"),
            limit: None,
            effort: Effort::Usual,
        };
        let client = Client::new(&api, &environment);
        let response = block_on(client.exchange(&request)).unwrap();
        assert_eq!(
            response,
            Response {
                status: 301,
                retry_after: Some(Duration::from_secs(7)),
                location: Some("/y".to_owned()),
                date: None,
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
    fn a_wait_is_given_in_seconds_or_as_a_date() {
        const DATE_OF_ANSWER: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (after, date, seconds) in [
            ("7", None, Some(7)),
            ("18446744073709551615", None, Some(86_400)),
            (
                "Sun, 06 Nov 1994 08:50:07 GMT",
                Some(DATE_OF_ANSWER),
                Some(30),
            ),
            (
                "Sun, 06 Nov 1994 08:49:00 GMT",
                Some(DATE_OF_ANSWER),
                Some(0),
            ),
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some("now"), None),
            ("soon", Some(DATE_OF_ANSWER), None),
            ("-1", None, None),
            ("", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            let wanted = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers), wanted, "{after} {date:?}");
        }
    }

    #[test]
    fn a_secret_that_the_server_repeats_is_taken_out() {
        let (mut api, server) = server(
            "\r\n\r\n",
            says(b"HTTP/1.1 401 No\r\nLocation: /?t=s3cret\r\nContent-Length: 19\r\n\r\nnot s3cret s3crets!"),
        );
        api.headers = [("X".to_owned(), Secret::Env("TOKEN".to_owned()))].into();
        let environment = [("TOKEN".to_owned(), "Bearer s3cret".to_owned())].into();
        let request = Request {
            body: None,
            url: api.url.join("/x"),
            limit: None,
            effort: Effort::Usual,
        };
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
    fn a_secret_that_is_not_there_is_refused_by_its_name() {
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
            let Failure::Refused(text) = get(&api).unwrap_err() else {
                panic!("{message}");
            };
            assert!(text.contains(message), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}
