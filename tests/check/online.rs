//! `check --online` against a Barman and a Patroni.

use patroni_barman::diagnostic::Code;
use patroni_barman::simulator::{BackupStatus, Config, Version};
use serde_json::{Value, json};

use crate::support::node::Node;
use crate::support::text::has;

/// The Barman of the cluster `main` that the explanations assume.
fn barman() -> Config {
    Config::default()
        .server("main")
        .option("main", "recovery_options", "get-wal")
        .backup("main", "20261123T032313")
        .server_of_cluster("archive", "main")
        .option("archive", "slot_name", "archive")
        .backup("archive", "20261123T032313")
        .server_of_cluster("retired", "main")
        .option("retired", "active", "false")
        .model("main:n1")
        .model("main:n2")
        .model("other:n1")
}

const HEAD: &str = "version: 1\napi: {url: \"BARMAN\"}\npatroni: {url: \"PATRONI\"}\n";

/// Node n1 of cluster `main`, and rules with these lines after the addresses.
fn node(rules: &str, barman: Config) -> Node {
    let node = Node::new(&format!("{HEAD}{rules}"))
        .with_patroni("n1")
        .with_barman(barman);
    node.patroni().scope("main");
    node
}

/// A rule that follows the primary, with additional lines.
fn follow(server: &str, model: &str, more: &str) -> String {
    format!(
        "rules:\n  - name: follow\n    on: [on_role_change, on_start]\n    role: primary\n{more}    request: {{type: config_switch, \
         server: {server}, model_name: \"{model}\"}}\n"
    )
}

/// The codes and messages from `check --online`.
fn found(node: &Node, more: &[&str], exit: i32) -> Vec<(String, String)> {
    let arguments = [&["check", "--online", "rules.yml"], more].concat();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checked = node.json(&arguments, exit);
    let findings = checked["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (text(&finding["code"]), text(&finding["message"])))
        .collect()
}

fn codes(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(code, _)| code.as_str()).collect()
}

#[test]
fn each_code_has_an_example_that_is_found_and_one_that_is_right() {
    let mut seen = 0;
    for code in Code::ALL.iter().filter(|code| code.is_online()) {
        seen += 1;
        let explanation = code.explanation();
        let rules = |text: &str| {
            text.replace("http://localhost:7480", "BARMAN")
                .replace("http://localhost:8008", "PATRONI")
        };
        let old = barman()
            .api_version(Version(2, 0, 0))
            .barman_version(Version(3, 9, 0));
        let (wrong_barman, wrong_node) = match code {
            Code::TooOld => (old, "n1"),
            Code::UnknownMember => (barman(), "n1.example"),
            _ => (barman(), "n1"),
        };
        let exit = i32::from(code.severity().as_str() == "error");
        for (text, barman, name, exit) in [
            (explanation.wrong[0].1, wrong_barman, wrong_node, exit),
            (explanation.right[0].1, barman(), "n1", 0),
        ] {
            let node = Node::new(&rules(text))
                .with_patroni("n1")
                .with_barman(barman);
            node.patroni().scope("main");
            let found = found(&node, &["--node", name], exit);
            let is_right = text == explanation.right[0].1 && name == "n1" && exit == 0;
            let only = found.iter().all(|(found, _)| found == code.as_str());
            assert!(
                only && found.is_empty() == is_right,
                "{code}: {found:?}\n{text}"
            );
        }
    }
    assert_eq!(seen, 11);
}

#[test]
fn every_member_has_its_model() {
    let barman = barman();
    let without = Config {
        models: barman.models[..1].to_vec(),
        ..barman
    };
    let node = node(&follow("main", "{{ cluster }}:{{ node }}", ""), without);
    let message = "Barman has no model `main:n2`, which the rules want for the member `n2`";
    let missing = vec![("PB402".to_owned(), message.to_owned())];
    assert_eq!(found(&node, &[], 1), missing);
    // a member that is never promoted needs none
    for tags in [json!({"nofailover": true}), json!({"failover_priority": 0})] {
        node.patroni().tags("n2", tags);
        assert_eq!(found(&node, &[], 0), []);
    }
    node.patroni().tags("n2", json!({"failover_priority": 2}));
    assert_eq!(found(&node, &[], 1), missing);
}

