//! `run`: the command that Patroni calls.

use std::time::Duration;

use clap::Args;

use crate::alert::{Substitute, of_evaluation};
use crate::evaluate::{Facts, Plan};
use crate::execute::{Ended, Outcome, SecondLook, Verdict, World as _, callback, second_look};
use crate::http::{Clock as _, block_on, both};
use crate::model::Event;
use crate::report::{self, OutcomeView, RunOutput};
use crate::store::{Extent, Observation, Recorded, Source};

use crate::cli::shared::{
    Alerts, Command, Context, Decider, EventArgs, Exit, Format, Group, INVALID, LogLevel, Outside,
    Reporter, Rules, Watch, desk, dry_run, facts, fields, of_pass, parse_duration, print, recorded,
    result_format, rules_seen, screen, state,
};

/// Evaluates the rules for an event and sends their requests. Patroni calls this.
///
/// As a callback, Patroni appends the event, the role and the cluster:
///
///     postgresql:
///       callbacks:
///         on_role_change: patroni_barman run
///         on_start: patroni_barman run
///
/// As a replica creation method or custom bootstrap, name the event. Patroni appends the other values as
/// `--name=value`, which templates can use as `args`:
///
///     postgresql:
///       create_replica_methods: [barman, basebackup]
///       barman:
///         command: patroni_barman run --event create_replica
///
/// Exit codes: 0 all requests were done, or a rule does nothing on purpose; 1 no rule matched; 2 an operation failed, was
/// refused, or could not be verified; 3 the API was unreachable or the time was up, the requests are pending and sent by
/// `reconcile`; 4 invalid rules or arguments, nothing was sent; 5 this node no longer has the role,
/// nothing more was sent; 6 done with the last good rules, because the rules file is broken.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Run {
    /// The event and the rules.
    #[command(flatten)]
    pub event: EventArgs,
    /// Send no requests: print the plan, like `plan`.
    #[arg(long = "dry-run")]
    pub dry: bool,
    /// The time after a leader's callback has succeeded until Barman is compared once more, in case a request of the old leader
    /// arrived late; use `0s` if the caller waits for this process.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30s", hide_short_help = true)]
    pub second_look: Duration,
    /// The format of the result on standard output [default: human on a terminal, else none, because the log has it]; with
    /// --dry-run, JSON has the schema of `plan`.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
}

impl Command for Run {
    const GROUP: Group = Group::Patroni;
    const CONNECTED: bool = true;
    const OPEN: bool = true;
    const USAGE: u8 = INVALID;

    fn acts(&self) -> bool {
        !self.dry
    }

    fn take_others(&mut self, others: Vec<(String, String)>) {
        self.event.others = others;
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        if self.dry {
            return dry_run(&self.event, self.format.unwrap_or(Format::Human), context);
        }
        let watch = Watch::new(&context.log);
        let called = watch.now();
        watch.looks_as(Source::SecondLook);
        let facts = facts(&self.event, &context.environment)?;
        begin(&facts, context);
        let rules = Rules::usable(self.event.rules.as_ref(), context, true)?;
        let event = recorded(&facts, &self.event.sets);
        let decider = Decider {
            rules: &rules,
            environment: &context.environment,
            call: Some(facts),
        };
        decider.rules_with(&event.sets)?;
        let decide = |recorded: &Recorded| decider.decide(recorded);
        let outside = Outside::new(&rules.set, &context.environment, &watch);
        let place = state::place(Some(&rules.set), &context.environment);
        let substitute = Substitute::default();
        let desk = desk(&rules, context, &substitute);
        let has_news = rules.broken.is_some() && !desk.is_idle();
        // Most callbacks send nothing and nothing is pending: then the state is not opened.
        let made = decide(&event);
        let nothing = made.as_ref().is_ok_and(|plan| plan.steps.is_empty());
        let outside = if nothing && !has_news && !state::may_be_pending(&place.path) {
            outside
        } else {
            state::remember(outside, &place, event.event, context)
        };
        let discretion = outside.discretion();
        let (cluster, word, role) = (event.cluster.clone(), event.event, event.role);
        let mut reporter = Reporter {
            cluster: cluster.clone(),
            member: event.node.clone(),
            source: Source::Callback,
            outside: &outside,
        };
        let carried = callback(event, called, made, &decide, &outside);
        let ended = match block_on(reporter.beside(carried, &desk)) {
            Ok(ended) => ended,
            Err(undecided) => {
                let why = undecided.to_string();
                let seen = vec![of_evaluation(word, Some(&why), watch.wall())];
                block_on(reporter.tell(Extent::Observed, seen, &desk, FOREGROUND));
                return Err(undecided.into());
            }
        };
        let Ended { plan, outcome } = ended;
        let mut outcome = discretion.outcome(outcome);
        let idle = plan.as_ref().and_then(report::idle);
        if nothing {
            let about = format!("{word} {role} {cluster}");
            tell_idle(&about, idle.as_deref(), context);
        }
        // An empty directory is no node: Patroni must continue with its next method.
        if outcome.verdict == Verdict::Skipped && idle.is_some() && !word.makes_node() {
            outcome.verdict = Verdict::Done;
        }
        if !word.makes_node() {
            tell_end(&outcome, context);
        }
        let code = rules.age.exit_code(word, outcome.verdict);
        match result_format(self.format) {
            Some(Format::Json) => print(&report::json(&RunOutput {
                event: word,
                role,
                cluster: &cluster,
                node: plan.as_ref().and_then(|plan| plan.node.as_deref()),
                trace: plan.as_ref().map_or(&[], |plan| &plan.trace),
                outcome: OutcomeView::of(&outcome, code),
            })),
            Some(Format::Human) => print(&match idle.filter(|_| outcome.steps.is_empty()) {
                Some(idle) => format!("{idle}\n"),
                None => report::run(&outcome, screen(context)),
            }),
            None => {}
        }
        if let Some(plan) = &plan {
            reporter.member.clone_from(&plan.node);
        }
        let seen = rules_seen(&desk, rules.broken.as_deref(), &watch);
        let plan = plan.filter(|_| outcome.verdict == Verdict::Done);
        block_on(self.conclude(word, plan.as_ref(), seen, &mut reporter, &desk));
        Ok(code)
    }
}

