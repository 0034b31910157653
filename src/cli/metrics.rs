//! Metrics for a monitoring system, in the text format of `node_exporter`'s textfile collector.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::execute::Comparison;
use crate::http::block_on;
use crate::report;
use crate::store::{Query, Sqlite, Store as _};

use super::log::Log;
use super::rules::Age;

/// Writes the metrics file as a whole or not at all; trouble with it is only logged.
pub fn write(
    file: &Path,
    state: &Path,
    compared: &[Comparison],
    age: Age,
    code: u8,
    now: Duration,
    log: &Log,
) {
    let intents = Sqlite::open(state)
        .and_then(|state| block_on(state.history(&Query::default())))
        .unwrap_or_default();
    let metrics = report::Metrics {
        intents: &intents,
        compared,
        last_good: age == Age::LastGood,
        exit_code: code,
        now,
    };
    if let Err(error) = replace(file, &metrics.to_text()) {
        log.error(&format!(
            "the metrics can't be written to `{}`: {error}",
            file.display()
        ));
    }
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    // The collector reads `*.prom` only, so it never sees the new file half written.
    let new = file.with_extension(format!("{}.new", std::process::id()));
    let written = fs::File::create(&new).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&new, file));
    if done.is_err() {
        let _ = fs::remove_file(&new);
    }
    done
}
