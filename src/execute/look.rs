//! The requested state in one answer of `/diagnose`, and the state of the WAL stream.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::barman::{ActiveModel, Diagnosis, ServerState, same_value};
use crate::evaluate::Step;
use crate::model::{ConfigSwitch, Name, Operation, Role, SwitchTo};
use crate::patroni::{Node, Walsender};

use super::World;
use super::here::{Part, Seat};

/// The time limit for a look that a request waits for, and for a question to Patroni.
pub(super) const SIDE: Duration = Duration::from_secs(5);

/// The result of one look.
pub(super) enum Look {
    /// The requested state is in place.
    Holds,
    /// Another state is in place.
    Differs(String),
    /// Something is not in place yet.
    NotYet(String),
    /// It is evident that no WAL is received.
    NoWal(String),
    /// It is unknown whether WAL is received.
    Unclear(String),
    /// It is done, but Barman does not show it.
    Hidden(String),
}

/// The state of the WAL stream that a server should receive from the member it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wal {
    /// It is received.
    Received,
    /// It is not received, or that is unknown.
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

/// WAL is not received, or that is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoWal {
    /// The reason.
    pub message: String,
    /// It is evident: sending the switch again restarts Barman's receiver.
    pub evident: bool,
    /// There is no evidence either way.
    pub unknown: bool,
}

/// The state that an operation sets, as `/diagnose` shows it.
pub(super) enum Shown {
    /// It is in place; or the operation sets none.
    AsWanted,
    /// Another state is in place.
    Differs(String),
    /// Barman may have it but does not show it.
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

/// Returns the state of the WAL stream from the member that a switch follows; `None` for any other step.
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
                // pg-backup-api does not read `.barman.auto.conf`, in which Barman stores options that are new to a section.
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

/// Checks whether WAL is received from the member that Barman points to, on its timeline. A server that does not
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

/// The finding about Barman's slot and the walsender that uses it; `None` if WAL is received. `primary` is
/// Patroni's view of the followed member, if that is a primary.
fn slot(server: &Name, state: &ServerState, primary: Option<&Node>, role: Role) -> Option<Look> {
    let name = state.receiver();
    // Receivers are in Patroni's list of walsenders, if there is one.
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
        // The connection that lists slots returned nothing.
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
