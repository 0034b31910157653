//! The numbers of `docs/performance.md`: this program, the Python tool and `curl`, in one run.
//!
//!     cargo bench                    # everything; writes the table
//!     cargo bench -- callback rules  # some sections; prints them only
//!
//! The contenders take turns, so that a busy machine is busy for all of them, and the median is
//! shown. No time is asserted; a process with an unexpected exit code fails the whole run, because
//! its time means nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "these rules are the program's; a measurement that meets something unexpected has failed"
)]

mod barman;
mod big;
mod callback;
mod end;
mod many;
mod process;
mod program;
mod python;
mod rules;
mod series;
mod size;
mod switch;
mod table;

use table::Row;

/// A section of the table: its name and the function that measures it.
type Section = (&'static str, fn() -> Vec<Row>);

/// All sections, in the order of the table.
const SECTIONS: [Section; 7] = [
    ("callback", callback::rows),
    ("switch", switch::rows),
    ("end", end::rows),
    ("rules", rules::rows),
    ("many", many::rows),
    ("big", big::rows),
    ("size", size::rows),
];

fn main() {
    // cargo passes `--bench`
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|word| SECTIONS.iter().all(|(name, _)| name != word))
    {
        let names: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
        panic!(
            "there is no section `{unknown}`; there are {}",
            names.join(", ")
        );
    }
    let mut rows = Vec::new();
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            println!("measuring: {name}");
            rows.extend(measure());
        }
    }
    let table = table::write(&rows);
    println!("\n{table}");
    if wanted.is_empty() {
        table::publish(&table);
    }
}