impl Run {
    /// Tells receivers how it went; beside that, looks once more at what was done by a plan.
    async fn conclude(
        &self,
        event: Event,
        done: Option<&Plan>,
        rules: Observation,
        reporter: &mut Reporter<'_>,
        desk: &Alerts<'_>,
    ) {
        let outside = reporter.outside;
        let (extent, limit) = if event.makes_node() {
            (Extent::Observed, FOREGROUND)
        } else {
            (Extent::Member, Duration::MAX)
        };
        let mut seen = outside.attention().ends();
        seen.push(rules);
        seen.push(of_evaluation(event, None, outside.clock().wall()));
        let tell = reporter.tell(extent, seen, desk, limit);
        let look = async {
            let look = second_look(done?, &self.event.sets, self.second_look, outside);
            Some(reporter.beside(look, desk).await)
        };
        let (_, looked) = both(tell, look).await;
        if let Some(SecondLook { compared, judged }) = looked {
            let ends = outside.attention().ends();
            let seen = of_pass(ends, &compared, &[], &judged, outside.clock().wall());
            reporter.source = Source::SecondLook;
            reporter.tell(extent, seen, desk, limit).await;
        }
    }
}

/// How long a receiver is waited for while Patroni waits for this process. What was not delivered then is delivered by a
/// later one.
const FOREGROUND: Duration = Duration::from_secs(2);

/// Logs the reason for this call in the first line; every later line has it in its fields.
fn begin(facts: &Facts, context: &Context) {
    let (event, role) = (facts.event.as_str(), facts.role.as_str());
    let (cluster, node) = (&facts.cluster, facts.node.as_deref());
    let process = context.log.begin(event, Some(role), cluster, node);
    context.log.info(&format!("run {event} {process}"));
}

/// Says that nothing was to be done.
fn tell_idle(about: &str, idle: Option<&str>, context: &Context) {
    let (said, outcome) = match idle {
        Some(idle) => (format!("done {about}: {idle}"), "done"),
        None => (format!("skipped {about}: no rule matches"), "skipped"),
    };
    let more = fields([("outcome", outcome.into())]);
    context.log.tell(LogLevel::Info, &said, &more);
}

/// Logs the result and the next step.
fn tell_end(outcome: &Outcome, context: &Context) {
    let pending = match outcome.verdict {
        Verdict::Done | Verdict::Skipped | Verdict::Fenced => return,
        Verdict::Failed => "not done",
        Verdict::Unfinished => "not finished",
    };
    context.log.error(&format!(
        "{pending}: a request that sets a state stays pending; the next callback of this role or `patroni_barman reconcile` \
         sends it, and `patroni_barman status` shows it"
    ));
}
