//! `check --online` against a Barman.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use patroni_barman::diagnostic::Code;

use crate::support::program::program;

/// A simulated Barman that ends with the test.
struct Barman {
    process: Child,
    url: String,
    /// Kept open: the simulator writes a line for each request.
    _lines: BufReader<std::process::ChildStdout>,
}

impl Barman {
    fn start() -> Self {
        let mut process = program()
            .args(["simulate", "--listen", "127.0.0.1:0", "--server", "main"])
            .args(["--model", "main:n1", "--model", "other:n1=other"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Self {
            process,
            url,
            _lines: lines,
        }
    }
}

impl Drop for Barman {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What `check --online` gives for rules, with the exit code.
fn check(rules: &str, more: &[&str]) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    let output = program()
        .current_dir(folder.path())
        .args(["check", "--online", "rules.yml"])
        .args(more)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code().unwrap(),
    )
}

/// The example against this Barman, without a Patroni.
fn at(barman: &str, rules: &str) -> String {
    rules.replace("http://localhost:7480", barman).replace(
        "patroni: {url: \"http://localhost:8008\"}",
        "defaults: {fence: none}",
    )
}

#[test]
fn what_barman_does_not_have_is_found_and_what_it_has_is_not() {
    let barman = Barman::start();
    let mut seen = 0;
    for code in Code::ALL.iter().filter(|code| code.is_online()) {
        seen += 1;
        let explanation = code.explanation();
        let (_, wrong) = explanation.wrong[0];
        let (stdout, stderr, status) = check(&at(&barman.url, wrong), &[]);
        assert_eq!(status, 1, "{stdout}{stderr}");
        assert_eq!(stdout.matches("error[").count(), 1, "{stdout}");
        assert!(stdout.contains(&format!("error[{code}]")), "{stdout}");
        let (_, right) = explanation.right[0];
        let (stdout, stderr, status) = check(&at(&barman.url, right), &[]);
        assert_eq!(status, 0, "{stdout}{stderr}");
    }
    assert_eq!(seen, 3);
}

#[test]
fn templates_are_tried_for_this_node() {
    let barman = Barman::start();
    let rules = at(
        &barman.url,
        &Code::UnknownModel.explanation().right[0]
            .1
            .replace("main:n1", "main:{{ node }}"),
    );
    assert_eq!(check(&rules, &["--node", "n1"]).2, 0);
    let (stdout, _, status) = check(&rules, &["--node", "n2"]);
    assert_eq!(status, 1);
    assert!(stdout.contains("Barman has no model `main:n2`"), "{stdout}");
    // A node whose name nobody knows: it can't be told.
    assert_eq!(check(&rules, &[]).2, 0);
}

#[test]
fn somebody_who_can_t_be_asked_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let rules = Code::UnknownModel.explanation().right[0]
        .1
        .replace("http://localhost:7480", &closed)
        .replace("http://localhost:8008", &closed);
    let (stdout, stderr, status) = check(&rules, &[]);
    assert_eq!((stdout.as_str(), status), ("", 2), "{stderr}");
    assert!(stderr.contains("Patroni cannot be reached"), "{stderr}");
    assert!(
        stderr.contains("the API `default` can't be asked"),
        "{stderr}"
    );
}
