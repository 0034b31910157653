//! The dashboard can be loaded by Grafana's model of one, and uses existing metrics.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::prometheus::check_expression;
use super::{file, metrics};
use crate::support::ended::Ended;
use crate::support::prerequisite::find;

/// Grafana's own model of dashboards.
const SDK: &str = "grafana-foundation-sdk==1769699998!10.1.0";

/// Reads the dashboard and writes it again in the model's form.
const LOAD: &str = "
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
register_default_plugins()
print(JSONEncoder().encode(Dashboard.from_json(json.load(open(sys.argv[1])))))
";

/// Creates a virtual environment with it below `target`, once.
fn python() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grafana-sdk");
    let done = environment.join("made-for").join(SDK);
    if !done.exists() {
        run(Command::new(find(&["python3"], "python3-venv"))
            .args(["-m", "venv", "--clear"])
            .arg(&environment));
        run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", SDK]));
        std::fs::create_dir_all(&done).unwrap();
    }
    environment.join("bin/python")
}

fn run(command: &mut Command) -> String {
    let ended = Ended::of(command).case(format!("{command:?}"));
    ended.exits(0).stdout
}

fn dashboard() -> Value {
    let text = std::fs::read_to_string(file("grafana-dashboard.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The paths in one value that another one lacks.
fn lost(one: &Value, other: Option<&Value>, at: &str, found: &mut Vec<String>) {
    let Some(other) = other else {
        return found.push(at.to_owned());
    };
    match one {
        Value::Object(map) => {
            for (key, value) in map {
                lost(value, other.get(key), &format!("{at}/{key}"), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                lost(value, other.get(index), &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_dashboard_loads_and_nothing_of_it_is_lost() {
    let mut load = Command::new(python());
    let text = run(load.arg("-c").arg(LOAD).arg(file("grafana-dashboard.json")));
    let loaded: Value = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    lost(&dashboard(), Some(&loaded), "", &mut found);
    // only older versions of Grafana show this one
    found.retain(|path| !path.ends_with("/definition"));
    assert!(found.is_empty(), "{found:?}");
}

/// The names of metrics in a text.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("patroni_barman_"));
    names.map(str::to_owned).collect()
}

/// Asserts that the program writes each metric named in a text.
#[track_caller]
pub fn assert_names(text: &str, metrics: &str) {
    let names = names(text);
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(&name);
        let known = metrics.contains(&format!("# TYPE {family} "));
        // the systemd unit has a similar name
        assert!(known || name == "patroni_barman_reconcile", "{name}");
    }
}

#[test]
fn each_panel_asks_for_metrics_that_there_are() {
    let dashboard = dashboard();
    let metrics = metrics();
    let mut expressions = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            expressions.push(target["expr"].as_str().unwrap().to_owned());
        }
    }
    assert!(expressions.len() > 15);
    for expression in &expressions {
        check_expression(expression);
    }
    assert_names(&expressions.join(" "), &metrics);
}
