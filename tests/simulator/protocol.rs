//! Paths, methods and bodies that are not in the recording.

use patroni_barman::simulator::{Config, Simulator};
use serde_json::json;

use super::client::{exchange, get, post};

fn demo() -> Config {
    Config::default().server("demo").model("demo:n1")
}

#[test]
fn the_first_thing_wrong_is_what_is_reported() {
    let simulator = Simulator::start(demo()).unwrap();
    let address = simulator.address();
    let server = "Minimum barman options not met for server &#39;demo&#39;";
    let instance = "Minimum barman options not met for instance operation";
    let internal = "The server encountered an internal error and was unable to complete your request. \
                    Either the server is overloaded or there is an error in the application.";
    let incomplete = "Make sure all options/arguments are met and try again";
    let unreadable = "The browser (or proxy) sent a request that this server could not understand.";
    let operations = "/servers/demo/operations";
    let odd = "/servers/<\"a&b\">/operations";
    let escaped = "Minimum barman options not met for server &#39;&lt;&#34;a&amp;b&#34;&gt;&#39;";
    let switch = |more: &str| format!("{{\"type\": \"config_switch\", {more}}}");
    let number = switch("\"model_name\": 5");
    let text = switch("\"reset\": \"true\"");
    let cases = [
        (operations, "null", 400, server),
        (operations, "[]", 400, server),
        (operations, "0", 400, server),
        (operations, "false", 400, server),
        (operations, "\"\"", 400, server),
        (odd, "{}", 400, escaped),
        ("/operations", "{}", 400, instance),
        (operations, "[1]", 500, internal),
        (operations, "1", 500, internal),
        (operations, "true", 500, internal),
        (operations, r#"{"type": null}"#, 500, internal),
        (operations, r#"{"backup_id": 5}"#, 500, internal),
        (operations, &number, 400, incomplete),
        (operations, &text, 400, incomplete),
        (operations, "", 400, unreadable),
        ("/operations", "", 400, unreadable),
        ("/operations", "[1]", 500, internal),
        ("/operations", r#"{"changes": []}"#, 500, internal),
        ("/operations", r#"{"type": "recovery"}"#, 500, internal),
    ];
    for (path, body, status, message) in cases {
        let path = path
            .replace('<', "%3C")
            .replace('>', "%3e")
            .replace('"', "%22");
        let answer = exchange(address, "POST", &path, Some("application/json"), body).unwrap();
        assert_eq!(
            (answer.status, answer.message()),
            (status, Some(message)),
            "{path} {body}"
        );
    }
}

#[test]
fn content_types_that_are_json_are_taken() {
    for (content_type, status) in [
        ("application/json; charset=utf-8", 404),
        ("Application/JSON", 404),
        ("application/problem+json", 404),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ] {
        let simulator = Simulator::start(demo()).unwrap();
        let answer = exchange(
            simulator.address(),
            "POST",
            "/servers/x/operations",
            Some(content_type),
            "[1]",
        )
        .unwrap();
        assert_eq!(answer.status, status, "{content_type}");
    }
}

#[test]
fn methods_that_are_not_taken_are_named() {
    let simulator = Simulator::start(demo()).unwrap();
    let address = simulator.address();
    let (read, write) = ("GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS, POST");
    let operation = "/servers/demo/operations/1";
    for (method, path, status, allow) in [
        ("POST", "/status", 405, Some(read)),
        ("PUT", "/diagnose", 405, Some(read)),
        ("DELETE", operation, 405, Some(read)),
        ("PATCH", "/operations", 405, Some(write)),
        ("OPTIONS", "/operations", 200, Some(write)),
        ("DELETE", "/nope", 404, None),
    ] {
        let answer = exchange(address, method, path, None, "").unwrap();
        assert_eq!(
            (answer.status, answer.header("allow")),
            (status, allow),
            "{method} {path}"
        );
    }
    assert!(
        simulator
            .served()
            .iter()
            .all(|served| served.fault.is_none())
    );
}

#[test]
fn below_a_prefix_nothing_else_is_served() {
    for prefix in ["/backup", "/backup/"] {
        let simulator = Simulator::start(demo().prefix(prefix)).unwrap();
        let address = simulator.address();
        assert_eq!(simulator.url(), format!("http://{address}/backup"));
        assert_eq!(get(address, "/backup/status").body, "\"OK\"");
        assert_eq!(get(address, "/status").status, 404);
        let switch = json!({"type": "config_switch", "model_name": "demo:n1"});
        post(address, "/backup/servers/demo/operations", &switch).operation_id();
        assert_eq!(
            simulator.served()[2].path,
            "/backup/servers/demo/operations"
        );
    }
}

#[test]
fn a_connection_serves_many_requests() {
    let simulator = Simulator::start(demo()).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    for _ in 0..3 {
        let mut answer = agent
            .get(format!("{}/diagnose", simulator.url()))
            .call()
            .unwrap();
        let state: serde_json::Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        assert!(state["servers"]["demo"].is_object());
    }
    assert_eq!(simulator.served().len(), 3);
}
