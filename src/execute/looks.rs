//! The diagnoses of one process: `/diagnose` walks every server of a Barman host, so it is not asked more often than it
//! has to be.

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
    /// When a cluster got the leader that it has.
    led: RefCell<BTreeMap<String, Duration>>,
}

/// What is kept of one API.
#[derive(Debug, Default)]
struct Api {
    kept: RefCell<Option<Kept>>,
    /// One question at a time.
    gate: Mutex<()>,
    /// When what is kept was found to be no longer right for a cluster.
    doubts: RefCell<BTreeMap<String, Duration>>,
}

/// A diagnosis.
#[derive(Debug, Clone)]
struct Kept {
    diagnosis: Rc<Diagnosis>,
    at: Duration,
    took: Duration,
    /// What it was asked for, if not for everything.
    steps: Vec<Step>,
}

/// A diagnosis to judge by.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) diagnosis: Rc<Diagnosis>,
    /// Somebody may have set something else since.
    pub(super) is_old: bool,
}

/// A diagnosis is good for so long, as long as WAL is seen to flow.
const FRESH: Duration = Duration::from_secs(300);

/// It is good for so many times the time that it took.
const WORTH: u32 = 10;

/// The same where it has to be taken anew.
const REST: u32 = 2;

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

    /// Tells whether it has everything that these steps set.
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

    /// One diagnosis of an API, with what these parts are about; `None` if the rules have no such API.
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

    /// What is kept, if it is good enough for these steps.
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
        // A leader that is new is followed at once; what stops that is looked for before anything is sent.
        if !kept.has(steps) {
            return Some(kept.seen(true));
        }
        // Another leader's request may have come in between, if WAL does not show that it did not.
        let led = self.led.borrow().get(cluster).copied();
        let shows = |flows| match flows {
            Some(flows) => flows,
            None => led.is_none_or(|led| led <= kept.at),
        };
        (kept.is_fresh(world) && shows(flow(parts, world).await)).then(|| kept.seen(false))
    }

    /// A cluster has another leader from now on.
    pub fn another_leads<W: World>(&self, cluster: &str, world: &W) {
        let now = world.clock().now();
        self.led.borrow_mut().insert(cluster.to_owned(), now);
    }

    /// What was kept is no longer right, or was not to begin with.
    pub(super) fn forget(&self, name: &ApiName) {
        if !self.fleet {
            self.api(name).kept.take();
        }
    }

    /// What is kept is not right for this cluster.
    pub(super) fn doubt<W: World>(&self, name: &ApiName, cluster: &str, world: &W) {
        let now = world.clock().now();
        let api = self.api(name);
        api.doubts.borrow_mut().insert(cluster.to_owned(), now);
    }

    /// Takes note of what was sent: a switch that was seen to take effect is known.
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
            let mut step = step.filter(|step| step.rule == report.rule);
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

/// Tells whether no member's Patroni says that Barman stopped receiving WAL.
pub async fn flows<W: World>(parts: &[Part], world: &W) -> bool {
    flow(parts, world).await != Some(false)
}

/// Tells whether Barman receives all WAL that it should, by the members' Patronis; `None` if they cannot tell.
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
