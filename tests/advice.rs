//! Mistakes in Patroni's configuration, in a wrapper or in an address: the message says what to do, and which program answered.

use crate::support::ended::Ended;
use crate::support::http;
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
        let ended = Ended::of(program().arg("run").args(arguments));
        let said = ended.case(format!("{arguments:?}")).exits(4).stderr;
        let help = said.lines().find_map(|line| line.strip_prefix("  help: "));
        let found = help.unwrap_or_default();
        assert!(found.contains(advice), "{arguments:?}: {said}");
        assert_eq!(found.is_empty(), advice.is_empty(), "{arguments:?}: {said}");
    }
}

/// A server that sends this answer to everything, or closes the connection.
fn server(answer: &'static str) -> String {
    format!("http://{}", http::answer(|_| answer.to_owned()))
}

const NGINX: &str = "HTTP/1.1 404 Not Found\r\nServer: nginx/1.18.0\r\nContent-Type: text/html\r\nContent-Length: 48\r\n\
                     Connection: close\r\n\r\n<html><head><title>404 Not Found</title></head>\n";

/// An address without a server.
const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn status_says_who_answers_in_the_place_of_the_api_or_of_patroni() {
    for (api, patroni, exit, words) in [
        (
            server(NGINX),
            None,
            1,
            "API `default`: the web server `nginx` in front of the API answered 404 Not Found",
        ),
        (
            NOWHERE.to_owned(),
            Some(server(NGINX)),
            3,
            "answered 404 without the member's state; the server there calls itself `nginx` and is not Patroni",
        ),
        (
            NOWHERE.to_owned(),
            Some(server("")),
            3,
            "closed the connection without an answer; if it speaks TLS, its address must start with `https://`",
        ),
    ] {
        let rules = RULES.replace("API", &api);
        let node = match patroni {
            Some(url) => Node::new(&rules.replace("PATRONI", &url)),
            None => Node::new(&rules).with_patroni("n1"),
        };
        node.run(["status"]).exits(exit).shows(words);
    }
}

#[test]
fn an_ipv6_address_needs_brackets() {
    for url in [
        "http://::1:7480",
        "http://fe80::1",
        "https://2001:db8::7:7480/api",
    ] {
        let node = Node::new(&RULES.replace("API", url)).with_patroni("n1");
        let words = "an IPv6 address must be in brackets, as in `http://[::1]:7480`";
        node.run(["check", node.rules().to_str().unwrap()])
            .exits(1)
            .shows(words);
    }
}
