//! `run`: what Patroni calls.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::evaluate::{EvaluateError, Facts, Plan, Trace, evaluate};
use crate::execute::{Outcome, Verdict, Which, World as _, execute, resume};
use crate::http::{Clock as _, Http, block_on};
use crate::model::Event;
use crate::patroni::{Node, Patroni, Silence};
use crate::report;
use crate::store::{Sqlite, Store as _};

use super::args::{EventArgs, Format};
use super::exit::{Exit, LAST_GOOD};
use super::invocation::{facts, rules_path, set_vars};
use super::rules::{Age, Rules};
use super::state::{self, Place};
use super::watch::Watch;
use super::world::Outside;
use super::{Context, print};

/// A Patroni that is started and finds its PostgreSQL running fires `on_start` before its REST API
/// listens. It takes a second or two; there is nobody who would call again.
const PATRONI_STARTS_WITHIN: Duration = Duration::from_secs(30);

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
    /// How the result is written to standard output; with --dry-run JSON has the schema of `plan`.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Carries the command out and gives the exit code.
///
/// # Errors
/// [`Exit`] if rules or arguments are not valid.
pub fn run(args: &Run, context: &Context) -> Result<u8, Exit> {
    let watch = Watch::new(&context.log);
    let called = watch.now();
    let patience = if args.dry {
        Duration::ZERO
    } else {
        PATRONI_STARTS_WITHIN
    };
    let Prepared {
        plan,
        outside,
        state,
        age,
    } = prepare(
        &args.event,
        context,
        &watch,
        patience,
        Rules::read_or_last_good,
    )?;
    if args.dry {
        return Ok(super::plan::show(&plan, args.format));
    }
    let plan = &plan;
    let discretion = outside.discretion();
    let outcome = if plan.steps.is_empty() {
        context.log.info(&format!(
            "skipped {} {} {}: no rule matches",
            plan.event, plan.role, plan.cluster
        ));
        note_role(plan, &state.path, &watch, context);
        block_on(execute(plan, called, &outside))
    } else {
        let outside = remember(outside, &state, context);
        let outcome = block_on(execute(plan, called, &outside));
        // What an earlier callback left is taken up when our own is done; it has no part in our outcome.
        // If our own could not be written down, what it supersedes is not known to be. Whoever makes a node waits
        // for us.
        if let Some(first) = outcome.first.filter(|_| !is_foreground(plan.event)) {
            block_on(resume(
                &plan.cluster,
                plan.node.as_deref(),
                Which::StatesBefore(first),
                &outside,
            ));
        }
        outcome
    };
    let outcome = discretion.outcome(outcome);
    if outcome.verdict == Verdict::Unfinished {
        context
            .log
            .error("not finished: what was asked for may not have reached Barman");
    }
    let code = exit_code(plan.event, outcome.verdict, age);
    print(&match args.format {
        Format::Human => report::run(&outcome),
        Format::Json => format!("{:#}\n", to_json(plan, &outcome, code)),
    });
    Ok(code)
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

/// Whether Patroni waits for the outcome, to go on with what was made.
const fn is_foreground(event: Event) -> bool {
    matches!(event, Event::Bootstrap | Event::CreateReplica)
}

/// Opens the state. One that can't be opened must not stop a failover.
pub fn remember<'a>(outside: Outside<'a>, place: &Place, context: &Context) -> Outside<'a> {
    match Sqlite::open(&place.path) {
        Ok(state) => {
            let old = outside.clock().wall().saturating_sub(place.keep);
            if let Err(error) = state.prune(old) {
                context.log.debug(&error.to_string());
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

/// No rule asks for anything; but what was decided for another role of this node must not be carried out
/// any more.
fn note_role(plan: &Plan, path: &Path, watch: &Watch<'_>, context: &Context) {
    if !state::may_be_pending(path) {
        return;
    }
    let noted = Sqlite::open(path).and_then(|state| {
        block_on(state.role_changed(&plan.cluster, plan.node.as_deref(), plan.role, watch.wall()))
    });
    match noted {
        Ok(0) => {}
        Ok(count) => context.log.info(&format!(
            "earlier requests are superseded, {count} of them: the role is {} now",
            plan.role
        )),
        Err(error) => context.log.error(&error.to_string()),
    }
}

/// A plan, the outside that it is for, and where the state is kept.
pub struct Prepared<'a> {
    /// The plan.
    pub plan: Plan,
    /// The outside.
    pub outside: Outside<'a>,
    /// Where the state is.
    pub state: Place,
    /// Which rules it was made of.
    pub age: Age,
}

/// Everything up to the plan, for `run` and `plan` alike. A Patroni that can't be reached is asked
/// again for as long as `patience`.
///
/// # Errors
/// [`Exit`] if rules or arguments are not valid.
pub fn prepare<'a>(
    args: &EventArgs,
    context: &Context,
    watch: &'a Watch<'a>,
    patience: Duration,
    read: impl FnOnce(&Path, &Context) -> Result<Rules, Exit>,
) -> Result<Prepared<'a>, Exit> {
    let mut facts = facts(args, &context.environment)?;
    let path = rules_path(args.rules.as_ref(), &context.environment);
    let mut rules = read(&path, context)?;
    rules.connect(&context.global)?;
    set_vars(&mut rules.set, &args.sets)?;
    let outside = Outside::new(&rules.set, &context.environment, watch);
    let plan = plan(&rules, &mut facts, &outside, patience)?;
    let state = state::place(Some(&rules.set), &context.environment);
    Ok(Prepared {
        plan,
        outside,
        state,
        age: rules.age,
    })
}

/// Evaluates; the local Patroni is asked for the node's name only if a rule that fires uses it.
///
/// # Errors
/// [`Exit`] if a rule can't be evaluated.
pub fn plan(
    rules: &Rules,
    facts: &mut Facts,
    outside: &Outside<'_>,
    patience: Duration,
) -> Result<Plan, Exit> {
    let refuse = |error: &EvaluateError| {
        Exit::invalid(format!(
            "{}: {error}; nothing was sent",
            rules.place(&error.source.origin)
        ))
    };
    match evaluate(&rules.set, facts) {
        Ok(plan) => Ok(plan),
        Err(error) if error.missing == Some("node") && facts.node.is_none() => {
            let Some(patroni) = outside.patroni() else {
                return Err(refuse(&error));
            };
            let node = block_on(who(&patroni, outside.clock(), patience)).map_err(|silence| {
                let mut exit = refuse(&error);
                exit.help = Some(format!("{silence}; give `--node` or set `PATRONI_NAME`"));
                exit
            })?;
            facts.node = Some(node.name);
            evaluate(&rules.set, facts).map_err(|error| refuse(&error))
        }
        Err(error) => Err(refuse(&error)),
    }
}

/// Asks Patroni who this node is.
async fn who<H: Http>(
    patroni: &Patroni<'_, H>,
    watch: &Watch<'_>,
    patience: Duration,
) -> Result<Node, Silence> {
    let started = watch.now();
    loop {
        match patroni.node().await {
            Err(Silence::Unreachable(_)) if watch.now().saturating_sub(started) < patience => {
                watch.sleep(Duration::from_millis(200)).await;
            }
            answer => return answer,
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
