//! The presentation of results: plain functions from data to text.

mod age;
mod check;
mod diff;
mod diff_html;
mod explanation;
mod finding;
pub mod findings;
pub(crate) mod fleet;
mod folded;
mod github;
mod history;
mod html;
mod incident;
mod json;
mod junit;
mod matrix;
mod matrix_html;
mod metrics;
mod nagios;
mod plan;
mod receipt;
mod run;
mod sarif;
mod status;
mod test_output;
mod test_run;
mod text;

pub(crate) use check::CheckOutput;
pub(crate) use diff::{diff, diff_markdown};
pub(crate) use diff_html::diff_html;
pub(crate) use explanation::{codes, explanation};
pub(crate) use finding::line;
pub(crate) use findings::{Failure, Findings};
pub(crate) use github::github;
pub(crate) use history::{HistoryOutput, IntentView, history};
pub(crate) use incident::incidents;
pub(crate) use json::json;
pub(crate) use junit::junit;
pub(crate) use matrix::matrix;
pub(crate) use matrix_html::matrix_html;
pub(crate) use metrics::Metrics;
pub(crate) use nagios::{nagios, nagios_failure};
pub(crate) use plan::{idle, plan};
pub(crate) use receipt::{ReceiptView, receipt, receipts, verdict};
pub(crate) use run::{OutcomeView, ReconcileOutput, RunOutput, run};
pub(crate) use sarif::sarif;
#[cfg(test)]
pub(crate) use status::StatusOutput;
pub(crate) use status::{RulesSeen, StateSeen, Status, conflict, difference, status};
pub(crate) use test_output::TestOutput;
pub(crate) use test_run::{Checked, Covered, Mutated, TestRun, Tested, tests};
pub(crate) use text::{Screen, Style, one_line};

pub use explanation::reference;
pub use text::Colour;
