//! Pending requests, and their end when their state can't be determined.

use std::time::Duration;

use super::{RULES, node};
use patroni_barman::evaluate::{Facts, evaluate};
use patroni_barman::http::block_on;
use patroni_barman::load::load;
use patroni_barman::model::{Event, Role};
use patroni_barman::source::Source;
use patroni_barman::store::{Cause, Decision, Owner, Query, Sqlite, State, Store};

const TWO: &str = r#"version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
defaults: {retry: {attempts: 2, wait: 10ms, max_wait: 10ms}}
rules:
  - name: both
    on: on_role_change
    role: primary
    requests:
      - {type: config_switch, server: demo, model_name: "demo:{{ node }}"}
      - {type: config_switch, server: archive, model_name: "archive:{{ node }}"}
  - name: one
    on: on_restart
    role: primary
    request: {type: config_switch, server: demo, model_name: "demo:{{ node }}"}
"#;

#[test]
fn a_request_is_not_forgotten_when_a_newer_decision_takes_over_the_one_before_it() {
    let node = node();
    node.write_rules(TWO);
    node.misses_barman();
    let said = node.event("on_restart", "primary").exits(0).stderr;
    for server in ["demo", "archive"] {
        let wanted = format!("{server}:n1");
        assert_eq!(node.barman().active_model(server), Some(wanted), "{said}");
    }
    assert_eq!(node.outcomes(), ["done", "done", "superseded"]);
}

#[test]
fn the_result_of_a_callback_that_is_not_decided_yet_names_its_event() {
    let node = node();
    node.write_rules(&TWO.replace("patroni: {url: \"PATRONI\"}\n", ""));
    let result = node.json(&["run", "on_role_change", "primary", "demo"], 3);
    let facts = ["event", "role", "cluster", "outcome"].map(|key| &result[key]);
    assert_eq!(facts, ["on_role_change", "primary", "demo", "unfinished"]);
}

#[test]
fn an_operation_that_is_done_and_cannot_be_verified_does_not_stay_pending() {
    let node = node();
    node.write_rules(&RULES.replace("defaults: {", "defaults: {poll: {timeout: 500ms}, "));
    node.faults("diagnose:hang*2");
    node.promoted()
        .exits(0)
        .says("done, but not verified within 500ms");
    assert_eq!(node.outcomes(), ["done"]);
    assert_eq!(node.accepted("config_switch"), 1);
}

#[test]
fn what_a_look_asks_for_gives_way_to_what_a_callback_decided_meanwhile() {
    let text = TWO.replace("BARMAN", "http://barman.test:7480");
    let text = text.replace("PATRONI", "http://127.0.0.1:8008");
    let rules = load(&[Source::new("rules.yml", text)]).rules.unwrap();
    let mut facts = Facts::new(Event::OnRestart, Role::Primary, "demo");
    facts.node = Some("n1".to_owned());
    let callback = evaluate(&rules, &facts).unwrap();
    facts.event = Event::OnRoleChange;
    let looked = evaluate(&rules, &facts).unwrap();
    let store = Sqlite::in_memory().unwrap();
    let intend = |store: &Sqlite, plan, cause| {
        let now = Duration::from_secs(1);
        block_on(store.intend(&Decision { plan, cause, now })).unwrap()
    };
    let decided = intend(&store, &callback, Cause::Event(None));
    assert!(decided[0].is_some());
    let store = store.owned_by(Owner::read("another process"), |_| true);
    let asked = intend(&store, &looked, Cause::Look(&[]));
    assert_eq!((asked[0], asked[1].is_some()), (None, true));
    // neither a look nor another callback delays a callback
    assert!(
        intend(&store, &looked, Cause::Event(None))
            .iter()
            .all(Option::is_some)
    );
    let all = block_on(store.history(&Query::default())).unwrap();
    let states: Vec<State> = all.iter().map(|intent| intent.state).collect();
    let (pending, superseded) = (State::Pending, State::Superseded);
    assert_eq!(states, [pending, pending, superseded, superseded]);
}
