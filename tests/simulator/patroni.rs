//! Patroni clusters: the answers of their members, their changes, and Barman's view of them.

use std::net::SocketAddr;
use std::time::Duration;

use patroni_barman::simulator::patroni::Cluster;
use patroni_barman::simulator::{Config, Version, World};
use serde_json::{Value, json};

use super::client::{Answer, Broken, Still, exchange, exchange_within, get, post};
use crate::support::follow::demo;
use crate::support::schema::has_values;
use crate::support::text::starts;

fn world() -> (World, Still) {
    with(Cluster::new("demo").member("n1").member("n2"))
}

fn with(cluster: Cluster) -> (World, Still) {
    let barman = demo("n1");
    let still = Still::default();
    let barmans = [("barman".to_owned(), barman)];
    let world = World::start_with_clock(vec![cluster], barmans, &still.clock()).unwrap();
    (world, still)
}

fn address(world: &World, member: &str) -> SocketAddr {
    let url = world.url("demo", member).unwrap();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn ask(world: &World, member: &str, path: &str) -> Answer {
    get(address(world, member), path)
}

fn roles(world: &World, asked: &str) -> Vec<String> {
    let answer = ask(world, asked, "/cluster").json();
    let members = answer["members"].as_array().unwrap();
    let role = |member: &Value| member["role"].as_str().unwrap().to_owned();
    members.iter().map(role).collect()
}

/// The statuses of a member's checks: leader, primary, replica, standby leader.
fn checks(world: &World, member: &str) -> [u16; 4] {
    ["/leader", "/primary", "/replica", "/standby-leader"]
        .map(|path| ask(world, member, path).status)
}

fn diagnosed(world: &World) -> Value {
    let barman = world.barman("barman").unwrap();
    get(barman.address(), "/diagnose").json()["servers"]["demo"]["status"].clone()
}

fn switch(world: &World, model: &str) {
    let barman = world.barman("barman").unwrap();
    let body = json!({"type": "config_switch", "model_name": model});
    post(barman.address(), "/servers/demo/operations", &body).operation_id();
}

fn walsenders(world: &World, member: &str) -> Vec<String> {
    let answer = ask(world, member, "/patroni").json();
    let list = answer["replication"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let name = |entry: &Value| entry["application_name"].as_str().unwrap().to_owned();
    list.iter().map(name).collect()
}

/// The keys of a document, in order, and the types of their values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => 0.into(),
        other => other.clone(),
    }
}

#[test]
fn answers_have_the_form_of_recorded_ones() {
    let recorded: Value = serde_json::from_str(include_str!("patroni-rest.json")).unwrap();
    let (world, still) = world();
    let same = |what: &str, member: &str, path: &str| {
        let answer = ask(&world, member, path);
        assert_eq!(answer.content_type, "application/json");
        assert_eq!(shape(&answer.json()), shape(&recorded[what]), "{what}");
    };
    same("GET /patroni on the primary", "n1", "/patroni");
    same("GET /patroni on a replica", "n2", "/patroni");
    same("GET /cluster", "n2", "/cluster");
    still.pass_seconds(60);
    world.tell("demo", "promote n2").unwrap();
    same("GET /history", "n1", "/history");
}

#[test]
fn a_promotion_moves_the_key_at_once_and_the_role_later() {
    let (world, still) = world();
    assert_eq!(roles(&world, "n2"), ["leader", "replica"]);
    assert_eq!(checks(&world, "n1"), [200, 200, 503, 503]);
    assert_eq!(checks(&world, "n2"), [503, 503, 200, 503]);
    world.tell("demo", "promote n2 2s").unwrap();
    switch(&world, "demo:n2");
    for asked in ["n1", "n2"] {
        assert_eq!(roles(&world, asked), ["replica", "leader"]);
    }
    assert_eq!(ask(&world, "n2", "/leader").status, 200);
    // its role and timeline in Patroni, and Barman's view of it
    let is = |role: &str, timeline: u64| {
        let patroni = ask(&world, "n2", "/patroni").json();
        has_values(&patroni, &json!({"/role": role, "/timeline": timeline}));
        let seen = json!({"/is_in_recovery": role == "replica", "/timeline": timeline});
        has_values(&diagnosed(&world), &seen);
    };
    is("replica", 1);
    still.pass_seconds(2);
    is("primary", 2);
    let history = ask(&world, "n1", "/history").json();
    assert_eq!((&history[0][0], &history[0][4]), (&json!(1), &json!("n2")));
}

