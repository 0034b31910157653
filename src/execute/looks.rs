//! The `/diagnose` answers of one process: `/diagnose` visits every server of a Barman host, so it is not requested more
//! often than necessary.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::barman::{ActiveModel, Diagnosis, Interest, Trouble};
use crate::evaluate::Step;
use crate::http::Clock as _;
use crate::model::{ApiName, ConfigSwitch, Operation, SwitchTo, Verify};

use super::here::Part;
use super::look::{self, Shown};
use super::{StepOutcome, StepReport, World, verify};

/// The diagnoses of one process.
#[derive(Debug, Default)]
pub struct Looks {
    /// They are shared by the clusters of a fleet.
    fleet: bool,
    apis: RefCell<BTreeMap<ApiName, Rc<Api>>>,
    /// The time at which each cluster got its current leader.
    led: RefCell<BTreeMap<String, Duration>>,
}

/// The cache for one API.
#[derive(Debug, Default)]
struct Api {
    kept: RefCell<Option<Kept>>,
    /// Allows one request at a time.
    gate: Mutex<()>,
    /// The times at which the cache became outdated for clusters.
    doubts: RefCell<BTreeMap<String, Duration>>,
}

/// A cached diagnosis.
#[derive(Debug, Clone)]
struct Kept {
    diagnosis: Rc<Diagnosis>,
    at: Duration,
    took: Duration,
    /// The steps it was requested for, if not for everything.
    steps: Vec<Step>,
}

/// A diagnosis to decide by.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) diagnosis: Rc<Diagnosis>,
    /// The state may have been changed since.
    pub(super) is_old: bool,
}

/// The time for which a diagnosis is valid while WAL is seen to flow.
const FRESH: Duration = Duration::from_secs(300);

/// It is valid for this many times its own duration.
const WORTH: u32 = 10;

/// The same if it has to be renewed.
const REST: u32 = 2;

/// A request of an earlier leader may still arrive this long after the change.
const UNDER_WAY: Duration = Duration::from_secs(30);

impl Kept {
    fn is_fresh<W: World>(&self, world: &W) -> bool {
        let age = world.clock().now().saturating_sub(self.at);
        age < FRESH.max(WORTH * self.took)
    }

    fn seen(&self, is_old: bool) -> Seen {
        Seen {
            diagnosis: Rc::clone(&self.diagnosis),
            is_old,
        }
    }

    /// Returns true if it contains everything that these steps set.
    fn has(&self, steps: &[Step]) -> bool {
        let shows = |step: &Step| look::shown(&step.operation, &self.diagnosis);
        let differs = |step: &Step| matches!(shows(step), Shown::Differs(_));
        !steps.iter().any(differs)
    }
}

impl Looks {
    /// Diagnoses of everything, for many clusters.
    pub fn of_fleet() -> Self {
        Self {
            fleet: true,
            ..Self::default()
        }
    }

    pub(super) const fn are_of_fleet(&self) -> bool {
        self.fleet
    }

    fn api(&self, name: &ApiName) -> Rc<Api> {
        Rc::clone(self.apis.borrow_mut().entry(name.clone()).or_default())
    }

    /// One diagnosis of an API, with the targets of these parts; `None` if the rules have no such API.
    pub(super) async fn take<W: World>(
        &self,
        name: &ApiName,
        parts: &[Part],
        world: &W,
    ) -> Option<Result<Seen, Trouble>> {
        let barman = world.barman(name)?;
        let steps: Vec<Step> = parts
            .iter()
            .flat_map(|part| part.plan.steps.clone())
            .collect();
        let api = self.api(name);
        let asked = world.clock().now();
        let kept = api.kept.borrow().clone();
        if let Some(kept) = &kept
            && let Some(seen) = self.good(&api, kept, &steps, parts, world).await
        {
            return Some(Ok(seen));
        }
        let _gate = api.gate.lock().await;
        if self.fleet
            && let Some(kept) = &*api.kept.borrow()
            && kept.at >= asked
        {
            return Some(Ok(kept.seen(false)));
        }
        if let Some(kept) = kept.filter(|_| self.fleet) {
            let rest = (kept.at + (1 + REST) * kept.took).saturating_sub(world.clock().now());
            world.clock().sleep(rest).await;
        } else {
            api.kept.take();
        }
        let at = world.clock().now();
        let interest = if self.fleet {
            Interest::everything()
        } else {
            Interest::of(steps.iter().map(|step| &step.operation))
        };
        let diagnosis = barman.diagnose(&interest).await.map(Rc::new);
        Some(diagnosis.map(|diagnosis| {
            let kept = Kept {
                diagnosis,
                at,
                took: world.clock().now().saturating_sub(at),
                steps,
            };
            let seen = kept.seen(false);
            *api.kept.borrow_mut() = Some(kept);
            seen
        }))
    }

