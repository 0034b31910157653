//! Secrets only go to their own server: every command, at every log level, without errors
//! and with every kind of error.

mod repeated;
mod stage;

use std::collections::BTreeSet;
use std::thread;

use crate::support::program::program;
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

#[test]
fn no_command_is_left_out() {
    let output = program().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    // the page lists them in groups, before the options
    let (commands, _) = help.split_once("\nOptions:\n").unwrap();
    let named: BTreeSet<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let tried: BTreeSet<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, tried);
}

#[test]
fn secrets_arrive_at_the_server_and_nowhere_else() {
    let stage = Stage::new(Trouble::None);
    let ended = stage.command(&[
        "run",
        "--rules",
        "RULES",
        "on_role_change",
        "primary",
        "demo",
    ]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let received = stage.received().to_ascii_lowercase();
    assert!(
        received.contains("\r\nauthorization: bearer env-s3cret-1\r\n"),
        "{received}"
    );
    assert!(
        received.contains("\r\nx-token: file-s3cret-2\r\n"),
        "{received}"
    );
    stage.assert_nothing_leaked("run", &ended);
}

#[test]
fn no_command_shows_a_secret() {
    thread::scope(|scope| {
        for trouble in Trouble::ALL {
            scope.spawn(move || {
                let stage = Stage::new(trouble);
                for (name, arguments) in COMMANDS {
                    if trouble != Trouble::None && NO_FILES.contains(name) {
                        continue;
                    }
                    // lines shown at one level are also shown at more detailed ones
                    let levels = match trouble {
                        Trouble::None => &["debug", "info", "warning", "error"][..],
                        _ => &["debug"],
                    };
                    for level in levels {
                        let log = ["--log-level", level, "--log-format", "text"];
                        let ended = stage.command(&[&[*name], *arguments, &log].concat());
                        stage.assert_nothing_leaked(name, &ended);
                    }
                    let log = [
                        "--log-level=debug",
                        "--log-format=json",
                        "--log-file",
                        "LOG",
                    ];
                    let ended = stage.command(&[&[*name], *arguments, &log].concat());
                    stage.assert_nothing_leaked(name, &ended);
                }
            });
        }
    });
}
