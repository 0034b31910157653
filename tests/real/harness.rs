//! The harness itself: nothing is left behind, and missing programs are reported.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};

use super::support::text::has;

/// Set for the copy of this program that is killed: it starts a stack and waits.
const HOLD: &str = "PATRONI_BARMAN_TESTS_HOLD";

#[test]
fn nothing_is_left_when_the_tests_are_killed() {
    if std::env::var_os(HOLD).is_some() {
        return hold();
    }
    super::prerequisites::demand();
    let this = std::env::current_exe().expect("this program");
    let mut tests = Command::new(this)
        .args([
            "--exact",
            "--nocapture",
            "harness::nothing_is_left_when_the_tests_are_killed",
        ])
        .env(HOLD, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("start this program");
    let lines = BufReader::new(tests.stdout.take().expect("piped")).lines();
    let ready = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("holding ").map(|(_, rest)| rest.to_owned()));
    let ready = ready.expect("it brought the stack up");
    let (folder, pids) = ready.split_once(' ').expect("a folder and processes");
    let pids: Vec<u32> = pids
        .split(' ')
        .map(|pid| pid.parse().expect("a pid"))
        .collect();
    // some are short-lived, such as Barman's `cron`, and may have ended since they were listed
    let living = pids.iter().filter(|pid| lives(**pid)).count();
    assert!(living > 10, "{living} of {pids:?} live");

    // test runs do not end like this, but a user or a CI system may end one like this
    let group = format!("-{}", tests.id());
    assert!(
        Command::new("kill")
            .args(["-KILL", "--", &group])
            .status()
            .expect("kill")
            .success()
    );
    tests.wait().expect("its end");
    wait::until(seconds(20), "the end of all processes", || {
        let left: Vec<_> = pids.iter().filter(|pid| lives(**pid)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?} live"))
        }
    });
    wait::until_true(seconds(20), "the folder's removal", || {
        !Path::new(folder).exists()
    });
}

fn hold() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1"], 1);
    let streaming = postgres::query(
        cluster.node("n1").port,
        "SELECT pid FROM pg_stat_replication",
    );
    assert!(!streaming.expect("Barman's connection").is_empty());
    let pids: Vec<String> = stack.guard.tree().iter().map(ToString::to_string).collect();
    println!(
        "holding {} {}",
        stack.guard.folder().display(),
        pids.join(" ")
    );
    std::thread::sleep(seconds(120));
}

/// Returns false for a zombie, which has ended and waits to be reaped.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

#[test]
fn what_is_missing_fails_the_tests_and_is_said() {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this)
        .args(["--exact", "--nocapture", "crash::crash_of_the_leader"])
        .env("PATRONI_BARMAN_STACK", "/nowhere")
        .output()
        .expect("run this program");
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{said}");
    for words in [
        "`/nowhere/bin/patroni` is missing",
        "`/nowhere/bin/barman` is missing",
        "tests/real/install",
    ] {
        has(&said, words);
    }
}
