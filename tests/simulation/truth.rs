//! The truth as seen from outside: decisions, requests, accepted operations, and leaders over time. The invariants
//! are checked against it, never against the engine's own claims.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use patroni_barman::model::{Event, RequestKind, Role, Target};
use patroni_barman::store::{Cause, Decision, Intent, IntentId, State};
use serde_json::Value;

use super::process::{ANOTHERS, POLL, Process, api, directory};
use super::scheduler::Pid;
use super::universe::{APIS, Universe, name};

/// The longest time between a fence's answer, or a look at the state, and the request that it
/// permits: the answer's way back, and two writes.
const KNOWN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Once faults end, the leader's model becomes active within one reconcile interval, and stays so.
    FollowsTheLeader,
    /// The same without reconcile, if the leader's callback lives until its second look.
    FollowsByItself,
    /// A working API follows at once while another one never answers.
    NotHeldUp,
    /// No two recoveries run in one directory.
    OneRecovery,
    /// No request is sent for a role after the member's Patroni knew that it was lost, or for another member if the
    /// local one also lists another leader.
    Fence,
    /// Nothing is sent for another member before a second look.
    TwoLooks,
    /// No request of a superseded intent is sent once the state could have shown it.
    Supersession,
    /// Every intent ends settled, with the right result, or is still being worked on.
    NothingForgotten,
}

/// An intent as recorded.
#[derive(Debug)]
struct Decided {
    kind: RequestKind,
    /// The node of the decision, and its member.
    node: usize,
    member: usize,
    event: Event,
    role: Role,
    at: Duration,
    targets: Vec<Target>,
    superseded: Option<Duration>,
    touched: Duration,
    worker: Pid,
    /// True if another process has resumed it.
    resumed: bool,
    api: usize,
    body: Value,
}

/// The truth about a run.
#[derive(Debug, Default)]
pub struct Truth {
    /// By disk and intent.
    decided: BTreeMap<(usize, IntentId), Decided>,
    leaders: Vec<(Duration, Option<usize>)>,
    taken_up: BTreeSet<(usize, String)>,
    /// Directories with a recovery that could not be recorded, so that others do not know about it.
    unrecorded: BTreeSet<String>,
    /// By directory, with the time of the end.
    restored: Vec<(String, Duration)>,
    pub broken: Vec<(Invariant, String)>,
    /// The time when each node's last complete run of reconcile ended.
    reconciled: BTreeMap<usize, Duration>,
    /// The number of times each thing happened.
    pub seen: BTreeMap<&'static str, u64>,
}

impl Truth {
    pub fn led(&mut self, now: Duration, leader: Option<usize>) {
        self.leaders.push((now, leader));
    }

    /// Records that a request was accepted, and the time when its operation ends.
    pub fn taken_up(&mut self, api: usize, body: &Value, now: Duration, due: Duration) {
        self.taken_up.insert((api, body.to_string()));
        if let Some(folder) = body.get("destination_directory").and_then(Value::as_str) {
            let runs = |(other, due): &(String, Duration)| other == folder && *due > now;
            if self.restored.iter().any(runs) && !self.unrecorded.contains(folder) {
                let how = format!("a second recovery begins in {folder} while another runs there");
                self.broke(Invariant::OneRecovery, now, &how);
            }
            self.restored.push((folder.to_owned(), due));
        }
    }

    /// The number of completed recoveries into a directory.
    pub fn restored(&self, folder: &str, now: Duration) -> u64 {
        let ended = |(restored, due): &&(String, Duration)| restored == folder && *due <= now;
        u64::try_from(self.restored.iter().filter(ended).count()).unwrap()
    }

    pub fn reconciled(&mut self, node: usize, now: Duration) {
        self.reconciled.insert(node, now);
    }

    /// Counts an event.
    pub fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn broke(&mut self, invariant: Invariant, now: Duration, how: &str) {
        self.broken
            .push((invariant, format!("at {:.3} {how}", now.as_secs_f64())));
    }

    /// Returns true if a node satisfied a role's condition all the time since then.
    fn kept_role(&self, node: usize, role: Role, since: Duration) -> bool {
        let leads = role.leads();
        let before = self
            .leaders
            .iter()
            .rposition(|(at, _)| *at <= since)
            .unwrap_or(0);
        self.leaders[before..]
            .iter()
            .all(|(_, leader)| (*leader == Some(node)) == leads)
    }
}

