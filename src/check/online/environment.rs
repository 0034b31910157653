//! The environment variables that the rules use are set.

use std::collections::HashSet;

use crate::check::environment::{is_removed, uses};
use crate::diagnostic::Code;
use crate::load::Problem;
use crate::model::RuleSet;

use super::answers::Here;
use super::found::Found;

pub(super) fn look(rules: &RuleSet, here: &Here, found: &mut Found) {
    let missing = uses(rules, "env")
        .into_iter()
        .filter(|used| !used.guarded && !is_removed(&used.name))
        .filter(|used| !here.known.env.contains_key(&used.name));
    let mut said = HashSet::new();
    for used in missing {
        if said.insert(used.name.clone()) {
            let message = format!("the environment variable `{}` is not set here", used.name);
            let problem = Problem::new(Code::UnsetVariable, used.spot, message);
            found.problems.push(problem.help(
                "a callback has Patroni's environment: set it there, and run this check with the same; or say what applies \
                 without it: `| default(\"...\")`",
            ));
        }
    }
}
