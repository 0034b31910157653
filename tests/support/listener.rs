//! A receiver of notifications: an HTTP server that remembers what was posted to it.

use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

use super::http::{self, Message};
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
        let shared = Arc::new(Shared {
            posted: Mutex::default(),
            answer: Mutex::new(Answer::Ok),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        let address = http::answer(move |request| serving.respond(request));
        let url = format!("http://{address}");
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

impl Shared {
    fn respond(&self, request: &Message) -> String {
        self.posted.lock().unwrap().push(Posted {
            head: request.head.clone(),
            body: request.json(),
        });
        let hangs = |answer: &mut Answer| *answer == Answer::Hang;
        let answer = self.answer.lock().unwrap();
        match *self.changed.wait_while(answer, hangs).unwrap() {
            Answer::Status(status, text) => http::response(&format!("{status} X"), text),
            Answer::Ok | Answer::Hang => http::response("200 OK", "ok"),
        }
    }
}
