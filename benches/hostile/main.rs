//! Time and memory that every command that reads rules needs for files made to be hard on it.
//!
//!     cargo bench --bench hostile               # every file
//!     cargo bench --bench hostile -- tabs deep  # those whose names contain one of the words
//!
//! A cell shows processor time and peak memory. The goals are two seconds and 400 MB; a `!` marks a value above them.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "these rules are the program's; a measurement that meets something unexpected has failed"
)]

mod files;
mod lists;
mod rules;
mod texts;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use wait4::Wait4 as _;

/// The path of the binary, unless `PATRONI_BARMAN_BINARY` names another one.
const BINARY: &str = env!("CARGO_BIN_EXE_patroni_barman");

/// The time limit for a command.
const PATIENCE: Duration = Duration::from_secs(20);

const MOST_TIME: Duration = Duration::from_secs(2);
const MOST_MEMORY: u64 = 400_000_000;

/// The commands that read rules. `RULES`, `EDITED` and `TESTS` stand for files.
const COMMANDS: [(&str, &[&str]); 8] = [
    ("check", &["check", "RULES"]),
    ("check json", &["check", "--format", "json", "RULES"]),
    (
        "plan",
        &[
            "plan",
            "--rules",
            "RULES",
            "--node",
            "n1",
            "on_role_change",
            "primary",
            "c1",
        ],
    ),
    ("matrix", &["matrix", "RULES"]),
    ("matrix json", &["matrix", "--format", "json", "RULES"]),
    ("diff", &["diff", "RULES", "EDITED"]),
    (
        "diff json",
        &["diff", "--format", "json", "RULES", "EDITED"],
    ),
    ("test", &["test", "TESTS"]),
];

const TESTS: &str = "version: 1
rules: rules.yml
tests:
  - {name: one, event: on_role_change, role: primary, cluster: c1, node: n1, fires: [r1]}
";

fn main() {
    // cargo passes `--bench`
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let heads: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
    println!("| file | size | {} |", heads.join(" | "));
    println!("|---|---|{}", "---|".repeat(COMMANDS.len()));
    let mut over = 0;
    for (name, make) in files::all() {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("hostile")
            .join(name);
        fs::create_dir_all(&folder).expect("a folder below target");
        let text = make();
        write(&folder.join("rules.yml"), &text);
        write(&folder.join("edited.yml"), &text.replace("m1\"", "e1\""));
        write(&folder.join("tests.yml"), TESTS);
        let mut cells = Vec::new();
        for (_, arguments) in COMMANDS {
            let (time, memory) = measure(&folder, arguments);
            let is_over = time > MOST_TIME || memory > MOST_MEMORY;
            over += usize::from(is_over);
            let mark = if is_over { " !" } else { "" };
            let time = time.as_secs_f64();
            cells.push(format!("{time:.2} s, {} MB{mark}", memory / 1_000_000));
        }
        let size = text.len() / 1000;
        println!("| {name} | {size} kB | {} |", cells.join(" | "));
    }
    println!("\n{over} over the goal");
}

fn write(path: &Path, text: &str) {
    assert!(
        text.len() <= 4 << 20,
        "{} is larger than rules may be",
        path.display()
    );
    fs::write(path, text).expect("a file below target");
}

/// Runs a command until it ends or the time limit is reached.
fn measure(folder: &Path, arguments: &[&str]) -> (Duration, u64) {
    let binary = std::env::var("PATRONI_BARMAN_BINARY").unwrap_or_else(|_| BINARY.to_owned());
    let mut command = Command::new(binary);
    for argument in arguments {
        let file = match *argument {
            "RULES" => "rules.yml",
            "EDITED" => "edited.yml",
            "TESTS" => "tests.yml",
            other => other,
        };
        command.arg(file);
    }
    command
        .current_dir(folder)
        .env("PATRONI_BARMAN_STATE", "/dev/null/state.db")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the program");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (ended, end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process(pid.expect("an id"), Signal::KILL);
            }
        });
        let usage = child.wait4().expect("it was started").rusage;
        drop(ended);
        (usage.utime + usage.stime, usage.maxrss)
    })
}
