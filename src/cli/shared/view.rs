//! The cluster as Patroni shows it, and the state that the rules want.

use std::time::Duration;

use crate::evaluate::{Wanted, wanted};
use crate::execute::{
    ApiSeen, Comparison, Here, Judged, Looks, Part, World as _, apis, compare, receipts_with,
};
use crate::http::{Clock as _, block_on};
use crate::model::ApiName;
use crate::report::{RulesSeen, StateSeen, Status};
use crate::store::Recorded;

use super::args::RulesArgs;
use super::context::Context;
use super::decide::Decider;
use super::exit::Exit;
use super::rules::Rules;
use super::state::{self, Place};
use super::watch::Watch;
use super::world::Outside;

/// The rules and the servers that they name.
pub struct Base<'a> {
    pub rules: Rules,
    /// The clients for those servers.
    pub outside: Outside<'a>,
    pub state: Place,
}

/// The cluster as it is, and the state that the rules want.
pub struct View {
    pub here: Here,
    /// The message that no rule is for this cluster, if so.
    pub misplaced: Option<String>,
    pub wanted: Wanted,
    /// The same, with the members' places.
    pub parts: Vec<Part>,
}

impl<'a> Base<'a> {
    /// Reads the rules. Nothing is stored unless they are going to be acted on.
    pub fn read(
        args: &RulesArgs,
        context: &Context,
        watch: &'a Watch<'a>,
        acts: bool,
    ) -> Result<Self, Exit> {
        let rules = Rules::usable(args.rules.as_ref(), context, acts)?;
        let state = state::place(Some(&rules.set), &context.environment);
        let mut outside = Outside::new(&rules.set, &context.environment, watch);
        if !acts {
            outside = outside.also_asking(&state::members(&state.path));
        }
        Ok(Self {
            rules,
            outside,
            state,
        })
    }

    pub fn within(mut self, limit: Duration) -> Self {
        self.outside = self.outside.within(limit);
        self
    }

    /// Asks Patroni, then evaluates the rules.
    pub fn view(&self, args: &RulesArgs, context: &Context) -> Result<View, Exit> {
        let given = args
            .node
            .as_deref()
            .or(context.environment.get("PATRONI_NAME"));
        let here = match block_on(Here::ask(&self.outside, given)) {
            Some(Ok(here)) => here,
            Some(Err(silence)) => return Err(Exit::new(3, silence.to_string())),
            None => {
                return Err(Exit::invalid("the rules do not name the local Patroni")
                    .help("add `patroni: {url: \"http://127.0.0.1:8008\"}` to the rules file, or give `--all` for the clusters under `clusters` and `discover`"));
            }
        };
        let cluster = &here.cluster;
        let misplaced = (!self.rules.set.has_rule_for(cluster)).then(|| {
            let url = self.outside.patroni_url().unwrap_or_default();
            format!(
                "the Patroni at `{url}` belongs to the cluster `{cluster}`, for which there is no rule"
            )
        });
        if let Some(misplaced) = &misplaced {
            context.log.error(misplaced);
        }
        if here.leader.is_none() {
            let message = format!("no member of `{cluster}` holds the leader key; nothing is sent");
            return Err(Exit::new(3, message));
        }
        if let Some(node) = here.node.as_ref().filter(|_| !here.is_listed()) {
            context.log.warning(&format!(
                "Patroni lists no member `{node}` in `{cluster}`: nothing is wanted for it"
            ));
        }
        let decider = Decider {
            rules: &self.rules,
            environment: &context.environment,
            call: None,
        };
        let wanted = wants(&decider, &args.sets, &here)?;
        let parts = here.parts(&wanted, &args.sets);
        Ok(View {
            here,
            misplaced,
            wanted,
            parts,
        })
    }
}

/// The reason for a missing view, and its exit code.
struct Blind {
    code: u8,
    message: String,
}

/// Barman's state compared with the wanted one.
pub struct Compared {
    view: Result<View, Blind>,
    rules: RulesSeen,
    state: StateSeen,
    apis: Vec<ApiSeen>,
    states: Vec<Comparison>,
    judged: Judged,
    now: Duration,
}

impl Base<'_> {
    /// Compares the wanted state with Barman; nothing is sent. If Patroni is unreachable, only the parts that do not need it are compared.
    pub fn compare(&self, view: Result<View, Exit>) -> Compared {
        let used: Vec<ApiName> = self.rules.set.used_apis().into_iter().cloned().collect();
        let apis = block_on(apis(&used, &self.outside));
        let none = Vec::new();
        let parts = view.as_ref().map_or(&none, |view| &view.parts);
        let states = block_on(compare(parts, &Looks::default(), &self.outside));
        let cluster = view.as_ref().ok().map(|view| view.here.cluster.as_str());
        let judged = match (&view, state::receipts(cluster, &self.state.path)) {
            (Ok(View { here, .. }), Ok(known)) => {
                block_on(receipts_with(&known, here, &states, &self.outside))
            }
            (Ok(_), Err(error)) => Judged::blind(error.to_string()),
            (Err(_), _) => Judged::default(),
        };
        let discretion = self.outside.discretion();
        let state = state::look(cluster, &self.state.path);
        Compared {
            rules: self.rules.seen(),
            state,
            apis,
            states: discretion.compared(states),
            judged: discretion.judged(judged),
            now: self.outside.clock().wall(),
            view: view.map_err(|exit| Blind {
                code: exit.code,
                message: exit.to_string(),
            }),
        }
    }
}

impl Compared {
    /// The comparison in the form that is shown.
    pub fn status(&self) -> Status<'_> {
        let view = self.view.as_ref();
        Status {
            rules: &self.rules,
            state: &self.state,
            here: match view {
                Ok(view) => Ok(&view.here),
                Err(blind) => Err(&blind.message),
            },
            misplaced: view.ok().and_then(|view| view.misplaced.as_deref()),
            apis: &self.apis,
            compared: &self.states,
            judged: &self.judged,
            conflicts: view.map_or(&[], |view| &view.wanted.conflicts),
            now: self.now,
        }
    }

    /// The exit code if Patroni's view is missing.
    pub fn blind(&self) -> Option<u8> {
        self.view.as_ref().err().map(|blind| blind.code)
    }
}

/// The state that the rules want of a cluster.
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
