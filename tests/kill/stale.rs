//! Callbacks that are out of date, or whose request is lost because of another one.

use patroni_barman::simulator::{Config, SameSecond, Simulator};

use super::{RULES, config};
use crate::simulator::client::Still;
use crate::support::call::limited;
use crate::support::node::Node;
use crate::support::text::has;
use crate::support::wait::until;

/// A leader with this Barman.
fn leader(name: &str, barman: &Simulator) -> Node {
    let barman = barman.url();
    let rules = format!(
        r#"version: 1
api: {{url: "{barman}"}}
patroni: {{url: "PATRONI"}}
defaults: {{retry: {{attempts: 500, wait: 50ms, max_wait: 50ms}}}}
rules:
  - name: follow
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: demo, model_name: "demo:{{{{ node }}}}"}}
"#
    );
    Node::new(&rules).named(name).with_patroni(name)
}

fn posts(barman: &Simulator) -> Vec<String> {
    let posts = barman
        .served()
        .into_iter()
        .filter(|served| served.method == "POST");
    posts
        .map(|served| served.body["model_name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_demoted_member_waits_until_another_one_is_known_to_lead() {
    let rules = r#"version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
defaults: {retry: {wait: 50ms, max_wait: 50ms}}
rules:
  - name: detach
    on: on_role_change
    role: demoted
    request: {type: config_switch, server: demo, reset: true}
"#;
    let node = Node::new(rules).with_patroni("n1").with_barman(config());
    // Patroni demotes the member before its list of members shows it
    node.patroni().gives_up_the_lease();
    let call = node.call(["run", "--node", "n1", "on_role_change", "demoted", "demo"]);
    let mut waiting = call.start();
    waiting.until_it_says("gave up the leader's lease");
    node.patroni().leader("n2");
    waiting.end().exits(0);
}

#[test]
fn a_callback_that_waits_on_the_old_primary_sends_nothing_more() {
    let barman = Simulator::start(config()).unwrap();
    barman.take_down();
    let old = leader("n1", &barman);
    let mut waiting = old.callback().start();
    waiting.until_it_says("next attempt in");

    // Patroni has moved the leader key before Barman comes back, and the new primary's callback comes first
    old.patroni().leader("n2");
    let fenced = waiting.end();
    barman.bring_up().unwrap();
    let new = leader("n2", &barman).promoted();
    assert_eq!((fenced.exit, new.exit), (5, 0), "{fenced:?} {new:?}");
    has(
        &fenced.stderr,
        "`n1` no longer holds the leader key, `n2` does",
    );
    assert_eq!(posts(&barman), ["demo:n2"]);
    assert_eq!(barman.active_model("demo").as_deref(), Some("demo:n2"));
}

#[test]
fn a_callback_that_waits_until_the_api_is_back_is_carried_out() {
    let barman = Simulator::start(config()).unwrap();
    barman.take_down();
    let node = leader("n1", &barman);
    let mut waiting = node.callback().start();
    waiting.until_it_says("next attempt in");
    barman.bring_up().unwrap();
    waiting.end().exits(0);
    assert_eq!(barman.active_model("demo").as_deref(), Some("demo:n1"));
}

/// The old and the new primary post within one second and get the same ID; the new one's request
/// is lost.
fn the_new_primary_wins(same_second: SameSecond, first: &str, second: &str) {
    let still = Still::default();
    let barman =
        Simulator::start_with_clock(config().same_second(same_second), still.clock()).unwrap();
    let nodes = [first, second].map(|name| leader(name, &barman));
    // no operation ends before both have posted
    barman.set_faults("poll:stuck".parse().unwrap());
    let earlier = nodes[0].callback().start();
    until(|| posts(&barman).len() == 1);
    let later = nodes[1].callback().start();
    until(|| posts(&barman).len() == 2);
    nodes[usize::from(first == "n2")].patroni().leader("n2");
    barman.set_faults("any:ok".parse().unwrap());
    let (mut new, old) = if first == "n2" {
        (earlier, later)
    } else {
        (later, earlier)
    };
    new.until_it_says("the active model of `demo` is `demo:n1` and not `demo:n2`");
    still.pass_seconds(2);
    new.end().exits(0);
    assert_eq!(barman.active_model("demo").as_deref(), Some("demo:n2"));
    // the old one has seen its own request done, or was too late and is fenced
    let old = old.end();
    assert!([0, 5].contains(&old.exit), "{old:?}");
    assert_eq!(barman.active_model("demo").as_deref(), Some("demo:n2"));
}

#[test]
fn a_request_that_another_one_with_its_id_kept_out_is_sent_again() {
    the_new_primary_wins(SameSecond::KeepFirst, "n1", "n2");
}

#[test]
fn a_request_that_another_one_with_its_id_replaced_is_sent_again() {
    the_new_primary_wins(SameSecond::KeepLast, "n2", "n1");
}

#[test]
fn a_disk_that_is_full_does_not_keep_a_callback_from_its_request() {
    let config = Config::default().server("demo").model("demo:n1");
    let node = Node::new(RULES).with_patroni("n1").with_barman(config);
    // writes to files fail, as on a full disk; pipes are not affected
    let program = node.callback().command();
    limited(&program, "trap '' XFSZ; ulimit -f 0")
        .exits(0)
        .says("continuing without it");
    assert_eq!(node.active(), "demo:n1");
}
