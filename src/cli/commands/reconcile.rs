//! `reconcile`: finish pending requests and correct differences.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help that a terminal shows"
)]

mod dry;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::alert::Substitute;
use crate::evaluate::{Left, Wanted};
use crate::execute::{Comparison, Here, Looks, Outcome, Which, Whose, pass, receipts, resume};
use crate::http::{Clock as _, block_on};
use crate::model::{Event, Role};
use crate::report::{self, ReconcileOutput};
use crate::store::{Recorded, Source};

use crate::cli::shared::{
    Age, Base, Command, Context, Decider, Exit, Format, Group, Hangup, INVALID, Log, LogLevel,
    Measured, Reporter, Rules, RulesArgs, View, Watch, desk, extent, fields, metrics, of_pass,
    once_code, parse_duration, pass_over, print, result_format, rules_path, rules_seen, screen,
    state, wants,
};

use dry::dry;

/// Finishes pending requests and corrects Barman.
///
/// First, pending requests are resumed: the program waits for operations that were started, looks for requests with an
/// unknown result, and sends state requests again. Then it asks Patroni for the members of the cluster, evaluates the
/// rules for each of them, compares the result with Barman, and sends what differs. A difference for this node's member is
/// corrected at once; for another member, a switch is sent if a second look finds the same difference. A value that
/// something else keeps changing is left alone for a while and reported. Run this command from a timer on every node, or
/// keep it running:
///
///     patroni_barman reconcile --rules /etc/patroni_barman/rules.yml --every 30s
///
/// The rules file must have the address of the local Patroni under `patroni`.
///
/// Exit codes: 0 Barman is as the rules want it; 1 no rule applies to a member of this cluster; 2 an operation failed, was
/// refused, or could not be verified, or two rules want different values; 3 Patroni or the API was unreachable, or the time
/// was up; 4 invalid rules or arguments, nothing was sent; 5 this node no longer has the role; 6 Barman is as the last good
/// rules want it, because the rules file is broken.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Reconcile {
    /// The rules and the member.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Run for every cluster under `clusters` and `discover`; JSON has the schema of `agent`.
    #[arg(long, conflicts_with_all = ["node", "metrics_file"])]
    pub all: bool,
    /// Repeat with this pause until the process is stopped.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub every: Option<Duration>,
    /// The time after which a second look must find the same difference before another member's server is corrected: that
    /// member's own callback may be running.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    pub second_look: Duration,
    /// Send no requests: show pending requests and differences. The exit code is 0 if there are none, 2 if there are, and 3 if
    /// unknown.
    #[arg(long = "dry-run")]
    pub dry: bool,
    /// Write metrics to this file, for the textfile collector of node_exporter.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// The format of the result on standard output [default: human, but with --every only on a terminal]; with --dry-run, JSON
    /// has the schema of `status`.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
}

impl Command for Reconcile {
    const GROUP: Group = Group::Barman;
    const CONNECTED: bool = true;
    const USAGE: u8 = INVALID;

    fn acts(&self) -> bool {
        !self.dry
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let watch = Watch::new(&context.log);
        let kept = Kept::default();
        let Some(every) = self.every else {
            return measured(self, context, &watch, &kept);
        };
        if every.is_zero() {
            return Err(Exit::invalid("`--every 0s` would never pause").help("write `--every 30s`"));
        }
        let hangup = Hangup::obey();
        loop {
            if hangup.came() {
                context.log.reopen();
            }
            // The rules may be repaired while we wait.
            if let Err(exit) = measured(self, context, &watch, &kept) {
                exit.log(&context.log);
            }
            block_on(watch.sleep(every));
        }
    }
}

impl Reconcile {
    /// The format of the result, or `None` if it is not printed.
    fn shown(&self) -> Option<Format> {
        match self.every {
            None => self.format.or(Some(Format::Human)),
            Some(_) => result_format(self.format),
        }
    }
}

/// What one run leaves for the next.
#[derive(Default)]
struct Kept {
    looks: Looks,
    substitute: Substitute,
}

/// Runs once and writes the metrics, even if the run could not start.
fn measured(
    args: &Reconcile,
    context: &Context,
    watch: &Watch<'_>,
    kept: &Kept,
) -> Result<u8, Exit> {
    let result = once(args, context, watch, kept);
    if let (Err(exit), false) = (&result, args.dry) {
        let path = rules_path(args.rules.rules.as_ref(), &context.environment);
        let rules = Rules::of_last_good(&path, context);
        let state = state::place(rules.as_ref().map(|rules| &rules.set), &context.environment);
        state::passed(&state.path, exit.code, Vec::new(), watch);
        if let Some(file) = &args.metrics_file {
            let measured = Measured {
                cluster: None,
                compared: &[],
                rules_valid: Rules::age_at(&path, context) == Age::Current,
                rules: rules.map(|rules| rules.seen()),
                code: exit.code,
                now: watch.wall(),
            };
            metrics::write(Some(file), &state.path, &measured, &context.log);
        }
    }
    result
}

