//! Engines without some part, simulated by changing their view of the world: each must be caught.

/// The missing part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Nothing: the engine as it is.
    None,
    /// The fence: every Patroni says that its own node holds the leader key.
    NoFence,
    /// Intents: records are forgotten.
    NoIntents,
    /// Resuming pending requests.
    NoResumption,
    /// Supersession: an intent counts as current whatever came after it.
    NoSupersession,
    /// Treating a request without an answer as possibly accepted: it counts as not sent.
    LostIsNotSent,
    /// Convergence: Barman's state always looks as if only the first node's model were ever active.
    BlindDiagnosis,
    /// The second look of a callback.
    NoSecondLook,
    /// Lanes: an exchange with an API waits for those with other ones.
    OneLane,
    /// Distinguishing options: an update of a server replaces all pending changes of it.
    OneOption,
    /// The ledger: a recovery does not know about earlier ones.
    NoLedger,
    /// The other members: `reconcile` only corrects the state that its own member wants.
    OwnOnly,
    /// The pause between the two looks that a correction for another member needs.
    OneLook,
    /// The agent's corrections: it only looks.
    IdleAgent,
    /// Recording the end of an intent.
    NeverSettled,
}
