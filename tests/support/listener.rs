//! A receiver of notifications: an HTTP server that remembers what was posted to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::Value;

use super::wait::until;

/// What it does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Takes it.
    Ok,
    /// Answers with this status and text.
    Status(u16, &'static str),
    /// Answers nothing until it is to do something else.
    Hang,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The request line and the headers.
    pub head: String,
    pub body: Value,
}

pub struct Listener {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    posted: Mutex<Vec<Posted>>,
    answer: Mutex<Answer>,
    changed: Condvar,
}

impl Listener {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            posted: Mutex::default(),
            answer: Mutex::new(Answer::Ok),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { url, shared }
    }

    /// Does this with every request from here on.
    pub fn answers(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
        self.shared.changed.notify_all();
    }

    /// Everything that was posted, taken or not.
    pub fn posted(&self) -> Vec<Posted> {
        self.shared.posted.lock().unwrap().clone()
    }

    /// The class and the state of each message.
    pub fn told(&self) -> Vec<(String, String)> {
        let text = |body: &Value, key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let posted = self.posted();
        let told = posted
            .iter()
            .map(|one| (text(&one.body, "class"), text(&one.body, "state")));
        told.collect()
    }

    /// Asserts what was told so far, as `CLASS STATE`.
    #[track_caller]
    pub fn was_told(&self, expected: &[&str]) {
        let told: Vec<String> = self
            .told()
            .into_iter()
            .map(|(class, state)| format!("{class} {state}"))
            .collect();
        assert_eq!(told, expected, "{:#?}", self.posted());
    }

    /// Waits until so many messages have come.
    #[track_caller]
    pub fn until_it_has(&self, count: usize) {
        until(|| self.posted().len() >= count);
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().unwrap())
        });
        let mut body = vec![0; length.unwrap_or_default()];
        reader.read_exact(&mut body).unwrap();
        let body = serde_json::from_slice(&body).unwrap();
        shared.posted.lock().unwrap().push(Posted { head, body });
        let mut answer = shared.answer.lock().unwrap();
        while *answer == Answer::Hang {
            answer = shared.changed.wait(answer).unwrap();
        }
        let (status, text) = match *answer {
            Answer::Status(status, text) => (status, text),
            Answer::Ok | Answer::Hang => (200, "ok"),
        };
        drop(answer);
        let length = text.len();
        let sent = write!(
            reader.get_mut(),
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{text}"
        );
        if sent.is_err() {
            return;
        }
    }
}
