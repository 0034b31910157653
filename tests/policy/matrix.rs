//! `matrix`.

use serde_json::Value;

use super::{fitting, run, shipped, stdout};
use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::program::program;
use crate::support::text::{has, lacks};

#[test]
fn the_table_shows_each_cell_and_what_its_letters_mean() {
    let text = stdout(&["matrix", "rules/attach-and-detach.yml"], 0);
    let row = |event: &str| {
        let line = text.lines().find(|line| line.trim().starts_with(event));
        line.unwrap().split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(
        row("on_role_change"),
        ["on_role_change", "A", "B", "-", "-"]
    );
    assert!(
        text.contains("\n  on_stop, on_restart, on_reload, bootstrap, create_replica: nothing\n")
    );
    assert!(text.contains("A  attach: config_switch of `CLUSTER-NODE` to model `CLUSTER:primary`"));
    assert!(text.contains("B  detach: config_switch of `CLUSTER-NODE` to no model"));
}

#[test]
fn what_is_not_known_is_said_in_the_cell() {
    let text = stdout(&["matrix", "rules/two-sites.yml"], 0);
    has(
        &text,
        "primary-in-paris: unknown: depends on `env.SITE`\n     when env.SITE == \"paris\"\n     if it fires: config_switch of `CLUSTER` to model `CLUSTER:NODE` at `paris`",
    );
    let text = stdout(&["matrix", "--env", "SITE=paris", "rules/two-sites.yml"], 0);
    lacks(&text, "unknown:");
    assert!(text.contains("config_switch of `CLUSTER` to model `CLUSTER:NODE-remote`"));
}

/// The environment of this machine makes no difference.
#[test]
fn this_machine_is_not_looked_at() {
    let mut command = program();
    command
        .args(["matrix", "rules/two-sites.yml"])
        .current_dir(super::root())
        .env("SITE", "paris")
        .env("PATRONI_NAME", "here");
    assert_eq!(
        Ended::of(&mut command).stdout,
        stdout(&["matrix", "rules/two-sites.yml"], 0)
    );
}

#[test]
fn every_shipped_file_has_a_matrix_of_the_schema_and_a_page() {
    for file in shipped() {
        let path = file.to_str().unwrap();
        let ended = run(&["matrix", path, "--format", "json"]).case(path);
        fitting("matrix.schema.json", &ended.exits(0));
        let page = stdout(&["matrix", path, "--format", "html"], 0);
        assert!(
            page.starts_with("<!doctype html>") && !page.contains("<script"),
            "{path}"
        );
    }
}

/// `plan` gives the same answer.
#[test]
fn every_cell_is_what_plan_says() {
    for file in shipped() {
        let path = file.to_str().unwrap();
        let facts = ["--node", "NODE", "--env", "SITE=lyon"];
        let options = [&["matrix", path, "--format", "json"], &facts[..]].concat();
        let matrix = run(&options).exits(0).json();
        for cell in matrix["cells"].as_array().unwrap() {
            let word = |key: &str| cell[key].as_str().unwrap();
            let (event, role, cluster) = (word("event"), word("role"), word("cluster"));
            let scope = format!("--scope={cluster}");
            let mut command = program();
            command.args(["plan", "--rules", path, "--format", "json"]);
            command.args(["--node", "NODE", "--host=HOST"]);
            match event {
                "bootstrap" | "create_replica" => {
                    command.args(["--event", event, &scope, "--datadir=/DATADIR"])
                }
                _ => command.args([event, role, cluster]),
            };
            if event == "create_replica" {
                command.args(["--role=replica", "--connstring=CONNSTRING"]);
            }
            let plan = Ended::of(command.env("SITE", "lyon")).json();
            let steps = cell["steps"].as_array().unwrap();
            for (planned, step) in plan["steps"].as_array().unwrap().iter().zip(steps) {
                for (key, value) in planned.as_object().unwrap() {
                    assert_eq!(&step[key], value, "{path} {event} {role}");
                }
            }
            assert_eq!(plan["steps"].as_array().unwrap().len(), steps.len());
            assert_eq!(plan["trace"], cell["trace"], "{path} {event} {role}");
        }
    }
}

const HEAD: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
patroni: {url: "http://127.0.0.1:8008"}
rules:
"#;

/// A rule that switches `main` on a promotion under this condition.
fn when(name: &str, condition: &str) -> String {
    format!(
        "  - {{name: {name}, on: on_role_change, role: primary, when: '{}', request: {{type: config_switch, server: main, model_name: m}}}}\n",
        condition.replace('\'', "''")
    )
}

/// Runs `matrix` on rules.
fn matrix(rules: &str, options: &[&str]) -> Ended {
    let folder = Folder::with(&[("rules.yml", rules)]);
    let ended = folder.run([&["matrix", "rules.yml"], options].concat());
    ended.case(rules).exits(0)
}

/// The cell of a promotion in a cluster.
fn promotion(rules: &str, cluster: &str, options: &[&str]) -> Value {
    let ended = matrix(rules, &[&["--format", "json"], options].concat());
    let matrix = fitting("matrix.schema.json", &ended);
    let cells = matrix["cells"].as_array().unwrap().iter();
    let mut found = cells.filter(|cell| {
        cell["event"] == "on_role_change" && cell["role"] == "primary" && cell["cluster"] == cluster
    });
    found
        .next()
        .cloned()
        .unwrap_or_else(|| panic!("{matrix:#}"))
}

/// Facts that only a callback knows are not guessed.
#[test]
fn a_condition_on_a_placeholder_is_not_decided() {
    for (condition, asks) in [
        ("node == 'n1'", &["node"][..]),
        ("host != 'db9'", &["host"]),
        ("raw_role == 'master'", &["raw_role"]),
        ("env.SITE == 'a'", &["env.SITE"]),
        ("env.SITE is defined", &["env.SITE"]),
        ("args.x | default('a') == 'b'", &["args.x"]),
        ("node == 'NODE' and env.A == 'x'", &["node", "env.A"]),
        // it would fail if the variable is not set
        ("env.SITE == 'a' and cluster == 'b'", &["env.SITE"]),
    ] {
        let cell = promotion(&format!("{HEAD}{}", when("a", condition)), "CLUSTER", &[]);
        assert_eq!(cell["steps"].as_array().unwrap().len(), 0, "{condition}");
        assert_eq!(
            cell["unresolved"][0]["asks"],
            serde_json::json!(asks),
            "{condition}"
        );
        assert_eq!(
            cell["unresolved"][0]["steps"][0]["rule"], "a",
            "{condition}"
        );
    }
    for (condition, options, fires) in [
        ("node == 'n1'", &["--node", "n1"][..], true),
        ("node == 'n1'", &["--node", "n2"], false),
        ("node == 'n1' and cluster == 'b'", &[], false),
        ("host == 'h'", &["--arg", "host=h"], true),
        ("env.SITE == 'a'", &["--env", "SITE=a"], true),
        ("env.SITE is defined", &["--unset", "SITE"], false),
        ("cluster == 'b' and env.SITE == 'a'", &[], false),
    ] {
        let cell = promotion(
            &format!("{HEAD}{}", when("a", condition)),
            "CLUSTER",
            options,
        );
        assert_eq!(
            cell["unresolved"].as_array().unwrap().len(),
            0,
            "{condition}"
        );
        assert_eq!(cell["trace"][0]["fired"], fires, "{condition}");
    }
    let choosing = HEAD.to_owned()
        + "  - {name: a, on: on_role_change, role: primary, request: {type: config_switch, server: main, model_name: \"{{ 'a' if node == 'n1' else 'b' }}\"}}\n";
    let cell = promotion(&choosing, "CLUSTER", &[]);
    assert_eq!(
        cell["unresolved"][0]["message"], "depends on `node`",
        "{cell:#}"
    );
}

/// Under `match: first`, rules after one that may fire may also fire.
#[test]
fn a_rule_behind_one_that_may_fire_may_fire() {
    let first = HEAD.replace("version: 1", "version: 1\nmatch: first");
    let rest = "  - {name: rest, on: on_role_change, role: primary, request: {type: config_switch, server: main, model_name: n}}\n";
    let cell = promotion(
        &format!("{first}{}{rest}", when("a", "node == 'n1'")),
        "CLUSTER",
        &[],
    );
    assert_eq!(cell["steps"].as_array().unwrap().len(), 0);
    assert_eq!(
        cell["unresolved"][1]["message"], "fires only if `a` does not",
        "{cell:#}"
    );
}

/// `run` sends nothing while a rule fails, and no fact is missing here.
#[test]
fn a_cell_in_which_a_rule_fails_sends_nothing() {
    let rules = HEAD.replace("rules:", "vars: {servers: {billing: b}}\nrules:")
        + &when("good", "true")
        + "  - {name: inventory, on: on_role_change, role: primary, cluster: shop, request: {type: config_switch, server: \"{{ servers[cluster] }}\", model_name: m}}\n";
    let cell = promotion(&rules, "shop", &[]);
    assert_eq!(cell["steps"].as_array().unwrap().len(), 0, "{cell:#}");
    assert_eq!(cell["fails"][0]["rule"], "inventory", "{cell:#}");
    let cell = promotion(&rules, "CLUSTER", &[]);
    assert_eq!(cell["steps"].as_array().unwrap().len(), 1, "{cell:#}");
    matrix(&rules, &[])
        .shows("  fails: nothing is sent\n     inventory: `servers[cluster]` is undefined\n");
    matrix(&rules, &["--format", "html"]).shows("<td class=\"fails\"");
}

/// Names in conditions distinguish clusters like those in `cluster`.
#[test]
fn clusters_in_conditions_have_cells() {
    for (condition, fires) in [
        ("cluster == 'billing'", true),
        ("cluster in ['a', 'billing']", true),
        ("cluster in canary", true),
        ("cluster != 'billing'", false),
        ("servers[cluster] | default('') == 'x'", true),
    ] {
        let rules = HEAD.replace(
            "rules:",
            "vars: {canary: [billing], servers: {billing: x}}\nrules:",
        );
        let rules = rules + &when("a", condition);
        let cell = promotion(&rules, "billing", &[]);
        assert_eq!(cell["trace"][0]["fired"], fires, "{condition} {cell:#}");
        let cell = promotion(&rules, "CLUSTER", &[]);
        assert_eq!(cell["trace"][0]["fired"], !fires, "{condition} {cell:#}");
    }
}

/// A variable of a rule is shown with the rule's name for it.
#[test]
fn a_condition_is_shown_as_it_is_written() {
    let rules = HEAD.to_owned()
        + "  - {name: \"{{ site }}\", for_each: {site: [a, b]}, vars: {mine: \"{{ env.SITE == site }}\"}, on: on_role_change, role: primary, when: mine, request: {type: config_switch, server: \"{{ site }}\", model_name: m}}\n";
    let cell = promotion(&rules, "CLUSTER", &[]);
    assert_eq!(cell["unresolved"][0]["when"], "mine", "{cell:#}");
    let cell = promotion(&rules, "CLUSTER", &["--env", "SITE=b"]);
    assert_eq!(cell["trace"][0]["because"]["wanted"], "mine", "{cell:#}");
}

#[test]
fn what_fires_in_no_cell_is_named() {
    let rules = format!("{HEAD}{}", when("a", "(cluster | lower) == 'x'"));
    let named =
        "\nrules that fire in no cell shown:\n  a (rules.yml:5): when (cluster | lower) == 'x'\n";
    matrix(&rules, &[]).shows(named);
    matrix(&rules, &["--format", "html"]).shows("Rules that fire in no cell shown");
    matrix(&rules, &["--cluster", "X"]).never_shows("no cell shown");
}

/// One table for clusters that differ only in name, with the API, the options, and the findings of `check`.
#[test]
fn what_is_the_same_is_shown_once() {
    let rules = HEAD.replace(
        "rules:",
        "apis: {paris: {url: \"http://127.0.0.2:7480\"}}\nrules:",
    ) + "  - {name: follow, on: on_role_change, role: primary, cluster: [shop, crm], request: {type: config_switch, api: paris, server: \"{{ cluster }}\", model_name: m}}\n";
    let text = matrix(&rules, &[]).stdout;
    for line in [
        "clusters shop, crm: the same but for the name\n",
        "A  follow: config_switch of `shop` to model `m` at `paris`\n",
        "     verify applied, fence role, on failure stop, tried for at most 1h, waited for at most 10m\n",
        "     rules.yml:6\n     PB209: warning: ",
        "cluster CLUSTER (any that no rule names)\n\n  on_start, on_stop, on_restart, on_reload, on_role_change, bootstrap, create_replica: nothing\n",
    ] {
        has(&text, line);
    }
    let page = matrix(&rules, &["--format", "html"])
        .shows("at <code>paris</code>")
        .shows("<b>PB209</b>")
        .stdout;
    assert_eq!(page.matches("<table>").count(), 2, "{page}");
}

/// An example is a valid name of a cluster.
#[test]
fn examples_of_clusters_can_be() {
    let rules = HEAD.to_owned()
        + "  - {name: a, on: on_role_change, role: primary, cluster: \"??\", request: {type: config_switch, server: \"{{ cluster }}\", model_name: m}}\n  - {name: b, on: on_role_change, role: primary, cluster: \"*-1\", request: {type: config_switch, server: \"x{{ cluster }}\", model_name: m}}\n";
    let matrix = matrix(&rules, &["--format", "json"]).json();
    let names = matrix["clusters"].as_array().unwrap().iter();
    let names: Vec<&str> = names
        .map(|cluster| cluster["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["22", "2-1", "CLUSTER"]);
}

#[test]
fn what_can_not_be_used_is_a_usage_error() {
    for (arguments, said) in [
        (&["matrix", "nowhere.yml"][..], "can't read `nowhere.yml`"),
        (&["matrix", "Cargo.toml"], "are not valid"),
        (
            &["matrix", "--env", "SITE", "rules/two-sites.yml"],
            "write `--env NAME=VALUE`",
        ),
        (
            &["matrix", "--set", "nope=1", "rules/two-sites.yml"],
            "no variable `nope`",
        ),
    ] {
        let ended = run(arguments).case(format!("{arguments:?}"));
        ended.exits(2).says(said);
    }
}
