//! Each fault as seen by a client, and its lasting effects.

use std::time::Duration;

use patroni_barman::simulator::fault::Faults;
use patroni_barman::simulator::{Config, Served, Simulator};
use serde_json::{Value, json};

use super::client::{Answer, Broken, exchange, post};
use super::stage::{OPERATIONS, Stage, switch_to};
use crate::support::text::{has, starts};

fn start(faults: &str) -> Stage {
    let config = Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .operation_time(Duration::from_secs(2));
    Stage::start(config.faults(faults.parse().unwrap()))
}

fn switch() -> Value {
    switch_to("demo:n1")
}

fn try_post(stage: &Stage) -> Result<Answer, Broken> {
    stage.try_post(Duration::from_secs(30), &switch())
}

/// Asserts that a request is not answered within some time.
#[track_caller]
fn is_silent(stage: &Stage) {
    let answer = stage.try_post(Duration::from_millis(50), &switch());
    assert_eq!(answer, Err(Broken::Silent));
}

fn statuses(stage: &Stage) -> Vec<Option<u16>> {
    let served = stage.simulator.served();
    served.iter().map(|served| served.status).collect()
}

#[test]
fn a_refused_connection_is_closed_before_anything_is_read() {
    let stage = start("any:refuse*1");
    assert!(matches!(
        try_post(&stage),
        Err(Broken::Reset | Broken::Closed(_))
    ));
    assert_eq!(stage.operations(), 0);
    let refused = Served {
        method: String::new(),
        path: String::new(),
        body: Value::Null,
        status: None,
        fault: Some("any:refuse".to_owned()),
    };
    assert_eq!(stage.simulator.served()[0], refused);
}

#[test]
fn a_refused_request_is_closed_without_an_answer() {
    let stage = start("post:refuse*1");
    assert_eq!(try_post(&stage), Err(Broken::Closed(String::new())));
    assert_eq!(stage.operations(), 0);
    assert_eq!(try_post(&stage).unwrap().status, 202);
}

#[test]
fn a_hanging_request_is_never_answered_and_holds_nobody_else_up() {
    let stage = start("post:hang");
    is_silent(&stage);
    assert_eq!(stage.operations(), 0);
    assert_eq!(statuses(&stage), [None, Some(200)]);
}

#[test]
fn a_slow_request_is_performed_at_once_and_answered_late() {
    let stage = start("post:slow=10ms");
    assert_eq!(try_post(&stage).unwrap().status, 202);
    let stage = start("post:slow=1h");
    is_silent(&stage);
    assert_eq!(stage.operations(), 1);
}

#[test]
fn a_late_request_is_taken_up_though_its_client_has_gone() {
    let stage = start("post:late=25s*1");
    is_silent(&stage);
    stage.pass_seconds(24);
    assert_eq!(stage.operations(), 0);
    stage.pass_seconds(1);
    assert_eq!(stage.operations(), 1);
    assert_eq!(stage.active(), "");
    stage.pass_seconds(2);
    assert_eq!(stage.active(), "demo:n1");
}

#[test]
fn a_late_request_is_answered_if_its_client_still_waits() {
    let config = Config::default()
        .server("demo")
        .model("demo:n1")
        .faults("post:late=20ms".parse().unwrap());
    let simulator = Simulator::start(config).unwrap();
    let answer = post(simulator.address(), OPERATIONS, &switch());
    assert_eq!(answer.status, 202);
    assert_eq!(simulator.active_model("demo").unwrap(), "demo:n1");
}

#[test]
fn an_answer_of_failure_can_hide_that_the_request_was_accepted() {
    for status in ["503", "500", "429+retry-after=1", "502+nginx"] {
        let stage = start(&format!("post:{status}+accepted*1"));
        let answer = try_post(&stage).unwrap();
        assert_eq!(answer.status.to_string(), status[..3], "{status}");
        assert_eq!(stage.operations(), 1, "{status}");
    }
}

#[test]
fn a_web_server_in_front_answers_for_a_path_and_so_often() {
    let cases = [
        ("/diagnose:403+nginx*1", "/diagnose", 403),
        ("/diagnose:404+nginx*1", "/diagnose", 404),
        ("/servers/demo:401+nginx*1", OPERATIONS, 401),
        ("/servers:301+nginx*1", OPERATIONS, 301),
    ];
    for (fault, path, status) in cases {
        let stage = start(fault);
        assert_eq!(stage.get("/status").body, "\"OK\"", "{fault}");
        let answer = stage.get(path);
        assert_eq!(answer.status, status, "{fault}");
        assert_eq!(answer.header("server"), Some("nginx"), "{fault}");
        assert_eq!(answer.content_type, "text/html", "{fault}");
        assert_eq!(answer.header("location").is_some(), status == 301);
        assert_eq!(stage.get(path).status, 200, "{fault}");
    }
}

