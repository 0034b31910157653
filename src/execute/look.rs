//! What one answer of `/diagnose` shows of the state that was asked for, and of the WAL that should flow.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::barman::{ActiveModel, Diagnosis, ServerState, same_value};
use crate::evaluate::Step;
use crate::model::{ConfigSwitch, Name, Operation, Role, SwitchTo};
use crate::patroni::{Node, Walsender};

use super::World;
use super::here::{Part, Seat};

/// How long a look may take that a request waits for, and a question to Patroni.
pub(super) const SIDE: Duration = Duration::from_secs(5);

/// What one look showed.
pub(super) enum Look {
    /// What was asked for is there.
    Holds,
    /// Something else is there.
    Differs(String),
    /// Something is not there yet.
    NotYet(String),
    /// It is evident that no WAL is received.
    NoWal(String),
    /// It cannot be told whether WAL is received.
    Unclear(String),
    /// It is done, and Barman does not show it.
    Hidden(String),
}

/// What is known of the WAL that a server should receive from the member that it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wal {
    /// It is received.
    Received,
    /// It is not received, or that can't be told.
    Missing(NoWal),
    /// Barman does not stream WAL for this server, for this reason.
    Unchecked(String),
}

impl Wal {
    /// The reason why it is not received.
    pub const fn missing(&self) -> Option<&NoWal> {
        match self {
            Self::Missing(why) => Some(why),
            Self::Received | Self::Unchecked(_) => None,
        }
    }
}

/// WAL is not received, or that can't be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoWal {
    /// Why.
    pub message: String,
    /// It is evident: sending the switch again restarts Barman's receiver.
    pub evident: bool,
    /// Nothing shows whether it is received.
    pub unknown: bool,
}

/// What `/diagnose` shows of the state that an operation sets.
pub(super) enum Shown {
    /// It is there; or the operation sets none.
    AsWanted,
    /// Something else is there.
    Differs(String),
    /// Barman may have it and does not show it.
    Hidden(String),
}

/// Compares the state that an operation sets with Barman's.
pub(super) fn shown(operation: &Operation, diagnosis: &Diagnosis) -> Shown {
    match applied(operation, diagnosis) {
        Look::Holds => Shown::AsWanted,
        Look::Hidden(what) => Shown::Hidden(what),
        Look::Differs(what) | Look::NotYet(what) | Look::NoWal(what) | Look::Unclear(what) => {
            Shown::Differs(what)
        }
    }
}

/// Tells whether WAL flows from the member that a switch follows; `None` for a step that follows none.
pub(super) async fn wal<W: World>(
    step: &Step,
    part: &Part,
    diagnosis: &Diagnosis,
    world: &W,
) -> Option<Wal> {
    let (server, _) = step.operation.follows()?;
    let missing = |message, evident, unknown| {
        Wal::Missing(NoWal {
            message,
            evident,
            unknown,
        })
    };
    let look = streaming(world, &part.seat, part.plan.role, diagnosis, server).await;
    Some(match look {
        Look::Holds => Wal::Received,
        Look::Hidden(why) => Wal::Unchecked(why),
        Look::NoWal(message) => missing(message, true, false),
        Look::Differs(message) | Look::NotYet(message) => missing(message, false, false),
        Look::Unclear(message) => missing(message, false, true),
    })
}

pub(super) fn applied(operation: &Operation, diagnosis: &Diagnosis) -> Look {
    match operation {
        Operation::ConfigSwitch(ConfigSwitch { server, to }) => switched(diagnosis, server, to),
        Operation::ConfigUpdate(update) => updated(diagnosis, &update.changes),
        Operation::Recovery(_) => Look::Holds,
    }
}

fn switched(diagnosis: &Diagnosis, server: &Name, to: &SwitchTo) -> Look {
    let Some(state) = diagnosis.servers.get(server.as_str()) else {
        return Look::Differs(format!("Barman has no server `{server}`"));
    };
    Look::Differs(match (to, &state.active_model) {
        (SwitchTo::Model(model), ActiveModel::Model(active)) if active == model => {
            return Look::Holds;
        }
        (SwitchTo::Reset, ActiveModel::None) => return Look::Holds,
        (SwitchTo::Model(model), ActiveModel::Model(active)) => {
            format!("the active model of `{server}` is `{active}` and not `{model}`")
        }
        (SwitchTo::Model(model), ActiveModel::None) => {
            format!("no model is active for `{server}`; `{model}` should be")
        }
        (SwitchTo::Reset, ActiveModel::Model(active)) => {
            format!("the active model of `{server}` is still `{active}`; none should be")
        }
        (_, ActiveModel::Unknown) => {
            let why = diagnosis.why_no_models().unwrap_or_else(|| {
                format!("`/diagnose` does not show the active model of `{server}`")
            });
            return Look::NotYet(why);
        }
    })
}

