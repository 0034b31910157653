//! The command line: the only place that reads the environment and the terminal.

mod advice;
mod commands;
mod compat;
mod extra;
mod help;
mod manual;
mod shared;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

use commands::Cli;
use compat::Reading;
use shared::colours::Colours;
use shared::context::Context;
use shared::env::Environment;
use shared::log::Log;
use shared::output::{advise, complain, is_complete, print};
use shared::{exit, signals};

/// Runs a command line and returns the exit code.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let environment = Environment::read();
    let colours = Colours::of(&arguments, &environment);
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
            let help = format!("`{help}` shows every option");
            complain(&message, Some(&help), colours.stderr);
            return exit::USAGE;
        }
    };
    // Never freed: that would take as long as reading the rules.
    let command = if help::wanted(&arguments) {
        help::command()
    } else {
        Cli::command()
    };
    let command = Box::leak(Box::new(command.color(colours.clap)));
    let (arguments, others) = extra::split(command, arguments);
    let mut cli = match parse(command, &arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            if let Some(advice) = advice::of(&error, &arguments) {
                advise(&advice, colours.stderr);
            }
            return if error.use_stderr() {
                extra::refuse(command, &arguments, &error.to_string())
            } else {
                0
            };
        }
    };
    cli.command.take_others(others);
    signals::survive_file_limit();
    let global = cli.global;
    // What only shows something has no log on a terminal, but says what is wrong.
    let plain = (!cli.command.acts()).then_some(colours.stderr);
    let log = Log::open(
        global.log_file.as_deref(),
        global.log_format,
        global.log_level,
        environment.get("JOURNAL_STREAM"),
        plain,
    );
    let context = Context {
        global,
        environment,
        log: log.into(),
        colours,
    };
    match cli.command.run(&context) {
        Ok(_) if !cli.command.acts() && !is_complete() => exit::USAGE,
        Ok(code) => code,
        Err(exit) => {
            if context.log.is_plain() {
                complain(&exit.message, exit.help.as_deref(), colours.stderr);
            } else {
                exit.log(&context.log);
            }
            exit.code
        }
    }
}

fn parse(command: &mut clap::Command, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(command))
}
