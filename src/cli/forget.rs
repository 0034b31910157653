//! `forget`: give up what is pending.

use std::path::PathBuf;

use clap::Args;

use crate::http::{Clock as _, Real};
use crate::report;
use crate::store::{Forget, IntentId, Sqlite};

use super::exit::{Exit, USAGE};
use super::{Context, history, print};

/// Gives up requests that are pending.
///
/// A request that is forgotten is not sent any more, and a recovery that is forgotten is not waited for: the next one into
/// the same directory begins at once. Make sure first, on the Barman host, that it does not run. What a living process
/// still works on is given up within half a minute. `history` and `status` show the numbers:
///
///     patroni_barman forget 17
///
/// Exit codes: 0 forgotten; 1 there is no such request, or nothing is pending of it; 2 the state can't be read or written,
/// or the arguments are not valid.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ForgetArgs {
    /// The requests' numbers.
    #[arg(value_name = "NUMBER", required = true)]
    pub numbers: Vec<i64>,
    /// The rules file, if it says where the state is.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
}

/// Carries the command out and gives the exit code.
pub fn run(args: &ForgetArgs, context: &Context) -> Result<u8, Exit> {
    let path = history::database(args.rules.as_ref(), context);
    if !path.exists() {
        let message = format!(
            "there is no state at `{}`: nothing is pending",
            path.display()
        );
        return Err(Exit::new(1, message));
    }
    let trouble = |error: crate::store::StoreError| Exit::new(USAGE, error.to_string());
    let state = Sqlite::open(&path).map_err(trouble)?;
    let mut code = 0;
    for number in &args.numbers {
        let now = Real::new().wall();
        let missed = match state.forget(IntentId(*number), now).map_err(trouble)? {
            Forget::Forgotten(intent) => {
                let what = report::describe(&intent.step.operation);
                let said = report::one_line(&format!("forgotten: {number}, {what}"));
                print(&format!("{said}\n"));
                continue;
            }
            Forget::Unknown => format!("there is no request {number}"),
            Forget::Ended(ended) => {
                let ended = ended.as_str();
                format!("nothing is pending of request {number}: it is {ended}")
            }
        };
        context.log.error(&missed);
        code = 1;
    }
    Ok(code)
}