#[test]
fn what_depends_on_another_nodes_environment_is_left_to_it() {
    let node = node(&follow("main", "main:{{ env.NAME }}", ""), barman());
    let checked = |name: &str| {
        let call = node.call(["check", "--online", "rules.yml", "--format", "json"]);
        let json = call.env("NAME", name).run().json();
        json["findings"].as_array().unwrap().len()
    };
    assert_eq!((checked("n1"), checked("n9")), (0, 1));
    let found = found(&node, &[], 0);
    assert_eq!(codes(&found), ["PB410"]);
    assert!(found[0].1.contains("`NAME` is not set here"), "{found:?}");
}

#[test]
fn a_slot_is_permanent_only_as_a_physical_one_under_slots() {
    let node = node(&follow("main", "main:n1", ""), barman());
    for (config, expected) in [
        (json!({"slots": {"barman": {"type": "physical"}}}), 0),
        (json!({"slots": {"barman": {}}}), 0),
        (json!({"slots": {"barman": {"type": "logical"}}}), 1),
        (json!({"slots": {"barman": null}}), 1),
        (json!({"ignore_slots": [{"name": "barman"}]}), 1),
        (json!({}), 1),
    ] {
        node.patroni().config(Some(config.clone()));
        assert_eq!(found(&node, &[], 0).len(), expected, "{config}");
    }
    // The model's own slot is the one that counts.
    let own = barman().option("main:n1", "slot_name", "n1");
    let node = self::node(&follow("main", "main:n1", ""), own);
    let found = found(&node, &[], 0);
    assert!(found[0].1.contains("the slot `n1`"), "{found:?}");
}

#[test]
fn a_comment_allows_what_only_barman_and_patroni_tell() {
    let comment = "    # patroni_barman: allow(PB404) the slot is made by a playbook\n";
    let node = node(&follow("archive", "main:n1", comment), barman());
    let json = node.json(&["check", "--online", "--strict", "rules.yml"], 0);
    assert_eq!(json["findings"], json!([]));
    assert_eq!(json["silenced"][0]["code"], "PB404");
    assert_eq!(
        json["silenced"][0]["reason"],
        "the slot is made by a playbook"
    );
    // without asking, it is unknown whether the slot is idle
    node.run(["check", "--strict", "rules.yml"]).exits(0);
    node.patroni()
        .config(Some(json!({"slots": {"archive": {}}})));
    assert_eq!(codes(&found(&node, &[], 0)), ["PB213"]);
}

#[test]
fn a_server_that_receives_nothing_is_found() {
    let streaming = "    verify: streaming\n";
    let passive = ("primary_ssh_command", "ssh barman@other");
    for (option, verify, expected) in [
        (passive, "", Some("copies from another Barman")),
        (
            ("streaming_archiver", "off"),
            streaming,
            Some("has no `streaming_archiver`"),
        ),
        (("streaming_archiver", "off"), "", None),
    ] {
        let barman = barman().option("main", option.0, option.1);
        let node = node(&follow("main", "main:n1", verify), barman);
        let found = found(&node, &[], 0);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        if let Some(words) = expected {
            assert_eq!(found[0].0, "PB405");
            assert!(found[0].1.contains(words), "{found:?}");
        }
    }
}

#[test]
fn a_backup_that_is_not_there_is_found() {
    let rules = |backup: &str| {
        format!(
            "rules:\n  - name: restore\n    on: create_replica\n    request: {{type: recovery, server: main, backup_id: {backup}, \
             remote_ssh_command: \"ssh postgres@{{{{ host }}}}\", destination_directory: \"{{{{ datadir }}}}\"}}\n"
        )
    };
    let failed = barman().backup_with_status("main", "20261124T000000", BackupStatus::Failed);
    let empty = Config {
        backups: Vec::new(),
        ..barman()
    };
    for (backup, barman, expected) in [
        ("latest", barman(), None),
        ("oldest", barman(), None),
        ("20261123T032313", barman(), None),
        (
            "20200101T000000",
            barman(),
            Some("`main` has no backup `20200101T000000`"),
        ),
        ("last-failed", failed.clone(), None),
        (
            "20261124T000000",
            failed,
            Some("the backup `20261124T000000` of `main` failed"),
        ),
        (
            "last-failed",
            barman(),
            Some("`main` has no backup that failed"),
        ),
        (
            "latest",
            empty,
            Some("`main` has no backup that can be restored"),
        ),
    ] {
        let node = node(&rules(backup), barman);
        let found = found(&node, &[], i32::from(expected.is_some()));
        let messages: Vec<_> = found.iter().map(|(_, message)| message.as_str()).collect();
        assert_eq!(messages, Vec::from_iter(expected), "{backup}");
    }
}

