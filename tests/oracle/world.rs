//! A cluster of three members by brute force: every history of few events, with callbacks that arrive in every order.
//!
//! Written from how Patroni calls and the fence decides, without a look at what `check` does.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use patroni_barman::evaluate::{Facts, evaluate};
use patroni_barman::model::{Event, Operation, Role, RuleSet};
use serde_json::Value;

pub const MEMBERS: [&str; 3] = ["n1", "n2", "n3"];

/// The events of one history at most, of those that set something.
const MOST_EVENTS: u8 = 4;

/// A callback of a member.
pub type Call = (usize, Event, Role);

/// What each callback sets one target to, on members with these sites.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effects(BTreeMap<Call, String>);

const EVENTS: [Event; 5] = [
    Event::OnRoleChange,
    Event::OnStart,
    Event::OnRestart,
    Event::OnReload,
    Event::OnStop,
];

/// What the rules' plans set, by target, for each way in which members are at the sites.
pub fn effects(rules: &RuleSet) -> BTreeMap<String, Vec<Effects>> {
    let mut all: BTreeMap<String, Vec<Effects>> = BTreeMap::new();
    for sites in 0..8_usize {
        let mut found: BTreeMap<String, Effects> = BTreeMap::new();
        for (member, name) in MEMBERS.iter().enumerate() {
            for event in EVENTS {
                for role in [Role::Primary, Role::Replica, Role::Demoted] {
                    if !event.roles().contains(&role) {
                        continue;
                    }
                    let site = if sites >> member & 1 == 0 { "paris" } else { "lyon" };
                    let facts = Facts {
                        node: Some((*name).to_owned()),
                        env: BTreeMap::from([("SITE".to_owned(), site.to_owned())]),
                        ..Facts::new(event, role, "CLUSTER")
                    };
                    let plan = evaluate(rules, &facts).unwrap();
                    for step in plan.steps {
                        let (target, value) = set_by(&step.operation);
                        let effects = found.entry(target).or_default();
                        effects.0.insert((member, event, role), value);
                    }
                }
            }
        }
        for (target, effects) in found {
            let known = all.entry(target).or_default();
            if !known.contains(&effects) {
                known.push(effects);
            }
        }
    }
    all
}

fn set_by(operation: &Operation) -> (String, String) {
    let body = operation.body();
    match operation.server() {
        Some(server) => (format!("model of {server}"), body.to_string()),
        None => {
            let change = &body["changes"][0];
            let text = |key: &str| change[key].as_str().map(str::to_owned).unwrap();
            let value = Value::from(text("description")).to_string();
            (format!("description of {}", text("server_name")), value)
        }
    }
}

impl Effects {
    /// The members that set the target.
    fn members(&self) -> BTreeSet<usize> {
        self.0.keys().map(|(member, ..)| *member).collect()
    }

    /// What the rules want when this member leads.
    fn wants(&self, leader: usize) -> Option<&String> {
        let on = |event| self.0.get(&(leader, event, Role::Primary));
        on(Event::OnRoleChange).or_else(|| on(Event::OnStart))
    }
}

/// One target on members with these sites.
pub struct World<'a> {
    effects: &'a Effects,
    /// Some leader's rules want a value, on these sites or on others.
    is_wanted: bool,
    /// One member alone sets it.
    is_own: bool,
    /// What it may be in the end, by the leader.
    ends: BTreeMap<usize, BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    leader: usize,
    down: [bool; 3],
    /// Callbacks that have not arrived yet.
    waiting: [Vec<(Event, Role)>; 3],
    value: Option<String>,
    left: u8,
    /// The callbacks of a story that have arrived.
    told: usize,
}

impl<'a> World<'a> {
    pub fn new(effects: &'a Effects, others: &[Effects]) -> Self {
        let wants = |effects: &Effects| (0..3).any(|leader| effects.wants(leader).is_some());
        let members: BTreeSet<usize> = others.iter().flat_map(Effects::members).collect();
        let mut world = Self {
            effects,
            is_wanted: others.iter().any(wants),
            is_own: members.len() < 2,
            ends: BTreeMap::new(),
        };
        let mut ends: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        world.visit(None, &mut |state: &State| {
            if let Some(value) = &state.value {
                ends.entry(state.leader).or_default().insert(value.clone());
            }
        });
        world.ends = ends;
        world
    }

    /// Tells whether a value in the end is not what this leader's rules want.
    fn is_wrong(&self, leader: usize, value: &String) -> bool {
        if self.is_own {
            return false;
        }
        match self.effects.wants(leader) {
            Some(wanted) => wanted != value,
            None if self.is_wanted => false,
            // Nothing says which is right, so it must be one.
            None => self.ends.get(&leader).is_some_and(|ends| ends.len() > 1),
        }
    }

