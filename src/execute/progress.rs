//! What happens while a plan is carried out.

use std::time::Duration;

use crate::evaluate::Step;
use crate::model::Name;
use crate::store::{Intent, IntentId, Receipt};

use super::StepReport;

/// One event of an execution.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A request is about to be sent.
    Sending {
        /// The step.
        step: &'a Step,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// An attempt did not succeed and another will be made.
    Waiting {
        /// The step.
        step: &'a Step,
        /// Why.
        reason: &'a str,
        /// Until then.
        wait: Duration,
    },
    /// pg-backup-api has taken up the operation.
    Accepted {
        /// The step.
        step: &'a Step,
        /// Its id.
        id: &'a Name,
    },
    /// The operation was found in the list of operations after its answer had been lost.
    Found {
        /// The step.
        step: &'a Step,
        /// Its id.
        id: &'a Name,
    },
    /// An earlier recovery into the same directory is waited for.
    Earlier {
        /// The step that waits.
        step: &'a Step,
        /// The earlier one.
        intent: &'a Intent,
    },
    /// The operation is still running, or could not be asked for.
    Running {
        /// The step.
        step: &'a Step,
        /// Its id.
        id: &'a Name,
        /// Since it was accepted.
        elapsed: Duration,
        /// What went wrong with asking, if anything did.
        trouble: Option<&'a str>,
    },
    /// Nothing has changed in the destination of a recovery for long.
    Stalled {
        /// The step that waits for it.
        step: &'a Step,
        /// The recovery's id.
        id: &'a Name,
        /// The recovery in the store.
        intent: IntentId,
        /// For so long.
        unchanged: Duration,
    },
    /// The operation is done and the state is being looked at.
    Verifying {
        /// The step.
        step: &'a Step,
        /// What is not there yet.
        waiting_for: Option<&'a str>,
    },
    /// What an earlier process decided on is taken up.
    Resuming {
        /// The intent.
        intent: &'a Intent,
    },
    /// Something could not be made sure of before a request is sent.
    Doubt {
        /// The step.
        step: &'a Step,
        /// What, and why.
        message: &'a str,
    },
    /// Barman's state is not as the rules want it, and is corrected.
    Correcting {
        /// The step that corrects it.
        step: &'a Step,
        /// The member for which it is wanted, if that is on another node.
        member: Option<&'a str>,
        /// What is different.
        what: &'a str,
    },
    /// Nothing can be decided yet; the event stays written down.
    Undecided {
        /// Why.
        reason: &'a str,
    },
    /// The state can't be read or written; what is done goes on without it.
    StateTrouble {
        /// Why.
        message: &'a str,
    },
    /// The step has ended.
    Settled {
        /// The step.
        step: &'a Step,
        /// How.
        report: &'a StepReport,
    },
    /// A change of timeline has a verdict, or another one than before.
    Receipt {
        /// It.
        receipt: &'a Receipt,
    },
}
