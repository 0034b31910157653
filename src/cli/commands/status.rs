//! `status`: Barman's state beside the wanted one.

use clap::Args;

use crate::report;
use crate::store::Receipt;

use crate::cli::shared::args::Format;
use crate::cli::shared::args::RulesArgs;
use crate::cli::shared::command::{Command, Group};
use crate::cli::shared::context::Context;
use crate::cli::shared::exit::Exit;
use crate::cli::shared::output::print;
use crate::cli::shared::view::View;
use crate::cli::shared::watch::Watch;

/// Shows Barman's state beside the one that the rules want.
///
/// What they want of the members of this node's cluster, that is; nothing is sent:
///
///     patroni_barman status --rules /etc/patroni_barman/rules.yml
///
/// For each server: the member for which something is wanted, the wanted and the active model, whether WAL is being received and
/// through which slot, the timeline, the last WAL file and backup, and what is pending. The rules file must name
/// the local Patroni under `patroni`.
///
/// Exit codes: 0 everything is as wanted; 1 something differs or is pending, or the state can't be read; 3 Patroni
/// could not be reached; 4 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Status {
    /// Where the rules are.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// How the result is written to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

impl Command for Status {
    const GROUP: Group = Group::Barman;
    const CONNECTED: bool = true;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let watch = Watch::new(&context.log);
        let view = View::take(&self.rules, context, &watch)?;
        let compared = view.compare(context);
        let status = view.status(&compared);
        print(&match self.format {
            Format::Human => report::status(&status),
            Format::Json => format!("{:#}\n", status.to_json()),
        });
        let judged = &compared.judged;
        let needs_backup = judged.receipts.iter().any(Receipt::needs_backup);
        Ok(u8::from(
            !status.as_wanted() || compared.pending.is_none() || needs_backup,
        ))
    }
}
