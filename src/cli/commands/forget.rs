//! `forget`: give up pending requests.

use std::path::PathBuf;

use clap::Args;

use crate::http::{Clock as _, Real};
use crate::report;
use crate::store::{Forget, IntentId, Sqlite};

use crate::cli::shared::{Command, Context, Exit, Group, USAGE, database, exists, print};

/// Gives up pending requests.
///
/// A forgotten request is not sent again. A forgotten recovery is not waited for: the next one into the same directory starts
/// immediately, so make sure on the Barman host that it is not running. A process that is working on the request gives it up
/// within half a minute. `history` and `status` show the numbers:
///
///     patroni_barman forget 17
///
/// Exit codes: 0 forgotten; 1 there is no such request, or it is not pending; 2 the state can't be read or written,
/// or invalid arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ForgetArgs {
    /// The numbers of the requests.
    #[arg(value_name = "NUMBER", required = true)]
    pub numbers: Vec<i64>,
    /// The rules file, if it has the path of the state database.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
}

impl Command for ForgetArgs {
    const GROUP: Group = Group::Barman;

    fn acts(&self) -> bool {
        true
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let place = database(self.rules.as_ref(), context)?;
        let path = &place.path;
        if !exists(path).map_err(|error| Exit::new(USAGE, error))? {
            let message = format!(
                "there is no state at `{}`: nothing is pending",
                path.display()
            );
            return Err(Exit::new(1, message));
        }
        let trouble = |error: crate::store::StoreError| Exit::new(USAGE, error.to_string());
        let state = Sqlite::open(path).map_err(trouble)?;
        let mut code = 0;
        for number in &self.numbers {
            let now = Real::new().wall();
            let missed = match state.forget(IntentId(*number), now).map_err(trouble)? {
                Forget::Forgotten(intent) => {
                    let what = intent.step.operation.words();
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
}
