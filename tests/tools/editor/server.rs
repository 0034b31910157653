//! The YAML language server, used like an editor does.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::prerequisite::find;

/// The package to install; later versions may word messages differently.
const PACKAGE: &str = "yaml-language-server@1.25.0";

pub struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: i64,
}

impl Server {
    /// Starts it; if necessary, installs it below the target directory first.
    pub fn start() -> Self {
        let program = install();
        let mut child = Command::new(find(&["node"], "nodejs npm"))
            .arg(program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            input,
            output,
            requests: 0,
        };
        let capabilities = json!({"textDocument": {
            "hover": {"contentFormat": ["plaintext"]},
            "completion": {"completionItem": {"snippetSupport": true}},
        }, "workspace": {"configuration": true}});
        server.request(
            "initialize",
            &json!({"processId": null, "rootUri": null, "capabilities": capabilities}),
        );
        server.send(&json!({"method": "initialized", "params": {}}));
        server
    }

    /// Opens a document and returns the server's findings.
    pub fn open(&mut self, uri: &str, text: &str) -> Vec<String> {
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.send(&json!({"method": "textDocument/didOpen", "params": {"textDocument": document}}));
        loop {
            let message = self.receive();
            if message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
            {
                let found = message["params"]["diagnostics"].as_array().unwrap();
                return found
                    .iter()
                    .map(|one| one["message"].as_str().unwrap().to_owned())
                    .collect();
            }
        }
    }

    /// The server's text for a place: line and character from 0.
    pub fn hover(&mut self, uri: &str, line: usize, character: usize) -> String {
        let answer = self.request("textDocument/hover", &at(uri, line, character));
        let contents = &answer["contents"];
        contents["value"]
            .as_str()
            .or_else(|| contents.as_str())
            .unwrap_or_default()
            .to_owned()
    }

    /// The server's completions for a place.
    pub fn complete(&mut self, uri: &str, line: usize, character: usize) -> Vec<String> {
        let answer = self.request("textDocument/completion", &at(uri, line, character));
        let items = answer["items"]
            .as_array()
            .or_else(|| answer.as_array())
            .cloned()
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item["label"].as_str().map(str::to_owned))
            .collect()
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn send(&mut self, message: &Value) {
        let mut message = message.clone();
        message["jsonrpc"] = "2.0".into();
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    /// The next message; the server's own requests are answered in the meantime.
    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(
                self.output.read_line(&mut line).unwrap() > 0,
                "the language server has ended"
            );
            if let Some(number) = line.strip_prefix("Content-Length: ") {
                length = number.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).unwrap();
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        if let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id")) {
            let settings = json!({"validate": true, "hover": true, "completion": true, "schemaStore": {"enable": false}});
            let result = match method {
                "workspace/configuration" => {
                    let items = message["params"]["items"].as_array().unwrap();
                    let each = |item: &Value| {
                        if item["section"] == "yaml" {
                            settings.clone()
                        } else {
                            json!({})
                        }
                    };
                    items.iter().map(each).collect()
                }
                _ => Value::Null,
            };
            self.send(&json!({"id": id, "result": result}));
        }
        message
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at(uri: &str, line: usize, character: usize) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

/// The server's program. The tests run concurrently and share one installation, which only exists
/// as a whole: it gets its name when it is complete.
fn install() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = parent.join(PACKAGE);
        if !folder.exists() {
            let unfinished = tempfile::tempdir_in(parent).unwrap();
            let output = Command::new(find(&["npm"], "nodejs npm"))
                .args([
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--loglevel=error",
                    "--prefix",
                ])
                .arg(unfinished.path())
                .arg(PACKAGE)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "npm install {PACKAGE}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            fs::rename(unfinished.keep(), &folder).unwrap();
        }
        folder.join("node_modules/yaml-language-server/bin/yaml-language-server")
    })
}
