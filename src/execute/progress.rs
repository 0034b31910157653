//! The events of an execution.

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
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// An attempt failed and another will be made.
    Waiting {
        /// The step.
        step: &'a Step,
        /// The reason.
        reason: &'a str,
        /// The time until then.
        wait: Duration,
    },
    /// pg-backup-api has accepted the operation.
    Accepted {
        /// The step.
        step: &'a Step,
        /// Its ID.
        id: &'a Name,
    },
    /// The operation was found in the list of operations after its answer was lost.
    Found {
        /// The step.
        step: &'a Step,
        /// Its ID.
        id: &'a Name,
    },
    /// The step waits for an earlier recovery into the same directory.
    Earlier {
        /// The step that waits.
        step: &'a Step,
        /// The earlier one.
        intent: &'a Intent,
    },
    /// The operation is still running, or could not be polled.
    Running {
        /// The step.
        step: &'a Step,
        /// Its ID.
        id: &'a Name,
        /// The time since it was accepted.
        elapsed: Duration,
        /// The problem with the poll, if any.
        trouble: Option<&'a str>,
    },
    /// Nothing has changed in the destination of a recovery for a long time.
    Stalled {
        /// The step that waits for it.
        step: &'a Step,
        /// The recovery's ID.
        id: &'a Name,
        /// The recovery in the store.
        intent: IntentId,
        /// The time without changes.
        unchanged: Duration,
    },
    /// The operation is done and the state is being checked.
    Verifying {
        /// The step.
        step: &'a Step,
        /// The missing state.
        waiting_for: Option<&'a str>,
    },
    /// A request of an earlier process is resumed.
    Resuming {
        /// The intent.
        intent: &'a Intent,
    },
    /// A check before sending was inconclusive.
    Doubt {
        /// The step.
        step: &'a Step,
        /// The check, and the reason.
        message: &'a str,
    },
    /// Barman differs from the rules, and is corrected.
    Correcting {
        /// The step that corrects it.
        step: &'a Step,
        /// The member that the state is wanted for, if it is on another node.
        member: Option<&'a str>,
        /// The difference.
        what: &'a str,
    },
    /// Nothing can be decided yet; the event stays recorded.
    Undecided {
        /// The reason.
        reason: &'a str,
    },
    /// The state database can't be read or written; execution continues without it.
    StateTrouble {
        /// The reason.
        message: &'a str,
    },
    /// The step has ended.
    Settled {
        /// The step.
        step: &'a Step,
        /// Its report.
        report: &'a StepReport,
    },
    /// A change of timeline has a new verdict.
    Receipt {
        /// The receipt.
        receipt: &'a Receipt,
    },
}
