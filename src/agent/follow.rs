//! The loop of one cluster: looks at it, and runs a pass when there is a reason.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::evaluate::{Conflict, Wanted};
use crate::execute::{
    Comparison, Here, Judged, Looks, Outcome, Part, Passed, Verdict, World, compare, flows, pass,
    receipts,
};
use crate::http::{Clock, within};
use crate::model::Url;
use crate::store::{Query, Store as _};

use super::board::{Board, Condition, Correction, Row};
use super::sighting::{Sighting, Signal, Traits};

/// The intervals of an agent.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The pause between two looks at a cluster without a watch.
    pub poll: Duration,
    /// The wait after drift was seen, because another agent may be correcting it.
    pub wait: Duration,
    /// End after one pass.
    pub once: bool,
    /// Correct differences; if false, only report them.
    pub acts: bool,
}

/// The pause between two looks at a cluster with a watch, and between two checks that WAL flows.
const GLANCE: Duration = Duration::from_secs(10);

/// The pause between two passes of a cluster without changes.
const ROUND: Duration = Duration::from_secs(60);

/// The pause before the pass that follows a correction.
const SECOND: Duration = Duration::from_secs(30);

/// The first pause after a failed pass; each further pause is twice as long.
const SOON: Duration = Duration::from_secs(5);

/// The longest pause after a failed pass.
const LATE: Duration = Duration::from_secs(300);

/// The longest pause between two looks at an unreachable cluster.
const SILENT: Duration = Duration::from_secs(10);

/// The number of past requests in a row.
const HISTORY: u32 = 10;

/// The wanted state of a cluster, or the reason why it is not known.
pub type Decided = Result<(Wanted, Vec<Part>), String>;

/// A cluster and everything that its loop needs.
pub struct Followed<'a, W: World> {
    /// Patroni's scope.
    pub name: &'a str,
    /// The addresses of its Patronis, the one that answered last first; new ones are added as they are learned.
    pub addresses: &'a RefCell<Vec<Url>>,
    /// The state from the DCS.
    pub signal: &'a Signal,
    /// Evaluates the rules.
    pub decide: &'a dyn Fn(&Here) -> Decided,
    /// The `/diagnose` answers shared by the process.
    pub looks: &'a Looks,
    /// The board with its row.
    pub board: &'a Board,
    /// Logs a change of condition.
    pub say: &'a dyn Fn(Condition, &str),
    /// Takes note of what is seen.
    pub saw: &'a dyn Fn(&Saw<'_>),
    /// Clock, network and store.
    pub world: &'a W,
}

/// What a look at a cluster saw.
#[derive(Debug)]
pub enum Saw<'a> {
    /// A pass.
    Pass {
        /// Each state, as it was when the pass ended.
        compared: &'a [Comparison],
        /// Rules that want different things.
        conflicts: &'a [Conflict],
        /// The verdicts on changes of timeline.
        judged: &'a Judged,
    },
    /// No Patroni answers.
    Silence(&'a str),
    /// Another leader, so that the requests of a pass were left without an end.
    Change,
}

/// Follows a cluster; if the pace says `once`, until its first pass has ended.
pub async fn follow<W: World>(followed: Followed<'_, W>, pace: Pace) {
    let mut state = State::default();
    let clock = followed.world.clock();
    if !pace.once {
        // Spread the looks at different clusters over time.
        let spread = pace.poll.mul_f64(clock.random());
        within(clock, spread, followed.signal.bell.notified()).await;
    }
    loop {
        let pause = match followed.see().await {
            Ok(seen) => followed.act_on(&seen, &mut state, pace).await,
            Err(silence) => {
                followed.turn(Condition::Unreachable, Some(&silence));
                (followed.saw)(&Saw::Silence(&silence));
                state.silent += 1;
                (pace.poll * state.silent).min(SILENT.max(pace.poll))
            }
        };
        if pace.once {
            return;
        }
        let pause = jitter(pause, clock);
        within(clock, pause, followed.signal.bell.notified()).await;
    }
}

