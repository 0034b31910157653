//! Every fact about a command, in one place.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::exit::{Exit, USAGE};

/// A group of commands on the first page of the help: what an operator is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Named in Patroni's configuration.
    Patroni,
    /// For a review of rules.
    Rules,
    /// For who looks after Barman.
    Barman,
    /// Nothing real is touched.
    Rehearsal,
    /// For packagers and shells.
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

    /// The heading.
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

/// A command: its arguments, whose comment is its help page, and what the program has to know of it.
pub trait Command: Args {
    /// Its place on the first page of the help.
    const GROUP: Group;
    /// It talks to pg-backup-api or Patroni; its page has the options for that.
    const CONNECTED: bool = false;
    /// It takes whatever else Patroni appends as `--name=value`.
    const OPEN: bool = false;
    /// The exit code for a command line that can't be read.
    const USAGE: u8 = USAGE;

    /// Tells whether it changes something and says by its exit code how that went; the others have nothing but their
    /// result.
    fn acts(&self) -> bool {
        false
    }

    /// Takes what Patroni appended and no option has, if it is open for that.
    fn take_others(&mut self, _others: Vec<(String, String)>) {}

    /// Returns the exit code for a command line that cannot be read. A program that reads nothing but standard output is
    /// told there too.
    fn refuse(_arguments: &[OsString], _message: &str) -> u8 {
        Self::USAGE
    }

    /// Carries the command out and returns the exit code.
    fn run(&self, context: &Context) -> Result<u8, Exit>;
}

/// What is known of a command without its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// [`Command::GROUP`].
    pub group: Group,
    /// [`Command::CONNECTED`].
    pub connected: bool,
    /// [`Command::OPEN`].
    pub open: bool,
    /// [`Command::refuse`].
    pub refuse: fn(&[OsString], &str) -> u8,
}

impl Facts {
    /// The facts of a command.
    pub const fn of<C: Command>() -> Self {
        Self {
            group: C::GROUP,
            connected: C::CONNECTED,
            open: C::OPEN,
            refuse: C::refuse,
        }
    }
}
