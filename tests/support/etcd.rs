//! A small etcd: its JSON gateway as far as a reader needs it.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::http::{self, Message};

/// Keys below `/service/`. It serves until the test ends.
pub struct Etcd {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    revision: u64,
    keys: BTreeMap<String, String>,
    changes: Vec<(u64, String, Option<String>)>,
    compacted: u64,
    /// Watches older than this end.
    cut: u64,
}

impl Etcd {
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        let address = http::serve(move |stream| {
            let _ = serving.serve(stream);
        });
        let url = format!("http://{address}");
        Self { url, shared }
    }

    fn change(&self, key: &str, value: Option<&str>) {
        let mut state = self.shared.state.lock().unwrap();
        state.revision += 1;
        let revision = state.revision;
        match value {
            Some(value) => state.keys.insert(key.to_owned(), value.to_owned()),
            None => state.keys.remove(key),
        };
        let change = (revision, key.to_owned(), value.map(str::to_owned));
        state.changes.push(change);
        self.shared.changed.notify_all();
    }

    pub fn put(&self, key: &str, value: &str) {
        self.change(key, Some(value));
    }

    pub fn delete(&self, key: &str) {
        self.change(key, None);
    }

    /// Forgets earlier revisions, and closes every watch.
    pub fn compact_and_cut(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.compacted = state.revision;
        state.changes.clear();
        state.cut += 1;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        while let Some(request) = Message::read(&mut reader) {
            if request.path() == "/v3/watch" {
                return self.watch(reader.get_mut(), &request.json());
            }
            let answer = http::response("200 OK", &self.range().to_string());
            reader.get_mut().write_all(answer.as_bytes()).ok()?;
        }
        None
    }

    fn range(&self) -> Value {
        let state = self.state.lock().unwrap();
        let keys = state.keys.iter().map(|(key, value)| pair(key, value));
        let keys: Vec<Value> = keys.collect();
        json!({"header": {"revision": state.revision.to_string()}, "kvs": keys})
    }

    fn watch(&self, stream: &mut TcpStream, body: &Value) -> Option<()> {
        let start = body["create_request"]["start_revision"].as_str()?;
        let mut next: u64 = start.parse().ok()?;
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).ok()?;
        let mut say = |result: &Value| {
            let line = format!("{}\n", json!({"result": result}));
            let chunk = format!("{:x}\r\n{line}\r\n", line.len());
            stream.write_all(chunk.as_bytes()).ok()
        };
        let mut state = self.state.lock().unwrap();
        let cut = state.cut;
        let header = json!({"revision": state.revision.to_string()});
        if next <= state.compacted {
            let compacted = state.compacted.to_string();
            return say(
                &json!({"header": header, "canceled": true, "compact_revision": compacted}),
            );
        }
        say(&json!({"header": header, "created": true}))?;
        while state.cut == cut {
            let new = state
                .changes
                .iter()
                .filter(|(revision, ..)| *revision >= next);
            let events: Vec<Value> = new
                .map(|(_, key, value)| match value {
                    Some(value) => json!({"kv": pair(key, value)}),
                    None => json!({"type": "DELETE", "kv": {"key": encoded(key)}}),
                })
                .collect();
            next = state.revision + 1;
            if !events.is_empty() {
                let header = json!({"revision": state.revision.to_string()});
                say(&json!({"header": header, "events": events}))?;
            }
            let wait = Duration::from_millis(500);
            state = self.changed.wait_timeout(state, wait).unwrap().0;
        }
        None
    }
}

fn encoded(key: &str) -> String {
    BASE64.encode(format!("/service/{key}"))
}

fn pair(key: &str, value: &str) -> Value {
    json!({"key": encoded(key), "value": BASE64.encode(value)})
}
