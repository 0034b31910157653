//! `status`: Barman's state beside the wanted one.

use std::path::Path;

use clap::Args;

use crate::execute::{Looks, compare};
use crate::http::block_on;
use crate::report;
use crate::store::{Intent, Query, Sqlite, State, Store as _};

use super::args::Format;
use super::exit::Exit;
use super::reconcile::{RulesArgs, View};
use super::watch::Watch;
use super::{Context, print};

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

/// Carries the command out and gives the exit code.
///
/// # Errors
/// [`Exit`] if rules or arguments are not valid, or Patroni can't be asked.
pub fn run(args: &Status, context: &Context) -> Result<u8, Exit> {
    let watch = Watch::new(&context.log);
    let view = View::take(&args.rules, context, &watch)?;
    let compared = block_on(compare(&view.parts, &Looks::default(), &view.outside));
    let compared = view.outside.discretion().compared(compared);
    let pending = pending(&view.here.cluster, &view.state.path, context);
    let status = report::Status {
        here: &view.here,
        compared: &compared,
        conflicts: &view.wanted.conflicts,
        pending: pending.as_deref().unwrap_or_default(),
    };
    print(&match args.format {
        Format::Human => report::status(&status),
        Format::Json => format!("{:#}\n", status.to_json()),
    });
    Ok(u8::from(!status.as_wanted() || pending.is_none()))
}

/// What is pending in this cluster. A state that was never made has nothing in it, and is not made for this.
pub fn pending(cluster: &str, path: &Path, context: &Context) -> Option<Vec<Intent>> {
    if !path.exists() {
        return Some(Vec::new());
    }
    let query = Query {
        cluster: Some(cluster.to_owned()),
        state: Some(State::Pending),
        ..Query::default()
    };
    match Sqlite::look(path).and_then(|state| block_on(state.history(&query))) {
        Ok(pending) => Some(pending),
        Err(error) => {
            context
                .log
                .error(&format!("what is pending can't be told: {error}"));
            None
        }
    }
}
