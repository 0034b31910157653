//! All facts about a command, in one place.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::exit::{Exit, USAGE};

/// A group of commands on the first page of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Commands named in Patroni's configuration.
    Patroni,
    /// Commands for a review of rules.
    Rules,
    /// Commands for Barman's operators.
    Barman,
    /// Commands that touch nothing real.
    Rehearsal,
    /// Commands for packagers and shells.
    Installation,
}

impl Group {
    /// Every group, in the order of the page.
    pub const ALL: [Self; 5] = [
        Self::Patroni,
        Self::Rules,
        Self::Barman,
        Self::Rehearsal,
        Self::Installation,
    ];

    pub const fn heading(self) -> &'static str {
        match self {
            Self::Patroni => "Called by Patroni",
            Self::Rules => "Work on rules",
            Self::Barman => "Look after Barman",
            Self::Rehearsal => "Rehearse",
            Self::Installation => "Install",
        }
    }
}

/// A command: its arguments, whose comment is its help page, and the facts about it.
pub trait Command: Args {
    /// Its group on the first page of the help.
    const GROUP: Group;
    /// It talks to pg-backup-api or Patroni; its page has the options for that.
    const CONNECTED: bool = false;
    /// It accepts whatever else Patroni appends as `--name=value`.
    const OPEN: bool = false;
    /// The exit code for an invalid command line.
    const USAGE: u8 = USAGE;

    /// Returns true if it changes something and reports the result as its exit code; the other commands only print their
    /// result.
    fn acts(&self) -> bool {
        false
    }

    /// Accepts the arguments that Patroni appended and no option matches, if the command is open for them.
    fn take_others(&mut self, _others: Vec<(String, String)>) {}

    /// Returns the exit code for a command line that cannot be read. A program that reads nothing but standard output is
    /// told there too.
    fn refuse(_arguments: &[OsString], _message: &str) -> u8 {
        Self::USAGE
    }

    /// Runs the command and returns the exit code.
    fn run(&self, context: &Context) -> Result<u8, Exit>;
}

/// The facts about a command, independent of its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub group: Group,
    pub connected: bool,
    pub open: bool,
    pub refuse: fn(&[OsString], &str) -> u8,
}

impl Facts {
    pub const fn of<C: Command>() -> Self {
        Self {
            group: C::GROUP,
            connected: C::CONNECTED,
            open: C::OPEN,
            refuse: C::refuse,
        }
    }
}
