//! Whether Barman's state is what was asked for.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::barman::{ActiveModel, Diagnosis, same_value};
use crate::http::Clock;
use crate::model::{Name, Operation, RequestKind, SwitchTo, Verify, duration};

use super::{End, Progress, Stage, StepOutcome, World};

/// The pause between two looks while something is still to come.
const PAUSE: Duration = Duration::from_millis(500);

/// The state is not there.
pub(super) struct Unverified {
    /// Whether another request has set another state: ours was lost, and can be sent again.
    pub(super) lost: bool,
    /// How the step ends if it is not sent again.
    pub(super) end: End,
}

/// What one look showed.
enum Look {
    /// What was asked for is there.
    Holds,
    /// Something else is there.
    Differs(String),
    /// Something is not there yet.
    NotYet(String),
}

/// Looks until the state is there, as long as `poll.timeout` allows.
pub(super) async fn verify<W: World>(stage: Stage<'_, W>) -> Result<(), Unverified> {
    let Stage { step, world, .. } = stage;
    if step.verify == Verify::None {
        return Ok(());
    }
    world.observe(&Progress::Verifying {
        step,
        waiting_for: None,
    });
    let clock = world.clock();
    let started = clock.now();
    loop {
        let left = step
            .poll
            .timeout
            .saturating_sub(clock.now().saturating_sub(started));
        let (outcome, missing) = match look(stage, left).await {
            Ok(Look::Holds) => return Ok(()),
            Ok(Look::Differs(what)) => {
                let end = End::new(StepOutcome::Unverified, what);
                let lost = step.operation.kind() == RequestKind::ConfigSwitch;
                return Err(Unverified { lost, end });
            }
            Ok(Look::NotYet(what)) => (StepOutcome::Unverified, what),
            Err(trouble) => (StepOutcome::Unfinished, trouble),
        };
        let elapsed = clock.now().saturating_sub(started);
        if elapsed + PAUSE >= step.poll.timeout {
            let timeout = duration::format(step.poll.timeout);
            let message =
                format!("the operation is done, but after {timeout} (`poll.timeout`): {missing}");
            return Err(Unverified {
                lost: false,
                end: End::new(outcome, message),
            });
        }
        world.observe(&Progress::Verifying {
            step,
            waiting_for: Some(&missing),
        });
        clock.sleep(PAUSE.max(elapsed / 10)).await;
    }
}

/// What is different from the state that an operation sets; a recovery sets none.
pub(super) fn difference(operation: &Operation, diagnosis: &Diagnosis) -> Option<String> {
    match applied(operation, diagnosis) {
        Look::Holds => None,
        Look::Differs(what) | Look::NotYet(what) => Some(what),
    }
}

fn applied(operation: &Operation, diagnosis: &Diagnosis) -> Look {
    match operation {
        Operation::ConfigSwitch { server, to } => switched(diagnosis, server, to),
        Operation::ConfigUpdate { changes } => updated(diagnosis, changes),
        Operation::Recovery(_) => Look::Holds,
    }
}

/// Whether the state is there already.
pub(super) async fn is_there<W: World>(stage: Stage<'_, W>) -> bool {
    matches!(look(stage, stage.step.poll.timeout).await, Ok(Look::Holds))
}

/// One look; an error is a look that could not be taken.
async fn look<W: World>(stage: Stage<'_, W>, left: Duration) -> Result<Look, String> {
    let Stage {
        step,
        barman,
        world,
        ..
    } = stage;
    if let Operation::Recovery(recovery) = &step.operation {
        let file = Path::new(&recovery.destination_directory).join("PG_VERSION");
        return Ok(if world.exists(&file) {
            Look::Holds
        } else {
            Look::Differs(format!(
                "the recovery is done, but there is no `{}` on this machine; \
                 is `remote_ssh_command` the way to this machine?",
                file.display()
            ))
        });
    }
    let diagnosis = barman
        .within(left)
        .diagnose()
        .await
        .map_err(|t| t.message)?;
    match (&step.operation, applied(&step.operation, &diagnosis)) {
        (
            Operation::ConfigSwitch {
                server,
                to: SwitchTo::Model(_),
            },
            Look::Holds,
        ) if step.verify == Verify::Streaming => streaming(&diagnosis, server, world).await,
        (_, look) => Ok(look),
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
            return Look::NotYet(format!(
                "`/diagnose` does not tell the active model of `{server}`; models need Barman 3.10 or later"
            ));
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
                _ => {
                    return Look::Differs(format!(
                        "`{option}` of {what} does not have the new value"
                    ));
                }
            }
        }
    }
    Look::Holds
}

/// Whether WAL is being received from the node that Barman is set to, on Patroni's timeline.
async fn streaming<W: World>(
    diagnosis: &Diagnosis,
    server: &Name,
    world: &W,
) -> Result<Look, String> {
    let Some(state) = diagnosis.servers.get(server.as_str()) else {
        return Ok(Look::Differs(format!("Barman has no server `{server}`")));
    };
    if !state.slot.as_ref().is_some_and(|slot| slot.active) {
        let what = format!("the replication slot of `{server}` is not active on the new primary");
        return Ok(Look::NotYet(what));
    }
    if let Some(patroni) = world.patroni() {
        let node = patroni
            .node()
            .await
            .map_err(|silence| silence.to_string())?;
        if let (Some(wanted), Some(got)) = (node.timeline, state.timeline)
            && wanted != got
        {
            let what = format!("`{server}` is on timeline {got} and Patroni on {wanted}");
            return Ok(Look::NotYet(what));
        }
    }
    Ok(Look::Holds)
}

/// How long to look for a reason that makes no difference to the outcome.
const EXPLAIN: Duration = Duration::from_secs(10);

/// What is wrong with a request whose operation failed, if Barman's state shows it.
pub(super) async fn explain<W: World>(stage: Stage<'_, W>) -> Option<String> {
    let Stage { step, barman, .. } = stage;
    let Operation::ConfigSwitch {
        server,
        to: SwitchTo::Model(model),
    } = &step.operation
    else {
        return None;
    };
    if step.verify == Verify::None {
        return None;
    }
    let diagnosis = barman.within(EXPLAIN).diagnose().await.ok()?;
    let config = &diagnosis.servers.get(server.as_str())?.config;
    let cluster = config.get("cluster").and_then(Value::as_str)?;
    let fitting = || {
        let mut fitting: Vec<_> = diagnosis
            .models
            .iter()
            .filter(|(_, model)| model.cluster.as_deref() == Some(cluster))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        fitting.sort();
        if fitting.is_empty() {
            "no model at all".to_owned()
        } else {
            fitting.join(", ")
        }
    };
    match diagnosis.models.get(model.as_str()) {
        None => Some(format!(
            "there is no model `{model}`; for `{server}` there is {}",
            fitting()
        )),
        Some(found) if found.cluster.as_deref() != Some(cluster) => Some(format!(
            "model `{model}` is for cluster `{}` and server `{server}` for `{cluster}`; for `{server}` there is {}",
            found.cluster.as_deref().unwrap_or_default(),
            fitting()
        )),
        Some(_) => None,
    }
}
