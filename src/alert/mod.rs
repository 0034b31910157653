//! Incidents and notifications: receivers are notified once when an incident begins and once when it is over.
//!
//! What a process sees becomes [`Observation`]s: of a comparison and of receipts by plain functions, and of
//! requests by an [`Attention`], which listens to the progress of a pass. A [`Desk`] writes them down in the store, which
//! knows the incidents and their deliveries, and delivers what is due. An incident is recorded before the first delivery,
//! so that a killed process loses nothing; a delivery that fails is tried again by the next process.
//! Requests never wait for any of this.

mod attention;
mod desk;
mod message;
mod seen;

pub use attention::Attention;
pub use desk::{Courier, Desk, Report, Substitute, Told, Undelivered};
pub use message::Message;
pub use seen::{
    Subject, of_comparisons, of_conflicts, of_evaluation, of_patroni, of_receipts, of_rules,
};

#[doc(inline)]
pub use crate::store::Observation;
