//! A server that repeats the secret that it received, in every notation that an answer can have.

use crate::support::ended::Ended;
use crate::support::http;
use crate::support::node::Node;
use crate::support::patroni::Patroni;
use crate::support::text::has;

/// A status line and a body.
type Answer = (&'static str, String);

/// A server with these answers to `POST`, to a poll, and to `/diagnose`.
fn server(answers: [Answer; 3]) -> String {
    let address = http::answer(move |request| {
        let [post, poll, diagnose] = &answers;
        let (status, body) = match (request.method(), request.path()) {
            ("POST", _) => post,
            (_, "/diagnose") => diagnose,
            _ => poll,
        };
        http::response(status, body)
    });
    format!("http://{address}")
}

/// The answers of an API that has done a switch, after which this model is active.
fn done(model: &str) -> [Answer; 3] {
    let accepted = r#"{"operation_id": "20260101T000000"}"#;
    let active = format!(r#"{{"servers": {{"demo": {{"active_model": "{model}"}}}}}}"#);
    [
        ("202 Accepted", accepted.to_owned()),
        ("200 OK", r#"{"status": "DONE"}"#.to_owned()),
        ("200 OK", active),
    ]
}

const UNUSED: Answer = ("500 No", String::new());

/// Runs a switch with this token against such a server; returns its end and the output of `history`.
fn run(token: &str, answers: [Answer; 3]) -> (Ended, Ended) {
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
    has(&ended.message(), "***");
    has(&history.stdout, "***");
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
        let refused = ("403 Forbidden", body.to_owned());
        let (ended, history) = run(token, [refused, UNUSED, UNUSED]);
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
    let [accepted, _, active] = done(token);
    let strange = ("200 OK", format!(r#"{{"status": "{token}"}}"#));
    for answers in [[accepted, strange, active], done(token)] {
        let (ended, history) = run(token, answers);
        assert!(matches!(ended.exit, 2 | 3), "{ended:?}");
        assert_hidden(token, token, &ended, &history);
    }
}

#[test]
fn a_look_that_repeats_the_secret_is_shown_without_it() {
    let token = "TOKENSECRETX";
    let [_, _, active] = done(token);
    let url = server([UNUSED, UNUSED, active]);
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
    let (ended, _) = run("demo:n1", done("demo:n1"));
    ended.exits(0);
}
