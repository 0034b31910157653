//! Targets that several members or clusters set: Barman's final state then depends on whose callback comes last.
//!
//! Requests within one event are compared elsewhere. This compares the events of all members of a cluster: at most one member
//! leads, the others are replicas, and Patroni calls each with its own role.

mod act;
mod hurt;
mod sample;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Event, Origin, Role, Target};
use crate::space::Cluster;

use self::act::{Act, Residuals, Stage};
use self::hurt::{Contest, Hurt, Step};
use self::sample::Members;
use super::lint::{All, Kind, Lint};
use super::table::Table;

/// The contested targets, over all kinds of cluster.
pub(super) struct Contested<'r> {
    members: Members<'r>,
    residuals: Residuals<'r>,
    problems: Vec<Problem>,
    /// The requests already reported, with the code.
    blamed: HashSet<(usize, usize, Code)>,
    /// The targets already reported in one cluster.
    disputed: HashSet<Target>,
    /// For each target, the first named cluster that sets it, and its request there.
    first: HashMap<Target, (String, Act)>,
}

impl<'r> Lint<'r> for Contested<'r> {
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        let (table, cluster) = (kind.table, kind.cluster);
        let mut stage = Stage {
            table,
            members: &self.members,
            cluster,
            judge: kind.judge,
            scopes: HashMap::new(),
            residuals: &mut self.residuals,
        };
        let all = stage.acts(kind.firings);
        for (target, acts) in &all {
            for leads in leaders(acts) {
                let hurts = Contest::new(table, leads, acts).hurts();
                for hurt in &hurts {
                    self.disputed.insert(target.clone());
                    self.blame(table, target, hurt);
                }
            }
        }
        if is_named(cluster) {
            self.compare(table, cluster, &all);
        }
    }

    fn problems(self: Box<Self>, _: &All<'_, 'r>) -> Vec<Problem> {
        self.problems
    }
}

impl<'r> Contested<'r> {
    pub(super) fn new(table: &Table<'r>) -> Self {
        Self {
            members: Members::new(table),
            residuals: Residuals::new(),
            problems: Vec::new(),
            blamed: HashSet::new(),
            disputed: HashSet::new(),
            first: HashMap::new(),
        }
    }

    fn blame(&mut self, table: &Table<'_>, target: &Target, hurt: &Hurt) {
        let culprit = (hurt.culprit.rule, hurt.culprit.request, hurt.code);
        if self.blamed.insert(culprit) {
            let problem = problem(table, &self.members, target, hurt);
            self.problems.extend(problem);
        }
    }

    /// Compares the targets of a cluster with those of earlier clusters.
    fn compare(&mut self, table: &Table<'_>, cluster: &Cluster, all: &BTreeMap<Target, Vec<Act>>) {
        for (target, acts) in all {
            let leads = |act: &&Act| act.role.leads() && !self.members.is_of_one(act.rule);
            let Some(first) = acts.iter().find(leads) else {
                continue;
            };
            if self.disputed.contains(target) {
                continue;
            }
            let Some((name, before)) = self.first.get(target) else {
                let known = (cluster.name.clone(), first.clone());
                self.first.insert(target.clone(), known);
                continue;
            };
            // Two clusters never share a member.
            let other = acts.iter().filter(leads);
            let mut other = other.filter(|act| act.member.name != before.member.name);
            let Some(act) = other.find(|act| act.differs(before)) else {
                continue;
            };
            let names = [name.as_str(), cluster.name.as_str()];
            let problem = of_two_clusters(table, &self.members, target, names, [before, act]);
            self.problems.extend(problem);
            self.disputed.insert(target.clone());
        }
    }
}

/// The leader roles for which the rules set a target; if there is none, one kind of leader represents both.
fn leaders(acts: &[Act]) -> Vec<Role> {
    let mut leaders = vec![Role::Primary, Role::StandbyLeader];
    leaders.retain(|role| acts.iter().any(|act| act.role == *role));
    if leaders.is_empty() {
        leaders.push(Role::Primary);
    }
    leaders
}

/// Returns true if the rules name the cluster; the overlap of two patterns may not exist at all.
fn is_named(cluster: &Cluster) -> bool {
    let is_name = |pattern: &String| *pattern == cluster.name;
    cluster.matches.len() == 1 || cluster.matches.iter().any(is_name)
}

