//! The presentation of results: plain functions from data to text.

mod age;
mod check;
mod diff;
mod diff_html;
mod explanation;
mod finding;
pub mod findings;
pub mod fleet;
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

pub use check::CheckOutput;
pub use diff::{diff, diff_markdown};
pub use diff_html::diff_html;
pub use explanation::{codes, explanation, reference};
pub use finding::line;
pub use findings::{Failure, Findings};
pub use github::github;
pub use history::{HistoryOutput, IntentView, history};
pub use incident::incidents;
pub use json::json;
pub use junit::junit;
pub use matrix::matrix;
pub use matrix_html::matrix_html;
pub use metrics::Metrics;
pub use nagios::{nagios, nagios_failure};
pub use plan::{idle, plan};
pub use receipt::{ReceiptView, receipt, receipts, verdict};
pub use run::{OutcomeView, ReconcileOutput, RunOutput, run};
pub use sarif::sarif;
pub use status::{
    Level, Problem, RulesSeen, StateSeen, Status, StatusOutput, conflict, difference, status,
};
pub use test_output::TestOutput;
pub use test_run::{Checked, Covered, Mutated, TestRun, Tested, tests};
pub use text::{Colour, Screen, Style, one_line};
