//! `matrix`.

use serde_json::Value;

use super::{assert_fits, run, shipped, stdout};
use crate::support::program::program;

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
    assert_eq!(row("on_stop"), ["on_stop", "-", "-", "-", "-"]);
    assert_eq!(row("bootstrap"), ["bootstrap", "-"]);
    assert!(text.contains("A  attach: config_switch of `CLUSTER-NODE` to model `CLUSTER:primary`"));
    assert!(text.contains("B  detach: config_switch of `CLUSTER-NODE` to no model"));
}

#[test]
fn what_is_not_known_is_said_in_the_cell() {
    let text = stdout(&["matrix", "rules/two-sites.yml"], 0);
    assert!(
        text.contains(
            "primary-in-paris: can't be told: the environment variable `SITE` is not set"
        )
    );
    let text = stdout(&["matrix", "--env", "SITE=paris", "rules/two-sites.yml"], 0);
    assert!(!text.contains("can't be told"), "{text}");
    assert!(text.contains("config_switch of `CLUSTER` to model `CLUSTER:NODE-remote`"));
}

/// The environment of the machine that it is looked at on makes no difference.
#[test]
fn this_machine_is_not_looked_at() {
    let mut command = program();
    command
        .args(["matrix", "rules/two-sites.yml"])
        .current_dir(super::root());
    let output = command
        .env("SITE", "paris")
        .env("PATRONI_NAME", "here")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, stdout(&["matrix", "rules/two-sites.yml"], 0));
}

#[test]
fn every_shipped_file_has_a_matrix_of_the_schema_and_a_page() {
    for file in shipped() {
        let path = file.to_str().unwrap();
        let json: Value =
            serde_json::from_str(&stdout(&["matrix", path, "--format", "json"], 0)).unwrap();
        assert_fits("matrix.schema.json", &json);
        let page = stdout(&["matrix", path, "--format", "html"], 0);
        assert!(
            page.starts_with("<!doctype html>") && !page.contains("<script"),
            "{path}"
        );
    }
}

/// `plan` is the other door to the same answer.
#[test]
fn every_cell_is_what_plan_says() {
    for file in shipped() {
        let path = file.to_str().unwrap();
        let matrix = stdout(
            &["matrix", path, "--env", "SITE=lyon", "--format", "json"],
            0,
        );
        let matrix: Value = serde_json::from_str(&matrix).unwrap();
        for cell in matrix["cells"].as_array().unwrap() {
            let word = |key: &str| cell[key].as_str().unwrap();
            let (event, role, cluster) = (word("event"), word("role"), word("cluster"));
            let scope = format!("--scope={cluster}");
            let mut arguments = vec![
                "plan", "--rules", path, "--format", "json", "--node", "NODE",
            ];
            match event {
                "bootstrap" => arguments.extend(["--event", event, &scope, "--datadir=/DATADIR"]),
                "create_replica" => arguments.extend([
                    "--event",
                    event,
                    &scope,
                    "--role=replica",
                    "--datadir=/DATADIR",
                    "--connstring=CONNSTRING",
                ]),
                _ => arguments.extend([event, role, cluster]),
            }
            let host = "--host=HOST";
            let output = program()
                .args(&arguments)
                .arg(host)
                .env("SITE", "lyon")
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            let plan: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|_| panic!("{arguments:?}: {errors}"));
            assert_eq!(plan["steps"], cell["steps"], "{path} {event} {role}");
            assert_eq!(plan["trace"], cell["trace"], "{path} {event} {role}");
        }
    }
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
        let output = run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}
