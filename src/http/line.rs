//! A connection to an endpoint, kept between exchanges, and one exchange over it.

use std::io::Read as _;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Method;
use ureq::http::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER, SERVER,
};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, TcpConnector};
use ureq::{Agent, AsSendBody, Body, Proxy};

use super::failure::explain;
use super::headers::Headers;
use super::lookup::Lookup;
use super::timely::{StartConnector, TimelyConnector};
use super::tls::Material;
use super::transport::{TlsConnector, WatchConnector};
use super::watch::Watch;
use super::{BODY_LIMIT, Failure, Request, Response};
use crate::model::Api;

/// The buffer for an answer: its head has to fit. An agent keeps thousands of connections.
const INPUT: usize = 16 * 1024;

/// The buffer for a request.
const OUTPUT: usize = 8 * 1024;

/// An agent that performs one exchange at a time, with its watch.
pub(super) struct Line {
    agent: Agent,
    watch: Watch,
}

impl Line {
    /// Prepares a connection; nothing is opened before the first exchange.
    pub(super) fn new(api: &Api, tls: Option<&Material>) -> Result<Self, Failure> {
        let watch = Watch::default();
        let proxy = match &api.proxy {
            Some(url) => Some(
                Proxy::new(url.as_str())
                    .map_err(|error| explain(api, &watch, api.timeout, &error))?,
            ),
            None => None,
        };
        let through_proxy = proxy.is_some();
        let tls = tls.map(|material| material.config(&watch)).transpose()?;
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(proxy)
            .timeout_resolve(Some(api.connect_timeout))
            .timeout_connect(Some(api.connect_timeout))
            .input_buffer_size(INPUT)
            .output_buffer_size(OUTPUT)
            .max_idle_connections(1)
            .user_agent(concat!("patroni_barman/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector = StartConnector {
            watch: watch.clone(),
        }
        .chain(ConnectProxyConnector::default())
        .chain(TimelyConnector {
            watch: watch.clone(),
            tcp: TcpConnector::default(),
        })
        .chain(TlsConnector(tls))
        .chain(WatchConnector {
            watch: watch.clone(),
            through_proxy,
        });
        let agent = Agent::with_parts(config, connector, Lookup::default());
        Ok(Self { agent, watch })
    }

    /// Sends a request and reads its answer, within the time limit.
    pub(super) fn exchange(
        &self,
        api: &Api,
        headers: &Headers,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, Failure> {
        self.watch.start(timeout);
        let explain = |error: &ureq::Error| explain(api, &self.watch, timeout, error);
        let call = headers.put(ureq::http::Request::builder().uri(&request.url));
        let call = match &request.token {
            Some(token) => call.header(AUTHORIZATION, token),
            None => call,
        };
        let result = match &request.body {
            None => self.run(timeout, call.method(Method::GET).body(())),
            Some(body) => {
                let call = call.method(Method::POST);
                let call = call.header(CONTENT_TYPE, "application/json");
                self.run(timeout, call.body(body.to_string()))
            }
        };
        let (head, body) = result.map_err(|error| explain(&error))?.into_parts();
        let mut reader = body.into_reader();
        let read = match &request.sieve {
            Some(sieve) if head.status.is_success() => sieve(&mut reader),
            _ => {
                let mut bytes = Vec::new();
                let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX);
                reader.take(limit).read_to_end(&mut bytes).map(|_| bytes)
            }
        };
        let mut bytes = read.map_err(|error| explain(&error.into()))?;
        if !head.status.is_success() {
            // A long text is truncated later; a secret must be found before that.
            bytes = headers.hide(&bytes);
        }
        let text = |name| {
            let text = headers.hide(head.headers.get(name)?.as_bytes());
            Some(String::from_utf8_lossy(&text).into_owned())
        };
        Ok(Response {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            location: text(LOCATION),
            date: date(&head.headers),
            server: text(SERVER),
            body: bytes,
        })
    }

    fn run<B: AsSendBody>(
        &self,
        timeout: Duration,
        request: Result<ureq::http::Request<B>, ureq::http::Error>,
    ) -> Result<ureq::http::Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request?);
        self.agent
            .run(request.timeout_global(Some(timeout)).build())
    }
}

/// Reads the wait: a number of seconds, or a date, relative to the answer's own. At most one day.
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

/// Reads a date in the format of headers, as the time since the Unix epoch.
fn moment(text: &str) -> Option<Duration> {
    let moment = jiff::fmt::rfc2822::parse(text).ok()?;
    moment.timestamp().as_duration().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