/// Every API and every Patroni is asked, and findings are reported in addition to failed requests.
#[test]
fn one_that_cannot_be_asked_hides_nothing() {
    let other = Node::new("").with_patroni("n1").with_barman(barman());
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let rules = format!(
        "version: 1\napis: {{near: {{url: \"{closed}\"}}, far: {{url: \"{}\"}}}}\npatroni: {{urls: [\"{closed}\", \"PATRONI\"]}}\n\
         rules:\n  - name: follow\n    on: [on_role_change, on_start]\n    role: primary\n    requests:\n      \
         - {{type: config_switch, api: near, server: main, model_name: \"main:n1\"}}\n      \
         - {{type: config_switch, api: far, server: nowhere, model_name: \"main:n1\"}}\n",
        other.barman().url(),
    );
    let node = Node::new(&rules).with_patroni("n1");
    node.patroni().scope("main");
    let json = node.json(&["check", "--online", "rules.yml"], 2);
    assert_eq!(json["findings"][0]["code"], "PB401");
    let failures: Vec<_> = json["failures"].as_array().unwrap().iter().collect();
    assert_eq!(failures.len(), 2, "{failures:?}");
    let message = |index: usize| failures[index]["message"].as_str().unwrap();
    has(message(0), "Patroni cannot be reached");
    has(message(1), "the API `near` can't be asked");
    assert_eq!(failures[0]["file"], Value::Null);

    let sarif = node.run(["check", "--online", "rules.yml", "--format", "sarif"]);
    let invocation = &sarif.exits(2).json()["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notifications = invocation["toolExecutionNotifications"].as_array();
    assert_eq!(notifications.unwrap().len(), 2);
}

#[test]
fn a_patroni_that_does_not_show_its_configuration_is_named() {
    let node = node(&follow("main", "main:n1", ""), barman());
    node.patroni().config(None);
    let ended = node.run(["check", "--online", "rules.yml"]).exits(2);
    let ended = ended.says("/config` answered 403 without the cluster's configuration");
    assert_eq!(ended.stdout, "`rules.yml`: not fully checked, 1 rule\n");
}

#[test]
fn patronis_of_two_clusters_are_found() {
    let other = Node::new("").with_patroni("n1");
    let rules = follow("main", "main:n1", "").replace("rules:", "defaults: {fence: role}\nrules:");
    let head = HEAD.replace(
        "patroni: {url: \"PATRONI\"}",
        &format!(
            "patroni: {{urls: [\"PATRONI\", \"{}\"]}}",
            other.patroni().url
        ),
    );
    let node = Node::new(&format!("{head}{rules}"))
        .with_patroni("n1")
        .with_barman(barman());
    node.patroni().scope("main");
    let found = found(&node, &[], 1);
    assert_eq!(codes(&found), ["PB408"]);
    assert!(
        found[0].1.contains("belongs to the cluster `demo`"),
        "{found:?}"
    );
}

/// Without a Patroni the cluster is unknown; names for each cluster are checked for that cluster.
#[test]
fn clusters_that_rules_name_are_tried_without_a_patroni() {
    let rules = "version: 1\napi: {url: \"BARMAN\"}\ndefaults: {fence: none}\nrules:\n  - name: follow\n    on: [on_role_change, on_start]\n    \
                 role: primary\n    cluster: [main, billing]\n    request: {type: config_switch, server: \"{{ cluster }}\", model_name: \"main:n1\"}\n";
    let node = Node::new(rules).with_barman(barman());
    let found = found(&node, &[], 1);
    assert_eq!(codes(&found), ["PB401"]);
    assert!(found[0].1.contains("no server `billing`"), "{found:?}");
}

#[test]
fn a_member_is_known_in_every_version_of_patroni() {
    let node = node(&follow("main", "main:{{ node }}", ""), barman());
    node.patroni().is_older_than_3_2();
    assert_eq!(found(&node, &[], 0), []);
    let found = found(&node, &["--node", "n7"], 1);
    assert_eq!(codes(&found), ["PB409"]);
}
