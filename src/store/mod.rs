//! Decisions and their outcomes: the record that outlives a process.
//!
//! Patroni kills a callback whenever the next one fires. So each step is recorded as an intent
//! before it is sent, its operation as soon as it is known, and its outcome when it is settled; the
//! next process can continue from there.

mod count;
mod file;
mod incident;
mod incident_rows;
mod intent;
mod last_good;
mod owner;
mod receipt;
mod receipt_rows;
mod record;
mod rows;
mod schema;
mod sqlite;
mod tally;
mod whole;
mod worker;

pub use incident::{
    Addressee, Arrival, Delivery, Extent, Incident, Incidents, Noted, Notice, Observation, Seen,
};
pub use incident_rows::UNDECIDED;
pub use intent::{
    Cause, Decision, EventId, Forget, Intent, IntentId, Query, Recorded, Settled, Source, Standing,
    State, StoreError,
};
pub use last_good::{Known, LastGood};
pub use owner::Owner;
pub use receipt::{MayTell, Receipt, Receipts, Sighting, Verdict};
pub use sqlite::Sqlite;
pub use tally::{Correction, LastPass, Tally};
pub use whole::{replace_file, replace_private_file};
pub use worker::{Worker, at_once};

use std::time::Duration;

use crate::model::{Name, Role};

/// The store of intents. Times are wall-clock times since the Unix epoch.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Store {
    /// Records an event before anything is asked or decided, so that it outlives this process. Decisions
    /// for another role of this member are superseded.
    async fn record(&self, event: &Recorded, now: Duration) -> Result<EventId, StoreError>;

    /// Reads the recorded events of a member about which nothing was decided, oldest first.
    async fn undecided(
        &self,
        cluster: &str,
        node: Option<&str>,
    ) -> Result<Vec<(EventId, Recorded)>, StoreError>;

    /// Closes an event that needs no decision any more.
    async fn close(&self, event: EventId) -> Result<(), StoreError>;

    /// Records every step of a decision in one transaction. Pending requests for the same targets are superseded,
    /// and so are decisions for another role of this node. A decision after a look supersedes nothing: a
    /// step is skipped, and has no intent, if anything is pending for its targets. An older update that is partly
    /// covered is narrowed to the rest.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was recorded.
    async fn intend(&self, decision: &Decision<'_>) -> Result<Vec<Option<IntentId>>, StoreError>;

    /// Supersedes decisions for another role of this node; returns the number of intents.
    async fn role_changed(
        &self,
        cluster: &str,
        node: Option<&str>,
        role: Role,
        now: Duration,
    ) -> Result<usize, StoreError>;

    /// Records that an attempt is about to be made and claims the intent for the longest time an exchange may take, unless
    /// it should no longer be executed.
    async fn sending(
        &self,
        id: IntentId,
        now: Duration,
        claim: Duration,
    ) -> Result<Standing, StoreError>;

    /// Extends the claim on an intent: without renewal, any process may take it over.
    async fn renew(&self, id: IntentId, until: Duration) -> Result<(), StoreError>;

    /// Records the operation that pg-backup-api created.
    async fn accepted(&self, id: IntentId, operation: &Name) -> Result<(), StoreError>;

    /// Records its end. A superseded intent stays superseded.
    async fn settled(&self, id: IntentId, end: &Settled<'_>) -> Result<(), StoreError>;

    /// Records that the operation of an intent has ended, with any result.
    async fn ended(&self, id: IntentId) -> Result<(), StoreError>;

    /// Returns true if an operator gave an intent up.
    async fn is_forgotten(&self, id: IntentId) -> Result<bool, StoreError>;

    /// Releases an intent for another process.
    async fn left(&self, id: IntentId, why: &str) -> Result<(), StoreError>;

    /// Takes over the pending requests of a cluster that no live process is working on, oldest first.
    async fn take_over(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Ends the corrections for members other than this one that no live process is working on:
    /// the next look decides again.
    async fn drop_corrections(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<(), StoreError>;

    /// Reads past requests, newest first.
    async fn history(&self, query: &Query) -> Result<Vec<Intent>, StoreError>;

    /// Reads the receipts of one cluster or of all, the oldest change of timeline first, and the evidence for them.
    async fn receipts(&self, cluster: Option<&str>) -> Result<Receipts, StoreError>;

    /// Stores receipts and evidence, replacing older ones of the same timelines.
    async fn keep_receipts(&self, news: &Receipts) -> Result<(), StoreError>;
}
