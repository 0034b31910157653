//! Files named in the rules, and pipes in their place.

use std::fs;
use std::path::Path;

use patroni_barman::simulator::{Config, Simulator};

use crate::support::node::Node;

fn pipe(path: &Path) -> String {
    crate::support::pipe::make(path);
    path.display().to_string()
}

fn rules(api: &str) -> String {
    format!(
        "version: 1
api: {{{api}}}
defaults: {{fence: none, verify: none, retry: {{attempts: 1}}}}
rules:
  - {{name: a, on: on_role_change, role: primary, request: {{type: config_switch, server: demo, model_name: \"demo:n1\"}}}}
"
    )
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_file_for_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = pipe(&folder.path().join("pipe"));
    let said = |rest: &str, what: &str| {
        let rules = rules(&format!("url: \"https://127.0.0.1:1\", {rest}"));
        let expected = format!("{what} `{pipe}`: it is a pipe and no file");
        Node::new(&rules).promoted().exits(3).says(&expected);
    };
    let header = format!("headers: {{A: {{file: {pipe}}}}}");
    said(&header, "can't read the header `A` from the file");
    said(&format!("ca_file: {pipe}"), "can't read `ca_file`");
    let both = format!("cert_file: {pipe}, key_file: {pipe}");
    said(&both, "can't read `cert_file`");
}

#[test]
fn a_secret_is_no_endless_file() {
    Node::new(&rules(
        "url: \"http://127.0.0.1:1\", headers: {A: {file: /dev/zero}}",
    ))
    .promoted()
    .exits(3)
    .says("more than 65536 bytes");
}

#[test]
fn a_log_that_is_a_pipe_without_a_reader_stops_no_callback() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = pipe(&folder.path().join("pipe"));
    let simulator = Simulator::start(Config::default().server("demo").model("demo:n1")).unwrap();
    let rules = rules(&format!("url: \"{}\"", simulator.url()));
    Node::new(&rules)
        .callback()
        .args(["--log-file", &pipe])
        .run()
        .exits(0)
        .says("can't be opened");
    assert!(fs::exists(&pipe).unwrap());
}
