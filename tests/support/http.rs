//! HTTP servers that end with the test process.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

/// Serves each connection in a thread of its own.
pub fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    address
}

/// Answers each request with what the function returns, or closes the connection if that is empty.
pub fn answer(respond: impl Fn(&Message) -> String + Send + Sync + 'static) -> SocketAddr {
    serve(move |stream| {
        let mut reader = BufReader::new(stream);
        while let Some(request) = Message::read(&mut reader) {
            let answer = respond(&request);
            let sent = reader.get_mut().write_all(answer.as_bytes());
            let is_last = answer.is_empty() || request.header("connection") == Some("close");
            if is_last || sent.is_err() {
                return;
            }
        }
    })
}

/// An answer with this status line and body.
pub fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// An address without a server.
pub fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A request or an answer whose body has the declared length.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its first line and its headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Message {
    /// Reads the next one; `None` at the end of the connection.
    pub fn read(from: &mut impl BufRead) -> Option<Self> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if from.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let body = Vec::new();
        let mut message = Self { head, body };
        let length = message.header("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        message.body.resize(length, 0);
        from.read_exact(&mut message.body).ok()?;
        Some(message)
    }

    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}
