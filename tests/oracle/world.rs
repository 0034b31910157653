//! A cluster of three members by brute force: every short history of events, with callbacks arriving in every order.
//!
//! Written from the behaviour of Patroni and the fence, independently of `check`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use patroni_barman::evaluate::{Facts, evaluate};
use patroni_barman::model::{Event, Operation, Role, RuleSet};
use serde_json::Value;

pub const MEMBERS: [&str; 3] = ["n1", "n2", "n3"];

/// The maximum number of events in a history, not counting those without an effect.
const MOST_EVENTS: u8 = 4;

/// A callback of a member.
pub type Call = (usize, Event, Role);

/// The value that each callback sets one target to, on members with these sites.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effects(BTreeMap<Call, String>);

const EVENTS: [Event; 5] = [
    Event::OnRoleChange,
    Event::OnStart,
    Event::OnRestart,
    Event::OnReload,
    Event::OnStop,
];

/// The effects of the rules' plans, by target, for each assignment of sites to members.
pub fn effects(rules: &RuleSet) -> BTreeMap<String, Vec<Effects>> {
    let mut all: BTreeMap<String, Vec<Effects>> = BTreeMap::new();
    let sites = sites(rules);
    for around in 0..sites.len().pow(3) {
        let mut found: BTreeMap<String, Effects> = BTreeMap::new();
        for (member, name) in MEMBERS.iter().enumerate() {
            for event in EVENTS {
                for role in [Role::Primary, Role::Replica, Role::Demoted] {
                    if !event.roles().contains(&role) {
                        continue;
                    }
                    let place = u32::try_from(member).unwrap();
                    let site = sites[around / sites.len().pow(place) % sites.len()];
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

/// The sites that members are tried at: all those that conditions distinguish.
fn sites(rules: &RuleSet) -> &'static [&'static str] {
    let conditions = rules.rules.iter().filter_map(|rule| rule.when.as_ref());
    let mut conditions = conditions.map(|when| when.text.as_str());
    if conditions.any(|when| when.contains("env.SITE")) {
        &["paris", "lyon", "oslo"]
    } else {
        &["paris", "lyon"]
    }
}

fn set_by(operation: &Operation) -> (String, String) {
    let body = operation.body();
    if let Some(server) = operation.server() {
        return (format!("model of {server}"), body.to_string());
    }
    let change = &body["changes"][0];
    let text = |key: &str| change[key].as_str().map(str::to_owned).unwrap();
    let value = Value::from(text("description")).to_string();
    (format!("description of {}", text("server_name")), value)
}

impl Effects {
    /// The members that set the target.
    fn members(&self) -> BTreeSet<usize> {
        self.0.keys().map(|(member, ..)| *member).collect()
    }

    /// The value that the rules want when this member leads.
    fn wants(&self, leader: usize) -> Option<&String> {
        let on = |event| self.0.get(&(leader, event, Role::Primary));
        on(Event::OnRoleChange).or_else(|| on(Event::OnStart))
    }
}

/// One target on members with these sites.
pub struct World<'a> {
    effects: &'a Effects,
    /// True if some leader's rules want a value, on these sites or on others.
    is_wanted: bool,
    /// True if a single member sets it.
    is_own: bool,
    /// The possible final values, by leader.
    ends: BTreeMap<usize, BTreeSet<String>>,
    /// The values, in the order of their numbers.
    values: Vec<String>,
    /// For each member and callback the number of its value, or 0 if it has no effect.
    sets: [[u8; 16]; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    leader: usize,
    down: [bool; 3],
    /// Callbacks that have not yet arrived, by number; 0 is none.
    waiting: [[u8; MOST_WAITING]; 3],
    /// The number of the value; 0 is none.
    value: u8,
    left: u8,
    /// The number of callbacks of a story that have arrived.
    told: usize,
}

/// The maximum number of callbacks of a member under way.
const MOST_WAITING: usize = 3;

const ROLES: [Role; 3] = [Role::Primary, Role::Replica, Role::Demoted];

/// An event and a role encoded as a number, and the reverse.
fn number(event: Event, role: Role) -> u8 {
    let event = EVENTS.iter().position(|it| *it == event).unwrap();
    let role = ROLES.iter().position(|it| *it == role).unwrap();
    u8::try_from(event * 3 + role + 1).unwrap()
}

fn of_number(number: u8) -> (Event, Role) {
    let number = usize::from(number) - 1;
    (EVENTS[number / 3], ROLES[number % 3])
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
            values: effects
                .0
                .values()
                .cloned()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            sets: [[0; 16]; 3],
        };
        for ((member, event, role), value) in &effects.0 {
            let value = world.values.iter().position(|it| it == value).unwrap() + 1;
            let call = usize::from(number(*event, *role));
            world.sets[*member][call] = u8::try_from(value).unwrap();
        }
        let mut ends: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        world.visit(None, &mut |state: &State| {
            if let Some(value) = world.value(state) {
                ends.entry(state.leader).or_default().insert(value.clone());
            }
        });
        world.ends = ends;
        world
    }

    fn value(&self, state: &State) -> Option<&String> {
        self.values.get(usize::from(state.value).checked_sub(1)?)
    }

    /// Returns true if a final value is not the one that this leader's rules want.
    fn is_wrong(&self, leader: usize, value: &String) -> bool {
        if self.is_own {
            return false;
        }
        match self.effects.wants(leader) {
            Some(wanted) => wanted != value,
            None if self.is_wanted => false,
            // no rule says which is right, so there must be only one
            None => self.ends.get(&leader).is_some_and(|ends| ends.len() > 1),
        }
    }

    /// Returns true if some sequence is harmful.
    pub fn hurts(&self) -> bool {
        let mut ends = self.ends.iter();
        ends.any(|(leader, values)| values.iter().any(|value| self.is_wrong(*leader, value)))
    }

    /// Returns true if these callbacks can arrive in this order, as the only ones that set the target, and do harm.
    pub fn story_hurts(&self, story: &[Call], leader: Option<usize>) -> bool {
        let mut hurts = false;
        self.visit(Some(story), &mut |state: &State| {
            let is_end = state.told == story.len() && leader.is_none_or(|it| it == state.leader);
            let value = self.value(state);
            hurts |= is_end && value.is_some_and(|value| self.is_wrong(state.leader, value));
        });
        hurts
    }

    /// Visits every state in which no callback is under way and the leader is up.
    fn visit(&self, story: Option<&[Call]>, see: &mut dyn FnMut(&State)) {
        let start = |leader| State {
            leader,
            down: [false; 3],
            waiting: [[0; MOST_WAITING]; 3],
            value: 0,
            left: MOST_EVENTS,
            told: 0,
        };
        // the third member is equivalent to the second: no rule names either, and every assignment of sites is tried
        let leaders = if story.is_some() { 0..3 } else { 0..2 };
        let mut next: Vec<State> = leaders.map(start).collect();
        let mut seen: HashSet<State> = next.iter().copied().collect();
        while let Some(state) = next.pop() {
            if !state.down[state.leader] && state.waiting == [[0; MOST_WAITING]; 3] {
                see(&state);
            }
            for after in self.after(&state, story) {
                if seen.insert(after) {
                    next.push(after);
                }
            }
        }
    }

    /// The states after one more step: an event, or the arrival of a callback.
    fn after(&self, state: &State, story: Option<&[Call]>) -> Vec<State> {
        let mut all = Vec::new();
        for member in 0..3 {
            all.extend(self.arrival(state, member, story));
            let leads = state.leader == member;
            let role = if leads { Role::Primary } else { Role::Replica };
            let sets = |event: Event| self.sets[member][usize::from(number(event, role))] != 0;
            let mut add = |down: bool, event: Event| {
                let mut after = *state;
                after.down[member] = down;
                all.extend(self.call(after, member, &[(event, role)]));
            };
            if state.down[member] {
                add(false, Event::OnStart);
                if !leads {
                    continue;
                }
            } else {
                // events without an effect change nothing
                for event in [Event::OnStart, Event::OnRestart, Event::OnReload] {
                    if sets(event) {
                        add(false, event);
                    }
                }
                if sets(Event::OnStop) {
                    add(true, Event::OnStop);
                }
            }
            if !leads {
                all.extend(self.promotions(state, member));
            }
        }
        all
    }

    /// A member takes over. The old leader may have crashed and is silent until it starts, or is demoted in one of Patroni's
    /// ways.
    fn promotions(&self, state: &State, member: usize) -> Vec<State> {
        let mut led = *state;
        let old = led.leader;
        led.leader = member;
        let Some(led) = self.call(led, member, &[(Event::OnRoleChange, Role::Primary)]) else {
            return Vec::new();
        };
        if led.down[old] {
            return vec![led];
        }
        // a callback may be killed by the member's next one, so each may be missing
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
        ways.iter()
            .filter_map(|way| self.call(led, old, way))
            .collect()
    }

    /// Sends callbacks on their way, except for those without an effect.
    fn call(&self, mut state: State, member: usize, calls: &[(Event, Role)]) -> Option<State> {
        for (event, role) in calls {
            let call = number(*event, *role);
            if self.sets[member][usize::from(call)] != 0 {
                state.left = state.left.checked_sub(1)?;
                let waiting = state.waiting.as_flattened();
                let on_their_way = waiting.iter().filter(|call| **call != 0).count();
                if on_their_way == MOST_WAITING {
                    return None;
                }
                let waiting = &mut state.waiting[member];
                let free = waiting.iter().position(|call| *call == 0)?;
                waiting[free] = call;
            }
        }
        Some(state)
    }

    /// A member's oldest callback arrives; the fence drops it if the role is lost.
    fn arrival(&self, state: &State, member: usize, story: Option<&[Call]>) -> Option<State> {
        let waiting = &state.waiting[member];
        let call = waiting[0];
        if call == 0 {
            return None;
        }
        let (event, role) = of_number(call);
        let mut after = *state;
        after.waiting[member] = [waiting[1], waiting[2], 0];
        let leads = state.leader == member;
        if leads != (role == Role::Primary) {
            return Some(after);
        }
        if let Some(story) = story {
            if story.get(state.told) != Some(&(member, event, role)) {
                return None;
            }
            after.told += 1;
        }
        after.value = self.sets[member][usize::from(call)];
        Some(after)
    }
}