#[test]
fn a_web_server_in_front_can_ask_for_a_password() {
    let stage = start("/:200+nginx*1");
    let answer = stage.get("/diagnose");
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "text/html")
    );
    has(&answer.body, "Sign in");
}

#[test]
fn a_reset_is_a_real_one_and_nothing_is_performed() {
    for fault in ["post:reset*1", "post:hang=10ms*1"] {
        let stage = start(fault);
        assert_eq!(try_post(&stage), Err(Broken::Reset), "{fault}");
        assert_eq!(stage.operations(), 0, "{fault}");
    }
}

#[test]
fn a_lost_answer_leaves_the_operation_behind() {
    let stage = start("post:lost-accept*1");
    assert_eq!(try_post(&stage), Err(Broken::Reset));
    assert_eq!(stage.operations(), 1);
    stage.pass_seconds(2);
    assert_eq!(stage.active(), "demo:n1");
}

#[test]
fn a_truncated_answer_is_shorter_than_it_says() {
    let stage = start("post:truncate*1,diagnose:truncate");
    let Err(Broken::Closed(received)) = try_post(&stage) else {
        panic!("a whole answer")
    };
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    starts(head, "HTTP/1.1 202 ");
    let whole = "{\"operation_id\":\"20261123T034531\"}\n";
    assert!(
        head.to_ascii_lowercase()
            .contains(&format!("content-length: {}", whole.len())),
        "{head}"
    );
    assert_eq!(body, &whole[..whole.len() / 2]);
    assert_eq!(stage.operations(), 1);
    let broken = exchange(stage.simulator.address(), "GET", "/diagnose", None, "");
    assert!(
        matches!(&broken, Err(Broken::Closed(received)) if received.len() > 2_000),
        "{broken:?}"
    );
}

#[test]
fn statuses_come_with_the_page_of_whoever_would_send_them() {
    let cases = [
        (
            "400",
            "text/html; charset=utf-8",
            "<p>The browser (or proxy) sent a request",
        ),
        ("404", "application/json", "{\"error\":\"404 Not Found: "),
        (
            "500",
            "text/html; charset=utf-8",
            "<p>The server encountered an internal error",
        ),
        ("401", "text/html", "<h1>401 Unauthorized</h1>"),
        ("403", "text/html", "<h1>403 Forbidden</h1>"),
        ("429", "text/html", "<h1>429 Too Many Requests</h1>"),
        ("502", "text/html", "<h1>502 Bad Gateway</h1>"),
        ("503", "text/html", "<h1>503 Service Unavailable</h1>"),
        ("504", "text/html", "<h1>504 Gateway Timeout</h1>"),
    ];
    for (status, content_type, part) in cases {
        let stage = start(&format!("any:{status}*1"));
        let answer = try_post(&stage).unwrap();
        assert_eq!(
            (
                answer.status.to_string().as_str(),
                answer.content_type.as_str()
            ),
            (status, content_type)
        );
        has(&answer.body, part);
        assert_eq!(answer.header("retry-after"), None);
        assert_eq!(stage.operations(), 0, "{status}");
    }
}

#[test]
fn busy_answers_can_say_when_to_come_back() {
    let stage = start("status:503+retry-after=1*1, status:429+retry-after=30");
    for (status, seconds) in [(503, "1"), (429, "30")] {
        let answer = stage.get("/status");
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (status, Some(seconds))
        );
    }
}

#[test]
fn redirects_say_where_to() {
    for (fault, status) in [("post:redirect", 302), ("post:308", 308)] {
        let stage = start(fault);
        let answer = try_post(&stage).unwrap();
        assert_eq!(
            (answer.status, answer.header("location")),
            (status, Some("/moved/servers/demo/operations"))
        );
        assert_eq!(stage.operations(), 0);
    }
}

#[track_caller]
fn are_useless(garbage: &Answer, empty: &Answer, status: u16) {
    assert_eq!((garbage.status, empty.status), (status, status));
    assert!(serde_json::from_str::<Value>(&garbage.body).is_err());
    assert_eq!(empty.json(), json!({}));
}

