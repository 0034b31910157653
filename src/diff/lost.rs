//! Actions that are no longer taken for a cluster: losses that a reviewer must not overlook.

use crate::evaluate::{Preview, Step};
use crate::model::{ApiName, Event, Role, Target};

/// An action that is no longer taken in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The event.
    pub event: Event,
    /// The role.
    pub role: Role,
    /// The cluster's name.
    pub cluster: String,
    /// The endpoint that it used to go to.
    pub api: ApiName,
    /// The lost action.
    pub loss: Loss,
    /// True if a rule whose result is unknown may still do it.
    pub maybe: bool,
}

/// A lost action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Barman no longer follows the leader with this server.
    Followed(String),
    /// No node is created from a backup of this server.
    Restored(String),
    /// This option is no longer set.
    Set(String),
}

impl Loss {
    /// The word for programs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Followed(_) => "followed",
            Self::Restored(_) => "restored",
            Self::Set(_) => "set",
        }
    }

    /// The server or option.
    pub fn subject(&self) -> &str {
        match self {
            Self::Followed(name) | Self::Restored(name) | Self::Set(name) => name,
        }
    }
}

/// The losses in a cell that changed.
pub(super) fn losses(
    event: Event,
    role: Role,
    cluster: &str,
    old: &Preview,
    new: &Preview,
) -> Vec<Lost> {
    let after = all_of(&new.plan.steps, role);
    let may = new
        .unresolved
        .iter()
        .flat_map(|one| all_of(&one.steps, role));
    // Nothing is sent while a rule fails.
    let fails = !new.failures.is_empty();
    let may: Vec<_> = may.filter(|_| !fails).collect();
    let open = new.unresolved.iter().any(|one| one.steps.is_empty()) && !fails;
    let mut found: Vec<Lost> = Vec::new();
    let might = old
        .unresolved
        .iter()
        .flat_map(|one| all_of(&one.steps, role));
    let before = all_of(&old.plan.steps, role)
        .into_iter()
        .map(|one| (one, true));
    for ((api, loss), certain) in before.chain(might.map(|one| (one, false))) {
        let same = |other: &(ApiName, Loss)| other.0 == api && kept(&loss, &other.1);
        let known = found
            .iter()
            .any(|lost| lost.api == api && lost.loss == loss);
        let still = may.iter().any(same);
        if known || after.iter().any(same) || (still && !certain) {
            continue;
        }
        found.push(Lost {
            event,
            role,
            cluster: cluster.to_owned(),
            maybe: !certain || open || still,
            api,
            loss,
        });
    }
    found
}

/// Returns true if another action replaces the lost one: a node can be created from any backup.
fn kept(loss: &Loss, other: &Loss) -> bool {
    match (loss, other) {
        (Loss::Restored(_), Loss::Restored(_)) => true,
        _ => loss == other,
    }
}

/// The actions of these steps.
fn all_of(steps: &[Step], role: Role) -> Vec<(ApiName, Loss)> {
    let mut all = Vec::new();
    for step in steps {
        let mut add = |loss| all.push((step.api.clone(), loss));
        let follows = step.operation.follows().filter(|_| role.leads());
        if let Some((server, _)) = follows {
            add(Loss::Followed(server.to_string()));
        }
        if let Some(recovery) = step.operation.recovery() {
            add(Loss::Restored(recovery.server.to_string()));
        }
        for target in step.operation.targets(&step.api) {
            if matches!(target, Target::Option { .. }) {
                add(Loss::Set(option(&target)));
            }
        }
    }
    all
}

fn option(target: &Target) -> String {
    match target {
        Target::Option {
            scope,
            name,
            option,
            ..
        } => format!("`{option}` of the {} `{name}`", scope.as_str()),
        Target::Model { .. } | Target::Directory { .. } => target.to_string(),
    }
}
