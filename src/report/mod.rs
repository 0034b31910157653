//! How results look: plain functions from data to text.

mod diff;
mod diff_html;
mod explanation;
mod finding;
pub mod findings;
mod folded;
mod github;
mod history;
mod html;
mod junit;
mod matrix;
mod matrix_html;
mod metrics;
mod plan;
mod run;
mod sarif;
mod status;
mod test_run;
mod text;

pub use diff::{diff, diff_markdown};
pub use diff_html::diff_html;
pub use explanation::{codes, explanation, reference};
pub use finding::line;
pub use findings::{Failure, Findings};
pub use github::github;
pub use history::{history, intent, local_time};
pub use junit::junit;
pub use matrix::matrix;
pub use matrix_html::matrix_html;
pub use metrics::Metrics;
pub use plan::{idle, plan};
pub use run::{describe, run};
pub use sarif::sarif;
pub use status::{Status, conflict, difference, status};
pub use test_run::{Checked, Covered, Mutated, TestRun, Tested, tests, tests_json};
pub use text::{Colour, one_line};