#[test]
fn garbage_and_empty_answers_look_well_and_did_nothing() {
    let stage = start("post:garbage*1,post:empty*1,poll:garbage*1,poll:empty*1");
    let (garbage, empty) = (try_post(&stage).unwrap(), try_post(&stage).unwrap());
    are_useless(&garbage, &empty, 202);
    let poll = || stage.get("/servers/demo/operations/20261123T034531");
    let (garbage, empty) = (poll(), poll());
    are_useless(&garbage, &empty, 200);
    assert_eq!(poll().status, 404);
    assert_eq!(stage.operations(), 0);
}

#[test]
fn operations_meet_their_fate() {
    // the fault's effect on the operation: its final status, the number of listed operations, the active model
    let cases = [
        ("post:stuck", Some("IN_PROGRESS"), 1, None),
        ("post:fail", Some("FAILED"), 1, None),
        ("post:fail-done", Some("FAILED"), 1, Some("demo:n1")),
        ("post:gone", None, 0, Some("demo:n1")),
        ("post:ok", Some("DONE"), 1, Some("demo:n1")),
    ];
    for (fault, status, listed, active) in cases {
        let stage = start(fault);
        let id = stage.post(OPERATIONS, &switch()).operation_id();
        let poll = || stage.get(&format!("{OPERATIONS}/{id}"));
        if status.is_some() {
            assert_eq!(poll().json()["status"], "IN_PROGRESS", "{fault}");
        }
        stage.pass_seconds(86_400);
        match status {
            Some(status) => assert_eq!(poll().json()["status"], status, "{fault}"),
            None => assert_eq!(
                poll().json()["error"],
                "404 Not Found: Resource not found",
                "{fault}"
            ),
        }
        assert_eq!(stage.operations(), listed, "{fault}");
        assert_eq!(
            stage.simulator.active_model("demo").as_deref(),
            active,
            "{fault}"
        );
    }
}

#[test]
fn polls_can_be_wrong_for_a_while() {
    let stage = start("poll:gone*1,poll:stuck*1");
    let id = stage.post(OPERATIONS, &switch()).operation_id();
    stage.pass_seconds(2);
    let poll = || stage.get(&format!("{OPERATIONS}/{id}"));
    assert_eq!(poll().status, 404);
    assert_eq!(
        poll().json(),
        json!({"operation_id": id, "status": "IN_PROGRESS"})
    );
    assert_eq!(poll().json(), json!({"operation_id": id, "status": "DONE"}));
}

#[test]
fn the_log_names_the_fault() {
    let stage = start("post:500*1");
    let _ = try_post(&stage);
    let _ = exchange(
        stage.simulator.address(),
        "POST",
        "/operations?x=%20",
        Some("text/plain"),
        "no JSON",
    );
    let served = stage.simulator.served();
    let lines = served
        .iter()
        .map(|served| serde_json::to_string(served).unwrap());
    let lines: Vec<String> = lines.collect();
    assert_eq!(
        lines,
        [
            r#"{"method":"POST","path":"/servers/demo/operations","body":{"type":"config_switch","model_name":"demo:n1"},"status":500,"fault":"post:500"}"#,
            r#"{"method":"POST","path":"/operations?x=%20","body":"no JSON","status":415}"#,
        ]
    );
}

#[test]
fn faults_can_be_set_while_it_runs() {
    let stage = start("status:500");
    stage.simulator.set_faults("status:502*1".parse().unwrap());
    let answers = [(); 2].map(|()| stage.get("/status").status);
    assert_eq!(answers, [502, 200]);
}

#[test]
fn the_faults_in_the_manual_exist() {
    let page = include_str!("../../docs/simulate.md");
    let (_, faults) = page.split_once("| WHAT |").unwrap();
    let code = |line: &str| -> Vec<String> {
        line.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut read = 0;
    for line in faults.lines().filter(|line| line.starts_with("| ")) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let written = match columns.as_slice() {
            [what, _, _] => code(what)
                .iter()
                .map(|what| format!("post:{what}"))
                .collect(),
            [_, fault] => code(fault),
            other => panic!("{other:?}"),
        };
        for fault in written {
            fault
                .parse::<Faults>()
                .unwrap_or_else(|error| panic!("{error}"));
            read += 1;
        }
    }
    assert!(read >= 20, "{read}");
}
