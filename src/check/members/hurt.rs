//! Sequences of callbacks after which a target differs from what the leader's rules want.
//!
//! A member's callbacks run in the order of its roles, and those of different members in any order. The fence keeps a request
//! from being sent when the member no longer has the role, so a leader's late request is harmless; a
//! replica's is not, because it still is a replica.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::diagnostic::Code;
use crate::model::{Event, Role};
use crate::space::events;
use crate::template::{Asked, Premises};

use super::super::cells::name;
use super::super::table::Table;
use super::act::Act;
use super::sample::Member;

/// The maximum number of pairs to compare for one target; real rules have far fewer.
const MOST_LOOKS: usize = 20_000;

/// A harmful sequence.
#[derive(Debug, Clone)]
pub(super) struct Hurt {
    pub(super) code: Code,
    /// The request to blame.
    pub(super) culprit: Act,
    /// The request that wants another value.
    pub(super) other: Act,
    pub(super) steps: Vec<Step>,
    /// The member that leads in the end, if the values of others are compared with its own.
    pub(super) leader: Option<Member>,
}

/// A callback of a member, and the value it sets the target to, if any.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) event: Event,
    pub(super) role: Role,
    pub(super) member: Member,
    pub(super) value: Option<String>,
    /// Only the member knows the value.
    pub(super) private: bool,
}

impl Step {
    pub(super) fn of(act: &Act) -> Self {
        Self {
            event: act.event,
            role: act.role,
            member: act.member,
            value: Some(act.value.clone()),
            private: act.private,
        }
    }

    /// The cell as messages name it.
    pub(super) fn cell_name(&self) -> String {
        let mut cells = events().enumerate();
        let cell = cells.find(|(_, cell)| *cell == (self.event, self.role));
        cell.map_or_else(String::new, |(index, _)| name(index))
    }

    fn silent(event: Event, role: Role, member: Member) -> Self {
        Self {
            event,
            role,
            member,
            value: None,
            private: false,
        }
    }
}

/// The acts on one target in one kind of cluster, whose leaders have one role.
pub(super) struct Contest<'a, 'r> {
    table: &'a Table<'r>,
    leads: Role,
    acts: Vec<&'a Act>,
    /// The value that each member wants while it leads: from its promotion, or else from its start.
    wants: BTreeMap<Member, Vec<&'a Act>>,
    /// The acts of each member in each event while it leads.
    leading: HashMap<(Member, Event), Vec<&'a Act>>,
    /// The circumstances in which each event of a leading member sets the target.
    certain: HashSet<(Member, Event, Certain<'a>)>,
    looks: Cell<usize>,
}

/// The circumstances in which a request is certainly sent: the rules that may fire instead are the same.
#[derive(PartialEq, Eq, Hash)]
enum Certain<'a> {
    Always,
    WithRule(usize, &'a [usize]),
    WithCondition(Option<&'a str>, &'a [usize]),
}

impl<'a, 'r> Contest<'a, 'r> {
    pub(super) fn new(table: &'a Table<'r>, leads: Role, acts: &'a [Act]) -> Self {
        let takes_part = |act: &&Act| act.role == leads || !act.role.leads();
        let acts: Vec<&Act> = acts.iter().filter(takes_part).collect();
        let mut leading: HashMap<_, Vec<&Act>> = HashMap::new();
        for act in acts.iter().copied().filter(|act| act.role.leads()) {
            let key = (act.member, act.event);
            leading.entry(key).or_default().push(act);
        }
        let mut wants = BTreeMap::new();
        for act in &acts {
            let of = |event| leading.get(&(act.member, event));
            if let Some(found) = of(Event::OnRoleChange).or_else(|| of(Event::OnStart)) {
                wants.entry(act.member).or_insert_with(|| found.clone());
            }
        }
        let mut certain = HashSet::new();
        for act in acts.iter().copied().filter(|act| act.role.leads()) {
            let of_rule = Certain::WithRule(act.rule, &act.instead);
            let of_condition = Certain::WithCondition(condition(table, act), &act.instead);
            let always = act.sure.then_some(Certain::Always);
            let all = [of_rule, of_condition].into_iter().chain(always);
            certain.extend(all.map(|certain| (act.member, act.event, certain)));
        }
        Self {
            table,
            leads,
            acts,
            wants,
            leading,
            certain,
            looks: Cell::new(MOST_LOOKS),
        }
    }

