//! A pg-backup-api that gives the answers of a scenario and records its requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::scenario::{Answer, Api, Script, Sent};

/// The running API; stopped when it is dropped.
pub struct ScriptedApi {
    address: SocketAddr,
    asked: Arc<Mutex<Asked>>,
    running: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Asked::default()));
        let running = match api {
            // the port stays unused: nothing is listening there from now on
            Api::State(_) => None,
            Api::Script(script) => {
                let stop = Arc::new(AtomicBool::new(false));
                let thread = {
                    let (script, asked, stop) = (script.clone(), asked.clone(), stop.clone());
                    std::thread::spawn(move || serve(&listener, &script, &asked, &stop))
                };
                Some((stop, thread))
            }
        };
        Self {
            address,
            asked,
            running,
        }
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

impl Drop for ScriptedApi {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            stop.store(true, Ordering::SeqCst);
            // wakes the accept
            drop(TcpStream::connect(self.address));
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, script: &Script, asked: &Mutex<Asked>, stop: &AtomicBool) {
    for connection in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(mut connection) = connection {
            // one request per connection; a client that disconnects is not an error here
            let _ = answer(&mut connection, script, asked);
        }
    }
}

fn answer(
    connection: &mut TcpStream,
    script: &Script,
    asked: &Mutex<Asked>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut parts = line.split_whitespace();
    let (Some(method), Some(path)) = (parts.next(), parts.next()) else {
        return Ok(());
    };
    let mut length = 0;
    let mut content_type = String::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "content-type" => value.trim().clone_into(&mut content_type),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;

    let endpoint = endpoint(method, path);
    let answer = {
        let mut asked = asked.lock().unwrap();
        asked.sent.push(Sent {
            method: method.to_owned(),
            path: path.to_owned(),
            body: (!body.is_empty()).then(|| {
                serde_json::from_slice(&body)
                    .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body)))
            }),
        });
        if !body.is_empty() && content_type != "application/json" {
            asked.content_types.push(content_type);
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
        Some((_, Answer::Silence(()))) => return Ok(()),
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
    write!(
        connection,
        "HTTP/1.1 {status} Scripted\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{extra}Connection: close\r\n\r\n{body}",
        body.len(),
    )
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
