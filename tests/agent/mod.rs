//! `agent`: many clusters, followed from one place.

mod all;
mod watch;

use std::fs;

use rustix::process::Signal;

use crate::support::fleet::Fleet;
use crate::support::wait::until;

const TWO: [(&str, &str); 2] = [("main", "east"), ("side", "west")];

#[test]
fn a_new_leader_is_followed_with_one_request() {
    let fleet = Fleet::new(&TWO);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    assert_eq!(fleet.posts("east", "main").len(), 0);
    for leader in ["n2", "n3"] {
        fleet
            .world
            .tell("main", &format!("promote {leader}"))
            .unwrap();
        until(|| fleet.active("east", "main") == format!("main:{leader}"));
        until(|| agent.cluster("main")["condition"] == "ok");
    }
    assert_eq!(fleet.posts("east", "main").len(), 2);
    assert_eq!(fleet.posts("west", "side").len(), 0);
}

#[test]
fn drift_that_nothing_announces_is_corrected() {
    let fleet = Fleet::new(&TWO);
    fleet.world.tell("side", "promote n2").unwrap();
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    assert_eq!(fleet.active("west", "side"), "side:n2");
}

#[test]
fn a_cluster_that_is_silent_does_not_delay_the_others() {
    let fleet = Fleet::new(&TWO);
    for member in ["n1", "n2", "n3"] {
        fleet
            .world
            .tell("side", &format!("silence {member}"))
            .unwrap();
    }
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    fleet.world.tell("main", "promote n2").unwrap();
    until(|| fleet.active("east", "main") == "main:n2");
    agent.until_it_says("side: Patroni");
    assert_eq!(agent.cluster("side")["condition"], "unreachable");
    fleet.world.tell("side", "answer n2").unwrap();
    until(|| agent.cluster("side")["condition"] == "ok");
}

#[test]
fn a_barman_that_hangs_does_not_delay_the_others() {
    let fleet = Fleet::new(&TWO);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    fleet
        .world
        .barman("west")
        .unwrap()
        .set_faults("any:hang".parse().unwrap());
    fleet.world.tell("side", "promote n2").unwrap();
    fleet.world.tell("main", "promote n2").unwrap();
    until(|| fleet.active("east", "main") == "main:n2");
    fleet
        .world
        .barman("west")
        .unwrap()
        .set_faults(patroni_barman::simulator::fault::Faults::default());
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
    assert!(agent.get("/").contains("the rules from before stay in use"));
    assert!(
        agent
            .get("/metrics")
            .contains("patroni_barman_agent_rules_broken 1")
    );
    fleet.world.tell("main", "promote n3").unwrap();
    until(|| fleet.active("east", "main") == "main:n3");
    fleet.write_rules(&good);
    agent.signal(Signal::HUP);
    agent.until_fine(&["side"]);
    assert!(
        agent
            .get("/metrics")
            .contains("patroni_barman_agent_rules_broken 0")
    );
    agent.signal(Signal::TERM);
    assert_eq!(agent.end(), Some(0), "{}", agent.log());
}

