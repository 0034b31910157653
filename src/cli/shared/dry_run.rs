//! The plan of an event, shown but not executed.

use crate::evaluate::Plan;
use crate::execute::{Undecided, World as _};
use crate::http::block_on;
use crate::patroni::own_name;
use crate::report;

use super::args::{EventArgs, Format};
use super::context::Context;
use super::decide::{Decider, recorded};
use super::exit::Exit;
use super::invocation::{facts, rules_path};
use super::output::{print, screen};
use super::rules::{Rules, connect};
use super::watch::Watch;
use super::world::Outside;

/// Shows the plan of an event. The local Patroni is asked for the member's name if a rule needs it.
pub fn dry_run(event: &EventArgs, format: Format, context: &Context) -> Result<u8, Exit> {
    let watch = Watch::new(&context.log);
    let facts = facts(event, &context.environment)?;
    let path = rules_path(event.rules.as_ref(), &context.environment);
    let mut rules = Rules::read(&path, &context.log)?;
    connect(&mut rules.set, &context.global)?;
    let mut call = recorded(&facts, &event.sets);
    let decider = Decider {
        rules: &rules,
        environment: &context.environment,
        call: Some(facts),
    };
    decider.rules_with(&call.sets)?;
    let plan = match decider.decide(&call) {
        Err(Undecided::NoName(why)) => {
            let outside = Outside::new(&rules.set, &context.environment, &watch);
            let patronis = outside.patronis();
            let name = match patronis.first() {
                Some(patroni) => block_on(own_name(patroni)).map_err(|error| error.to_string()),
                None => Ok(None),
            };
            let refuse = |help: Option<String>| Exit {
                help,
                ..Exit::invalid(format!("{why}; nothing was sent"))
            };
            call.node =
                name.map_err(|silence| refuse(Some(format!("{silence}; give `--node`"))))?;
            if call.node.is_none() {
                return Err(refuse(None));
            }
            decider.decide(&call)
        }
        made => made,
    };
    Ok(show(&plan?, format, context))
}

/// Prints a plan; the exit code says whether a rule fires.
fn show(plan: &Plan, format: Format, context: &Context) -> u8 {
    print(&match format {
        Format::Human => report::plan(plan, screen(context)),
        Format::Json => report::json(plan),
    });
    u8::from(plan.steps.is_empty() && plan.idle().next().is_none())
}