fn problem(
    table: &Table<'_>,
    members: &Members<'_>,
    target: &Target,
    hurt: &Hurt,
) -> Option<Problem> {
    let rules = [hurt.culprit.rule, hurt.other.rule];
    let mut steps = Vec::new();
    let mut introduced = None;
    for step in &hurt.steps {
        let words = members.surroundings_in_words(step.member, rules);
        let known = introduced.replace(step.member) == Some(step.member);
        let of = if known || words.is_empty() {
            String::new()
        } else {
            format!(" (where {})", words.join(" and "))
        };
        steps.push(told(members, step, &of));
    }
    let end = hurt.leader;
    let end = end.map(|leader| format!(", while `{}` leads", members.name(leader)));
    let what = match hurt.code {
        Code::FollowerSets if hurt.leader.is_none() => "depends on whose callback comes last",
        Code::FollowerSets => "does not follow the leader",
        Code::PromotionNotFollowed => "does not follow a promotion",
        _ => "depends on the leader's last event",
    };
    let message = format!(
        "{target} {what}: {}{}",
        steps.join(", then "),
        end.unwrap_or_default()
    );
    let culprit = origin(table, &hurt.culprit)?;
    let mut problem = Problem::new(hurt.code, Spot::value(&culprit), message).help(help(hurt));
    if (hurt.other.rule, hurt.other.request) != (hurt.culprit.rule, hurt.culprit.request) {
        let note = format!("{} here", hurt.other.value);
        problem = problem.related(Spot::value(&origin(table, &hurt.other)?), note);
    }
    Some(problem)
}

fn help(hurt: &Hurt) -> String {
    let own = "give each member a target of its own, with `{{ node }}` in its name";
    match hurt.code {
        Code::FollowerSets if hurt.culprit.rule == hurt.other.rule && hurt.leader.is_some() => {
            format!("write `role: primary`, so that only the leader sets it, or {own}")
        }
        Code::FollowerSets if hurt.leader.is_some() => {
            format!("delete this request: the leader's is enough; or {own}")
        }
        Code::FollowerSets => {
            format!("name one member, as in `when: node == \"n1\"`, or {own}")
        }
        Code::PromotionNotFollowed => {
            "write `on: [on_role_change, on_start]`: a promotion comes as `on_role_change`"
                .to_owned()
        }
        _ => "let all events of the leader set the same value".to_owned(),
    }
}

fn of_two_clusters(
    table: &Table<'_>,
    members: &Members<'_>,
    target: &Target,
    names: [&str; 2],
    acts: [&Act; 2],
) -> Option<Problem> {
    let [before, act] = acts;
    let steps: Vec<String> = acts
        .into_iter()
        .zip(names)
        .map(|(act, name)| {
            told(
                members,
                &Step::of(act),
                &format!(" of the cluster `{name}`"),
            )
        })
        .collect();
    let message = format!(
        "the leaders of two clusters set {target}: {}",
        steps.join(", then ")
    );
    let help = "give each cluster a server of its own, as in `server: \"{{ cluster }}\"`";
    let spot = Spot::value(&origin(table, act)?);
    let problem = Problem::new(Code::ClustersShare, spot, message).help(help);
    if (act.rule, act.request) == (before.rule, before.request) {
        return Some(problem);
    }
    let note = format!("{} here", before.value);
    Some(problem.related(Spot::value(&origin(table, before)?), note))
}

/// A step in words: "the replica `n2` starts (`on_start replica`) and sets it to `main:n2`". `of` is added after the member.
fn told(members: &Members<'_>, step: &Step, of: &str) -> String {
    let member = format!("`{}`{of}", members.name(step.member));
    let leads = step.role.leads();
    let happens = match (step.event, step.role) {
        (Event::OnRoleChange, Role::Replica) => format!("{member} becomes a replica"),
        (Event::OnRoleChange, Role::Demoted) => format!("{member} is demoted"),
        (Event::OnRoleChange, _) => format!("{member} is promoted"),
        (Event::OnStart, _) if leads => format!("{member} starts as the leader"),
        (Event::OnStart, _) => format!("the replica {member} starts"),
        (Event::OnRestart, _) if leads => format!("the leader {member} restarts"),
        (Event::OnRestart, _) => format!("the replica {member} restarts"),
        (Event::OnReload, _) => format!("{member} reloads"),
        (Event::OnStop, _) => format!("{member} stops"),
        (Event::Bootstrap | Event::CreateReplica, _) => format!("{member} is created"),
    };
    let sets = match &step.value {
        Some(value) if step.private => format!("sets it to its own {value}"),
        Some(value) => format!("sets it to {value}"),
        None => "no rule sets it".to_owned(),
    };
    format!("{happens} ({}) and {sets}", step.cell_name())
}

fn origin(table: &Table<'_>, act: &Act) -> Option<Origin> {
    let request = table.rule(act.rule)?.requests.get(act.request)?;
    Some(request.origin.clone())
}