    /// One sequence for each request to blame.
    pub(super) fn hurts(&self) -> Vec<Hurt> {
        let first = self.acts.first().map(|act| act.member.name);
        if self.acts.iter().all(|act| Some(act.member.name) == first) {
            return Vec::new();
        }
        let mut hurts: Vec<Hurt> = Vec::new();
        let mut blamed = HashSet::new();
        for act in self.in_order() {
            if blamed.contains(&(act.rule, act.request)) {
                continue;
            }
            let found = if self.wants.is_empty() {
                self.against_all(act)
            } else {
                self.against_leader(act)
            };
            if let Some(hurt) = found {
                blamed.insert((act.rule, act.request));
                hurts.push(hurt);
            }
        }
        hurts
    }

    /// The acts in the order of the rules. In sequences, the first member leads and the last one does the harm.
    fn in_order(&self) -> Vec<&'a Act> {
        let mut places: HashMap<Member, usize> = HashMap::new();
        for act in &self.acts {
            let next = places.len();
            places.entry(act.member).or_insert(next);
        }
        let mut acts = self.acts.clone();
        acts.sort_by_cached_key(|act| {
            let place = places.get(&act.member).copied().unwrap_or_default();
            let stays = act.role.leads() && !Self::is_start(act);
            let rank = if stays { place } else { places.len() - place };
            (act.rule, act.request, act.role.leads(), rank)
        });
        acts
    }

    fn is_promotion(act: &Act) -> bool {
        act.event == Event::OnRoleChange && act.role.leads()
    }

    fn is_start(act: &Act) -> bool {
        act.event == Event::OnStart && act.role.leads()
    }

    /// Counts a comparison; returns false once there are too many.
    fn may_look(&self) -> bool {
        self.looks.set(self.looks.get().saturating_sub(1));
        self.looks.get() > 0
    }

    /// A sequence after which the target has the value of this act while the leader wants another.
    fn against_leader(&self, act: &'a Act) -> Option<Hurt> {
        if !act.role.leads() {
            return self.of_follower(act);
        }
        if !Self::is_promotion(act)
            && let Some(hurt) = self.of_leader(act)
        {
            return Some(hurt);
        }
        if Self::is_start(act) {
            return self.of_start(act);
        }
        None
    }

    /// A member that does not lead sets a value that the leader does not want.
    fn of_follower(&self, act: &'a Act) -> Option<Hurt> {
        for (leader, wants) in &self.wants {
            for want in wants.iter().filter(|_| leader.name != act.member.name) {
                if !self.may_look() {
                    return None;
                }
                if act.differs(want) && self.can_both(act, want) {
                    return Some(Hurt {
                        code: Code::FollowerSets,
                        culprit: act.clone(),
                        other: (*want).clone(),
                        steps: vec![Step::of(want), Step::of(act)],
                        leader: Some(*leader),
                    });
                }
            }
        }
        None
    }

    /// Another event of a leader sets a different value than its promotion.
    fn of_leader(&self, act: &'a Act) -> Option<Hurt> {
        let wants = self.wants.get(&act.member)?;
        let beside = self.leading.get(&(act.member, act.event))?;
        for want in wants {
            if !self.may_look() {
                return None;
            }
            if want.event == act.event || !act.differs(want) || !self.can_both(act, want) {
                continue;
            }
            let replaced = |by: &[&Act], one: &Act, than: &Act| {
                let mut by = by.iter();
                by.any(|other| other.is_same_request(one) && other.order > than.order)
            };
            if replaced(beside, want, act) || replaced(wants, act, want) {
                continue;
            }
            // A leader that stops is started again, or another member is promoted.
            let stops = act.event == Event::OnStop;
            let sets = |by: &&Act| self.is_certain(Event::OnStart, by);
            if stops && [act, want].iter().any(sets) {
                continue;
            }
            return Some(self.differ(act, want, Some(act.member)));
        }
        None
    }

