//! `plan`: what `run` would send.

use clap::Args;

use crate::cli::shared::{Command, Context, EventArgs, Exit, Format, Group, INVALID, dry_run};

/// Shows what `run` would send, and why each rule fires or not. No requests are sent.
///
/// The arguments are those of `run`:
///
///     patroni_barman plan --rules rules.yml on_role_change primary main --node n1
///
/// Exit codes: 0 a rule fires; 1 no rule matches; 4 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct PlanArgs {
    /// The event and the rules.
    #[command(flatten)]
    pub event: EventArgs,
    /// The format of the plan on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

impl Command for PlanArgs {
    const GROUP: Group = Group::Rules;
    const CONNECTED: bool = true;
    const OPEN: bool = true;
    const USAGE: u8 = INVALID;

    fn take_others(&mut self, others: Vec<(String, String)>) {
        self.event.others = others;
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        dry_run(&self.event, self.format, context)
    }
}
