//! `agent`: many clusters, followed from one place.

mod all;
mod watch;

use std::fs;

use rustix::process::Signal;

use crate::support::ended::Ended;
use crate::support::fleet::{Agent, Fleet};
use crate::support::schema::assert_fits;
use crate::support::text::{has, lacks};
use crate::support::wait::until;

const TWO: [(&str, &str); 2] = [("main", "east"), ("side", "west")];

/// A fleet whose clusters are all followed by an agent.
fn following() -> (Fleet, Agent) {
    let fleet = Fleet::new(&TWO);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    (fleet, agent)
}

#[test]
fn a_new_leader_is_followed_with_one_request() {
    let (fleet, mut agent) = following();
    assert_eq!(fleet.posts("east", "main").len(), 0);
    for leader in ["n2", "n3"] {
        fleet.promote("east", "main", leader);
        until(|| agent.cluster("main")["condition"] == "ok");
    }
    assert_eq!(fleet.posts("east", "main").len(), 2);
    assert_eq!(fleet.posts("west", "side").len(), 0);
}

#[test]
fn drift_that_nothing_announces_is_corrected() {
    let fleet = Fleet::new(&TWO);
    fleet.tell("side", "promote n2");
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    assert_eq!(fleet.active("west", "side"), "side:n2");
}

#[test]
fn a_cluster_that_is_silent_does_not_delay_the_others() {
    let fleet = Fleet::new(&TWO);
    fleet.tell_all("side", "silence");
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    fleet.promote("east", "main", "n2");
    agent.until_it_says("side: Patroni");
    assert_eq!(agent.cluster("side")["condition"], "unreachable");
    fleet.tell("side", "answer n2");
    until(|| agent.cluster("side")["condition"] == "ok");
}

#[test]
fn a_barman_that_hangs_does_not_delay_the_others() {
    let (fleet, _agent) = following();
    fleet.faults("west", "any:hang");
    fleet.tell("side", "promote n2");
    fleet.promote("east", "main", "n2");
    fleet.faults("west", "any:ok");
    until(|| fleet.active("west", "side") == "side:n2");
}

#[test]
fn two_servers_of_one_rule_are_each_switched_once() {
    let fleet = Fleet::new(&[("main", "east"), ("side", "east")]);
    let rules = fleet.rules(&[("main", "east")]);
    let (head, _) = rules.split_once("    request:").unwrap();
    let switch = |server: &str| {
        format!(
            "      - {{type: config_switch, api: east, server: {server}, model_name: \"{server}:{{{{ node }}}}\"}}\n"
        )
    };
    let (main, side) = (switch("main"), switch("side"));
    fleet.write_rules(&format!("{head}    requests:\n{main}{side}"));
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    fleet.world.tell("main", "promote n2").unwrap();
    until(|| fleet.active("east", "side") == "side:n2");
    until(|| agent.cluster("main")["condition"] == "ok");
    assert_eq!(fleet.posts("east", "main").len(), 1);
    assert_eq!(fleet.posts("east", "side").len(), 1);
    let log = agent.log();
    assert!(!log.contains("main: the active model of"), "{log}");
}

#[test]
fn a_patroni_that_belongs_to_another_cluster_now_does_not_hide_the_others() {
    let fleet = Fleet::new(&TWO);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    for order in ["scope n2 elsewhere", "silence n1", "promote n3"] {
        fleet.world.tell("main", order).unwrap();
    }
    until(|| fleet.active("east", "main") == "main:n3");
}

#[test]
fn it_ends_at_once_and_reads_its_rules_again() {
    let fleet = Fleet::new(&TWO);
    let good = fs::read_to_string(fleet.rules_path()).unwrap();
    fleet.write_rules(&fleet.rules(&TWO[..1]));
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    fleet.write_rules("version: 1\nrules: 7\n");
    agent.signal(Signal::HUP);
    agent.until_it_says("the rules from before stay in use");
    has(&agent.get("/"), "the rules from before stay in use");
    has(
        &agent.get("/metrics"),
        "patroni_barman_agent_rules_broken 1",
    );
    fleet.promote("east", "main", "n3");
    fleet.write_rules(&good);
    agent.signal(Signal::HUP);
    agent.until_fine(&["side"]);
    has(
        &agent.get("/metrics"),
        "patroni_barman_agent_rules_broken 0",
    );
    agent.signal(Signal::TERM);
    assert_eq!(agent.end(), Some(0), "{}", agent.log());
}

#[test]
fn pages_are_for_reading_and_a_token_guards_them() {
    let (fleet, mut agent) = following();
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(agent.ask(method, "/", "").0, 405, "{method}");
    }
    assert_eq!(agent.ask("GET", "/nothing", "").0, 404);
    assert_eq!(agent.ask("HEAD", "/", "").1, "");
    assert_eq!(agent.get("/healthz"), "ok\n");
    assert!(agent.get("/metrics").ends_with("# EOF\n"));
    assert!(agent.get("/cluster/main").contains("main:n1"));
    let schema = fleet.run("x", &["schema", "agent"]).json();
    assert_fits(&schema, &agent.status());
    fleet.run("x", &["agent", "--listen", "0.0.0.0:0"]).exits(4);
    let token = fleet.path("token");
    fs::write(&token, "s3cret\n").unwrap();
    let mut agent = fleet.agent(&["--token-file", token.to_str().unwrap()]);
    for (path, header, status) in [
        ("/", "", 401),
        ("/", "Authorization: Bearer wrong\r\n", 401),
        ("/", "Authorization: Bearer s3cret\r\n", 200),
        ("/healthz", "", 200),
    ] {
        assert_eq!(agent.ask("GET", path, header).0, status, "{path} {header}");
    }
}