    fn differ(&self, act: &Act, other: &Act, leader: Option<Member>) -> Hurt {
        let mut steps = vec![Step::of(other), Step::of(act)];
        if act.event == Event::OnStop {
            steps.push(Step::silent(Event::OnStart, self.leads, act.member));
        }
        Hurt {
            code: Code::LeaderEventsDiffer,
            culprit: act.clone(),
            other: other.clone(),
            steps,
            leader,
        }
    }

    /// The target follows a leader's start but not a promotion.
    fn of_start(&self, act: &'a Act) -> Option<Hurt> {
        if self.is_certain(Event::OnRoleChange, act) {
            return None;
        }
        for before in &self.acts {
            if !self.may_look() {
                return None;
            }
            let led = before.role.leads() && before.member.name != act.member.name;
            if led && before.differs(act) && self.can_both(before, act) {
                return Some(self.not_followed(act, before, act.member));
            }
        }
        None
    }

    fn not_followed(&self, culprit: &Act, before: &Act, leader: Member) -> Hurt {
        let promotion = Step::silent(Event::OnRoleChange, self.leads, leader);
        Hurt {
            code: Code::PromotionNotFollowed,
            culprit: culprit.clone(),
            other: before.clone(),
            steps: vec![Step::of(before), promotion],
            leader: Some(leader),
        }
    }

    /// No rule sets what a leader wants: all acts must set one value.
    fn against_all(&self, act: &'a Act) -> Option<Hurt> {
        let (own, others): (Vec<&Act>, Vec<&Act>) = self
            .acts
            .iter()
            .copied()
            .filter(|other| other.member == act.member || other.member.name != act.member.name)
            .partition(|other| other.member == act.member);
        for other in own.into_iter().chain(others) {
            if !self.may_look() {
                return None;
            }
            let is_own = other.member == act.member;
            if is_own && other.cell == act.cell || !act.differs(other) || !self.can_both(act, other)
            {
                continue;
            }
            match (act.role.leads(), other.role.leads()) {
                // The request of the member that does not lead is to blame.
                (true, false) => {}
                (false, _) if is_own => {}
                (false, _) => {
                    return Some(Hurt {
                        code: Code::FollowerSets,
                        culprit: act.clone(),
                        other: other.clone(),
                        steps: vec![Step::of(other), Step::of(act)],
                        leader: None,
                    });
                }
                (true, true) if !is_own => {
                    return Some(self.not_followed(act, act, other.member));
                }
                (true, true) => return Some(self.differ(act, other, None)),
            }
        }
        None
    }

    /// Tells whether the event sets the target for the act's leading member whenever the act happens.
    fn is_certain(&self, event: Event, act: &'a Act) -> bool {
        let of_condition = Certain::WithCondition(condition(self.table, act), &act.instead);
        [
            Certain::Always,
            Certain::WithRule(act.rule, &act.instead),
            of_condition,
        ]
        .into_iter()
        .any(|certain| self.certain.contains(&(act.member, event, certain)))
    }

    /// Returns true if both conditions can hold: all parts for one member, the parts about the cluster for two.
    fn can_both(&self, one: &Act, other: &Act) -> bool {
        if one.rule == other.rule {
            return true;
        }
        let asks = |act: &Act| self.table.premises(act.rule);
        let (Some(first), Some(second)) = (asks(one), asks(other)) else {
            return true;
        };
        if one.member == other.member {
            return !first.exclude(&second);
        }
        let of_cluster = |premises: &Premises| premises.common().remove("cluster");
        match (of_cluster(&first), of_cluster(&second)) {
            (Some(Asked::OneOf(texts)), Some(asked)) | (Some(asked), Some(Asked::OneOf(texts))) => {
                texts.iter().any(|text| asked.allows(text))
            }
            _ => true,
        }
    }
}

fn condition<'r>(table: &Table<'r>, act: &Act) -> Option<&'r str> {
    let rule = table.rule(act.rule)?;
    rule.when.as_ref().map(|when| when.text.as_str())
}
