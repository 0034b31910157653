//! Problems found online, and their wording.

use std::collections::HashSet;

use crate::diagnostic::{Code, list};
use crate::load::{Problem, Spot, nearest};
use crate::model::Origin;

/// The problems found so far. The same request occurs with several events and members.
#[derive(Default)]
pub(super) struct Found {
    seen: HashSet<(Code, Origin, String)>,
    pub(super) problems: Vec<Problem>,
}

impl Found {
    /// Returns true if there is no problem of this code about this item yet, anywhere.
    pub(super) fn is_new(&mut self, code: Code, about: &str) -> bool {
        self.seen
            .insert((code, Origin::default(), about.to_owned()))
    }

    /// Adds a problem unless there is one of this code about the same item at the same place.
    pub(super) fn say(
        &mut self,
        code: Code,
        at: &Origin,
        about: &str,
        message: String,
        help: impl Into<String>,
    ) {
        if self.seen.insert((code, at.clone(), about.to_owned())) {
            let problem = Problem::new(code, Spot::value(at), message);
            self.problems.push(problem.help(help));
        }
    }
}

/// The name that was probably meant, or the available names.
pub(super) fn instead<'a>(
    name: &str,
    all: impl Iterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    if let Some(near) = nearest(name, all.clone()) {
        return format!("did you mean `{near}`?");
    }
    match all.clone().count() {
        0 => format!("it has no {what}"),
        1..=8 => format!("it has {}", list(all, "and")),
        many => format!("it has {many} others"),
    }
}
