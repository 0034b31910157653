//! `notify`: tests the receivers, and lists open incidents.

use std::path::PathBuf;

use clap::Args;

use crate::alert::{Courier as _, Message, Substitute, Undelivered};
use crate::diagnostic::ticked;
use crate::http::{Clock as _, Real, block_on, together, within};
use crate::model::{Receiver, duration};
use crate::report;
use crate::store::Sqlite;

use crate::cli::shared::{
    Command, Context, Exit, Group, INVALID, Rules, database, desk, print, rules_path, state,
};

/// Tests notifications, or lists open incidents.
///
/// With --test it sends two messages to each receiver that the rules file names under `notify`, or to those that are
/// given: one that a test incident began, and one that it is over.
///
///     patroni_barman notify --test
///     patroni_barman notify --test chat
///
/// Without --test it lists the incidents of this node that are not over.
///
/// Exit codes: 0 all messages were delivered, or no incident is open; 1 incidents are open; 2 a delivery failed, or the state
/// cannot be read; 4 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Notify {
    /// Send test messages.
    #[arg(long)]
    pub test: bool,
    /// The rules file, or a directory with several.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// The names of receivers [default: all].
    #[arg(value_name = "RECEIVER", requires = "test")]
    pub receivers: Vec<String>,
}

impl Command for Notify {
    const GROUP: Group = Group::Barman;
    const USAGE: u8 = INVALID;

    fn acts(&self) -> bool {
        self.test
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        if self.test {
            self.test(context)
        } else {
            self.list(context)
        }
    }
}

impl Notify {
    fn list(&self, context: &Context) -> Result<u8, Exit> {
        let place = database(self.rules.as_ref(), context)?;
        let incidents = if state::exists(&place.path).map_err(|error| Exit::new(2, error))? {
            let read = Sqlite::look(&place.path).and_then(|state| state.incidents());
            read.map_err(|error| Exit::new(2, error.to_string()))?
        } else {
            Vec::new()
        };
        print(&report::incidents(&incidents, Real::new().wall()));
        Ok(u8::from(!incidents.is_empty()))
    }

    fn test(&self, context: &Context) -> Result<u8, Exit> {
        let path = rules_path(self.rules.as_ref(), &context.environment);
        let rules = Rules::read(&path, &context.log)?;
        let receivers = self.chosen(&rules.set.receivers)?;
        let substitute = Substitute::default();
        let desk = desk(&rules, context, &substitute);
        let clock = Real::new();
        let messages = Message::test(context.environment.host.as_deref(), clock.wall());
        let told = receivers.iter().map(async |receiver| {
            let Receiver { name, timeout, .. } = receiver;
            let work = async {
                for message in &messages {
                    desk.courier().deliver(receiver, message).await?;
                }
                Ok(())
            };
            let late = || {
                let timeout = duration::format(*timeout);
                let why = format!("no answer within {timeout}");
                Err(Undelivered::for_sure(why))
            };
            let told = within(&clock, 2 * *timeout, work).await;
            (name, told.unwrap_or_else(late))
        });
        let told = block_on(together(told.collect()));
        let mut code = 0;
        for (name, told) in told {
            let said = match told {
                Ok(()) => format!("{name}: delivered"),
                Err(Undelivered { why, .. }) => {
                    code = 2;
                    format!("{name}: failed: {why}")
                }
            };
            print(&format!("{}\n", report::one_line(&said)));
        }
        Ok(code)
    }

    /// The receivers that are to be tested.
    fn chosen<'r>(&self, all: &'r [Receiver]) -> Result<Vec<&'r Receiver>, Exit> {
        if all.is_empty() {
            return Err(Exit::invalid("the rules name no receivers")
                .help("add `notify` with a `webhook` or a `command` to the rules file"));
        }
        if self.receivers.is_empty() {
            return Ok(all.iter().collect());
        }
        let find = |name: &String| {
            all.iter().find(|one| one.name == *name).ok_or_else(|| {
                Exit::invalid(format!("there is no receiver `{name}`")).help(format!(
                    "the rules name {}",
                    ticked(all.iter().map(|one| &one.name))
                ))
            })
        };
        self.receivers.iter().map(find).collect()
    }
}
