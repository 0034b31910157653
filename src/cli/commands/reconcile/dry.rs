//! What `reconcile` would do.

use crate::execute::{Comparison, Verdict};
use crate::report;

use crate::cli::shared::args::Format;
use crate::cli::shared::log::Log;
use crate::cli::shared::output::print;
use crate::cli::shared::view::{Base, View};

/// Shows the requests that would be sent.
pub(super) fn dry(format: Option<Format>, log: &Log, base: &Base<'_>, view: View) -> u8 {
    let compared = base.compare(Ok(view));
    let status = compared.status();
    if let Some(trouble) = &status.state.trouble {
        log.error(trouble);
    }
    print(&match format {
        Some(Format::Json) => format!("{:#}\n", status.to_json()),
        Some(Format::Human) | None => would_do(&status),
    });
    let blind =
        status.state.trouble.is_some() || status.compared.iter().any(|one| one.differs.is_err());
    let clean = status.state.pending.is_empty()
        && status.conflicts.is_empty()
        && status.compared.iter().all(Comparison::as_wanted);
    match (clean, blind) {
        (_, true) => Verdict::Unfinished.exit_code(),
        (true, false) => 0,
        (false, false) => Verdict::Failed.exit_code(),
    }
}

fn would_do(status: &report::Status<'_>) -> String {
    let pending = status.state.pending.iter().map(|intent| {
        let what = intent.step.operation.words();
        format!(
            "pending: {what}, decided for {} {}",
            intent.event, intent.role
        )
    });
    let conflicts = status
        .conflicts
        .iter()
        .map(|conflict| format!("left alone: {}", report::conflict(conflict)));
    let compared = status.compared.iter().map(|one| {
        let what = one.step.operation.words();
        let why = status
            .here
            .map_or_else(|_| String::new(), |here| report::difference(one, here));
        if one.as_wanted() {
            format!("as wanted: {what}")
        } else if one.differs.is_err() {
            format!("can't be compared: {what}: {why}")
        } else if one.fighting.is_some() {
            format!("would not send {what}: {why}")
        } else {
            format!("would send {what}: {why}")
        }
    });
    let lines: Vec<_> = pending
        .chain(conflicts)
        .chain(compared)
        .map(|line| report::one_line(&line) + "\n")
        .collect();
    lines.concat()
}
