//! `reconcile`: finish what was left, and correct what differs.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help that a terminal shows"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::evaluate::Plan;
use crate::execute::{Here, Outcome, Verdict, Which, Whose, compare, enforce, resume};
use crate::http::{Clock as _, block_on};
use crate::model::Event;
use crate::report;
use crate::store::Recorded;

use super::args::Format;
use super::decide::Decider;
use super::demo::parse_duration;
use super::exit::Exit;
use super::invocation::rules_path;
use super::rules::Rules;
use super::signals::Hangup;
use super::state::{self, Place};
use super::watch::Watch;
use super::world::Outside;
use super::{Context, metrics, print, run};

/// Finishes what callbacks left, corrects what differs.
///
/// It brings Barman to what the rules want. First it takes up what is pending: an operation that is known is waited for, a request of unknown fate is
/// settled by looking, and only what sets a state is sent again. Then it asks Patroni for this node's role, asks
/// the rules what they want for it, compares that with Barman, and sends what differs. Run it from a timer
/// on every node, or let it stay:
///
///     patroni_barman reconcile --rules /etc/patroni_barman/rules.yml --every 30s
///
/// The rules file must name the local Patroni under `patroni`.
///
/// Exit codes: 0 everything is as wanted; 1 no rule wants anything of this role; 2 an operation failed or was
/// refused, or could not be verified; 3 Patroni or the API could not be reached or time ran out; 4 invalid rules or
/// arguments, nothing was sent; 5 this node no longer has the role; 6 everything is as the last good rules want
/// it, because the file is broken.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Reconcile {
    /// Where the rules are.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Do it again and again, with this pause, until the process is stopped.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// Send nothing: show what is pending and what differs. Exits with 0 if nothing, with 2 if something, and
    /// with 3 if it can't be told.
    #[arg(long = "dry-run")]
    pub dry: bool,
    /// Write metrics for node_exporter's textfile collector to this file.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// How the result is written to standard output; with --dry-run JSON has the schema of `status`.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Where the rules are and what is known besides.
#[derive(Debug, Clone, Args)]
pub struct RulesArgs {
    /// The rules: a YAML file, or a directory of them read as one
    /// [default: $PATRONI_BARMAN_RULES, then /etc/patroni_barman/rules.yml].
    #[arg(long, value_name = "PATH", verbatim_doc_comment)]
    pub rules: Option<PathBuf>,
    /// This Patroni member's name [default: $PATRONI_NAME, then what the local Patroni says].
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// Set a variable that the rules file declares under `vars`; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
}

/// Carries the command out and gives the exit code.
///
/// # Errors
/// [`Exit`] if rules or arguments are not valid.
pub fn run(args: &Reconcile, context: &Context) -> Result<u8, Exit> {
    let watch = Watch::new(&context.log);
    let Some(every) = args.every else {
        return measured(args, context, &watch);
    };
    if every.is_zero() {
        return Err(Exit::invalid("`--every 0s` would never pause").help("write `--every 30s`"));
    }
    let hangup = Hangup::obey();
    loop {
        if hangup.came() {
            context.log.reopen();
        }
        // The rules may be mended while we wait.
        if let Err(exit) = measured(args, context, &watch) {
            exit.log(&context.log);
        }
        block_on(watch.sleep(every));
    }
}

/// One run, of which the metrics tell also if it could not even begin.
fn measured(args: &Reconcile, context: &Context, watch: &Watch<'_>) -> Result<u8, Exit> {
    let result = once(args, context, watch);
    if let (Err(exit), Some(file), false) = (&result, &args.metrics_file, args.dry) {
        let path = rules_path(args.rules.rules.as_ref(), &context.environment);
        let rules = Rules::of_last_good(&path, context);
        let state = state::place(rules.as_ref().map(|rules| &rules.set), &context.environment);
        let age = Rules::age_at(&path);
        metrics::write(
            file,
            &state.path,
            &[],
            age,
            exit.code,
            watch.wall(),
            &context.log,
        );
    }
    result
}