fn updated(diagnosis: &Diagnosis, changes: &[Map<String, Value>]) -> Look {
    for change in changes {
        let name = |key: &str| change.get(key).and_then(Value::as_str).unwrap_or_default();
        let (what, config) = if name("scope") == "model" {
            let model = name("model_name");
            let config = diagnosis.models.get(model).map(|model| &model.config);
            (format!("model `{model}`"), config)
        } else {
            let server = name("server_name");
            let config = diagnosis.servers.get(server).map(|server| &server.config);
            (format!("server `{server}`"), config)
        };
        let Some(config) = config else {
            return Look::Differs(format!("Barman has no {what}"));
        };
        let options = change
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "scope" | "server_name" | "model_name"));
        for (option, wanted) in options {
            match config.get(option) {
                Some(got) if same_value(got, wanted) => {}
                // pg-backup-api does not read `.barman.auto.conf`, where Barman keeps options that are new to a section.
                _ => {
                    return Look::Hidden(format!(
                        "done, but `/diagnose` does not show the new value of `{option}` of {what}: \
                         pg-backup-api does not read Barman's `.barman.auto.conf`"
                    ));
                }
            }
        }
    }
    Look::Holds
}

/// Tells whether WAL is being received from the member that Barman is set to, on its timeline. A server that does not
/// receive WAL by streaming is judged by its model alone.
pub(super) async fn streaming<W: World>(
    world: &W,
    seat: &Seat,
    role: Role,
    diagnosis: &Diagnosis,
    server: &Name,
) -> Look {
    let Some(state) = diagnosis.servers.get(server.as_str()) else {
        return Look::Differs(format!("Barman has no server `{server}`"));
    };
    let unchecked = [
        (state.active == Some(false), "is not active in Barman"),
        (state.passive, "is passive in Barman"),
        (
            state.streaming_archiver == Some(false),
            "has no `streaming_archiver` in Barman",
        ),
    ];
    if let Some((_, what)) = unchecked.iter().find(|(so, _)| *so) {
        return Look::Hidden(format!("server `{server}` {what}; WAL is not checked"));
    }
    let node = match seat.patroni(world) {
        Some(patroni) => patroni.within(SIDE).node().await.ok(),
        None => None,
    };
    if let Some(error) = &state.connection_error {
        let what = format!("Barman cannot connect to the PostgreSQL of `{server}`: {error}");
        return Look::NotYet(what);
    }
    let is_primary = node
        .as_ref()
        .is_some_and(|node| node.role == Some(Role::Primary));
    if role == Role::Primary && is_primary && state.is_in_recovery == Some(true) {
        let what =
            format!("the active model of `{server}` points to a replica, not to the primary");
        return Look::NotYet(what);
    }
    if let Some(look) = slot(server, state, node.as_ref().filter(|_| is_primary), role) {
        return look;
    }
    if let Some(wanted) = node.and_then(|node| node.timeline)
        && let Some(got) = state.timeline
        && wanted != got
    {
        let what = format!("`{server}` is on timeline {got} and Patroni on {wanted}");
        return Look::NotYet(what);
    }
    Look::Holds
}

/// The finding about Barman's slot, and about the walsender that uses it; `None` if WAL is received. `primary` is what
/// Patroni shows of the member that is followed, if that is a primary.
fn slot(server: &Name, state: &ServerState, primary: Option<&Node>, role: Role) -> Option<Look> {
    let name = state.receiver();
    // Who receives is in Patroni's list, if there is one.
    let senders = primary.filter(|_| role == Role::Primary);
    let senders = senders.and_then(|node| node.walsenders.as_ref());
    let absent = |all: &Vec<Walsender>| all.iter().all(|one| one.application_name != name);
    match (&state.slot, state.slot_name()) {
        (Some(slot), _) if slot.active => {
            let other = senders.is_some_and(|all| !all.is_empty() && absent(all));
            other.then(|| {
                Look::NoWal(format!(
                    "the replication slot `{}` of `{server}` is in use, but not by Barman: \
                     the primary has no walsender `{name}`",
                    slot.name
                ))
            })
        }
        (Some(slot), _) => Some(Look::NoWal(format!(
            "the replication slot `{}` of `{server}` is not active",
            slot.name
        ))),
        // Nothing was learned by the connection that lists slots.
        (None, _) if state.is_in_recovery.is_none() => Some(Look::Unclear(format!(
            "Barman cannot ask the PostgreSQL of `{server}` for its replication slot: its `conninfo` does not work"
        ))),
        (None, Some(slot)) => Some(Look::NotYet(format!(
            "the replication slot `{slot}` of `{server}` does not exist on the PostgreSQL that Barman is set to"
        ))),
        (None, None) => match senders {
            Some(all) if absent(all) => Some(Look::NoWal(format!(
                "Barman does not receive WAL of `{server}`: the primary has no walsender `{name}`"
            ))),
            Some(_) => None,
            None => Some(Look::Unclear(format!(
                "whether Barman receives WAL of `{server}` cannot be told: it has no replication slot, and Patroni \
                 shows no walsenders"
            ))),
        },
    }
}
