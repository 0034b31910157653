//! `for_each`, variables of rules and files, and `matches` in the commands.

use patroni_barman::simulator::Config;
use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::node::Node;

const HEAD: &str = r#"version: 1
apis: {paris: {url: "http://127.0.0.1:7480"}, lyon: {url: "http://127.0.0.2:7480"}}
patroni: {url: "http://127.0.0.1:8008"}
"#;

/// Two rules written without `for_each`.
const BY_HAND: &str = r#"vars: {prefix: bm}
rules:
  - name: follow-paris
    on: [on_role_change, on_start]
    role: primary
    cluster: paris-*
    when: node != "paris"
    request: {type: config_switch, api: paris, server: "{{ prefix }}-{{ cluster }}", model_name: "{{ prefix }}-{{ cluster }}:{{ node }}"}
  - name: follow-lyon
    on: [on_role_change, on_start]
    role: primary
    cluster: lyon-*
    when: node != "lyon"
    request: {type: config_switch, api: lyon, server: "{{ prefix }}-{{ cluster }}", model_name: "{{ prefix }}-{{ cluster }}:{{ node }}"}
"#;

/// The same two rules in one.
const REPEATED: &str = r#"vars: {prefix: bm}
rules:
  - name: "follow-{{ site }}"
    for_each: {site: [paris, lyon]}
    vars: {server: "{{ prefix }}-{{ cluster }}"}
    on: [on_role_change, on_start]
    role: primary
    cluster: "{{ site }}-*"
    when: node != site
    request: {type: config_switch, api: "{{ site }}", server: "{{ server }}", model_name: "{{ server }}:{{ node }}"}
"#;

/// The rule, the server and the model of each step of a plan.
fn steps(folder: &Folder, rules: &str, cluster: &str, options: &[&str]) -> Vec<String> {
    let mut args = vec!["plan", "--format", "json", "--node", "n1", "--rules", rules];
    args.extend(options);
    args.extend(["on_role_change", "primary", cluster]);
    let plan = folder.run(&args).json();
    let steps = plan["steps"].as_array().unwrap().iter();
    let step = |step: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let parts = [&step["rule"], &step["url"], &step["body"]["model_name"]];
        parts.map(text).join(" ")
    };
    steps.map(step).collect()
}

#[test]
fn a_repeated_rule_does_what_its_rules_do_by_hand() {
    let [by_hand, repeated] = [BY_HAND, REPEATED].map(|rules| format!("{HEAD}{rules}"));
    let folder = Folder::with(&[("old.yml", &by_hand), ("new.yml", &repeated)]);
    for cluster in ["paris-1", "lyon-1", "nice-1"] {
        let [old, new] = ["old.yml", "new.yml"].map(|rules| steps(&folder, rules, cluster, &[]));
        assert_eq!(old, new, "{cluster}");
    }
    assert_eq!(
        steps(&folder, "new.yml", "lyon-1", &["--set", "prefix=x"]),
        ["follow-lyon http://127.0.0.2:7480/servers/x-lyon-1/operations x-lyon-1:n1"]
    );
    folder
        .run(["diff", "--exit-code=cells", "old.yml", "new.yml"])
        .exits(0);
    // the rules are on other lines
    let cells = |rules: &str| {
        let matrix = folder.run(["matrix", "--format", "json", rules]).json();
        ["clusters", "cells"].map(|part| matrix[part].clone())
    };
    let [old, new] = ["old.yml", "new.yml"].map(cells);
    assert_eq!(old, new);
}

#[test]
fn a_diff_names_the_rule_that_a_value_makes() {
    let old = format!("{HEAD}{}", REPEATED.replace("follow-{{ site }}", "follow"));
    let new = old.replace("[paris, lyon]", "[paris]");
    let folder = Folder::with(&[("old.yml", &old), ("new.yml", &new)]);
    folder
        .run(["diff", "--exit-code", "old.yml", "new.yml"])
        .exits(1)
        .shows("follow[lyon]")
        .never_shows("follow[paris]");
}

#[test]
fn tests_know_each_rule_by_its_name() {
    let rules = format!("{HEAD}{}", REPEATED.replace("follow-{{ site }}", "follow"));
    let case = |cluster: &str, fires: &str| {
        format!(
            "  - {{name: {cluster}, event: on_role_change, role: primary, cluster: {cluster}, fires: [\"{fires}\"]}}\n"
        )
    };
    let head = "version: 1\nrules: rules.yml\ngiven: {node: n1}\ntests:\n";
    let half = format!("{head}{}", case("paris-1", "follow[paris]"));
    let whole = format!("{half}{}", case("lyon-1", "follow[lyon]"));
    let folder = Folder::with(&[
        ("rules.yml", &rules),
        ("half.yml", &half),
        ("whole.yml", &whole),
    ]);
    let covers = |tests| folder.run(["test", "--fail-under", "rules=100", tests]);
    covers("whole.yml").exits(0);
    covers("half.yml").exits(1).tells("follow[lyon]");
}

