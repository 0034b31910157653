//! Notifications of a process that follows many clusters: none of its loops waits for a receiver.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::alert::{Attention, Report, Substitute};
use crate::execute::World as _;
use crate::http::{Clock as _, together, within};
use crate::store::{Extent, Observation, Seen, Source};

use super::alerts::Alerts;
use super::world::Outside;

/// The pause between two looks at requests that are still tried.
const GLANCE: Duration = Duration::from_secs(5);

/// The pause before requests that are still tried are reported again.
const AGAIN: Duration = Duration::from_secs(60);

/// So many reports are passed on at the same time.
const AT_ONCE: usize = 16;

/// Reports on their way, and the requests that may become one.
#[derive(Default)]
pub struct Outbox {
    queue: RefCell<Vec<Report>>,
    is_busy: Cell<bool>,
    /// The clusters of which a report without news is of no interest.
    settled: RefCell<BTreeSet<String>>,
    attended: RefCell<BTreeMap<String, Attended>>,
    bell: Notify,
    /// Stands in for a state that cannot be used.
    pub substitute: Substitute,
}

/// The requests of one cluster.
struct Attended {
    attention: Rc<Attention>,
    told: Option<Duration>,
}

impl Outbox {
    /// Passes on what was seen of a cluster, or of the rules if the name is empty.
    pub fn put(&self, cluster: &str, extent: Extent, observations: Vec<Observation>) {
        let is_well = |one: &Observation| matches!(one.seen, Seen::Well(_));
        if observations.iter().all(is_well) && self.settled.borrow().contains(cluster) {
            return;
        }
        self.queue.borrow_mut().push(Report {
            cluster: cluster.to_owned(),
            member: None,
            source: Source::Agent.as_str().to_owned(),
            extent,
            observations,
        });
        self.bell.notify_one();
    }

    /// Looks at the requests of a cluster from here on.
    pub fn attend(&self, cluster: &str, attention: &Rc<Attention>) {
        let attended = Attended {
            attention: Rc::clone(attention),
            told: None,
        };
        self.attended
            .borrow_mut()
            .insert(cluster.to_owned(), attended);
    }

    /// Ends [`Self::attend`].
    pub fn dismiss(&self, cluster: &str) {
        self.attended.borrow_mut().remove(cluster);
    }

    /// Tells whether everything was passed on.
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty() && !self.is_busy.get()
    }

    /// Passes reports on, for ever.
    pub async fn run(&self, desk: &Alerts<'_>, outside: &Outside<'_>) {
        loop {
            self.look_at_requests(desk, outside);
            let reports = self.queue.take();
            self.is_busy.set(true);
            for some in reports.chunks(AT_ONCE) {
                let told = some.iter().map(async |report| {
                    let cluster = report.cluster.clone();
                    let told = desk
                        .tell(
                            report.clone(),
                            outside.store(),
                            outside.clock(),
                            Duration::MAX,
                        )
                        .await;
                    let mut settled = self.settled.borrow_mut();
                    if told.is_unsettled {
                        settled.remove(&cluster);
                    } else {
                        settled.insert(cluster);
                    }
                });
                together(told.collect()).await;
            }
            self.is_busy.set(false);
            if self.queue.borrow().is_empty() {
                within(outside.clock(), GLANCE, self.bell.notified()).await;
            }
        }
    }

    fn look_at_requests(&self, desk: &Alerts<'_>, outside: &Outside<'_>) {
        let now = outside.clock().now();
        let mut due = Vec::new();
        for (cluster, attended) in self.attended.borrow_mut().iter_mut() {
            let is_told = attended.told.is_some_and(|told| now < told + AGAIN);
            if !is_told && desk.is_ripe(&attended.attention, now) {
                attended.told = Some(now);
                due.push((cluster.clone(), attended.attention.troubles()));
            }
        }
        for (cluster, troubles) in due {
            let troubles = outside.discretion().observations(troubles);
            self.put(&cluster, Extent::Observed, troubles);
        }
    }
}
