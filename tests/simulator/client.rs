//! A client that shows the raw exchange, and a clock that stands still until it is moved.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use patroni_barman::simulator::{Clock, Moment};
use serde_json::Value;

/// The answer to an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn operation_id(&self) -> String {
        assert_eq!(self.status, 202, "{self:?}");
        self.json()["operation_id"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let wanted = format!("{}:", name.to_ascii_lowercase());
        self.head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&wanted))
            .map(|line| line[wanted.len()..].trim())
    }

    /// The message of an HTML page.
    pub fn message(&self) -> Option<&str> {
        message(&self.body)
    }
}

/// The text in `<p>`.
pub fn message(page: &str) -> Option<&str> {
    Some(page.split_once("<p>")?.1.split_once("</p>")?.0)
}

/// The end of an exchange without a complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The connection was closed; these bytes came before.
    Closed(String),
    /// The connection was reset.
    Reset,
    /// No data arrived in the given time.
    Silent,
}

/// A request: its method, path, content type and body.
type Request<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

/// One exchange on its own connection, as with `curl`.
pub fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    content_type: Option<&str>,
    body: &str,
) -> Result<Answer, Broken> {
    let request = (method, path, content_type, body);
    exchange_within(Duration::from_secs(30), address, request)
}

/// The same for an answer that must begin and go on within this time.
pub fn exchange_within(
    time: Duration,
    address: SocketAddr,
    (method, path, content_type, body): Request<'_>,
) -> Result<Answer, Broken> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(time)).unwrap();
    let content_type = content_type
        .map(|value| format!("Content-Type: {value}\r\n"))
        .unwrap_or_default();
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{content_type}{length}\r\n{body}"
    );
    // if a server closes at once, writing may fail as well as reading
    let sent = stream.write_all(request.as_bytes());
    let mut received = Vec::new();
    let read = stream.read_to_end(&mut received);
    let received = String::from_utf8(received).unwrap();
    match read.and(sent) {
        Ok(()) => whole(&received).ok_or(Broken::Closed(received)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(Broken::Silent)
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ) =>
        {
            Err(Broken::Reset)
        }
        Err(error) => panic!("{error}"),
    }
}

/// The answer, if it is complete.
fn whole(received: &str) -> Option<Answer> {
    let (head, body) = received.split_once("\r\n\r\n")?;
    let answer = Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        content_type: String::new(),
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let length: usize = answer
        .header("content-length")
        .map_or(Ok(0), str::parse)
        .unwrap();
    let content_type = answer.header("content-type").unwrap_or_default().to_owned();
    if answer.header("transfer-encoding") == Some("chunked") {
        let body = unchunked(body)?;
        return Some(Answer {
            content_type,
            body,
            ..answer
        });
    }
    (body.len() == length).then_some(Answer {
        content_type,
        ..answer
    })
}

/// A body without chunk sizes, if it is complete.
fn unchunked(mut chunks: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(rest.get(..size)?);
        chunks = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    exchange(address, "GET", path, None, "").unwrap()
}

pub fn post(address: SocketAddr, path: &str, body: &Value) -> Answer {
    exchange(
        address,
        "POST",
        path,
        Some("application/json"),
        &body.to_string(),
    )
    .unwrap()
}

/// A clock that stands still until it is moved. It starts at 2026-11-23T03:45:31.
#[derive(Debug, Clone, Default)]
pub struct Still(Arc<AtomicU64>);

impl Still {
    pub fn clock(&self) -> Clock {
        let milliseconds = Arc::clone(&self.0);
        Arc::new(move || {
            let elapsed = Duration::from_millis(milliseconds.load(Ordering::SeqCst));
            Moment {
                elapsed,
                wall: Duration::from_secs(1_795_405_531) + elapsed,
            }
        })
    }

    pub fn pass(&self, time: Duration) {
        self.0
            .fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn pass_seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }
}
