//! `run`: what Patroni calls.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::evaluate::{Plan, Trace};
use crate::execute::{
    Ended, Outcome, Verdict, World as _, callback, is_foreground, patience_of, second_look,
};
use crate::http::{Clock as _, block_on};
use crate::model::Event;
use crate::report;
use crate::store::{Recorded, Worker};

use super::args::{EventArgs, Format};
use super::decide::{Decider, recorded};
use super::demo::parse_duration;
use super::exit::{Exit, LAST_GOOD};
use super::invocation::{facts, rules_path};
use super::rules::{Age, Rules};
use super::state::{self, Place};
use super::watch::Watch;
use super::world::Outside;
use super::{Context, print};

/// Does what the rules say for an event. Patroni calls this.
///
/// As a callback, Patroni appends the event, the role and the cluster:
///
///     postgresql:
///       callbacks:
///         on_role_change: patroni_barman run
///         on_start: patroni_barman run
///
/// As a replica creation method or custom bootstrap, name the event; Patroni appends the rest as
/// `--name=value`, and rules see all of it as `args`:
///
///     postgresql:
///       create_replica_methods: [barman, basebackup]
///       barman:
///         command: patroni_barman run --event create_replica
///
/// Exit codes: 0 everything was done; 1 no rule matched; 2 an operation failed or was refused, or
/// could not be verified; 3 the API could not be reached or time ran out, what is left is kept for
/// `reconcile`; 4 invalid rules or arguments, nothing was sent; 5 this node no longer has the role,
/// nothing more was sent; 6 everything was done by the last good rules, because the file is broken.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Run {
    /// The event and the rules.
    #[command(flatten)]
    pub event: EventArgs,
    /// Send nothing: print the plan, as `plan` does.
    #[arg(long = "dry-run")]
    pub dry: bool,
    /// How long after a leader's requests are done Barman is looked at once more, for a request of the old leader that
    /// arrives late; `0s` for callers that wait for this process.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30s", hide_short_help = true)]
    pub second_look: Duration,
    /// How the result is written to standard output; with --dry-run JSON has the schema of `plan`.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Carries the command out and gives the exit code.
pub fn run(args: &Run, context: &Context) -> Result<u8, Exit> {
    if args.dry {
        return super::plan::run_dry(&args.event, args.format, context);
    }
    let watch = Watch::new(&context.log);
    let called = watch.now();
    let facts = facts(&args.event, &context.environment)?;
    let path = rules_path(args.event.rules.as_ref(), &context.environment);
    let mut rules = Rules::read_or_last_good(&path, context)?;
    rules.connect(&context.global)?;
    let event = recorded(&facts, &args.event.sets);
    let decider = Decider {
        rules: &rules,
        environment: &context.environment,
        call: Some(facts),
    };
    decider.rules_with(&event.sets)?;
    let decide = |recorded: &Recorded| decider.decide(recorded);
    let outside = Outside::new(&rules.set, &context.environment, &watch);
    let place = state::place(Some(&rules.set), &context.environment);
    // Most callbacks ask for nothing, and nothing is left: then the state is not opened.
    let made = decide(&event);
    let nothing = made.as_ref().is_ok_and(|plan| plan.steps.is_empty());
    let outside = if nothing && !state::may_be_pending(&place.path) {
        outside
    } else {
        let limit = patience_of(event.event);
        remember(outside, &place, limit, context)
    };
    let discretion = outside.discretion();
    let (cluster, word, role) = (event.cluster.clone(), event.event, event.role);
    let ended = block_on(callback(event, called, made, &decide, &outside))?;
    if nothing {
        let log = &context.log;
        log.info(&format!("skipped {word} {role} {cluster}: no rule matches"));
    }
    let Ended { plan, outcome } = ended;
    let outcome = discretion.outcome(outcome);
    if !is_foreground(word) {
        tell_end(&outcome, context);
    }
    let code = exit_code(word, outcome.verdict, rules.age);
    print(&match (args.format, &plan) {
        (Format::Json, Some(plan)) => format!("{:#}\n", to_json(plan, &outcome, code)),
        (Format::Json, None) => format!("{:#}\n", outcome.to_json(code)),
        (Format::Human, _) => report::run(&outcome),
    });
    if let (Some(plan), Verdict::Done) = (&plan, outcome.verdict) {
        let sets = &args.event.sets;
        block_on(second_look(plan, sets, args.second_look, &outside));
    }
    Ok(code)
}

/// Says what is true now, and what happens next.
fn tell_end(outcome: &Outcome, context: &Context) {
    let pending = match outcome.verdict {
        Verdict::Done | Verdict::Skipped | Verdict::Fenced => return,
        Verdict::Failed => "not done",
        Verdict::Unfinished => "not finished",
    };
    context.log.error(&format!(
        "{pending}: a request that sets a state stays pending; the next callback of this role or `patroni_barman reconcile` \
         goes on with it, and `patroni_barman status` shows it"
    ));
}

/// The exit code. Callbacks tell by theirs that the rules file is broken and the last good rules were used; whoever
/// makes a node asks only whether it was made.
#[must_use]
pub fn exit_code(event: Event, verdict: Verdict, age: Age) -> u8 {
    match (verdict, age) {
        (Verdict::Done | Verdict::Skipped, Age::LastGood) if !is_foreground(event) => LAST_GOOD,
        _ => verdict.exit_code(),
    }
}

/// Opens the state. One that can't be opened must not stop a failover.
pub fn remember<'a>(
    outside: Outside<'a>,
    place: &Place,
    limit: Duration,
    context: &Context,
) -> Outside<'a> {
    let old = outside.clock().wall().saturating_sub(place.keep);
    match Worker::open(&place.path, old, limit) {
        Ok(state) => {
            if let Some(aside) = state.moved_aside() {
                let (path, aside) = (place.path.display(), aside.display());
                context.log.error(&format!(
                    "the state `{path}` was damaged; it is `{aside}` now, and a new one is used: what was pending in it is lost"
                ));
            }
            outside.remembering(state)
        }
        Err(error) => {
            context.log.error(&format!(
                "{error}; going on without it: if this process is killed, its request is lost"
            ));
            outside
        }
    }
}

fn to_json(plan: &Plan, outcome: &Outcome, code: u8) -> Value {
    let mut all = json!({
        "event": plan.event,
        "role": plan.role,
        "cluster": plan.cluster,
        "node": plan.node,
        "trace": plan.trace.iter().map(Trace::to_json).collect::<Vec<_>>(),
    });
    if let (Value::Object(all), Value::Object(outcome)) = (&mut all, outcome.to_json(code)) {
        all.extend(outcome);
    }
    all
}