/// The state that a loop keeps between two looks.
#[derive(Default)]
struct State {
    traits: Option<Traits>,
    /// The wanted parts of the last pass.
    parts: Vec<Part>,
    /// The time when the next pass is due in any case.
    due: Duration,
    /// The time of the next check that WAL flows.
    glance: Duration,
    failures: u32,
    silent: u32,
    knows_history: bool,
}

impl<W: World> Followed<'_, W> {
    async fn see(&self) -> Result<Sighting, String> {
        Sighting::take(self.name, self.signal, self.addresses, self.world).await
    }

    /// Runs a pass if there is a reason. Returns the pause before the next look.
    async fn act_on(&self, seen: &Sighting, state: &mut State, pace: Pace) -> Duration {
        let clock = self.world.clock();
        state.silent = 0;
        let pause = if seen.by_watch { GLANCE } else { pace.poll };
        let here = seen.here(self.name);
        self.board.change(self.name, |row| {
            row.here = here.clone();
            row.by_watch = seen.by_watch;
            row.seen = Some(clock.wall());
        });
        if seen.leader.is_none() {
            let message = "no member holds the leader key; nothing is sent";
            self.turn(Condition::NoLeader, Some(message));
            state.traits = None;
            return pace.poll;
        }
        let changed = state.traits.as_ref() != Some(&seen.traits());
        let mut reason = changed || clock.now() >= state.due;
        if !reason && clock.now() >= state.glance {
            state.glance = clock.now() + jitter(GLANCE, clock);
            reason = !flows(&state.parts, self.world).await;
        }
        if !reason {
            return pause;
        }
        if changed {
            state.failures = 0;
            let leader = state.traits.as_ref().map(|(leader, ..)| leader);
            if leader != Some(&seen.leader) {
                self.looks.another_leads(self.name, self.world);
            }
        }
        let other = seen.another_leader(
            self.name,
            self.signal,
            self.addresses,
            || jitter(pause, clock),
            self.world,
        );
        let condition = first_of(self.pass(&here, state, pace), other).await;
        let Some(condition) = condition else {
            // Another leader: abandon the work in progress and look again.
            (self.saw)(&Saw::Change);
            state.traits = None;
            return Duration::ZERO;
        };
        state.traits = Some(seen.traits());
        state.glance = clock.now() + jitter(GLANCE, clock);
        let round = match condition {
            (Condition::Fine | Condition::NoRule, false) => {
                state.failures = 0;
                ROUND
            }
            (Condition::Fine | Condition::NoRule, true) => SECOND,
            _ => {
                state.failures += 1;
                let doublings = (state.failures - 1).min(16);
                SOON.saturating_mul(2_u32.saturating_pow(doublings))
                    .min(LATE)
            }
        };
        state.due = clock.now() + jitter(round, clock);
        pause
    }

    /// Runs one pass. Returns the cluster's condition, and true if anything was sent.
    async fn pass(&self, here: &Here, state: &mut State, pace: Pace) -> (Condition, bool) {
        let (wanted, parts) = match (self.decide)(here) {
            Ok(decided) => decided,
            Err(why) => {
                self.turn(Condition::Wrong, Some(&why));
                return (Condition::Wrong, false);
            }
        };
        state.parts.clone_from(&parts);
        let again = async || match self.see().await {
            Ok(seen) => {
                let decided = (self.decide)(&seen.here(self.name));
                decided.map(|(_, parts)| parts).unwrap_or_default()
            }
            Err(_) => Vec::new(),
        };
        let passed = if pace.acts {
            pass(&parts, &again, pace.wait, self.looks, self.world).await
        } else {
            Passed {
                compared: compare(&parts, self.looks, self.world).await,
                outcome: Outcome::of(Vec::new()),
            }
        };
        let sent = !passed.outcome.steps.is_empty();
        let left = Outcome::of(Vec::new());
        let mut verdict = passed.verdict(&left, &wanted, &parts);
        let Passed {
            mut compared,
            outcome,
        } = passed;
        if sent {
            compared = compare(&parts, self.looks, self.world).await;
        } else if compared
            .iter()
            .any(|one| matches!(one.differs, Ok(Some(_))))
            && verdict == Verdict::Done
        {
            verdict = Verdict::Unfinished;
        }
        let (condition, trouble) = judge(&compared, &wanted, &outcome, verdict, parts.is_empty());
        let judged = receipts(here, &compared, self.world).await;
        (self.saw)(&Saw::Pass {
            compared: &compared,
            conflicts: &wanted.conflicts,
            judged: &judged,
        });
        let history = if sent || !state.knows_history {
            state.knows_history = true;
            Some(self.history().await)
        } else {
            None
        };
        let now = self.world.clock().wall();
        let last = outcome.steps.last().map(|step| Correction {
            at: now,
            rule: step.rule.clone(),
            outcome: step.outcome,
            message: step.message.clone(),
        });
        self.board.change(self.name, |row| {
            row.compared = compared;
            row.conflicts.clone_from(&wanted.conflicts);
            if let Some(history) = history {
                row.history = history;
            }
            row.receipts = judged.receipts;
            row.corrections += u64::try_from(outcome.steps.len()).unwrap_or_default();
            row.correction = last.or_else(|| row.correction.take());
            row.compared_at = Some(now);
        });
        self.turn(condition, trouble.as_deref());
        (condition, sent)
    }

    async fn history(&self) -> Vec<crate::store::Intent> {
        let Some(store) = self.world.store() else {
            return Vec::new();
        };
        let query = Query {
            cluster: Some(self.name.to_owned()),
            limit: Some(HISTORY),
            ..Query::default()
        };
        let read = within(
            self.world.clock(),
            Duration::from_secs(5),
            store.history(&query),
        )
        .await;
        read.and_then(Result::ok).unwrap_or_default()
    }

    /// Records the condition, and logs it if it has changed.
    fn turn(&self, condition: Condition, trouble: Option<&str>) {
        let mut before = (Condition::New, None);
        self.board.change(self.name, |row: &mut Row| {
            before = (row.condition, row.trouble.take());
            row.condition = condition;
            row.trouble = trouble.map(str::to_owned);
        });
        if before != (condition, trouble.map(str::to_owned)) {
            (self.say)(condition, trouble.unwrap_or_default());
        }
    }
}

