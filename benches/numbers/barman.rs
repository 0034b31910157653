//! The simulated pg-backup-api as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;

use crate::program::{State, program};

/// A simulator with servers `PREFIX0`, `PREFIX1`, …, each with a model for the node `n1` and a backup.
pub struct Barman {
    child: Child,
    reader: Option<JoinHandle<()>>,
    accepted: Arc<Mutex<Vec<(String, Instant)>>>,
    pub url: String,
}

impl Barman {
    /// Starts it with this many servers; each operation takes this long.
    pub fn start(servers: usize, operation_time: &str) -> Self {
        Self::start_with(servers, operation_time, &[])
    }

    /// The same on a host with further servers and backups, all of which `/diagnose` lists.
    pub fn start_big(servers: usize, others: &str) -> Self {
        Self::start_with(servers, "0s", &["--diagnose-size", others])
    }

    fn start_with(servers: usize, operation_time: &str, more: &[&str]) -> Self {
        let mut command = program(&State::None);
        command.args(["simulate", "--listen", "127.0.0.1:0", "--recover-files"]);
        command.args(["--operation-time", operation_time]);
        command.args(more);
        for number in 0..servers {
            command.args(["--server", &format!("s{number}")]);
            command.args(["--model", &format!("s{number}:n1")]);
            command.args(["--backup", &format!("s{number}:20260101T000000")]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let ready = lines.next().expect("a line").expect("text");
        let url = ready
            .strip_prefix("listening on ")
            .expect("its address")
            .to_owned();
        let accepted = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&accepted);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let now = Instant::now();
                let served: Value = serde_json::from_str(&line).unwrap_or_default();
                if served["method"] == "POST" && served["status"] == 202 {
                    let path = served["path"].as_str().unwrap_or_default().to_owned();
                    seen.lock().expect("no panic").push((path, now));
                }
            }
        });
        Self {
            child,
            reader: Some(reader),
            accepted,
            url,
        }
    }

    /// The time when it accepted the first operation for this server.
    pub fn accepted(&self, server: &str) -> Instant {
        let path = format!("/servers/{server}/operations");
        let accepted = self.accepted.lock().expect("no panic");
        let found = accepted.iter().find(|(at, _)| *at == path);
        found.expect("the operation was asked for").1
    }

    /// The active model of each server.
    pub fn active_models(&self) -> Value {
        let diagnosis: Value = serde_json::from_str(&self.diagnose()).expect("JSON");
        diagnosis["servers"].clone()
    }

    pub fn diagnose(&self) -> String {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("it listens");
        write!(
            stream,
            "GET /diagnose HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        body.to_owned()
    }
}

impl Drop for Barman {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