impl Universe {
    /// Checks that a process was allowed to send its request.
    pub fn sends(&self, process: &Process, api: usize, body: &[u8]) {
        let now = self.now();
        let text = String::from_utf8_lossy(body).into_owned();
        let who = format!(
            "{} process {} sends {text} to {}",
            name(process.node),
            process.pid,
            APIS[api]
        );
        self.note(|| who.clone());
        let mut truth = self.truth.borrow_mut();
        truth.count("sent");
        if process.attempt.get() > 1 {
            truth.count("sent again");
        }
        // an unreachable Patroni does not delay a callback that has just been called
        let late = now.saturating_sub(process.called) > Duration::from_secs(4);
        // a node that is being created has no role to lose
        let recovers = text.contains("\"recovery\"");
        let exempt = recovers || process.fresh.get() && !late && !process.patroni_answered.get();
        let recorded = process.has_state && !process.state_failed.get();
        if recovers && (self.disks[process.disk].full.get() || !recorded) {
            truth.unrecorded.insert(directory(process.node));
        }
        let role = process.role.get().unwrap();
        let body: Value = serde_json::from_slice(body).unwrap();
        let followed = body.get("model_name").and_then(Value::as_str);
        let member = (0..self.nodes())
            .find(|node| followed == Some(&format!("demo:{}", name(*node))))
            .unwrap_or(process.node);
        let cluster = self.cluster.borrow();
        let mut lost = cluster.out_of_role(member, role, now);
        if member != process.node {
            truth.count("sent for another");
            let listed = cluster.lists_another(process.node, member, now);
            lost = lost.and_then(|lost| Some(lost.min(listed?)));
            let at_once = process.is_agent.get();
            if !at_once && now.saturating_sub(process.called) < ANOTHERS {
                truth.broke(Invariant::TwoLooks, now, &who);
            }
        }
        if !exempt
            && let Some(since) = lost
            && since > KNOWN
        {
            let since = since.as_secs_f64();
            truth.broke(
                Invariant::Fence,
                now,
                &format!("{who}, decided for a {role}, which it is not for {since} s"),
            );
        }
        let ours = |((disk, _), decided): (&(usize, IntentId), &Decided)| {
            let same = *disk == process.disk && decided.worker == process.pid;
            let body = decided.body.to_string();
            (same && decided.api == api && body == text).then_some(decided.superseded)
        };
        // a state that can't be written must not stop a failover
        let told = !self.disks[process.disk].full.get() && !process.state_failed.get();
        let superseded = truth.decided.iter().rev().find_map(ours).flatten();
        let superseded = superseded.filter(|_| told);
        if let Some(since) = superseded.filter(|since| now.saturating_sub(*since) > KNOWN) {
            truth.broke(
                Invariant::Supersession,
                now,
                &format!("{who}, superseded at {since:?}"),
            );
        }
    }

    /// Records that a process resumes another one's intent.
    pub fn takes_up(&self, disk: usize, id: IntentId) {
        if let Some(decided) = self.truth.borrow_mut().decided.get_mut(&(disk, id)) {
            decided.resumed = true;
        }
    }

    /// Records that a decision is on disk.
    pub fn intended(&self, worker: &Process, decision: &Decision<'_>, ids: &[Option<IntentId>]) {
        let (node, disk, worker) = (worker.node, worker.disk, worker.pid);
        let plan = decision.plan;
        let own = |member: &usize| plan.node == Some(name(*member));
        let member = (0..self.nodes()).find(own).unwrap();
        let now = self.now();
        // a look is no newer than a callback's decision in the meantime
        if matches!(decision.cause, Cause::Event(_)) {
            self.role_noted(node, plan.role);
        }
        let mut truth = self.truth.borrow_mut();
        let ours: BTreeSet<IntentId> = ids.iter().flatten().copied().collect();
        for (step, id) in plan.steps.iter().zip(ids) {
            let Some(id) = id else { continue };
            let targets = step.operation.targets(&step.api);
            for ((other, older), decided) in &mut truth.decided {
                let same = decided
                    .targets
                    .iter()
                    .any(|target| targets.contains(target));
                if *other == disk && same && !ours.contains(older) {
                    decided.superseded.get_or_insert(now);
                }
            }
            let decided = Decided {
                kind: step.operation.kind(),
                node,
                member,
                event: plan.event,
                role: plan.role,
                at: now,
                targets,
                superseded: None,
                touched: now,
                worker,
                resumed: false,
                api: api(&step.api),
                body: step.operation.body(),
            };
            truth.decided.insert((disk, *id), decided);
        }
    }

    /// Records that a node's role is on disk: decisions for another role are superseded.
    pub fn role_noted(&self, node: usize, role: Role) {
        let now = self.now();
        for ((other, _), decided) in &mut self.truth.borrow_mut().decided {
            let foreground = matches!(decided.event, Event::Bootstrap | Event::CreateReplica);
            let own = *other == node && decided.member == node;
            if own && decided.role != role && !foreground {
                decided.superseded.get_or_insert(now);
            }
        }
    }

    /// Records that a process works on an intent.
    pub fn touched(&self, worker: &Process, id: IntentId) {
        let now = self.now();
        if let Some(decided) = self.truth.borrow_mut().decided.get_mut(&(worker.disk, id)) {
            decided.touched = now;
            decided.worker = worker.pid;
        }
    }

