//! `completions` and `man`: for packagers and shells.

use std::fs;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, CommandFactory as _, ValueHint};
use clap_complete::Shell;

use crate::diagnostic::Code;
use crate::model::{Event, Role};
use crate::store::State;

use crate::cli::commands::Cli;
use crate::cli::manual;
use crate::cli::shared::{Command, Context, Exit, Group, USAGE, print};

/// Prints a completion script for a shell.
///
/// The packages install it. To install it yourself:
///
///     patroni_barman completions bash > /etc/bash_completion.d/patroni_barman
///
/// Exit codes: 0 printed; 2 unknown shell.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// The shell.
    pub shell: Shell,
}

/// Prints the manual page, or writes all of them.
///
/// There is one page for the program and one for each command:
///
///     patroni_barman man | man -l -
///     patroni_barman man --output /usr/share/man/man1
///
/// Exit codes: 0 printed or written; 2 the directory can't be written to.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Man {
    /// Write `patroni_barman.1` and a page for each command to this directory.
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

impl Command for Completions {
    const GROUP: Group = Group::Installation;

    fn run(&self, _context: &Context) -> Result<u8, Exit> {
        let mut script = Vec::new();
        let mut command = Cli::command().mut_subcommands(|command| command.mut_args(with_words));
        clap_complete::generate(self.shell, &mut command, "patroni_barman", &mut script);
        print(&String::from_utf8_lossy(&script));
        Ok(0)
    }
}

/// Adds the words that an argument takes. The command line itself reads them as text, for its own messages.
fn with_words(argument: Arg) -> Arg {
    let words: Vec<&str> = match argument.get_id().as_str() {
        "event" | "event_word" => Event::ALL.map(Event::as_str).to_vec(),
        "role" | "role_word" => Role::ALL.map(Role::as_str).to_vec(),
        "outcome" => State::ALL.map(State::as_str).to_vec(),
        "code" => Code::ALL.iter().map(|code| code.as_str()).collect(),
        "rules" | "paths" | "old" | "new" | "metrics_file" | "log_file" => {
            return argument.value_hint(ValueHint::AnyPath);
        }
        _ => return argument,
    };
    let typed = argument.get_possible_values();
    if typed.is_empty() {
        argument.value_parser(PossibleValuesParser::new(words))
    } else {
        argument
    }
}

impl Command for Man {
    const GROUP: Group = Group::Installation;

    fn run(&self, _context: &Context) -> Result<u8, Exit> {
        let pages = manual::pages();
        match &self.output {
            None => print(pages.first().map_or("", |(_, page)| page)),
            Some(folder) => {
                let write = |(name, page): &(String, String)| {
                    fs::write(folder.join(format!("{name}.1")), page)
                };
                pages.iter().try_for_each(write).map_err(|error| {
                    let folder = folder.display();
                    let message = format!("the manual can't be written: {error} (`{folder}`)");
                    Exit::new(USAGE, message)
                })?;
            }
        }
        Ok(0)
    }
}
