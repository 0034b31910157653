//! `explain`: the meaning of a code.

use clap::Args;

use crate::diagnostic::Code;
use crate::report;

use crate::cli::shared::{Command, Context, Exit, Group, USAGE, print, screen};

/// Explains a finding of `check`, with a wrong and a right example.
///
/// Without a code, all codes are listed.
///
///     patroni_barman explain PB106
///
/// Exit codes: 0 explained; 2 unknown code.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Explain {
    /// The code, for example PB106.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

impl Command for Explain {
    const GROUP: Group = Group::Rules;

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let Some(word) = &self.code else {
            print(&report::codes(screen(context)));
            return Ok(0);
        };
        let code = Code::parse(word).ok_or_else(|| {
            Exit::new(USAGE, format!("there is no finding with the code `{word}`"))
                .help("`patroni_barman explain` lists all codes")
        })?;
        print(&report::explanation(code, screen(context)));
        Ok(0)
    }
}
