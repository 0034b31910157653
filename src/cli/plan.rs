//! `plan`: what `run` would do.

use std::time::Duration;

use clap::Args;

use crate::evaluate::Plan;
use crate::report;

use super::args::{EventArgs, Format};
use super::exit::Exit;
use super::rules::Rules;
use super::watch::Watch;
use super::{Context, print};

/// Shows what `run` would send, and why each rule fired or did not. Nothing is sent.
///
/// Give it the same arguments as `run`:
///
///     patroni_barman plan --rules rules.yml on_role_change primary main --node n1
///
/// Exit codes: 0 something would be sent; 1 no rule matches; 4 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct PlanArgs {
    /// The event and the rules.
    #[command(flatten)]
    pub event: EventArgs,
    /// How the plan is written to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Carries the command out and gives the exit code.
///
/// # Errors
/// [`Exit`] if rules or arguments are not valid.
pub fn run(args: &PlanArgs, context: &Context) -> Result<u8, Exit> {
    let watch = Watch::new(&context.log);
    let prepared = super::run::prepare(
        &args.event,
        context,
        &watch,
        Duration::ZERO,
        |path, context| Rules::read(path, &context.log),
    )?;
    Ok(show(&prepared.plan, args.format))
}

/// Prints a plan; the exit code says whether anything would be sent.
#[must_use]
pub fn show(plan: &Plan, format: Format) -> u8 {
    print(&match format {
        Format::Human => report::plan(plan),
        Format::Json => format!("{:#}\n", plan.to_json()),
    });
    u8::from(plan.steps.is_empty())
}
