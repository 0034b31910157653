//! The cluster as Patroni shows it, and what the rules want of it.

use crate::evaluate::{Wanted, wanted};
use crate::execute::{Comparison, Here, Judged, Looks, Part, compare, receipts_with};
use crate::http::block_on;
use crate::report::Status;
use crate::store::{Intent, Recorded};

use super::args::RulesArgs;
use super::context::Context;
use super::decide::Decider;
use super::exit::Exit;
use super::invocation::rules_path;
use super::rules::Rules;
use super::state::{self, Place};
use super::watch::Watch;
use super::world::Outside;

/// The cluster as it is, and what the rules want of it.
pub struct View<'a> {
    /// The outside.
    pub outside: Outside<'a>,
    /// What Patroni says.
    pub here: Here,
    /// What the rules want of the members.
    pub wanted: Wanted,
    /// The same, with the members' places.
    pub parts: Vec<Part>,
    /// Where the state is.
    pub state: Place,
    /// The rules.
    pub rules: Rules,
}

impl<'a> View<'a> {
    /// Asks Patroni and the rules.
    pub fn take(args: &RulesArgs, context: &Context, watch: &'a Watch<'a>) -> Result<Self, Exit> {
        let path = rules_path(args.rules.as_ref(), &context.environment);
        let mut rules = Rules::read_or_last_good(&path, context)?;
        rules.connect(&context.global)?;
        let outside = Outside::new(&rules.set, &context.environment, watch);
        let given = args
            .node
            .as_deref()
            .or(context.environment.get("PATRONI_NAME"));
        let here = match block_on(Here::ask(&outside, given)) {
            Some(Ok(here)) => here,
            Some(Err(silence)) => return Err(Exit::new(3, silence.to_string())),
            None => {
                return Err(Exit::invalid("the rules do not name the local Patroni")
                    .help("add `patroni: {url: \"http://127.0.0.1:8008\"}` to the rules file"));
            }
        };
        if here.leader.is_none() {
            let cluster = &here.cluster;
            let message = format!("no member of `{cluster}` holds the leader key; nothing is sent");
            return Err(Exit::new(3, message));
        }
        if let Some(node) = here.node.as_ref().filter(|_| !here.is_listed()) {
            let cluster = &here.cluster;
            context.log.warning(&format!(
                "Patroni lists no member `{node}` in `{cluster}`: nothing is wanted for it"
            ));
        }
        let decider = Decider {
            rules: &rules,
            environment: &context.environment,
            call: None,
        };
        let wanted = wants(&decider, &args.sets, &here)?;
        let parts = here.parts(&wanted, &args.sets);
        let state = state::place(Some(&rules.set), &context.environment);
        Ok(Self {
            outside,
            here,
            wanted,
            parts,
            state,
            rules,
        })
    }
}

/// Barman's state beside the wanted one.
pub struct Compared {
    states: Vec<Comparison>,
    /// The pending requests; `None` if they can't be read.
    pub pending: Option<Vec<Intent>>,
    /// The receipts.
    pub judged: Judged,
}

impl View<'_> {
    /// Compares everything that is wanted; nothing is sent.
    pub fn compare(&self, context: &Context) -> Compared {
        let states = block_on(compare(&self.parts, &Looks::default(), &self.outside));
        let discretion = self.outside.discretion();
        let judged = match state::receipts(Some(&self.here.cluster), &self.state.path) {
            Ok(known) => block_on(receipts_with(&known, &self.here, &states, &self.outside)),
            Err(error) => Judged::blind(error.to_string()),
        };
        Compared {
            judged: discretion.judged(judged),
            states: discretion.compared(states),
            pending: state::pending(&self.here.cluster, &self.state.path, context),
        }
    }

    /// The same, to be shown.
    pub fn status<'v>(&'v self, compared: &'v Compared) -> Status<'v> {
        Status {
            here: &self.here,
            compared: &compared.states,
            conflicts: &self.wanted.conflicts,
            pending: compared.pending.as_deref().unwrap_or_default(),
            judged: &compared.judged,
        }
    }
}

/// What the rules want of a cluster.
pub fn wants(decider: &Decider<'_>, sets: &[String], here: &Here) -> Result<Wanted, Exit> {
    let set = decider.rules_with(sets)?;
    wanted(&set, &here.view(), |event, role| {
        let event = Recorded {
            cluster: here.cluster.clone(),
            node: here.node.clone(),
            event,
            role,
            raw_role: role.as_str().to_owned(),
            sets: sets.to_vec(),
        };
        decider.decide(&event).map_err(Exit::from)
    })
}
