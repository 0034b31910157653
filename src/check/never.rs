//! Events and roles that Patroni never passes together.

use crate::diagnostic::{Code, list};
use crate::load::{Problem, Spot};
use crate::model::{Event, Role, Rule};

/// The parts of a rule's events and roles that never occur together.
pub(super) fn problems(rule: &Rule) -> Vec<Problem> {
    if rule.role.is_empty() || rule.on.is_empty() {
        return Vec::new();
    }
    let events = list(rule.on.iter().map(|event| event.as_str()), "or");
    let roles = list(rule.role.iter().map(|role| role.as_str()), "or");
    let meets = |event: &Event| rule.role.iter().any(|role| event.roles().contains(role));
    if !rule.on.iter().any(meets) {
        return vec![never_fires(rule, &events, &roles)];
    }
    let lonely_events = rule
        .on
        .iter()
        .enumerate()
        .filter(|(_, event)| !meets(event));
    let lonely_events = lonely_events.map(|(index, event)| {
        let spot = Spot::value(&rule.events_origin().child(index));
        let message = format!("Patroni never fires `{event}` with the role {roles}");
        Problem::new(Code::NeverTogether, spot, message).help(roles_of(*event))
    });
    let meets = |role: &Role| rule.on.iter().any(|event| event.roles().contains(role));
    let lonely_roles = rule
        .role
        .iter()
        .enumerate()
        .filter(|(_, role)| !meets(role));
    let lonely_roles = lonely_roles.map(|(index, role)| {
        let spot = Spot::value(&rule.origin.child("role").child(index));
        let message = format!("Patroni never fires {events} with the role `{role}`");
        Problem::new(Code::NeverTogether, spot, message).help(events_of(*role))
    });
    lonely_events.chain(lonely_roles).collect()
}

fn never_fires(rule: &Rule, events: &str, roles: &str) -> Problem {
    let help = match (rule.on.as_slice(), rule.role.as_slice()) {
        (_, [only]) => events_of(*only),
        ([only], _) => roles_of(*only),
        _ => "`patroni_barman explain PB201` shows which roles come with which event".to_owned(),
    };
    Problem::new(
        Code::NeverFires,
        Spot::value(&rule.origin.child("role")),
        format!("this rule can never fire: Patroni never fires {events} with the role {roles}"),
    )
    .help(help)
    .related(Spot::value(&rule.events_origin()), "for these events")
}

fn roles_of(event: Event) -> String {
    let roles = list(event.roles().iter().map(|role| role.as_str()), "or");
    format!("the role of `{event}` is {roles}")
}

fn events_of(role: Role) -> String {
    let with_role = Event::ALL
        .into_iter()
        .filter(|event| event.roles().contains(&role));
    let events: Vec<_> = with_role.map(Event::as_str).collect();
    if events.is_empty() {
        return format!("no event comes with the role `{role}`");
    }
    format!("the role `{role}` comes with {}", list(events, "or"))
}
