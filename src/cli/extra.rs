//! Arguments that clap can't know: whatever Patroni appends as `--name=value`.

use std::ffi::OsString;

use clap::CommandFactory as _;

use super::args::Cli;
use super::exit::{INVALID, USAGE};

/// The commands that take whatever Patroni appends.
const OPEN: [&str; 2] = ["run", "plan"];

/// Takes the `--name=value` arguments out that no option of the command has.
#[must_use]
pub fn split(arguments: Vec<OsString>) -> (Vec<OsString>, Vec<(String, String)>) {
    let Some(command) = command_of(&arguments).filter(|name| OPEN.contains(name)) else {
        return (arguments, Vec::new());
    };
    let mut cli = Cli::command();
    cli.build();
    let known: Vec<String> = cli
        .find_subcommand(command)
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_long().map(str::to_owned))
        .collect();
    let mut others = Vec::new();
    let kept = arguments
        .into_iter()
        .filter(|argument| {
            let text = argument.to_string_lossy();
            let Some((name, value)) = text
                .strip_prefix("--")
                .and_then(|rest| rest.split_once('='))
            else {
                return true;
            };
            let ours = name.is_empty() || known.iter().any(|known| known == name);
            if !ours {
                others.push((name.to_owned(), value.to_owned()));
            }
            ours
        })
        .collect();
    (kept, others)
}

/// The exit code for a command line that can't be read: `run`, which Patroni calls, has its own.
#[must_use]
pub fn usage_code(arguments: &[OsString]) -> u8 {
    match command_of(arguments) {
        Some("run" | "plan" | "reconcile") => INVALID,
        _ => USAGE,
    }
}

/// The command: the first word that is one. A value that is spelled like a command only matters if it
/// stands before the command itself.
fn command_of(arguments: &[OsString]) -> Option<&'static str> {
    const COMMANDS: [&str; 3] = ["run", "plan", "reconcile"];
    let first = arguments.iter().skip(1).find(|argument| {
        let text = argument.to_string_lossy();
        Cli::command().find_subcommand(&*text).is_some()
    })?;
    COMMANDS.into_iter().find(|name| first == name)
}
