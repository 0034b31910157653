//! Metrics for a monitoring system, in the text format of `node_exporter`'s textfile collector.

use std::path::Path;
use std::time::Duration;

use crate::execute::Comparison;
use crate::http::block_on;
use crate::report;
use crate::store::{Query, Sqlite, Store as _, replace_file};

use super::log::Log;
use super::rules::Age;

/// Writes the metrics file as a whole or not at all; trouble with it is only logged. A state that is not there has
/// nothing in it, and is not made for this.
pub fn write(
    file: &Path,
    state: &Path,
    compared: &[Comparison],
    age: Age,
    code: u8,
    now: Duration,
    log: &Log,
) {
    let read = || Sqlite::look(state).and_then(|it| block_on(it.history(&Query::default())));
    let intents = if state.exists() {
        read().unwrap_or_default()
    } else {
        Vec::new()
    };
    let receipts = super::state::receipts(None, state).unwrap_or_default();
    let metrics = report::Metrics {
        intents: &intents,
        receipts: &receipts.verdicts,
        compared,
        last_good: age == Age::LastGood,
        exit_code: code,
        now,
    };
    // The collector reads `*.prom` only, so it never sees the new file half written.
    if let Err(error) = replace_file(file, &metrics.to_text()) {
        log.error(&format!(
            "the metrics can't be written to `{}`: {error}",
            file.display()
        ));
    }
}