#[test]
fn barman_is_a_walsender_of_the_member_that_it_streams_from() {
    let (world, still) = world();
    assert_eq!(walsenders(&world, "n1"), ["n2", "barman_receive_wal"]);
    world.tell("demo", "promote n2").unwrap();
    assert_eq!(walsenders(&world, "n1"), ["barman_receive_wal"]);
    assert_eq!(diagnosed(&world)["is_in_recovery"], true);
    switch(&world, "demo:n2");
    assert_eq!(walsenders(&world, "n1"), [""; 0]);
    assert_eq!(walsenders(&world, "n2"), ["n1", "barman_receive_wal"]);
    world.barman("barman").unwrap().kill_receiver("demo");
    assert_eq!(walsenders(&world, "n2"), ["n1"]);
    still.pass_seconds(60);
    assert_eq!(walsenders(&world, "n2"), ["n1", "barman_receive_wal"]);
}

#[test]
fn a_member_that_stops_is_gone_for_everybody() {
    let (world, _) = world();
    world.tell("demo", "stop n1").unwrap();
    let broken = exchange(address(&world, "n1"), "GET", "/cluster", None, "");
    assert!(matches!(broken, Err(Broken::Closed(_) | Broken::Reset)));
    let cluster = ask(&world, "n2", "/cluster").json();
    assert_eq!(cluster["members"][0]["state"], "stopped");
    assert_eq!(cluster["members"][0].get("timeline"), None);
    assert_eq!(roles(&world, "n2"), ["replica", "replica"]);
    assert!(diagnosed(&world)["connection_error"].is_string());
    let receiving = || world.barman("barman").unwrap().receiving("demo").unwrap();
    assert_eq!(receiving().from, None);
    world.tell("demo", "start n1").unwrap();
    world.tell("demo", "remove n2").unwrap();
    assert_eq!(roles(&world, "n1"), ["replica"]);
}

#[test]
fn what_else_happens_to_a_cluster() {
    // the changes; the role and the checks of n1 after them; the leader
    let cases = [
        (&["demote n1"][..], "replica", [503, 503, 200, 503], None),
        (&["no-leader"], "replica", [503, 503, 200, 503], None),
        (
            &["pause", "no-leader"],
            "primary",
            [503, 503, 503, 503],
            None,
        ),
        (
            &["standby-cluster on"],
            "standby_leader",
            [200, 503, 503, 200],
            Some("n1"),
        ),
        (
            &["pause", "no-leader", "promote n1"],
            "primary",
            [200, 200, 503, 503],
            Some("n1"),
        ),
        (
            &["promote n2", "demote n2", "promote n1"],
            "primary",
            [200, 200, 503, 503],
            Some("n1"),
        ),
    ];
    for (changes, role, statuses, leader) in cases {
        let (world, _) = world();
        for change in changes {
            world.tell("demo", change).unwrap();
        }
        let patroni = ask(&world, "n1", "/patroni").json();
        assert_eq!(patroni["role"], role, "{changes:?}");
        assert_eq!(patroni.get("pause").is_some(), changes[0] == "pause");
        assert_eq!(checks(&world, "n1"), statuses, "{changes:?}");
        let leads = world.look("demo", |cluster| cluster.leader().map(str::to_owned));
        assert_eq!(leads.unwrap().as_deref(), leader, "{changes:?}");
    }
    let (world, _) = world();
    world.tell("demo", "lag n2 16777216").unwrap();
    world.tell("demo", "scope n2 other").unwrap();
    let cluster = ask(&world, "n2", "/cluster").json();
    let facts = json!({"/members/1/lag": 16_777_216, "/scope": "other"});
    has_values(&cluster, &facts);
    let patroni = ask(&world, "n2", "/patroni").json();
    assert_eq!(patroni["patroni"]["scope"], "other");
    assert_eq!(ask(&world, "n1", "/cluster").json()["scope"], "demo");
}

#[test]
fn a_rest_api_can_be_silent_or_have_faults() {
    let (world, _) = world();
    world.tell("demo", "silence n1").unwrap();
    let ask_briefly = |member| {
        let wait = Duration::from_millis(30);
        let request = ("GET", "/cluster", None, "");
        exchange_within(wait, address(&world, member), request)
    };
    assert_eq!(ask_briefly("n1"), Err(Broken::Silent));
    assert_eq!(world.asked("demo", "n1", "/cluster"), 1);
    world.tell("demo", "answer n1").unwrap();
    assert_eq!(ask_briefly("n1").unwrap().status, 200);
    world
        .tell("demo", "fault n1 /patroni:503*1,/cluster:hang*1")
        .unwrap();
    assert_eq!(ask(&world, "n1", "/patroni").status, 503);
    assert_eq!(ask(&world, "n1", "/patroni").status, 200);
    assert_eq!(ask_briefly("n1"), Err(Broken::Silent));
    assert_eq!(ask_briefly("n1").unwrap().status, 200);
    assert_eq!(world.asked("demo", "n1", "/cluster"), 4);
    assert_eq!(world.asked("demo", "n2", "/cluster"), 0);
}

