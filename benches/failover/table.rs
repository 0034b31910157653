//! The table of `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;

use super::Took;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");

const BEGIN: &str =
    "<!-- `cargo bench --features real-tests --bench failover` writes from here -->\n";
const END: &str = "<!-- to here, failovers -->\n";

/// The failovers of one kind.
pub struct Series {
    kind: &'static str,
    all: Vec<Took>,
}

impl Series {
    pub const fn new(kind: &'static str) -> Self {
        Self {
            kind,
            all: Vec::new(),
        }
    }

    pub fn push(&mut self, took: Took) {
        eprintln!(
            "{} {}: streaming after {:.2} s, callback ended after {:.2} s with {}",
            self.kind,
            self.all.len() + 1,
            took.until_streaming,
            took.until_ended,
            took.exit
        );
        self.all.push(took);
    }
}

/// One row for each kind, and one for all of them.
pub fn render(series: &[Series]) -> String {
    let mut text =
        "| | number | streaming, median | worst | callback ended, median | worst | exit codes |\n\
                    |---|---|---|---|---|---|---|\n"
            .to_owned();
    let all: Vec<&Took> = series.iter().flat_map(|series| &series.all).collect();
    for one in series.iter().filter(|series| !series.all.is_empty()) {
        row(&mut text, one.kind, &one.all.iter().collect::<Vec<_>>());
    }
    row(&mut text, "all", &all);
    text
}

fn row(text: &mut String, kind: &str, all: &[&Took]) {
    let (streaming, streaming_worst) = middle(all, |took| took.until_streaming);
    let (ended, ended_worst) = middle(all, |took| took.until_ended);
    let mut codes: Vec<i32> = all.iter().map(|took| took.exit).collect();
    codes.sort_unstable();
    let codes = codes.chunk_by(|one, other| one == other);
    let codes: Vec<String> = codes
        .map(|codes| format!("{} × {}", codes.len(), codes[0]))
        .collect();
    let _ = writeln!(
        text,
        "| {kind} | {} | {streaming:.2} s | {streaming_worst:.2} s | {ended:.2} s | {ended_worst:.2} s | {} |",
        all.len(),
        codes.join(", ")
    );
}

/// The median and the maximum.
fn middle(all: &[&Took], of: impl Fn(&Took) -> f64) -> (f64, f64) {
    let mut values: Vec<f64> = all.iter().map(|took| of(took)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let last = values.last().copied().unwrap_or_default();
    (
        values.get(values.len() / 2).copied().unwrap_or_default(),
        last,
    )
}

/// Puts the table into the page.
pub fn write(table: &str) {
    let page = fs::read_to_string(PAGE).expect("docs/performance.md");
    let (before, rest) = page.split_once(BEGIN).expect("the table's begin");
    let (_, after) = rest.split_once(END).expect("the table's end");
    let page = format!("{before}{BEGIN}\n{table}\n{END}{after}");
    fs::write(PAGE, page).expect("docs/performance.md can be written");
}
