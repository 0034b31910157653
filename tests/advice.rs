//! Mistakes in Patroni's configuration, in a wrapper or in an address: the message says what to do, and which program answered.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::node::Node;
use crate::support::program::program;

const RULES: &str = r#"version: 1
api: {url: "API"}
patroni: {url: "PATRONI"}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    retry: {deadline: 100ms, wait: 10ms}
    request: {type: config_switch, server: demo, model_name: "demo:{{ node }}"}
"#;

#[test]
fn a_command_line_that_patroni_or_a_wrapper_spoiled() {
    for (arguments, advice) in [
        (
            &["--event", "create_replica"][..],
            "unless the method says `no_params: true`",
        ),
        (
            &[
                "--scope=demo",
                "--role=replica",
                "--datadir=/x",
                "--connstring=y",
            ],
            "write `run --event create_replica` there",
        ),
        (
            &["--scope=demo", "--datadir=/x"],
            "write `run --event bootstrap` there",
        ),
        (
            &["10.0.0.5:5432", "on_role_change", "primary", "demo"],
            "`10.0.0.5:5432` is no event: Patroni appends the event",
        ),
        (&[], "a wrapper must pass them on (`\"$@\"`)"),
        (&["on_role_change", "primary", "demo", "--rules"], ""),
        (
            &["--node", "n1", "on_role_change", "primary", "demo", "more"],
            "",
        ),
    ] {
        let output = program().arg("run").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let help = said.lines().find_map(|line| line.strip_prefix("  help: "));
        let found = help.unwrap_or_default();
        assert!(found.contains(advice), "{arguments:?}: {said}");
        assert_eq!(found.is_empty(), advice.is_empty(), "{arguments:?}: {said}");
    }
}

/// A server that sends this answer to everything, or closes the connection.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 16384]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

const NGINX: &str = "HTTP/1.1 404 Not Found\r\nServer: nginx/1.18.0\r\nContent-Type: text/html\r\nContent-Length: 48\r\n\
                     Connection: close\r\n\r\n<html><head><title>404 Not Found</title></head>\n";

#[track_caller]
fn status_says(api: &str, patroni: &str, exit: i32, words: &str) {
    let rules = RULES.replace("API", api);
    let node = if patroni.is_empty() {
        Node::new(&rules).with_patroni("n1")
    } else {
        Node::new(&rules.replace("PATRONI", patroni))
    };
    let ended = node.run(["status"]).exits(exit);
    assert!(
        ended.stdout.contains(words),
        "no `{words}` in\n{}",
        ended.stdout
    );
}

#[test]
fn another_server_answers_in_the_place_of_the_api() {
    let words = "API `default`: the web server `nginx` in front of the API answered 404 Not Found";
    status_says(&server(NGINX), "", 1, words);
}

#[test]
fn another_server_answers_in_the_place_of_patroni() {
    let words = "answered 404 without the member's state; the server there calls itself `nginx` and is not Patroni";
    status_says("http://127.0.0.1:1", &server(NGINX), 3, words);
}

#[test]
fn a_server_that_hangs_up_may_speak_tls() {
    let words = "closed the connection without an answer; if it speaks TLS, its address must start with `https://`";
    status_says("http://127.0.0.1:1", &server(""), 3, words);
}

#[test]
fn an_ipv6_address_needs_brackets() {
    for url in [
        "http://::1:7480",
        "http://fe80::1",
        "https://2001:db8::7:7480/api",
    ] {
        let node = Node::new(&RULES.replace("API", url)).with_patroni("n1");
        let ended = node.run(["check", node.rules().to_str().unwrap()]).exits(1);
        let words = "an IPv6 address must be in brackets, as in `http://[::1]:7480`";
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }
}
