//! `simulate` as a process: its output, and its end.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::client::{exchange, get, post};
use crate::support::ended::Ended;
use crate::support::schema::has_values;

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = crate::support::program::program();
    command
        .arg("simulate")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Running {
    fn start(arguments: &str) -> Self {
        let arguments = arguments.split_whitespace();
        let mut child = command(&["--listen", "127.0.0.1:0"]);
        let mut child = child.args(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next().unwrap().unwrap();
        let url = ready.strip_prefix("listening on ").unwrap().to_owned();
        Self { child, lines, url }
    }

    fn address(&self) -> SocketAddr {
        let address = self.url.strip_prefix("http://").unwrap();
        address.split('/').next().unwrap().parse().unwrap()
    }

    /// Sends it a signal and waits for its end; returns its exit code and the remaining lines.
    fn end(mut self, signal: Signal) -> (Option<i32>, Vec<Value>) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let lines = self
            .lines
            .by_ref()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        (self.child.wait().unwrap().code(), lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it has already ended unless the test failed
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_what_it_serves_until_it_is_told_to_stop() {
    let running = Running::start("--server demo --model demo:n1 --fault post:500*1,poll:404*1");
    let address = running.address();
    let switch = json!({"type": "config_switch", "model_name": "demo:n1"});
    assert_eq!(
        post(address, "/servers/demo/operations", &switch).status,
        500
    );
    let id = post(address, "/servers/demo/operations", &switch).operation_id();
    let path = format!("/servers/demo/operations/{id}");
    assert_eq!(get(address, &path).status, 404);
    assert_eq!(get(address, &path).json()["status"], "IN_PROGRESS");
    let (code, lines) = running.end(Signal::TERM);
    assert_eq!(code, Some(0));
    let operations = "/servers/demo/operations";
    assert_eq!(
        lines,
        [
            json!({"method": "POST", "path": operations, "body": switch, "status": 500, "fault": "post:500"}),
            json!({"method": "POST", "path": operations, "body": switch, "status": 202}),
            json!({"method": "GET", "path": path, "body": null, "status": 404, "fault": "poll:404"}),
            json!({"method": "GET", "path": path, "body": null, "status": 200}),
        ]
    );
}

#[test]
fn every_option_reaches_the_simulator() {
    let data = tempfile::tempdir().unwrap();
    let destination = data.path().join("restored");
    let arguments = "--server demo --server main=demo --server other --model demo:n1 --model n2=demo --model other:n1 \
         --backup demo:20260101T000000 --backup demo:20260102T000000=failed --active main=n2 --timeline n2=7 \
         --operation-time 0s --prefix /backup --same-second last --fault any:503+retry-after=4*1 --fault status:ok*1,status:empty \
         --recover-files --late-server late --wal main:000000070000000000000009 --option main:description=hello \
         --backup demo:20260103T000000=waiting_for_wals,timeline=3,systemid=7 --receiver-delay 1s --cron 10s \
         --api-version 2.1.1 --barman-version 3.10.1 --diagnose-size 2x1";
    let running = Running::start(arguments);
    let address = running.address();
    assert_eq!(running.url, format!("http://{address}/backup"));
    assert_eq!(
        get(address, "/backup/status").header("retry-after"),
        Some("4")
    );
    assert_eq!(get(address, "/backup/status").body, "\"OK\"");
    assert_eq!(get(address, "/backup/status").json(), json!({}));
    let state = get(address, "/backup/diagnose").json();
    let facts = json!({
        "/models/demo:n1/config/cluster": "demo",
        "/models/n2/config/cluster": "demo",
        "/models/other:n1/config/cluster": "other",
        "/servers/main/active_model": "n2",
        "/servers/main/status/timeline": 7,
        "/servers/main/config/description": "hello",
        "/servers/main/wals/last_archived_wal_per_timeline/00000007/name": "000000070000000000000009",
        "/servers/demo/backups/20260101T000000/status": "DONE",
        "/servers/demo/backups/20260102T000000/status": "FAILED",
        "/servers/demo/backups/20260103T000000/status": "WAITING_FOR_WALS",
        "/servers/demo/backups/20260103T000000/timeline": 3,
        "/servers/demo/backups/20260103T000000/systemid": "7",
        "/global/system_info/barman_ver": "3.10.1",
    });
    has_values(&state, &facts);
    assert_eq!(state["servers"].as_object().unwrap().len(), 6);
    let recovery = json!({
        "backup_id": "latest",
        "remote_ssh_command": "ssh postgres@n1",
        "destination_directory": destination,
    });
    let operations = "/backup/servers/demo/operations";
    let mut id = post(address, operations, &recovery).operation_id();
    // until two fall into one second, which would be an error without the option
    loop {
        let next = post(address, operations, &recovery).operation_id();
        if next == id {
            break;
        }
        id = next;
    }
    assert_eq!(
        get(address, &format!("{operations}/{id}")).json()["status"],
        "DONE"
    );
    assert_eq!(
        std::fs::read_to_string(destination.join("PG_VERSION")).unwrap(),
        "15\n"
    );
    assert_eq!(running.end(Signal::INT).0, Some(0));
}

#[test]
fn a_cluster_can_be_played_beside_it() {
    let arguments = "--server demo --model demo:n1 --model demo:other --active demo=demo:n1 --patroni-version 3.0.2 \
         --patroni 127.0.0.1:0,other=127.0.0.1:0";
    let mut running = Running::start(arguments);
    let barman = running.address();
    let members = ["n1", "other"].map(|name| -> SocketAddr {
        let line = running.lines.next().unwrap().unwrap();
        let url = line.strip_prefix(&format!("patroni {name} on http://"));
        url.unwrap().parse().unwrap()
    });
    let patroni = get(members[0], "/patroni").json();
    assert_eq!(patroni["role"], "master");
    let barman_is_there = json!("barman_receive_wal");
    assert_eq!(
        patroni["replication"][1]["application_name"],
        barman_is_there
    );
    let promotion = exchange(members[1], "POST", "/simulator", None, "promote other").unwrap();
    assert_eq!(promotion.json()["leader"], "other");
    assert_eq!(get(members[0], "/leader").status, 503);
    let state = get(barman, "/diagnose").json();
    assert_eq!(state["servers"]["demo"]["status"]["is_in_recovery"], true);
    let (code, lines) = running.end(Signal::TERM);
    assert_eq!(code, Some(0));
    assert_eq!(
        lines[1],
        json!({"patroni": "n1", "method": "GET", "path": "/leader", "status": 503})
    );
}

#[test]
fn what_cannot_work_is_said_before_it_listens() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let is_refused = |line: &str, message: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ended = Ended::of(&mut command(&words)).case(line).says(message);
        assert_ne!(ended.exit, 0, "{ended}");
        assert_eq!(ended.stdout, "", "{ended}");
    };
    is_refused("", "--server <NAME>");
    for (options, message) in [
        (
            "--fault post:explode",
            "there is no fault `explode`\nwrite `WHERE:WHAT`",
        ),
        (
            "--backup demo",
            "write it as `SERVER:ID`, for example `demo:20260101T000000`",
        ),
        (
            "--active demo",
            "write it as `SERVER=MODEL`, for example `demo=demo:n1`",
        ),
        (
            "--timeline demo=x",
            "write it as `NAME=NUMBER`, for example `demo:n1=3`",
        ),
        (
            "--operation-time 2",
            "write a duration such as `500ms`, `2s` or `1h30m`",
        ),
        (
            "--active demo=demo:n1",
            "there is no model `demo:n1` to be active on server `demo`",
        ),
        ("--option demo=x", "write it as `NAME:OPTION=VALUE`"),
        (
            "--backup demo:1=lost",
            "`lost` is not a status: done, waiting_for_wals, started, failed",
        ),
        ("--wal demo", "write it as `SERVER:FILE`"),
        ("--patroni n1", "write an address with a port"),
        (
            "--barman-version new",
            "`new` is not a version such as `3.10.1`",
        ),
        ("--prefix x", "prefix `x` must begin with `/`"),
        (&format!("--listen {taken}"), "can't listen on `127.0.0.1:"),
    ] {
        is_refused(&format!("--server demo {options}"), message);
    }
}
