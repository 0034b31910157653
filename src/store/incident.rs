//! Incidents, and the deliveries of their notifications.

use std::time::Duration;

use crate::model::IncidentClass;

use super::StoreError;

/// Something that is wrong, from the moment it was seen until it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The class.
    pub class: IncidentClass,
    /// Patroni's scope; empty for the rules file, which may be for several clusters.
    pub cluster: String,
    /// A text that names the subject in the state; it never changes.
    pub key: String,
    /// The subject in words.
    pub subject: String,
    /// The member that it was seen for, if there is one.
    pub member: Option<String>,
    /// The kind of process that saw it.
    pub source: String,
    /// The cause; of one that is over, its end.
    pub message: String,
    /// The time it began, since the Unix epoch.
    pub since: Duration,
    /// The time it ended.
    pub ended: Option<Duration>,
}

/// One thing that a process saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The class of the incident that it is, or was.
    pub class: IncidentClass,
    /// [`Incident::key`].
    pub key: String,
    /// [`Incident::subject`].
    pub subject: String,
    /// The keys of the targets of the request that it is about.
    pub targets: Vec<String>,
    /// [`Incident::member`], if it is not that of the process.
    pub member: Option<String>,
    /// Right or wrong.
    pub seen: Seen,
}

/// The state of a thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Something is wrong.
    Wrong {
        /// The cause.
        message: String,
        /// The time it began, if it is new.
        since: Duration,
        /// It may pass by itself: each receiver is told only after a time of its own.
        may_pass: bool,
        /// It is over when it was not seen for so long.
        calm: Duration,
    },
    /// All is well, for this reason.
    Well(String),
}

/// The part of a cluster that a process has looked at. What it has looked at and did not find wrong is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The observations, and nothing else.
    Observed,
    /// Also that the member runs, so that no recovery of its data directory is needed any more.
    Member,
    /// The whole cluster.
    Cluster,
}

/// A receiver, as the state knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The receiver's name.
    pub name: String,
    /// Its patience with what may pass by itself.
    pub after: Duration,
    /// The classes that it is told of.
    pub classes: Vec<IncidentClass>,
}

/// Everything that a process reports at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Patroni's scope.
    pub cluster: String,
    /// The member that the process works for, if it does for one.
    pub member: Option<String>,
    /// The kind of process.
    pub source: String,
    /// The path of the rules.
    pub rules: String,
    /// The part of the cluster that was looked at.
    pub extent: Extent,
    /// The things that were looked at.
    pub observations: Vec<Observation>,
    /// Everybody who may be told.
    pub addressees: Vec<Addressee>,
    /// The deliveries are this process's for so long.
    pub claim: Duration,
    /// The time, since the Unix epoch.
    pub now: Duration,
}

/// Something to tell somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The incident's number in the state.
    pub number: i64,
    /// The receiver's name.
    pub receiver: String,
    /// The incident; whether it is over decides what the receiver is told.
    pub incident: Incident,
    /// An earlier attempt may have reached the receiver.
    pub is_repeated: bool,
}

/// The arrival of a message at its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The receiver has taken it.
    Yes,
    /// The receiver does not know of it.
    No,
    /// The receiver may know of it.
    Unknown,
}

/// The consequences of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Noted {
    /// Deliveries that are this process's to make.
    pub due: Vec<Delivery>,
    /// Something is still wrong, or somebody has still to be told.
    pub is_unsettled: bool,
}

/// Keeps incidents.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Incidents {
    /// Writes down what was seen: which incidents began and which are over. Returns what is to be told, which is claimed
    /// for this process.
    async fn note(&self, notice: &Notice) -> Result<Noted, StoreError>;

    /// Writes down what became of a delivery; one that was not made is given back.
    async fn told(&self, delivery: &Delivery, arrival: Arrival) -> Result<(), StoreError>;
}
