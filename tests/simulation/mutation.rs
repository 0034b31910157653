//! Engines that lack a part, made by what they see of the world: each must be caught.

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Nothing: the engine as it is.
    None,
    /// The fence: every Patroni says that its own node holds the leader key.
    NoFence,
    /// Intents: what is written down is forgotten.
    NoIntents,
    /// Taking up what was left.
    NoResumption,
    /// Supersession: an intent counts as current whatever came after it.
    NoSupersession,
    /// Knowing that a lost answer may be an accepted request: it counts as not sent.
    LostIsNotSent,
    /// Convergence: Barman's state always looks as if no model but the first node's were ever active.
    BlindDiagnosis,
    /// Looking once more after a callback.
    NoSecondLook,
    /// Lanes: an exchange with an API waits for those with other ones.
    OneLane,
    /// Telling options apart: an update of a server replaces what was to be set of it before.
    OneOption,
    /// The ledger: a recovery does not know of those before it.
    NoLedger,
    /// The other members: `reconcile` corrects only what its own member wants.
    OwnOnly,
    /// The pause between the two looks that a correction for another member needs.
    OneLook,
    /// Writing down how an intent ended.
    NeverSettled,
}
