//! How results look: plain functions from data to text.

mod explanation;
mod finding;
pub mod findings;
mod history;
mod metrics;
mod plan;
mod run;
mod status;
mod text;

pub use explanation::{codes, explanation, reference};
pub use finding::line;
pub use history::{history, intent, local_time};
pub use metrics::Metrics;
pub use plan::plan;
pub use run::{describe, run};
pub use status::{Status, status};
pub use text::Colour;
