//! Arguments unknown to clap: whatever Patroni appends as `--name=value`.

use std::ffi::OsString;

use clap::Command;

use super::commands::facts;
use super::shared::command::Facts;
use super::shared::exit::USAGE;

/// Removes the `--name=value` arguments that are not options of the command.
pub fn split(cli: &Command, arguments: Vec<OsString>) -> (Vec<OsString>, Vec<(String, String)>) {
    let Some((command, _)) = command_of(cli, &arguments).filter(|(_, facts)| facts.open) else {
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

/// The exit code for an invalid command line: `run`, which Patroni calls, has its own.
pub fn refuse(cli: &Command, arguments: &[OsString], message: &str) -> u8 {
    command_of(cli, arguments).map_or(USAGE, |(_, facts)| (facts.refuse)(arguments, message))
}

/// The command: the first word that is one. A value that is spelled like a command is only mistaken for it if it
/// precedes the command itself.
fn command_of<'a>(cli: &'a Command, arguments: &[OsString]) -> Option<(&'a str, Facts)> {
    let of = |argument: &OsString| facts(cli).find(|(name, _)| argument == name);
    arguments.iter().skip(1).find_map(of)
}
