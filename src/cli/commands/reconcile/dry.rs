//! What `reconcile` would do.

use crate::execute::{Comparison, Verdict};
use crate::report::{self, Screen, Style};

use crate::cli::shared::{Base, Context, Format, View, print, screen};

/// Shows the requests that would be sent.
pub(super) fn dry(format: Option<Format>, context: &Context, base: &Base<'_>, view: View) -> u8 {
    let compared = base.compare(Ok(view));
    let status = compared.status();
    if let Some(trouble) = &status.state.trouble {
        context.log.error(trouble);
    }
    print(&match format {
        Some(Format::Json) => report::json(&status.output()),
        Some(Format::Human) | None => would_do(&status, screen(context)),
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

fn would_do(status: &report::Status<'_>, screen: Screen) -> String {
    let pending = status.state.pending.iter().map(|intent| {
        let what = intent.step.operation.words();
        let rest = format!("{what}, decided for {} {}", intent.event, intent.role);
        (Style::Warning, "pending: ", rest)
    });
    let conflicts = status
        .conflicts
        .iter()
        .map(|conflict| (Style::Error, "left alone: ", report::conflict(conflict)));
    let compared = status.compared.iter().map(|one| {
        let what = one.step.operation.words();
        let why = status
            .here
            .map_or_else(|_| String::new(), |here| report::difference(one, here));
        if one.as_wanted() {
            (Style::Good, "as wanted: ", what)
        } else if one.differs.is_err() {
            (
                Style::Warning,
                "can't be compared: ",
                format!("{what}: {why}"),
            )
        } else if one.fighting.is_some() {
            (Style::Error, "would not send ", format!("{what}: {why}"))
        } else {
            (Style::Warning, "would send ", format!("{what}: {why}"))
        }
    });
    let lines: Vec<_> = pending
        .chain(conflicts)
        .chain(compared)
        .map(|(style, head, rest)| screen.wrapped(Some(style), head, &rest, 2))
        .collect();
    lines.concat()
}
