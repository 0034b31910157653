//! How results look: plain functions from data to text.

mod explanation;
mod finding;
pub mod findings;
mod plan;
mod run;
mod text;

pub use explanation::{codes, explanation, reference};
pub use finding::line;
pub use plan::plan;
pub use run::{describe, run};
pub use text::Colour;
