//! `history`: past requests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::http::{Clock as _, Real, block_on};
use crate::report::{self, HistoryOutput, IntentView, ReceiptView};
use crate::store::{Query, Receipt, Sqlite, State, Store as _};

use crate::cli::shared::{
    Command, Context, Exit, Format, Group, USAGE, database, parse_since, print, screen, state,
};

/// Shows the requests that were sent, and their outcomes.
///
/// The newest request is first. Below the requests are the changes of timeline, with the verdict on the WAL archive. This shows the
/// requests of the last 24 hours that failed:
///
///     patroni_barman history --since 1d --outcome failed
///
/// Exit codes: 0 shown; 2 the state can't be read, or invalid arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct History {
    /// Only this cluster.
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Only this rule.
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,
    /// Only this outcome: `pending`, `done`, `failed`, `refused`, `unverified`, `fenced`, `superseded`,
    /// `abandoned`, `forgotten`.
    #[arg(long, value_name = "OUTCOME", value_parser = parse_state)]
    pub outcome: Option<State>,
    /// Requests of this period: `12h`, `1d`, `2w`, `yesterday` (24 hours).
    #[arg(long, value_name = "DURATION", value_parser = parse_since)]
    pub since: Option<Duration>,
    /// Maximum number of entries.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u32,
    /// The rules file, if it has the path of the state database.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// The format of the result on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

fn parse_state(word: &str) -> Result<State, String> {
    State::parse(word).ok_or_else(|| {
        let all: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("the outcomes are {}", all.join(", "))
    })
}

impl Command for History {
    const GROUP: Group = Group::Barman;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let place = database(self.rules.as_ref(), context)?;
        let path = &place.path;
        let intents = if place.is_there()? {
            let query = Query {
                cluster: self.cluster.clone(),
                rule: self.rule.clone(),
                state: self.outcome,
                since: self
                    .since
                    .map(|since| Real::new().wall().saturating_sub(since)),
                limit: Some(self.limit),
            };
            let read = Sqlite::look(path).and_then(|state| block_on(state.history(&query)));
            read.map_err(|error| Exit::new(USAGE, error.to_string()))?
        } else {
            Vec::new()
        };
        let receipts = self.receipts(path)?;
        print(&match self.format {
            Format::Human => {
                let screen = screen(context);
                let mut text = report::history(&intents, screen);
                if intents.is_empty() {
                    text = format!("no requests recorded in `{}`\n", path.display());
                }
                if !receipts.is_empty() {
                    text.push('\n');
                    text.push_str(&report::receipts(receipts.iter().rev(), screen));
                }
                text
            }
            Format::Json => report::json(&HistoryOutput {
                requests: intents.iter().map(IntentView::of).collect(),
                receipts: receipts.iter().rev().map(ReceiptView::of).collect(),
            }),
        });
        Ok(0)
    }
}

impl History {
    /// The verdicts on changes of timeline; these have no rule and no outcome.
    fn receipts(&self, path: &Path) -> Result<Vec<Receipt>, Exit> {
        if self.rule.is_some() || self.outcome.is_some() {
            return Ok(Vec::new());
        }
        let read = state::receipts(self.cluster.as_deref(), path);
        let mut all = read
            .map_err(|error| Exit::new(USAGE, error.to_string()))?
            .verdicts;
        if let Some(since) = self.since {
            let begin = Real::new().wall().saturating_sub(since);
            all.retain(|one| one.since >= begin);
        }
        Ok(all)
    }
}
