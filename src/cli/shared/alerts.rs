//! Notifications of a command: who is told, and by whom.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::alert::{
    Desk, Report, Substitute, Told, of_comparisons, of_conflicts, of_receipts, of_rules,
};
use crate::evaluate::Conflict;
use crate::execute::{Comparison, Judged, World as _};
use crate::http::Clock as _;
use crate::store::{Extent, Observation, Source};

use super::context::Context;
use super::courier::Couriers;
use super::rules::Rules;
use super::watch::Watch;
use super::world::Outside;

/// The receivers, and the ways to them.
pub type Alerts<'a> = Desk<'a, Couriers<'a>>;

/// The receivers that rules name, reached from here.
pub fn desk<'a>(rules: &'a Rules, context: &'a Context, substitute: &'a Substitute) -> Alerts<'a> {
    let environment = &context.environment;
    let courier = Couriers {
        environment,
        log: &context.log,
    };
    // The state knows the rules by their whole path, wherever a process was started.
    let whole = fs::canonicalize(&rules.path);
    let whole = whole.as_deref().unwrap_or(&rules.path);
    Desk::new(
        &rules.set.receivers,
        whole.display().to_string(),
        environment.host.clone(),
        courier,
        substitute,
    )
}

/// Observes the rules file; `broken` says why it is not used, if it is not.
pub fn rules_seen(desk: &Alerts<'_>, broken: Option<&str>, watch: &Watch<'_>) -> Observation {
    of_rules(Path::new(desk.rules()), broken, watch.wall())
}

/// The part of a cluster that a pass saw.
pub const fn extent(is_whole: bool) -> Extent {
    if is_whole {
        Extent::Cluster
    } else {
        Extent::Observed
    }
}

/// Adds what a pass saw.
pub fn of_pass(
    mut seen: Vec<Observation>,
    compared: &[Comparison],
    conflicts: &[Conflict],
    judged: &Judged,
    now: Duration,
) -> Vec<Observation> {
    seen.extend(of_comparisons(compared, now));
    seen.extend(of_conflicts(conflicts, now));
    seen.extend(of_receipts(&judged.receipts, now));
    seen
}

/// Makes reports of one process.
pub struct Reporter<'a> {
    pub cluster: String,
    pub member: Option<String>,
    pub source: Source,
    pub outside: &'a Outside<'a>,
}

impl Reporter<'_> {
    /// Tells what was seen; each receiver is waited for no longer than its `timeout` and this limit.
    pub async fn tell(
        &self,
        extent: Extent,
        observations: Vec<Observation>,
        desk: &Alerts<'_>,
        limit: Duration,
    ) -> Told {
        let report = self.report(extent, observations);
        desk.tell(report, self.outside.store(), self.outside.clock(), limit)
            .await
    }

    /// Does work, and beside it reports requests that have trouble for long.
    pub async fn beside<T>(&self, work: impl Future<Output = T>, desk: &Alerts<'_>) -> T {
        let report = |observations| self.report(Extent::Observed, observations);
        let outside = self.outside;
        desk.beside(
            work,
            outside.attention(),
            &report,
            outside.store(),
            outside.clock(),
        )
        .await
    }

    fn report(&self, extent: Extent, observations: Vec<Observation>) -> Report {
        Report {
            cluster: self.cluster.clone(),
            member: self.member.clone(),
            source: self.source.as_str().to_owned(),
            extent,
            observations: self.outside.discretion().observations(observations),
        }
    }
}
