//! Arguments that clap can't know: whatever Patroni appends as `--name=value`.

use std::ffi::OsString;

use clap::Command;

use super::exit::{INVALID, USAGE};

/// The commands that take whatever Patroni appends.
const OPEN: [&str; 2] = ["run", "plan"];

/// Takes the `--name=value` arguments out that no option of the command has.
#[must_use]
pub fn split(cli: &Command, arguments: Vec<OsString>) -> (Vec<OsString>, Vec<(String, String)>) {
    let Some(command) = command_of(cli, &arguments).filter(|name| OPEN.contains(name)) else {
        return (arguments, Vec::new());
    };
    let known: Vec<&str> = cli
        .find_subcommand(command)
        .into_iter()
        .chain([cli])
        .flat_map(Command::get_arguments)
        .filter_map(clap::Arg::get_long)
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
            let ours = name.is_empty() || known.contains(&name);
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
pub fn usage_code(cli: &Command, arguments: &[OsString]) -> u8 {
    match command_of(cli, arguments) {
        Some("run" | "plan" | "reconcile") => INVALID,
        _ => USAGE,
    }
}

/// The command: the first word that is one. A value that is spelled like a command only matters if it
/// stands before the command itself.
fn command_of(cli: &Command, arguments: &[OsString]) -> Option<&'static str> {
    const COMMANDS: [&str; 3] = ["run", "plan", "reconcile"];
    let first = arguments
        .iter()
        .skip(1)
        .find(|argument| cli.find_subcommand(argument).is_some())?;
    COMMANDS.into_iter().find(|name| first == name)
}