/// The condition of a cluster after a pass.
fn judge(
    compared: &[Comparison],
    wanted: &Wanted,
    outcome: &Outcome,
    verdict: Verdict,
    is_empty: bool,
) -> (Condition, Option<String>) {
    if let Some(one) = compared.iter().find(|one| one.fighting.is_some()) {
        let server = one.server_name().map(ToString::to_string);
        let message = format!(
            "something else keeps setting the model of `{}`; it is left alone for a while",
            server.unwrap_or_default()
        );
        return (Condition::Disputed, Some(message));
    }
    if let Some(conflict) = wanted.conflicts.first() {
        let [(one, _), (other, _)] = &conflict.wants;
        let message = format!("`{one}` and `{other}` want different things of one target");
        return (Condition::Disputed, Some(message));
    }
    if is_empty {
        let message = "no rule wants anything of its members".to_owned();
        return (Condition::NoRule, Some(message));
    }
    if let Some(Err(why)) = compared
        .iter()
        .map(|one| &one.differs)
        .find(|one| one.is_err())
    {
        return (Condition::Unknown, Some(why.clone()));
    }
    let failed = outcome.steps.iter().find(|step| step.outcome.is_failure());
    let why = failed.and_then(|step| step.message.clone());
    let differs = compared.iter().find(|one| !one.as_wanted()).map(|one| {
        let what = one.differs.clone().ok().flatten();
        what.or_else(|| one.no_wal().map(|wal| wal.message.clone()))
            .unwrap_or_default()
    });
    match (why, differs, verdict) {
        (None, None, _) => (Condition::Fine, None),
        (None, Some(what), Verdict::Done) => (Condition::Unknown, Some(what)),
        (why, what, _) => (Condition::Wrong, why.or(what)),
    }
}

/// A pause with some jitter.
fn jitter(pause: Duration, clock: &impl Clock) -> Duration {
    pause.mul_f64(0.9 + 0.2 * clock.random())
}

/// Runs both until one ends; returns the first one's result if it ended first.
async fn first_of<T>(work: impl Future<Output = T>, end: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    poll_fn(|context| {
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        end.as_mut().poll(context).map(|()| None)
    })
    .await
}