#[test]
fn a_callback_sends_what_its_site_wants() {
    let rules = r#"version: 1
api: {url: BARMAN}
patroni: {url: PATRONI}
rules:
  - name: follow
    for_each: {kind: [demo, other]}
    vars: {model: "{{ kind }}:{{ node }}"}
    on: [on_role_change, on_start]
    role: primary
    when: kind | matches("^d") and cluster | matches("o$")
    request: {type: config_switch, server: "{{ kind }}", model_name: "{{ model }}"}
"#;
    let config = Config::default().server("demo").model("demo:n1");
    let node = Node::new(rules).with_patroni("n1").with_barman(config);
    node.promoted().exits(0);
    assert_eq!(node.outcomes(), ["done"]);
}

#[test]
fn files_keep_their_variables_for_themselves() {
    let team = |name: &str| {
        format!(
            r#"version: 1
vars: {{server: "{name}-{{{{ stage }}}}", model: "{{{{ server }}}}:{{{{ node }}}}"}}
rules:
  - name: {name}
    on: [on_role_change, on_start]
    role: primary
    cluster: {name}
    request: {{type: config_switch, api: paris, server: "{{{{ server }}}}", model_name: "{{{{ model }}}}"}}
"#
        )
    };
    let common = format!("{HEAD}export: true\nvars: {{stage: prod}}\n");
    let folder = Folder::with(&[
        ("rules/blue.yml", &team("blue")),
        ("rules/common.yml", &common),
        ("rules/green.yml", &team("green")),
    ]);
    for name in ["blue", "green"] {
        let expected =
            format!("{name} http://127.0.0.1:7480/servers/{name}-prod/operations {name}-prod:n1");
        assert_eq!(steps(&folder, "rules", name, &[]), [expected]);
    }
    let set = ["--set", "stage=test"];
    assert!(steps(&folder, "rules", "blue", &set)[0].contains("blue-test"));
    let args = [
        "plan", "--rules", "rules", "--set", "server=x", "on_start", "primary", "blue",
    ];
    folder
        .run(args)
        .exits(4)
        .says("declares no variable `server`");
}

#[test]
fn there_is_an_end_to_what_a_list_makes() {
    let rule = |lists: &str, text: &str| {
        format!(
            "{HEAD}rules:\n  - name: many\n    for_each: {{{lists}}}\n    on: [on_role_change, on_start]\n    role: primary\n    \
             request: {{type: config_switch, api: paris, server: \"{{{{ a }}}}-{{{{ b }}}}{text}\", model_name: m}}\n"
        )
    };
    let list = |count: usize| {
        let items: Vec<_> = (0..count).map(|number| number.to_string()).collect();
        items.join(",")
    };
    let long = format!("x: [{}]", "y".repeat(100_000));
    for (lists, text, said) in [
        (
            format!("a: [{}], b: [1]", list(1_001)),
            "",
            "makes 1001 rules, and 1000 are allowed",
        ),
        (
            format!("a: [{}], b: [{}]", list(1_000), list(1_000)),
            "",
            "makes 1000000 rules",
        ),
        (
            format!("a: [{}], b: [{}], {long}", list(10), list(100)),
            "{{ x }}",
            "bytes of text, and",
        ),
        (format!("a: [{}], b: [{}]", list(10), list(100)), "", ""),
    ] {
        let folder = Folder::with(&[("rules.yml", &rule(&lists, text))]);
        folder
            .run(["check", "rules.yml"])
            .exits(i32::from(!said.is_empty()))
            .shows(said);
    }
    let rules: String = (0..11)
        .map(|number| {
            let text = rule(&format!("a: [{}], b: [{number}]", list(1_000)), "");
            let (_, text) = text.split_once("rules:\n").unwrap();
            text.replace("name: many", &format!("name: many-{number}"))
        })
        .collect();
    let folder = Folder::with(&[("rules.yml", &format!("{HEAD}rules:\n{rules}"))]);
    folder
        .run(["check", "rules.yml"])
        .exits(1)
        .shows("there are 11000 rules made by `for_each`");
}