#[test]
fn pages_are_for_reading_and_a_token_guards_them() {
    let fleet = Fleet::new(&TWO);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(agent.ask(method, "/", "").0, 405, "{method}");
    }
    assert_eq!(agent.ask("GET", "/nothing", "").0, 404);
    assert_eq!(agent.ask("HEAD", "/", "").1, "");
    assert_eq!(agent.get("/healthz"), "ok\n");
    assert!(agent.get("/metrics").ends_with("# EOF\n"));
    assert!(agent.get("/cluster/main").contains("main:n1"));
    let schema = fleet.command("x", &["schema", "agent"]).output().unwrap();
    let schema = serde_json::from_slice(&schema.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let status = agent.status();
    let wrong: Vec<_> = validator
        .iter_errors(&status)
        .map(|e| e.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} in {status:#}");
    let outside = fleet
        .command("x", &["agent", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(outside.status.code(), Some(4));
    let token = fleet.path("token");
    fs::write(&token, "s3cret\n").unwrap();
    let mut agent = fleet.agent(&["--token-file", token.to_str().unwrap()]);
    assert_eq!(agent.ask("GET", "/", "").0, 401);
    assert_eq!(
        agent.ask("GET", "/", "Authorization: Bearer wrong\r\n").0,
        401
    );
    assert_eq!(
        agent.ask("GET", "/", "Authorization: Bearer s3cret\r\n").0,
        200
    );
    assert_eq!(agent.ask("GET", "/healthz", "").0, 200);
}

#[test]
fn the_second_agent_acts_when_the_first_is_gone_in_the_middle_of_an_operation() {
    let fleet = Fleet::new(&TWO);
    let mut first = fleet.agent(&[]);
    let mut second = fleet.agent(&["--rank", "1"]);
    first.until_fine(&["main", "side"]);
    second.until_fine(&["main", "side"]);
    fleet
        .world
        .barman("east")
        .unwrap()
        .set_faults("post:hang*1".parse().unwrap());
    fleet.world.tell("main", "promote n2").unwrap();
    until(|| !fleet.posts("east", "main").is_empty());
    first.kill();
    until(|| fleet.active("east", "main") == "main:n2");
    until(|| second.cluster("main")["condition"] == "ok");
    assert_eq!(fleet.posts("east", "main").len(), 2);
}

#[test]
fn two_agents_and_a_callback_send_no_more_than_two_requests() {
    let fleet = Fleet::new(&TWO);
    let mut first = fleet.agent(&[]);
    let mut second = fleet.agent(&["--rank", "1"]);
    first.until_fine(&["main", "side"]);
    second.until_fine(&["main", "side"]);
    fleet.world.tell("main", "promote n2").unwrap();
    let callback = [
        "run",
        "--second-look",
        "0s",
        "--node",
        "n2",
        "on_role_change",
        "primary",
        "main",
    ];
    let done = fleet.command("node", &callback).output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    until(|| first.cluster("main")["leader"] == "n2" && first.cluster("main")["condition"] == "ok");
    until(|| {
        second.cluster("main")["leader"] == "n2" && second.cluster("main")["condition"] == "ok"
    });
    let posts = fleet.posts("east", "main");
    assert!(posts.len() <= 2, "{posts:?}");
}

#[test]
fn one_pass_tells_how_each_cluster_fares() {
    let fleet = Fleet::new(&TWO);
    fleet.world.tell("side", "promote n2").unwrap();
    let once = fleet
        .command("once", &["agent", "--once"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&once.stdout).into_owned();
    assert_eq!(once.status.code(), Some(0), "{text} {once:?}");
    assert!(
        text.contains("main: ok\n") && text.contains("side: ok\n"),
        "{text}"
    );
    assert_eq!(fleet.active("west", "side"), "side:n2");
    for member in ["n1", "n2", "n3"] {
        fleet
            .world
            .tell("main", &format!("silence {member}"))
            .unwrap();
    }
    let once = fleet
        .command("once", &["agent", "--once"])
        .output()
        .unwrap();
    assert_eq!(once.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&once.stdout).starts_with("main: unreachable: "));
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
    assert!(!page.contains("<script"), "{page}");
    let page = page.replace("&#x2f;", "/");
    let first = page.find("/cluster/").unwrap();
    let link: String = page[first..].chars().take_while(|c| *c != '"').collect();
    assert_eq!(link, "/cluster/%3Cscript%3Ealert%281%29%3C%2Fscript%3E");
    let detail = agent.get(&link);
    assert!(
        detail.contains("&lt;script&gt;") && !detail.contains("<script"),
        "{detail}"
    );
}

#[test]
fn what_something_else_keeps_setting_is_left_alone_and_reported() {
    let fleet = Fleet::new(&TWO[..1]);
    let url = fleet.world.barman("east").unwrap().url().to_owned();
    let other = [
        "config-switch",
        "--api-url",
        &url,
        "--barman-server",
        "main",
        "--barman-model",
        "main:n3",
        "--switch-when",
        "always",
        "on_role_change",
        "primary",
        "main",
    ];
    for round in 0..4 {
        let done = fleet.command("other", &other).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        let once = fleet
            .command("once", &["agent", "--once"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&once.stdout).into_owned();
        if round < 3 {
            assert_eq!(once.status.code(), Some(0), "{text}");
            assert_eq!(fleet.active("east", "main"), "main:n1");
        } else {
            assert_eq!(once.status.code(), Some(2), "{text}");
            assert!(
                text.starts_with("main: disputed: something else keeps setting"),
                "{text}"
            );
            assert_eq!(fleet.active("east", "main"), "main:n3");
        }
    }
}
