//! The timing of attempts, waits and limits.

use patroni_barman::simulator::{Config, SameSecond, Simulator};

use serde_json::json;

use crate::simulator::client::{Still, post};
use crate::support::ended::Ended;
use crate::support::node::Node;

fn rules(url: &str, model: &str, retry: &str) -> String {
    format!(
        "version: 1
api: {{url: \"{url}\"}}
defaults: {{fence: none, verify: applied, retry: {{{retry}}}, poll: {{every: 100ms, timeout: 20s}}}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: demo, model_name: \"{model}\"}}
"
    )
}

fn simulator(config: Config) -> Simulator {
    let config = config.server("demo").model("demo:n1").model("demo:n2");
    Simulator::start(config).unwrap()
}

/// The seconds of the clock in which requests were sent, from the log.
fn seconds_of_sending(ended: &Ended) -> Vec<String> {
    let lines = ended.stderr.lines().filter(|line| line.contains("sending"));
    lines
        .map(|line| line.split(',').next().unwrap().to_owned())
        .collect()
}

#[test]
fn after_an_internal_error_the_next_second_is_waited_for() {
    let simulator = simulator(Config::default().faults("post:500*2".parse().unwrap()));
    let ended = Node::new(&rules(
        simulator.url(),
        "demo:n1",
        "wait: 1ms, max_wait: 2ms",
    ))
    .promoted()
    .exits(0);
    let seconds = seconds_of_sending(&ended);
    assert_eq!(seconds.len(), 3, "{ended:?}");
    assert!(
        seconds[0] < seconds[1] && seconds[1] < seconds[2],
        "{seconds:?}"
    );
}

#[test]
fn two_callbacks_in_one_second_both_succeed() {
    let simulator = simulator(Config::default());
    let rules = rules(simulator.url(), "demo:n1", "attempts: 10");
    let nodes = [Node::new(&rules), Node::new(&rules)];
    let running = nodes.each_ref().map(|node| node.callback().start());
    let ids = running.map(|running| {
        let ended = running.end().exits(0);
        ended.json()["steps"][0]["operation_id"].clone()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_request_that_was_lost_to_another_with_the_same_id_is_sent_again() {
    // two workers of the API gave both clients one ID; the second one's request was lost
    let still = Still::default();
    let config = Config::default().same_second(SameSecond::KeepFirst);
    let config = config.server("demo").model("demo:n1").model("demo:n2");
    let simulator = Simulator::start_with_clock(config, still.clock()).unwrap();
    let other = json!({"type": "config_switch", "model_name": "demo:n2"});
    let id = post(simulator.address(), "/servers/demo/operations", &other).operation_id();

    let node = Node::new(&rules(simulator.url(), "demo:n1", "attempts: 5"));
    let mut running = node.callback().start();
    running.until_it_says(&format!("created operation {id}"));
    running
        .until_it_says("the active model of `demo` is `demo:n2` and not `demo:n1`; next attempt");
    still.pass_seconds(1);
    let ended = running.end().exits(0);
    assert_ne!(ended.json()["steps"][0]["operation_id"], id);
    assert_eq!(simulator.active_model("demo").as_deref(), Some("demo:n1"));
}

#[test]
fn a_callback_outlives_an_api_that_is_down() {
    let simulator = simulator(Config::default());
    simulator.take_down();
    let rules = rules(
        simulator.url(),
        "demo:n1",
        "attempts: 1000, wait: 10ms, max_wait: 20ms",
    );
    let node = Node::new(&rules);
    let mut running = node.callback().start();
    running.until_it_says("connection refused; next attempt in");
    simulator.bring_up().unwrap();
    running.end().exits(0);
    assert_eq!(simulator.active_model("demo").as_deref(), Some("demo:n1"));
}
