//! Metrics for a monitoring system, in the text format of `node_exporter`'s textfile collector.

use std::path::Path;
use std::time::Duration;

use crate::execute::Comparison;
use crate::http::block_on;
use crate::report::{self, RulesSeen};
use crate::store::{Query, Sqlite, Store as _, StoreError, replace_file};

use super::log::Log;
use super::state;
use super::version::{COMMIT, VERSION};

/// The measurements of a pass of `reconcile`.
pub struct Measured<'a> {
    pub cluster: Option<&'a str>,
    /// The comparison for each state that the rules want.
    pub compared: &'a [Comparison],
    pub rules: Option<RulesSeen>,
    pub rules_valid: bool,
    pub code: u8,
    pub now: Duration,
}

/// Writes the metrics file, if there is to be one, atomically; errors are only logged. A state database that does not exist counts as empty
/// and is not created.
pub fn write(file: Option<&Path>, state: &Path, measured: &Measured<'_>, log: &Log) {
    let Some(file) = file else { return };
    let read = || {
        let store = Sqlite::look(state)?;
        let intents = block_on(store.history(&Query::default()))?;
        Ok::<_, StoreError>((intents, store.tally()?))
    };
    let read = match state::exists(state) {
        Ok(false) => Some(Default::default()),
        Ok(true) => read().ok(),
        Err(_) => None,
    };
    let state_usable = read.is_some();
    let (intents, tally) = read.unwrap_or_default();
    let receipts = state::receipts(None, state).unwrap_or_default();
    let metrics = report::Metrics {
        build: (VERSION, COMMIT.unwrap_or_default()),
        intents: &intents,
        receipts: &receipts.verdicts,
        tally: &tally,
        state_usable,
        cluster: measured.cluster,
        compared: measured.compared,
        rules: measured.rules.as_ref(),
        rules_valid: measured.rules_valid,
        exit_code: measured.code,
        now: measured.now,
    };
    // The collector reads only `*.prom`, so it never sees a half-written file.
    if let Err(error) = replace_file(file, &metrics.to_text()) {
        log.error(&format!(
            "the metrics can't be written to `{}`: {error}",
            file.display()
        ));
    }
}