fn once(args: &Reconcile, context: &Context, watch: &Watch<'_>) -> Result<u8, Exit> {
    let View {
        outside,
        here,
        plan,
        state,
        rules,
    } = View::take(&args.rules, context, watch)?;
    let age = rules.age;
    if args.dry {
        let compared = outside
            .discretion()
            .compared(block_on(compare(&plan, &outside)));
        let pending = super::status::pending(&here.cluster, &state.path, context);
        let status = report::Status {
            here: &here,
            compared: &compared,
            pending: pending.as_deref().unwrap_or_default(),
        };
        print(&match args.format {
            Format::Human => would_do(&status),
            Format::Json => format!("{:#}\n", status.to_json()),
        });
        let blind = pending.is_none() || compared.iter().any(|one| one.differs.is_err());
        return Ok(match (status.as_wanted(), blind) {
            (_, true) => Verdict::Unfinished.exit_code(),
            (true, false) => 0,
            (false, false) => Verdict::Failed.exit_code(),
        });
    }
    let outside = run::remember(outside, &state, context);
    let decider = Decider {
        rules: &rules,
        environment: &context.environment,
        call: None,
    };
    let decide = |recorded: &Recorded| decider.decide(recorded).ok();
    let whose = Whose {
        cluster: &here.cluster,
        node: Some(&here.node),
        role: plan.role,
    };
    let left = block_on(resume(whose, Which::All, &decide, &outside));
    let discretion = outside.discretion();
    let compared = discretion.compared(block_on(compare(&plan, &outside)));
    let sent = block_on(enforce(&plan, &compared, &outside));
    let mut blind = false;
    for message in compared.iter().filter_map(|one| one.differs.as_ref().err()) {
        context
            .log
            .error(&format!("Barman's state can't be compared: {message}"));
        blind = true;
    }
    for one in compared.iter().filter(|one| !one.as_wanted()) {
        if let Some(what) = one.differs.as_ref().ok().and_then(Option::as_ref) {
            context.log.warning(&format!("reconcile: {what}"));
        }
        if let Some(wal) = &one.wal {
            context.log.warning(&format!("reconcile: {}", wal.message));
        }
    }
    // What differs and was not sent is in the hands of a callback that still runs.
    let different = compared
        .iter()
        .filter(|one| matches!(one.differs, Ok(Some(_))))
        .count();
    let unread = left.verdict == Verdict::Unfinished;
    let open = blind || unread || different > sent.steps.len();
    let steps: Vec<_> = left.steps.into_iter().chain(sent.steps).collect();
    let mut outcome = discretion.outcome(Outcome::of(steps));
    outcome.verdict = match outcome.verdict {
        Verdict::Skipped | Verdict::Done if open => Verdict::Unfinished,
        Verdict::Skipped if !plan.steps.is_empty() => Verdict::Done,
        verdict => verdict,
    };
    let code = run::exit_code(plan.event, outcome.verdict, age);
    print(&match args.format {
        Format::Human => report::run(&outcome),
        Format::Json => format!("{:#}\n", to_json(&here, &outcome, code)),
    });
    if let Some(file) = &args.metrics_file {
        metrics::write(
            file,
            &state.path,
            &compared,
            age,
            code,
            watch.wall(),
            &context.log,
        );
    }
    Ok(code)
}

/// What is so on this node, and what the rules want of it.
pub struct View<'a> {
    /// The outside.
    pub outside: Outside<'a>,
    /// What Patroni says.
    pub here: Here,
    /// What the rules want of this role.
    pub plan: Plan,
    /// Where the state is.
    pub state: Place,
    /// The rules.
    pub rules: Rules,
}

impl<'a> View<'a> {
    /// Asks Patroni and the rules.
    pub fn take(args: &RulesArgs, context: &Context, watch: &'a Watch<'a>) -> Result<Self, Exit> {
        let path = rules_path(args.rules.as_ref(), &context.environment);
        let mut rules = Rules::read_or_last_good(&path, context)?;
        rules.connect(&context.global)?;
        let outside = Outside::new(&rules.set, &context.environment, watch);
        let given = args
            .node
            .as_deref()
            .or(context.environment.get("PATRONI_NAME"));
        let here = match block_on(Here::ask(&outside, given)) {
            Some(Ok(here)) => here,
            Some(Err(silence)) => return Err(Exit::new(3, silence.to_string())),
            None => {
                return Err(Exit::invalid("the rules do not name the local Patroni")
                    .help("add `patroni: {url: \"http://127.0.0.1:8008\"}` to the rules file"));
            }
        };
        let Some(role) = here.role else {
            let cluster = &here.cluster;
            let message = format!("no member of `{cluster}` holds the leader key; nothing is sent");
            return Err(Exit::new(3, message));
        };
        let decider = Decider {
            rules: &rules,
            environment: &context.environment,
            call: None,
        };
        // A node's state is what the last change of its role asked for; a cluster that was started as it is
        // has had none.
        let wanted = |event| {
            let event = Recorded {
                cluster: here.cluster.clone(),
                node: Some(here.node.clone()),
                event,
                role,
                raw_role: role.as_str().to_owned(),
                sets: args.sets.clone(),
            };
            decider.decide(&event).map_err(Exit::from)
        };
        decider.rules_with(&args.sets)?;
        let mut plan = wanted(Event::OnRoleChange)?;
        if plan.steps.is_empty() {
            plan = wanted(Event::OnStart)?;
        }
        let state = state::place(Some(&rules.set), &context.environment);
        Ok(Self {
            outside,
            here,
            plan,
            state,
            rules,
        })
    }
}

fn would_do(status: &report::Status<'_>) -> String {
    let pending = status.pending.iter().map(|intent| {
        let what = report::describe(&intent.step.operation);
        format!(
            "pending: {what}, decided for {} {}",
            intent.event, intent.role
        )
    });
    let compared = status.compared.iter().map(|one| {
        let what = report::describe(&one.step.operation);
        match &one.differs {
            Ok(None) => format!("as wanted: {what}"),
            Ok(Some(difference)) => format!("would send {what}: {difference}"),
            Err(message) => format!("can't be compared: {what}: {message}"),
        }
    });
    let lines: Vec<_> = pending
        .chain(compared)
        .map(|line| report::one_line(&line) + "\n")
        .collect();
    lines.concat()
}

fn to_json(here: &Here, outcome: &Outcome, code: u8) -> Value {
    let mut all = json!({"cluster": here.cluster, "node": here.node, "role": here.role});
    if let (Value::Object(all), Value::Object(outcome)) = (&mut all, outcome.to_json(code)) {
        all.extend(outcome);
    }
    all
}
