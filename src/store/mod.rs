//! What was decided, and what became of it: the record that outlives a process.
//!
//! Patroni kills a callback whenever the next one fires. So each step is written down as an intent
//! before it is sent, its operation as soon as it is known, its outcome when it is settled; whoever
//! comes next can go on from there.

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

/// Keeps intents. Times are wall clock, since the Unix epoch.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Store {
    /// Writes down an event before anything is asked or decided, so that it outlives this process. What was decided
    /// for another role of this member is superseded.
    async fn record(&self, event: &Recorded, now: Duration) -> Result<EventId, StoreError>;

    /// Reads the events of a member that were written down and of which nothing was decided, oldest first.
    async fn undecided(
        &self,
        cluster: &str,
        node: Option<&str>,
    ) -> Result<Vec<(EventId, Recorded)>, StoreError>;

    /// Ends an event of which nothing has to be decided any more.
    async fn close(&self, event: EventId) -> Result<(), StoreError>;

    /// Writes down every step of a decision, in one go. What is pending for the same targets is superseded,
    /// and what was decided for another role of this node. A decision that was made by looking supersedes nothing: a
    /// step is left out, and has no intent, if anything is pending for its targets. An older update that is
    /// covered in part is narrowed to the rest.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    async fn intend(&self, decision: &Decision<'_>) -> Result<Vec<Option<IntentId>>, StoreError>;

    /// Supersedes what was decided for another role of this node; gives how many intents that were.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn role_changed(
        &self,
        cluster: &str,
        node: Option<&str>,
        role: Role,
        now: Duration,
    ) -> Result<usize, StoreError>;

    /// Writes down that an attempt is about to be made and claims the intent for as long as an exchange may take, unless
    /// it is not to be carried out any more.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sending(
        &self,
        id: IntentId,
        now: Duration,
        claim: Duration,
    ) -> Result<Standing, StoreError>;

    /// Keeps hold of an intent until then: one that is not renewed is anybody's.
    async fn renew(&self, id: IntentId, until: Duration) -> Result<(), StoreError>;

    /// Writes down the operation that pg-backup-api made of it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn accepted(&self, id: IntentId, operation: &Name) -> Result<(), StoreError>;

    /// Writes down how it ended. An intent that was superseded stays so.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn settled(&self, id: IntentId, end: &Settled<'_>) -> Result<(), StoreError>;

    /// Writes down that the operation of an intent has ended, whatever came of it.
    async fn ended(&self, id: IntentId) -> Result<(), StoreError>;

    /// Tells whether an operator gave an intent up.
    async fn is_forgotten(&self, id: IntentId) -> Result<bool, StoreError>;

    /// Gives back an intent for somebody else to go on with.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn left(&self, id: IntentId, why: &str) -> Result<(), StoreError>;

    /// Takes over what is pending in a cluster and nobody alive is working on, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn take_over(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Ends the corrections that were decided on for other members than this one and that nobody alive is working on:
    /// the next look decides anew.
    async fn drop_corrections(
        &self,
        cluster: &str,
        node: Option<&str>,
        now: Duration,
    ) -> Result<(), StoreError>;

    /// Reads what was done, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn history(&self, query: &Query) -> Result<Vec<Intent>, StoreError>;

    /// Reads the receipts of one cluster or of all, the oldest change of timeline first, and what they rest on.
    async fn receipts(&self, cluster: Option<&str>) -> Result<Receipts, StoreError>;

    /// Writes receipts and evidence down, in the place of older ones of the same timelines.
    async fn keep_receipts(&self, news: &Receipts) -> Result<(), StoreError>;
}