fn once(args: &Reconcile, context: &Context, watch: &Watch<'_>, kept: &Kept) -> Result<u8, Exit> {
    if args.all {
        return all(args, context, watch);
    }
    let asked = watch.wall();
    let base = Base::read(&args.rules, context, watch, !args.dry)?;
    let view = base.view(&args.rules, context)?;
    if args.dry {
        return Ok(dry(args.format, context, &base, view));
    }
    let View {
        here,
        wanted,
        parts,
        ..
    } = view;
    let Base {
        rules,
        outside,
        state,
    } = base;
    let age = rules.age;
    let log = &context.log;
    begin(&here, log);
    tell_left_alone(&wanted, log);
    let outside = state::remember(outside, &state, Event::Bootstrap, context);
    let decider = Decider {
        rules: &rules,
        environment: &context.environment,
        call: None,
    };
    let desk = desk(&rules, context, &kept.substitute);
    let reporter = Reporter {
        cluster: here.cluster.clone(),
        member: here.node.clone(),
        source: Source::Reconcile,
        outside: &outside,
    };
    let mut left = Outcome::of(Vec::new());
    if let Some(role) = here.role {
        let decide = |recorded: &Recorded| decider.decide(recorded).ok();
        let whose = Whose {
            cluster: &here.cluster,
            node: here.node.as_deref(),
            role,
            asked,
        };
        let resumed = resume(whose, Which::All, &decide, &outside);
        left = block_on(reporter.beside(resumed, &desk));
    }
    let again = async || {
        let now = Here::ask(&outside, here.node.as_deref()).await;
        let now = now
            .and_then(Result::ok)
            .filter(|now| now.cluster == here.cluster);
        let parts = now.and_then(|now| {
            let wanted = wants(&decider, &args.rules.sets, &now).ok()?;
            Some(now.parts(&wanted, &args.rules.sets))
        });
        parts.unwrap_or_default()
    };
    let passed = pass(&parts, &again, args.second_look, &kept.looks, &outside);
    let passed = block_on(reporter.beside(passed, &desk));
    let verdict = passed.verdict(&left, &wanted, &parts);
    let discretion = outside.discretion();
    let judged = discretion.judged(block_on(receipts(&here, &passed.compared, &outside)));
    if let Some(why) = &judged.blind {
        log.debug(&format!("changes of timeline are not judged: {why}"));
    }
    let compared = discretion.compared(passed.compared);
    tell_uncorrected(&compared, &here, log);
    let steps = left.steps.into_iter().chain(passed.outcome.steps);
    let mut outcome = discretion.outcome(Outcome::of(steps.collect()));
    outcome.verdict = verdict;
    let code = age.exit_code(Event::OnRoleChange, outcome.verdict);
    match args.shown() {
        Some(Format::Human) => print(&report::run(&outcome, screen(context))),
        Some(Format::Json) => print(&report::json(&ReconcileOutput::of(&here, &outcome, code))),
        None => {}
    }
    let members = here.members.iter();
    let members = members.filter_map(|member| member.api_url.clone());
    state::passed(&state.path, code, members.collect(), watch);
    let measured = Measured {
        cluster: Some(&here.cluster),
        compared: &compared,
        rules: Some(rules.seen()),
        rules_valid: age == Age::Current,
        code,
        now: watch.wall(),
    };
    metrics::write(args.metrics_file.as_deref(), &state.path, &measured, log);
    let mut seen = outside.attention().ends();
    seen.push(rules_seen(&desk, rules.broken.as_deref(), watch));
    let seen = of_pass(seen, &compared, &wanted.conflicts, &judged, watch.wall());
    let is_whole = here.role.is_some() && judged.is_complete();
    block_on(reporter.tell(extent(is_whole), seen, &desk, Duration::MAX));
    Ok(code)
}

fn all(args: &Reconcile, context: &Context, watch: &Watch<'_>) -> Result<u8, Exit> {
    let board = pass_over(&args.rules, context, !args.dry, args.second_look)?;
    print(&match args.format {
        Some(Format::Human) | None => report::fleet::once(&board, screen(context)),
        Some(Format::Json) => report::fleet::json(&board, watch.wall()),
    });
    Ok(once_code(&board))
}

/// Says what is left to other nodes, and what is left alone.
fn tell_left_alone(wanted: &Wanted, log: &Log) {
    for one in &wanted.left {
        let Left { member, rule, why } = one;
        log.debug(&format!("rule `{rule}` is left to `{member}`: {why}"));
    }
    for conflict in &wanted.conflicts {
        log.error(&format!("left alone: {}", report::conflict(conflict)));
    }
}

/// Reports the differences that are not corrected.
fn tell_uncorrected(compared: &[Comparison], here: &Here, log: &Log) {
    let not_corrected = |one: &&Comparison| !one.as_wanted() && !one.calls_for_action();
    for one in compared.iter().filter(not_corrected) {
        let what = report::difference(one, here);
        let level = match &one.differs {
            Ok(_) if one.fighting.is_none() => LogLevel::Warning,
            _ => LogLevel::Error,
        };
        let rule = &one.step.rule;
        let more = fields([
            ("rule", rule.clone().into()),
            ("source", "reconcile".into()),
        ]);
        let said = format!("reconcile: rule `{rule}`: {what}");
        log.repeat(&format!("reconcile {rule}"), &what, level, &said, &more);
    }
}

/// Logs the cluster, member and role of this process, unless they are unchanged.
fn begin(here: &Here, log: &Log) {
    let (cluster, node) = (&here.cluster, here.node.as_deref());
    let process = log.begin("reconcile", here.role.map(Role::as_str), cluster, node);
    log.change("pass", &format!("reconcile {process}"));
}
