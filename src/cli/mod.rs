//! The command line: the only place that reads the environment and the terminal.

mod advice;
mod commands;
pub mod compat;
mod extra;
mod help;
mod shared;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

use commands::Cli;
use compat::Reading;
use shared::context::Context;
use shared::env::Environment;
use shared::log::Log;
use shared::output::{advise, complain, is_complete, print};
use shared::{exit, signals};

/// Runs a command line and returns the exit code.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> u8 {
    let arguments = match compat::read(&arguments) {
        Reading::Native => arguments,
        Reading::Written(written) => written,
        Reading::NoCommand => {
            print(&help::command().render_help().to_string());
            return exit::NO_COMMAND;
        }
        Reading::Refused { message, command } => {
            let help = format!("patroni_barman {} --help", command.unwrap_or_default());
            let help = help.replace("  ", " ");
            complain(&message, Some(&format!("`{help}` shows every option")));
            return exit::USAGE;
        }
    };
    // Never freed: that would take as long as reading the rules.
    let command = Box::leak(Box::new(if help::wanted(&arguments) {
        help::command()
    } else {
        Cli::command()
    }));
    let (arguments, others) = extra::split(command, arguments);
    let mut cli = match parse(command, &arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            if let Some(advice) = advice::of(&error, &arguments) {
                advise(&advice);
            }
            return if error.use_stderr() {
                extra::usage_code(command, &arguments)
            } else {
                0
            };
        }
    };
    cli.command.take_others(others);
    signals::survive_file_limit();
    let global = cli.global;
    let environment = Environment::read();
    let log = Log::open(
        global.log_file.as_deref(),
        global.log_format,
        global.log_level,
        environment.get("JOURNAL_STREAM"),
    );
    let context = Context {
        global,
        environment,
        log: log.into(),
    };
    match cli.command.run(&context) {
        Ok(_) if !cli.command.acts() && !is_complete() => exit::USAGE,
        Ok(code) => code,
        Err(exit) => {
            if cli.command.acts() {
                exit.log(&context.log);
            } else {
                complain(&exit.message, exit.help.as_deref());
            }
            exit.code
        }
    }
}

fn parse(command: &mut clap::Command, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(command))
}
