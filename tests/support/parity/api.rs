//! A pg-backup-api that gives the answers of a scenario and records its requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::http::{self, Message};

use super::scenario::{Answer, Api, Script, Sent};

/// The running API.
pub struct ScriptedApi {
    address: SocketAddr,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    sent: Vec<Sent>,
    /// The number of requests to each endpoint.
    counts: BTreeMap<Endpoint, usize>,
    /// The content types of bodies that were not JSON.
    content_types: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Endpoint {
    Status,
    Create,
    Operation,
}

impl ScriptedApi {
    pub fn start(api: &Api) -> Self {
        let asked = Arc::new(Mutex::new(Asked::default()));
        let address = match api {
            Api::State(_) => http::nowhere(),
            Api::Script(script) => {
                let (script, asked) = (script.clone(), asked.clone());
                http::answer(move |request| answer(request, &script, &asked))
            }
        };
        Self { address, asked }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.asked.lock().unwrap().sent.clone()
    }

    /// The content types of bodies that were not declared as JSON.
    pub fn wrong_content_types(&self) -> Vec<String> {
        self.asked.lock().unwrap().content_types.clone()
    }
}

fn answer(request: &Message, script: &Script, asked: &Mutex<Asked>) -> String {
    let (method, path, body) = (request.method(), request.path(), &request.body);
    let endpoint = endpoint(method, path);
    let answer = {
        let mut asked = asked.lock().unwrap();
        asked.sent.push(Sent {
            method: method.to_owned(),
            path: path.to_owned(),
            body: (!body.is_empty()).then(|| {
                serde_json::from_slice(body)
                    .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body)))
            }),
        });
        let content_type = request.header("content-type").unwrap_or_default();
        if !body.is_empty() && content_type != "application/json" {
            asked.content_types.push(content_type.to_owned());
        }
        endpoint.map(|endpoint| {
            let count = asked.counts.entry(endpoint).or_default();
            let answers = script.answers(endpoint);
            let answer = &answers[(*count).min(answers.len() - 1)];
            *count += 1;
            (endpoint, answer)
        })
    };
    let (status, kind, extra, body) = match answer {
        None => response(
            404,
            &json!({"error": "404 Not Found: this script has no such path"}),
        ),
        Some((_, Answer::Silence(()))) => return String::new(),
        Some((Endpoint::Status, Answer::Text(text))) => {
            (200, "text/html", String::new(), json!(text).to_string())
        }
        Some((Endpoint::Create, Answer::Text(id))) => response(202, &json!({"operation_id": id})),
        Some((Endpoint::Operation, Answer::Text(state))) => {
            let id = path.rsplit('/').next();
            response(200, &json!({"operation_id": id, "status": state}))
        }
        Some((_, Answer::Json { status, json })) => response(*status, json),
        Some((_, Answer::Html { status, html })) => {
            (*status, "text/html", String::new(), html.clone())
        }
        Some((_, Answer::Location { status, location })) => (
            *status,
            "text/html",
            format!("Location: {location}\r\n"),
            String::new(),
        ),
    };
    let head = format!("{status} Scripted\r\nContent-Type: {kind}\r\n{extra}Connection: close");
    http::response(&head, &body)
}

fn response(status: u16, json: &Value) -> (u16, &'static str, String, String) {
    (status, "application/json", String::new(), json.to_string())
}

/// The endpoint of a path, whatever its prefix.
fn endpoint(method: &str, path: &str) -> Option<Endpoint> {
    let mut segments = path.rsplit('/');
    match (method, segments.next(), segments.next()) {
        ("GET", Some("status"), _) => Some(Endpoint::Status),
        ("POST", Some("operations"), _) => Some(Endpoint::Create),
        ("GET", _, Some("operations")) => Some(Endpoint::Operation),
        _ => None,
    }
}

impl Script {
    fn answers(&self, endpoint: Endpoint) -> &[Answer] {
        match endpoint {
            Endpoint::Status => &self.status,
            Endpoint::Create => &self.create,
            Endpoint::Operation => &self.operation,
        }
    }
}
