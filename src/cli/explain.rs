//! `explain`: what a code means.

use clap::Args;

use crate::diagnostic::Code;
use crate::report;

use super::exit::{Exit, USAGE};
use super::print;

/// Explains a finding of `check`, with a wrong and a right example.
///
/// Without a code, all codes are listed.
///
///     patroni_barman explain PB106
///
/// Exit codes: 0 explained; 2 a code that there is not.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Explain {
    /// The code, for example PB106.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Carries the command out and gives the exit code.
///
/// # Errors
/// [`Exit`] for a code that does not exist.
pub fn explain(args: &Explain) -> Result<u8, Exit> {
    let Some(word) = &args.code else {
        print(&report::codes());
        return Ok(0);
    };
    let code = Code::parse(word).ok_or_else(|| {
        Exit::new(USAGE, format!("there is no finding with the code `{word}`"))
            .help("`patroni_barman explain` lists all codes")
    })?;
    print(&report::explanation(code));
    Ok(0)
}
