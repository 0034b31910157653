//! The state that the rules want of a whole cluster: the rules, evaluated for every member.

use std::collections::BTreeMap;

use crate::model::{Event, Match, Operation, Role, RuleSet, Target, Verify};

use super::{Facts, Plan, Step, Walk, walk};

/// A cluster as Patroni lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// Patroni's scope.
    pub cluster: String,
    /// The member of this node, if there is one: all facts about it are known.
    pub own: Option<String>,
    /// The members.
    pub members: Vec<MemberView>,
}

/// A member as rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// The name.
    pub name: String,
    /// The role, according to the leader key.
    pub role: Role,
    /// Its PostgreSQL is down.
    pub stopped: bool,
}

/// The state that the rules want of a cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// One plan for each member that a rule applies to: the own member's first, then the leader's.
    pub plans: Vec<Plan>,
    /// The targets that members want to set differently. They are in no plan.
    pub conflicts: Vec<Conflict>,
    /// The rules that only another node can evaluate.
    pub left: Vec<Left>,
}

/// Two members want different values of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The target.
    pub target: Target,
    /// The two members, each with the rule that wants the value.
    pub wants: [(String, String); 2],
}

/// A rule that needs a fact that is only known on another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The member.
    pub member: String,
    /// The rule.
    pub rule: String,
    /// The reason, as `run` would word it there.
    pub why: String,
}

/// Evaluates the rules for every member, with the last change of its role or, for a cluster that was
/// started in its current state, its start. `own` evaluates them for the own member.
pub fn wanted<E>(
    rules: &RuleSet,
    view: &ClusterView,
    own: impl Fn(Event, Role) -> Result<Plan, E>,
) -> Result<Wanted, E> {
    let mut wanted = Wanted::default();
    let is_own = |member: &MemberView| view.own.as_ref() == Some(&member.name);
    let mut members: Vec<&MemberView> = view.members.iter().collect();
    members.sort_by_key(|member| (!is_own(member), !member.role.leads()));
    for member in members {
        let mut plan = if is_own(member) {
            match own(Event::OnRoleChange, member.role)? {
                plan if plan.steps.is_empty() => own(Event::OnStart, member.role)?,
                plan => plan,
            }
        } else {
            elsewhere(rules, &view.cluster, member, &mut wanted.left)
        };
        // A recovery sets no state.
        plan.steps.retain(|step| step.operation.kind().sets_state());
        for step in &mut plan.steps {
            if member.stopped && step.verify == Verify::Streaming {
                step.verify = Verify::Applied;
            }
        }
        if !plan.steps.is_empty() {
            wanted.plans.push(plan);
        }
    }
    wanted.conflicts = conflicts(&wanted.plans);
    let mut taken: BTreeMap<Target, usize> = BTreeMap::new();
    for (number, plan) in wanted.plans.iter_mut().enumerate() {
        let keep = |target: &Target| {
            let wins = taken.get(target).is_none_or(|first| *first == number);
            let disputed = wanted.conflicts.iter().any(|one| one.target == *target);
            wins && !disputed
        };
        let steps = plan.steps.iter().filter_map(|step| {
            let operation = step.operation.only(&step.api, &keep)?;
            Some(Step {
                operation,
                ..step.clone()
            })
        });
        plan.steps = steps.collect();
        for target in targets(plan) {
            taken.entry(target).or_insert(number);
        }
    }
    wanted.plans.retain(|plan| !plan.steps.is_empty());
    Ok(wanted)
}

/// The plan for a member of another node, whose environment and host name are unknown here. Its options are
/// left for it to update.
fn elsewhere(rules: &RuleSet, cluster: &str, member: &MemberView, left: &mut Vec<Left>) -> Plan {
    let mut plan = Plan::empty(&Facts::new(Event::OnRoleChange, member.role, cluster));
    for event in [Event::OnRoleChange, Event::OnStart] {
        let facts = Facts {
            node: Some(member.name.clone()),
            elsewhere: true,
            ..Facts::new(event, member.role, cluster)
        };
        let mut fails = false;
        let mut unknown = Vec::new();
        plan = walk(rules, &facts, |error| {
            let known_there = error.missing.is_some();
            if known_there {
                unknown.push(Left {
                    member: member.name.clone(),
                    rule: error.rule,
                    why: error.source.message,
                });
            }
            fails |= !known_there;
            // Only the first match counts: nothing is known about the rules after it either.
            if known_there && rules.matching != Match::First {
                Walk::GoOn
            } else {
                Walk::Stop
            }
        });
        if fails {
            // That node would send nothing.
            plan.steps.clear();
            return plan;
        }
        plan.steps
            .retain(|step| step.operation.kind().restarts_receiver());
        let decided = !plan.steps.is_empty() || !unknown.is_empty();
        left.append(&mut unknown);
        if decided {
            break;
        }
    }
    plan
}

fn targets(plan: &Plan) -> impl Iterator<Item = Target> + '_ {
    let steps = plan.steps.iter();
    steps.flat_map(|step| step.operation.targets(&step.api))
}

/// The last value that a plan sets a target to, and its rule.
fn value<'a>(plan: &'a Plan, target: &Target) -> Option<(Operation, &'a str)> {
    let mut steps = plan.steps.iter().rev();
    steps.find_map(|step| {
        let part = step.operation.only(&step.api, &|other| other == target)?;
        Some((part, step.rule.as_str()))
    })
}

fn conflicts(plans: &[Plan]) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        for target in targets(plan) {
            for other in plans.iter().skip(number + 1) {
                let known = found.iter().any(|conflict| conflict.target == target);
                if let (Some(one), Some(two)) = (value(plan, &target), value(other, &target))
                    && one.0 != two.0
                    && !known
                {
                    let want = |plan: &Plan, rule: &str| {
                        (plan.node.clone().unwrap_or_default(), rule.to_owned())
                    };
                    found.push(Conflict {
                        target: target.clone(),
                        wants: [want(plan, one.1), want(other, two.1)],
                    });
                }
            }
        }
    }
    found
}