    /// Tells whether some sequence hurts.
    pub fn hurts(&self) -> bool {
        let mut ends = self.ends.iter();
        ends.any(|(leader, values)| values.iter().any(|value| self.is_wrong(*leader, value)))
    }

    /// Tells whether these callbacks can arrive in this order, alone of those that set the target, and hurt.
    pub fn story_hurts(&self, story: &[Call], leader: Option<usize>) -> bool {
        let mut hurts = false;
        self.visit(Some(story), &mut |state: &State| {
            let is_end = state.told == story.len() && leader.is_none_or(|it| it == state.leader);
            let value = state.value.as_ref();
            hurts |= is_end && value.is_some_and(|value| self.is_wrong(state.leader, value));
        });
        hurts
    }

    /// Shows every state in which nothing is on its way and the leader is up.
    fn visit(&self, story: Option<&[Call]>, see: &mut dyn FnMut(&State)) {
        let start = |leader| State {
            leader,
            down: [false; 3],
            waiting: [const { Vec::new() }; 3],
            value: None,
            left: MOST_EVENTS,
            told: 0,
        };
        let mut next: Vec<State> = (0..3).map(start).collect();
        let mut seen: HashSet<State> = next.iter().cloned().collect();
        while let Some(state) = next.pop() {
            if !state.down[state.leader] && state.waiting.iter().all(Vec::is_empty) {
                see(&state);
            }
            for after in self.after(&state, story) {
                if seen.insert(after.clone()) {
                    next.push(after);
                }
            }
        }
    }

    /// The states after one thing more: an event, or a callback that arrives.
    fn after(&self, state: &State, story: Option<&[Call]>) -> Vec<State> {
        let mut all = Vec::new();
        for member in 0..3 {
            all.extend(self.arrival(state, member, story));
            let leads = state.leader == member;
            let role = if leads { Role::Primary } else { Role::Replica };
            let mut add = |down: bool, calls: &[(Event, Role)]| {
                let mut after = state.clone();
                after.down[member] = down;
                all.extend(self.call(after, member, calls));
            };
            if state.down[member] {
                add(false, &[(Event::OnStart, role)]);
                continue;
            }
            for event in [Event::OnStart, Event::OnRestart, Event::OnReload] {
                add(false, &[(event, role)]);
            }
            add(true, &[(Event::OnStop, role)]);
            if !leads {
                all.extend(self.promotions(state, member));
            }
        }
        all
    }

    /// A member takes over. The old leader may have crashed, or is demoted in one of the ways that Patroni has.
    fn promotions(&self, state: &State, member: usize) -> Vec<State> {
        let mut led = state.clone();
        let old = led.leader;
        led.leader = member;
        let Some(led) = self.call(led, member, &[(Event::OnRoleChange, Role::Primary)]) else {
            return Vec::new();
        };
        if led.down[old] {
            return vec![led];
        }
        // A callback is killed by the next one of its member, so each may be missing.
        let stop = (Event::OnStop, Role::Demoted);
        let change = (Event::OnRoleChange, Role::Demoted);
        let back = (Event::OnRoleChange, Role::Replica);
        let reload = (Event::OnReload, Role::Demoted);
        let ways: [&[(Event, Role)]; 7] = [
            &[],
            &[stop],
            &[change],
            &[back],
            &[reload],
            &[stop, back],
            &[change, back],
        ];
        let mut all: Vec<State> = ways
            .iter()
            .filter_map(|way| self.call(led.clone(), old, way))
            .collect();
        let mut crashed = led;
        crashed.down[old] = true;
        all.push(crashed);
        all
    }

    /// Sends callbacks on their way. Those that set nothing are nothing.
    fn call(&self, mut state: State, member: usize, calls: &[(Event, Role)]) -> Option<State> {
        for (event, role) in calls {
            if self.effects.0.contains_key(&(member, *event, *role)) {
                state.left = state.left.checked_sub(1)?;
                state.waiting[member].push((*event, *role));
            }
        }
        Some(state)
    }

    /// A member's oldest callback arrives, if the fence is not waiting; it is dropped if the role is gone.
    fn arrival(&self, state: &State, member: usize, story: Option<&[Call]>) -> Option<State> {
        let (event, role) = *state.waiting[member].first()?;
        let mut after = state.clone();
        after.waiting[member].remove(0);
        let leads = state.leader == member;
        if leads != (role == Role::Primary) {
            return Some(after);
        }
        let call = (member, event, role);
        if let Some(story) = story {
            if story.get(state.told) != Some(&call) {
                return None;
            }
            after.told += 1;
        }
        after.value = self.effects.0.get(&call).cloned();
        Some(after)
    }
}