#[test]
fn the_second_agent_acts_when_the_first_is_gone_in_the_middle_of_an_operation() {
    let (fleet, mut first) = following();
    let mut second = fleet.agent(&["--rank", "1"]);
    second.until_fine(&["main", "side"]);
    fleet.faults("east", "post:hang*1");
    fleet.tell("main", "promote n2");
    until(|| !fleet.posts("east", "main").is_empty());
    first.kill();
    until(|| fleet.active("east", "main") == "main:n2");
    until(|| second.cluster("main")["condition"] == "ok");
    assert_eq!(fleet.posts("east", "main").len(), 2);
}

#[test]
fn two_agents_and_a_callback_send_no_more_than_two_requests() {
    let (fleet, mut first) = following();
    let mut second = fleet.agent(&["--rank", "1"]);
    second.until_fine(&["main", "side"]);
    fleet.tell("main", "promote n2");
    let options = ["run", "--second-look", "0s", "--node", "n2"];
    let event = ["on_role_change", "primary", "main"];
    let callback = [&options[..], &event].concat();
    fleet.run("node", &callback).exits(0);
    for agent in [&mut first, &mut second] {
        until(|| {
            let cluster = agent.cluster("main");
            cluster["leader"] == "n2" && cluster["condition"] == "ok"
        });
    }
    let posts = fleet.posts("east", "main");
    assert!(posts.len() <= 2, "{posts:?}");
}

#[test]
fn one_pass_tells_how_each_cluster_fares() {
    let fleet = Fleet::new(&TWO);
    fleet.tell("side", "promote n2");
    once(&fleet)
        .exits(0)
        .shows("main: ok\n")
        .shows("side: ok\n");
    assert_eq!(fleet.active("west", "side"), "side:n2");
    fleet.tell_all("main", "silence");
    once(&fleet).exits(3).starts("main: unreachable: ");
}

/// An agent that makes one pass.
fn once(fleet: &Fleet) -> Ended {
    fleet.run("once", &["agent", "--once"])
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_ends() {
    let fleet = Fleet::new(&TWO);
    let path = fleet.path("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let environment = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
    ];
    let mut agent = fleet.agent_in("watched", &[], &environment);
    let told = |wanted: &str| {
        let mut buffer = [0; 64];
        loop {
            let length = socket.recv(&mut buffer).unwrap();
            if &buffer[..length] == wanted.as_bytes() {
                return;
            }
        }
    };
    told("READY=1");
    told("WATCHDOG=1");
    told("WATCHDOG=1");
    agent.signal(Signal::TERM);
    told("STOPPING=1");
    assert_eq!(agent.end(), Some(0));
}

#[test]
fn names_are_escaped_on_the_pages() {
    let fleet = Fleet::new(&TWO);
    let odd = "<script>alert(1)</script>";
    let rules = fs::read_to_string(fleet.rules_path()).unwrap();
    fleet.write_rules(&rules.replace(
        "rules:\n",
        &format!("  \"{odd}\": {{patroni: [\"http://127.0.0.1:1\"]}}\nrules:\n"),
    ));
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    agent.until_it_says(&format!("{odd}: Patroni"));
    let page = agent.get("/");
    lacks(&page, "<script");
    let page = page.replace("&#x2f;", "/");
    let first = page.find("/cluster/").unwrap();
    let link: String = page[first..].chars().take_while(|c| *c != '"').collect();
    assert_eq!(link, "/cluster/%3Cscript%3Ealert%281%29%3C%2Fscript%3E");
    let detail = agent.get(&link);
    has(&detail, "&lt;script&gt;");
    lacks(&detail, "<script");
}

#[test]
fn what_something_else_keeps_setting_is_left_alone_and_reported() {
    let fleet = Fleet::new(&TWO[..1]);
    let url = fleet.world.barman("east").unwrap().url().to_owned();
    let api = ["config-switch", "--api-url", &url];
    let target = ["--barman-server", "main", "--barman-model", "main:n3"];
    let event = ["--switch-when=always", "on_role_change", "primary", "main"];
    let other = [&api[..], &target, &event].concat();
    for _ in 0..3 {
        fleet.run("other", &other).exits(0);
        once(&fleet).exits(0);
        assert_eq!(fleet.active("east", "main"), "main:n1");
    }
    fleet.run("other", &other).exits(0);
    once(&fleet)
        .exits(2)
        .starts("main: disputed: something else keeps setting");
    assert_eq!(fleet.active("east", "main"), "main:n3");
}
