//! A server that follows a promotion, but not a Patroni that is restarted on a running primary: no role
//! changes in that case, and Patroni fires `on_start primary`, as it does when a cluster has been created.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Event, Role, Target};

use super::cells::Cells;
use super::lint::{All, Kind, Lint};

/// Requests that switch a server only on promotion, with the server.
#[derive(Default)]
pub(super) struct Starts(BTreeMap<(usize, usize), String>);

impl<'r> Lint<'r> for Starts {
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        let settings = kind.settings;
        let on =
            |wanted: Event| Cells::those(|event, role| event == wanted && role == Role::Primary);
        let (promotion, start) = (on(Event::OnRoleChange), on(Event::OnStart));
        // Example names are in upper case: `{{ cluster }}` and `{{ cluster | lower }}` are meant to be one server.
        let covered: HashSet<Target> = settings
            .iter()
            .filter(|setting| !setting.may.and(start).is_empty())
            .filter_map(|setting| folded(&setting.target))
            .collect();
        for setting in settings {
            let Target::Model { server, .. } = &setting.target else {
                continue;
            };
            let promoted = !setting.may.and(promotion).is_empty();
            let is_covered =
                folded(&setting.target).is_some_and(|target| covered.contains(&target));
            if promoted && setting.value != "no model" && !is_covered {
                self.0
                    .entry((setting.rule, setting.request))
                    .or_insert_with(|| server.clone());
            }
        }
    }

    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let problem = |(number, server): (&(usize, usize), &String)| {
            let rule = all.table.rule(number.0)?;
            let mut events: Vec<_> = rule.on.iter().map(|event| event.as_str()).collect();
            events.push(Event::OnStart.as_str());
            let message = format!(
                "the server `{server}` follows a promotion, but not a Patroni that is started again on a running primary (`on_start primary`)"
            );
            let spot = Spot::value(&rule.events_origin());
            let help = format!("write `{}: [{}]`", rule.events_key, events.join(", "));
            Some(Problem::new(Code::StartNotCovered, spot, message).help(help))
        };
        let mut problems: Vec<_> = self.0.iter().filter_map(problem).collect();
        problems.dedup_by(|one, other| one.spot == other.spot);
        problems
    }
}

/// The target of a switch, in lower case.
fn folded(target: &Target) -> Option<Target> {
    match target {
        Target::Model { api, server } => Some(Target::Model {
            api: api.clone(),
            server: server.to_lowercase(),
        }),
        Target::Option { .. } | Target::Directory { .. } => None,
    }
}
