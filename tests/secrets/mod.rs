//! Secrets only go to their own server: every command, at every log level, without errors
//! and with every kind of error.

mod repeated;
mod stage;

use std::collections::BTreeSet;
use std::thread;

use crate::support::program::stdout;
use crate::support::text::has;
use stage::{COMMANDS, Stage, Trouble};

/// Commands that read none of the files, whatever their errors.
const NO_FILES: [&str; 6] = [
    "explain",
    "schema",
    "demo",
    "simulate",
    "completions",
    "man",
];

fn name(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

#[test]
fn no_command_is_left_out() {
    let help = stdout(&["--help"], 0);
    // the page lists them in groups, before the options
    let (commands, _) = help.split_once("\nOptions:\n").unwrap();
    let named: BTreeSet<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let tried: BTreeSet<&str> = COMMANDS.iter().map(|line| name(line)).collect();
    assert_eq!(named, tried);
}

#[test]
fn secrets_arrive_at_the_server_and_nowhere_else() {
    let stage = Stage::new(Trouble::None);
    let ended = stage.command(COMMANDS[0]).exits(0);
    let received = stage.received().to_ascii_lowercase();
    has(&received, "\r\nauthorization: bearer env-s3cret-1\r\n");
    has(&received, "\r\nx-token: file-s3cret-2\r\n");
    stage.assert_nothing_leaked("run", &ended);
}

#[test]
fn no_command_shows_a_secret() {
    thread::scope(|scope| {
        for trouble in Trouble::ALL {
            scope.spawn(move || {
                let stage = Stage::new(trouble);
                for line in COMMANDS {
                    if trouble != Trouble::None && NO_FILES.contains(&name(line)) {
                        continue;
                    }
                    // lines shown at one level are also shown at more detailed ones
                    let levels = match trouble {
                        Trouble::None => &["debug", "info", "warning", "error"][..],
                        _ => &["debug"],
                    };
                    let mut logs: Vec<String> = levels
                        .iter()
                        .map(|level| format!("--log-level {level} --log-format text"))
                        .collect();
                    logs.push("--log-level=debug --log-format=json --log-file LOG".to_owned());
                    for log in logs {
                        let ended = stage.command(&format!("{line} {log}"));
                        stage.assert_nothing_leaked(line, &ended);
                    }
                }
            });
        }
    });
}
