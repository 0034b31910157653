//! From a current or recorded event to a plan.

use std::borrow::Cow;

use crate::evaluate::{Facts, Plan, evaluate};
use crate::execute::Undecided;
use crate::model::RuleSet;
use crate::store::Recorded;

use super::env::Environment;
use super::exit::Exit;
use super::invocation::set_vars;
use super::rules::Rules;

/// The rules and the other inputs of a decision.
pub struct Decider<'a> {
    /// The rules, before the command line sets variables.
    pub rules: &'a Rules,
    pub environment: &'a Environment,
    /// The event that this process was called for, with all arguments from Patroni.
    pub call: Option<Facts>,
}

impl Decider<'_> {
    /// Evaluates the rules for an event.
    pub fn decide(&self, recorded: &Recorded) -> Result<Plan, Undecided> {
        let facts = self.facts(recorded);
        let set = self
            .rules_with(&recorded.sets)
            .map_err(|exit| Undecided::Invalid(exit.message))?;
        evaluate(&set, &facts).map_err(|error| {
            let place = self.rules.place(&error.source.origin);
            let message = format!("{place}: {error}");
            if error.missing == Some("node") && facts.node.is_none() {
                Undecided::NoName(message)
            } else {
                Undecided::Invalid(format!("{message}; nothing was sent"))
            }
        })
    }

    /// The rules with variables that a command line sets.
    pub fn rules_with(&self, sets: &[String]) -> Result<Cow<'_, RuleSet>, Exit> {
        if sets.is_empty() {
            return Ok(Cow::Borrowed(&self.rules.set));
        }
        let mut set = self.rules.set.clone();
        set_vars(&mut set, sets)?;
        Ok(Cow::Owned(set))
    }

    fn facts(&self, recorded: &Recorded) -> Facts {
        let Recorded {
            cluster,
            node,
            event,
            role,
            raw_role,
            ..
        } = recorded;
        let same =
            |call: &&Facts| (call.event, call.role, &call.cluster) == (*event, *role, cluster);
        match self.call.as_ref().filter(same) {
            Some(call) => Facts {
                node: node.clone(),
                ..call.clone()
            },
            None => Facts {
                raw_role: raw_role.clone(),
                node: node.clone(),
                ..self.environment.facts(*event, *role, cluster)
            },
        }
    }
}

impl From<Undecided> for Exit {
    fn from(undecided: Undecided) -> Self {
        let (Undecided::NoName(why) | Undecided::Invalid(why)) = undecided;
        Self::invalid(why)
    }
}

/// The event of a call, as it is recorded.
pub fn recorded(facts: &Facts, sets: &[String]) -> Recorded {
    Recorded {
        cluster: facts.cluster.clone(),
        node: facts.node.clone(),
        event: facts.event,
        role: facts.role,
        raw_role: facts.raw_role.clone(),
        sets: sets.to_vec(),
    }
}