    /// Checks the final invariants, when there have been no faults since `calm`.
    pub fn judge(&self, calm: Duration) {
        for node in 0..self.nodes() {
            let found: BTreeMap<IntentId, Intent> = self.disks[node]
                .history()
                .into_iter()
                .map(|intent| (intent.id, intent))
                .collect();
            for intent in found.values() {
                self.truth.borrow_mut().count(intent.state.as_str());
            }
            let mut wrong = Vec::new();
            let truth = self.truth.borrow();
            for ((_, id), decided) in truth
                .decided
                .range((node, IntentId(0))..=(node, IntentId(i64::MAX)))
            {
                let why = match found.get(id) {
                    None => Some("is not in the state".to_owned()),
                    Some(intent)
                        if intent.state == State::Pending
                            && self.scheduler.is_alive(decided.worker) =>
                    {
                        None
                    }
                    // no process resumes it
                    Some(intent)
                        if intent.state == State::Pending && !self.reconciles.contains(&node) =>
                    {
                        None
                    }
                    Some(intent) => truth.objection(decided, intent, calm, self.now()),
                };
                if let Some(why) = why {
                    let Decided { event, role, .. } = decided;
                    wrong.push(format!(
                        "intent {} of {}, {event} {role}, {why}",
                        id.0,
                        name(node)
                    ));
                }
            }
            let last = truth.reconciled.get(&node).copied().unwrap_or_default();
            if self.reconciles.contains(&node) && self.now().saturating_sub(last) > 3 * POLL {
                wrong.push(format!(
                    "the last run of reconcile on {} ended at {last:?}",
                    name(node)
                ));
            }
            drop(truth);
            for how in &wrong {
                self.truth
                    .borrow_mut()
                    .broke(Invariant::NothingForgotten, self.now(), how);
            }
        }
    }

    /// Checks that Barman follows the leader now.
    pub fn must_follow(&self) {
        let leader = self
            .cluster
            .borrow()
            .leader
            .map(|node| format!("demo:{}", name(node)));
        self.must_be(
            leader.as_deref(),
            Invariant::FollowsTheLeader,
            0..APIS.len(),
        );
    }

    /// A callback of this node has finished its second look after the faults were over: no timer was needed.
    pub fn looked_again(&self, node: usize) {
        if self.cluster.borrow().leader == Some(node) {
            self.truth.borrow_mut().count("looked again");
            let wanted = Some(format!("demo:{}", name(node)));
            self.must_be(wanted.as_deref(), Invariant::FollowsByItself, 0..APIS.len());
        }
    }

    /// Checks that this is Barman's active model.
    pub fn must_be(&self, wanted: Option<&str>, invariant: Invariant, apis: Range<usize>) {
        for api in apis {
            let active = self.active_model(api);
            if active.as_deref() != wanted {
                let how = format!(
                    "the active model in {} is {active:?} and should be {wanted:?}",
                    APIS[api]
                );
                self.truth.borrow_mut().broke(invariant, self.now(), &how);
            }
        }
    }
}

impl Truth {
    /// The objection to an intent's end, if any.
    fn objection(
        &self,
        decided: &Decided,
        intent: &Intent,
        calm: Duration,
        now: Duration,
    ) -> Option<String> {
        let message = intent.message.as_deref().unwrap_or_default();
        match intent.state {
            // a recovery may take hours; everything that sets a state is settled by now
            State::Pending => {
                let goes_on =
                    decided.kind == RequestKind::Recovery && intent.operation_id.is_some();
                let since = now.saturating_sub(decided.touched.max(calm));
                (!goes_on || since > 3 * POLL).then(|| format!("is pending: {message}"))
            }
            State::Superseded if decided.superseded.is_some() => None,
            State::Superseded if message.contains("another role") => self
                .kept_role(decided.member, decided.role, decided.at)
                .then(|| "is superseded by another role, which the node never had".to_owned()),
            State::Superseded => Some(format!("is superseded by nothing: {message}")),
            State::Fenced => self
                .kept_role(decided.member, decided.role, decided.at)
                .then(|| format!("is fenced, and kept its role: {message}")),
            // Another process may have made the switch.
            // An unrecorded recovery's files may be mistaken for another's; and about a recovery whose caller is gone, it
            // is only known that an operation which began at that time has ended.
            State::Done
                if decided.kind == RequestKind::Recovery
                    && (decided.resumed || self.unrecorded.contains(&directory(decided.node))) =>
            {
                None
            }
            State::Done => (decided.kind != RequestKind::ConfigSwitch
                && !self
                    .taken_up
                    .contains(&(decided.api, decided.body.to_string())))
            .then(|| "is done, and was never taken up".to_owned()),
            State::Abandoned => {
                let because_of_another = message.contains("a step before it");
                let for_another = decided.member != decided.node;
                (decided.kind != RequestKind::Recovery && !because_of_another && !for_another)
                    .then(|| format!("is abandoned: {message}"))
            }
            State::Refused => (!message.contains("is gone"))
                .then(|| format!("is refused, and nobody refuses: {message}")),
            State::Failed | State::Unverified | State::Forgotten => None,
        }
    }
}