#[test]
fn older_ones_say_less() {
    // the word for the primary, whether `/patroni` names the member, whether `/cluster` has the scope
    let cases = [
        (Version(4, 1, 5), "primary", true),
        (Version(3, 2, 0), "master", true),
        (Version(3, 0, 2), "master", false),
    ];
    for (version, word, has_names) in cases {
        let cluster = Cluster::new("demo").member("n1").member("n2");
        let (world, _) = with(cluster.of_version(version));
        let patroni = ask(&world, "n1", "/patroni").json();
        assert_eq!(patroni["role"], word, "{version}");
        assert_eq!(patroni["patroni"].get("name").is_some(), has_names);
        assert_eq!(patroni["patroni"]["version"], version.to_string());
        let cluster = ask(&world, "n1", "/cluster").json();
        assert_eq!(cluster.get("scope").is_some(), has_names, "{version}");
        assert_eq!(
            cluster["members"][1]["api_url"],
            format!("{}/patroni", world.url("demo", "n2").unwrap())
        );
    }
}

#[test]
fn the_control_path_tells_and_is_told() {
    let (world, _) = world();
    let barman = world.barman("barman").unwrap();
    let tell = |to, line: &str| exchange(to, "POST", "/simulator", None, line).unwrap();
    world.tell("demo", "silence n1").unwrap();
    let state = tell(address(&world, "n1"), "promote n2").json();
    assert_eq!(
        json!([state["leader"], state["timeline"], state["members"]]),
        json!(["n2", 2, {"n1": "replica", "n2": "primary"}])
    );
    let state = tell(barman.address(), "kill-receiver demo").json();
    assert_eq!(
        state["demo"],
        json!({"active_model": "demo:n1", "receiver": {"restarts": 0, "starts": 0, "from": null}})
    );
    tell(barman.address(), "fault any:503");
    assert_eq!(get(barman.address(), "/status").status, 503);
    assert_eq!(get(barman.address(), "/simulator").json(), state);
    tell(barman.address(), "no-faults");
    assert_eq!(get(barman.address(), "/status").status, 200);
    for (to, line, problem) in [
        (
            address(&world, "n1"),
            "promote n9",
            "there is no member `n9`",
        ),
        (
            address(&world, "n1"),
            "explode",
            "`explode` is no change\nwrite one of\n  promote MEMBER",
        ),
        (
            barman.address(),
            "explode demo",
            "write one of\n  kill-receiver SERVER",
        ),
        (
            barman.address(),
            "down n9",
            "there is no server or model `n9`",
        ),
        (barman.address(), "fault x", "fault `x`: there is no `:`"),
    ] {
        let answer = tell(to, line);
        assert_eq!(answer.status, 400, "{line}");
        starts(&answer.body, problem);
    }
    // these requests are not counted
    assert_eq!(barman.served().len(), 2);
}

#[test]
fn many_clusters_share_barman_hosts() {
    let scopes: Vec<String> = (0..30).map(|number| format!("c{number}")).collect();
    let clusters = scopes.iter().map(|scope| {
        let member = |name: &str| format!("{scope}-{name}");
        Cluster::new(scope)
            .member(&member("a"))
            .member(&member("b"))
            .member(&member("c"))
    });
    let barmans = [0, 1].map(|half| {
        let of_it = scopes.iter().skip(half).step_by(2);
        let config = of_it.fold(Config::default(), |config, scope| {
            ["a", "b", "c"]
                .iter()
                .fold(config.server(scope), |config, name| {
                    config.model(&format!("{scope}:{scope}-{name}"))
                })
                .active(scope, &format!("{scope}:{scope}-a"))
        });
        (format!("barman{half}"), config)
    });
    let world = World::start(clusters.collect(), barmans).unwrap();
    world.tell("c7", "promote c7-b").unwrap();
    assert!(world.tell("c99", "pause").is_err());
    for (number, scope) in scopes.iter().enumerate() {
        let barman = world.barman(&format!("barman{}", number % 2)).unwrap();
        let state = get(barman.address(), "/diagnose").json();
        let status = &state["servers"][scope]["status"];
        assert_eq!(status["is_in_recovery"], scope == "c7", "{scope}");
        let leader = world.look(scope, |cluster| cluster.leader().map(str::to_owned));
        let node = if scope == "c7" { "b" } else { "a" };
        assert_eq!(leader.unwrap().unwrap(), format!("{scope}-{node}"));
        let url = world.url(scope, &format!("{scope}-a")).unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        let patroni = get(address, "/patroni").json();
        let walsenders = patroni["replication"].as_array().unwrap();
        let barmans = walsenders
            .iter()
            .filter(|entry| entry["application_name"] == "barman_receive_wal");
        assert_eq!(barmans.count(), 1, "{scope}");
    }
}
