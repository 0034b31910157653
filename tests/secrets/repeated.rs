//! A server that repeats the secret that it received, in every notation that an answer can have.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::call::Ended;
use crate::support::node::Node;
use crate::support::patroni::Patroni;

/// A server with these answers (status line and body) to `POST`, to a poll, and to `/diagnose`.
fn server(answers: [(&'static str, String); 3]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let line = request(&stream);
            let [post, poll, diagnose] = &answers;
            let (status, body) = match line.as_str() {
                line if line.starts_with("POST") => post,
                line if line.contains("/diagnose") => diagnose,
                _ => poll,
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    url
}

/// Reads a request and returns its first line.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap();
    lines.swap_remove(0)
}

/// Runs a switch with this token against such a server; returns its end and the output of `history`.
fn run(token: &str, answers: [(&'static str, String); 3]) -> (Ended, Ended) {
    let url = server(answers);
    let rules = format!(
        "version: 1
api: {{url: \"{url}\", headers: {{Authorization: {{env: TOKEN}}}}}}
defaults: {{fence: none, verify: applied, retry: {{attempts: 1}}, poll: {{every: 100ms, timeout: 1s}}}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: demo, model_name: \"demo:n1\"}}
"
    );
    let node = Node::new(&rules);
    let ended = node.callback().env("TOKEN", token).run();
    let history = node
        .call(["history", "--format", "json"])
        .env("TOKEN", token)
        .run();
    (ended, history)
}

fn assert_hidden(token: &str, repeated: &str, ended: &Ended, history: &Ended) {
    for text in [&ended.stdout, &ended.stderr, &history.stdout] {
        assert!(
            !text.contains(repeated),
            "`{token}` shows as `{repeated}` in\n{text}"
        );
    }
    assert!(ended.message().contains("***"), "{}", ended.message());
    assert!(history.stdout.contains("***"), "{history:?}");
}

#[test]
fn a_refusal_that_repeats_the_secret_is_shown_without_it() {
    for (token, body, message) in [
        ("abc12", r#"{"error": "bad token abc12"}"#, "bad token ***"),
        (
            "Bearer abc1",
            r#"{"error": "no Bearer like abc1 or \u0061bc1"}"#,
            "no Bearer like *** or ***",
        ),
        ("ab", "<p>ab is no cab</p>", "*** is no cab"),
        (
            "Tr&ub<4",
            "<p>bad token Tr&amp;ub&lt;4</p>",
            "bad token ***",
        ),
        (
            "ab-cd-ef",
            "<p>bad token ab&#45;cd&#x2d;ef!</p>",
            "bad token ***!",
        ),
    ] {
        let unused = || ("500 No", String::new());
        let (ended, history) = run(
            token,
            [("403 Forbidden", body.to_owned()), unused(), unused()],
        );
        assert_eq!(ended.exit, 2, "{ended:?}");
        let wanted = format!(" answered 403 Forbidden: {message}");
        assert!(ended.message().ends_with(&wanted), "{}", ended.message());
        if token.len() > 2 {
            let secret = token.strip_prefix("Bearer ").unwrap_or(token);
            assert_hidden(token, secret, &ended, &history);
        }
    }
}

#[test]
fn a_success_that_repeats_the_secret_is_shown_without_it() {
    let token = "TOKENSECRETX";
    let accepted = (
        "202 Accepted",
        r#"{"operation_id": "20260101T000000"}"#.to_owned(),
    );
    let done = ("200 OK", r#"{"status": "DONE"}"#.to_owned());
    let strange = ("200 OK", format!(r#"{{"status": "{token}"}}"#));
    let active = format!(r#"{{"servers": {{"demo": {{"active_model": "{token}"}}}}}}"#);
    let active = ("200 OK", active);
    for answers in [
        [accepted.clone(), strange, active.clone()],
        [accepted, done, active],
    ] {
        let (ended, history) = run(token, answers);
        assert!(matches!(ended.exit, 2 | 3), "{ended:?}");
        assert_hidden(token, token, &ended, &history);
    }
}

#[test]
fn a_look_that_repeats_the_secret_is_shown_without_it() {
    let token = "TOKENSECRETX";
    let active = format!(r#"{{"servers": {{"demo": {{"active_model": "{token}"}}}}}}"#);
    let unused = || ("500 No", String::new());
    let url = server([unused(), unused(), ("200 OK", active)]);
    let patroni = Patroni::start("n1", "n1");
    let patroni = &patroni.url;
    let rules = format!(
        "version: 1
api: {{url: \"{url}\", headers: {{Authorization: {{env: TOKEN}}}}}}
patroni: {{url: \"{patroni}\"}}
defaults: {{verify: none, retry: {{attempts: 1}}}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: demo, model_name: \"demo:n1\"}}
"
    );
    let looks: [&[&str]; 3] = [&["status"], &["reconcile", "--dry-run"], &["reconcile"]];
    for look in looks {
        for format in ["human", "json"] {
            let ended = Node::new(&rules)
                .call(look)
                .env("TOKEN", token)
                .args(["--format", format])
                .run();
            for text in [&ended.stdout, &ended.stderr] {
                assert!(!text.contains(token), "{look:?} {text}");
            }
            assert!(!ended.stdout.is_empty(), "{look:?} {ended:?}");
        }
    }
}

#[test]
fn a_model_that_has_the_name_of_a_secret_is_still_recognised() {
    let accepted = (
        "202 Accepted",
        r#"{"operation_id": "20260101T000000"}"#.to_owned(),
    );
    let done = ("200 OK", r#"{"status": "DONE"}"#.to_owned());
    let active = r#"{"servers": {"demo": {"active_model": "demo:n1"}}}"#.to_owned();
    let (ended, _) = run("demo:n1", [accepted, done, ("200 OK", active)]);
    assert_eq!(ended.exit, 0, "{ended:?}");
}