    /// The cached diagnosis, if it is good enough for these steps.
    async fn good<W: World>(
        &self,
        api: &Api,
        kept: &Kept,
        steps: &[Step],
        parts: &[Part],
        world: &W,
    ) -> Option<Seen> {
        if !self.fleet {
            let same = kept.steps == steps && kept.is_fresh(world);
            return (same && flows(parts, world).await).then(|| kept.seen(false));
        }
        let cluster = parts.first().map(|part| &part.plan.cluster)?;
        let doubt = api.doubts.borrow().get(cluster).copied();
        if doubt.is_some_and(|doubt| doubt >= kept.at) {
            return None;
        }
        // A new leader is followed at once; obstacles are checked before anything is sent.
        if !kept.has(steps) {
            return Some(kept.seen(true));
        }
        // Another leader's request may have come in between, unless the WAL stream shows otherwise.
        let led = self.led.borrow().get(cluster).copied();
        let now = world.clock().now();
        let shows = |flows| match flows {
            Some(flows) => flows,
            None => led.is_none_or(|led| {
                let is_settled = led + UNDER_WAY <= now;
                kept.at >= if is_settled { led + UNDER_WAY } else { led }
            }),
        };
        (kept.is_fresh(world) && shows(flow(parts, world).await)).then(|| kept.seen(false))
    }

    /// Records that a cluster has another leader.
    pub fn another_leads<W: World>(&self, cluster: &str, world: &W) {
        let now = world.clock().now();
        self.led.borrow_mut().insert(cluster.to_owned(), now);
    }

    /// Drops the cached diagnosis, which is or was wrong.
    pub(super) fn forget(&self, name: &ApiName) {
        if !self.fleet {
            self.api(name).kept.take();
        }
    }

    /// Marks the cached diagnosis as outdated for this cluster.
    pub(super) fn doubt<W: World>(&self, name: &ApiName, cluster: &str, world: &W) {
        let now = world.clock().now();
        let api = self.api(name);
        api.doubts.borrow_mut().insert(cluster.to_owned(), now);
    }

    /// Records a request: a switch that was seen to take effect is known.
    pub(super) fn acted<W: World>(
        &self,
        name: &ApiName,
        cluster: &str,
        reports: &[StepReport],
        wanted: &[&Step],
        world: &W,
    ) {
        if !self.fleet {
            return self.forget(name);
        }
        let api = self.api(name);
        for report in reports {
            let step = wanted.iter().filter(|step| step.verify != Verify::None);
            let mut step = step.filter(|step| report.is_of(step));
            let switch = step.next().map(|step| &step.operation);
            let (StepOutcome::Done, Some(Operation::ConfigSwitch(ConfigSwitch { server, to }))) =
                (report.outcome, switch)
            else {
                self.doubt(name, cluster, world);
                continue;
            };
            let mut kept = api.kept.borrow_mut();
            let diagnosis = kept.as_mut().map(|kept| Rc::make_mut(&mut kept.diagnosis));
            let state = diagnosis.and_then(|all| all.servers.get_mut(server.as_str()));
            if let Some(state) = state {
                state.active_model = match to {
                    SwitchTo::Model(model) => ActiveModel::Model(model.clone()),
                    SwitchTo::Reset => ActiveModel::None,
                };
                state.connection_error = None;
                state.is_in_recovery = None;
                state.timeline = None;
                if let Some(slot) = &mut state.slot {
                    slot.active = true;
                }
            }
        }
    }
}

/// Returns false if some member's Patroni shows that Barman stopped receiving WAL.
pub async fn flows<W: World>(parts: &[Part], world: &W) -> bool {
    flow(parts, world).await != Some(false)
}

/// Returns true if Barman receives all WAL that it should, according to the members' Patronis; `None` if they don't know.
async fn flow<W: World>(parts: &[Part], world: &W) -> Option<bool> {
    let mut all = Some(true);
    for part in parts {
        let streams = part
            .plan
            .steps
            .iter()
            .any(|step| step.verify == Verify::Streaming);
        let receives = if streams {
            verify::receives(world, &part.seat, part.plan.role).await
        } else {
            None
        };
        if receives == Some(false) {
            return receives;
        }
        all = all.and(receives);
    }
    all
}
