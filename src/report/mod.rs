//! How results look: plain functions from data to text.

mod finding;
mod plan;
mod run;

pub use finding::line;
pub use plan::plan;
pub use run::{describe, run};
