//! Receipts: the verdicts on changes of timeline.

use serde::Serialize;

use crate::model::{ApiName, Lsn, Name, Utc, utc};
use crate::store::{MayTell, Receipt, Verdict};

use super::text::{Screen, Style};

/// A change of timeline, and whether a Barman server's WAL archive is continuous across it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Receipt"))]
pub struct ReceiptView<'a> {
    /// Patroni's scope.
    cluster: &'a str,
    /// The API of the Barman host.
    api: &'a ApiName,
    /// The Barman server.
    server: &'a Name,
    /// The timeline that ended.
    from_timeline: u64,
    /// The timeline that began.
    timeline: u64,
    /// The position in the WAL at which one became the other, for example `0/5000060`.
    switch_lsn: Lsn,
    /// The first leader of the new timeline.
    leader: Option<&'a str>,
    /// The time of the change, as Patroni writes it.
    changed: Option<&'a str>,
    /// `continuous`: Barman has the WAL up to the end of the old timeline, and the new timeline from its beginning. `gap`:
    /// WAL is missing, and Barman will never receive it. `unknown`: it can't be told, for the reason in `reason`.
    #[cfg_attr(test, schemars(extend("enum" = Verdict::WORDS)))]
    verdict: &'static str,
    /// The missing WAL: no point in it can be restored.
    gap: Option<Gap>,
    /// The reason why it is unknown.
    reason: Option<&'a str>,
    /// The possible source of an answer to an unknown verdict.
    may_tell: Option<MayTell>,
    /// The newest usable backup from which the new timeline can be restored. With a gap or an unknown verdict, it began
    /// after the change.
    backup: Option<&'a str>,
    /// True if WAL is or may be missing, and only a new backup helps.
    needs_backup: bool,
    /// The time of the verdict.
    since: Utc,
}

/// Missing WAL.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Gap {
    /// The first missing position.
    begin: Lsn,
    /// The end of the old timeline.
    end: Lsn,
}

impl<'a> ReceiptView<'a> {
    /// A receipt for programs.
    pub fn of(receipt: &'a Receipt) -> Self {
        let (gap, reason, may_tell) = match receipt.verdict {
            Verdict::Continuous => (None, None, None),
            Verdict::Gap { begin, end } => (Some(Gap { begin, end }), None, None),
            Verdict::Unknown {
                ref reason,
                may_tell,
            } => (None, Some(reason.as_str()), Some(may_tell)),
        };
        Self {
            cluster: &receipt.cluster,
            api: &receipt.api,
            server: &receipt.server,
            from_timeline: receipt.from,
            timeline: receipt.timeline,
            switch_lsn: receipt.switch_lsn,
            leader: receipt.leader.as_deref(),
            changed: receipt.changed.as_deref(),
            verdict: receipt.verdict.as_str(),
            gap,
            reason,
            may_tell,
            backup: receipt.backup.as_deref(),
            needs_backup: receipt.needs_backup(),
            since: utc(receipt.since),
        }
    }
}

/// Receipts for people, an item each under a heading; empty if there are none.
pub fn receipts<'a>(receipts: impl IntoIterator<Item = &'a Receipt>, screen: Screen) -> String {
    let line = |one: &Receipt| {
        let style = match one.verdict {
            Verdict::Continuous => Style::Good,
            Verdict::Gap { .. } => Style::Error,
            Verdict::Unknown { .. } => Style::Warning,
        };
        let head = format!("  {}: ", change(one));
        screen.wrapped(Some(style), &head, &verdict(one), 4)
    };
    let lines: Vec<_> = receipts.into_iter().map(line).collect();
    if lines.is_empty() {
        return String::new();
    }
    let head = screen.styled(Style::Strong, "changes of timeline:", "");
    format!("{head}{}", lines.concat())
}

/// A receipt in a sentence, which begins with the server.
pub fn receipt(receipt: &Receipt) -> String {
    format!("{}: {}", change(receipt), verdict(receipt))
}

fn change(receipt: &Receipt) -> String {
    let Receipt {
        server,
        from,
        timeline,
        switch_lsn,
        ..
    } = receipt;
    format!("`{server}`: timeline {from} to {timeline} at {switch_lsn}")
}

/// The verdict in a sentence, with the next step.
pub fn verdict(receipt: &Receipt) -> String {
    let server = &receipt.server;
    let backup = match &receipt.backup {
        Some(backup) => format!("backup {backup} began after it"),
        None => format!("take a new one with `barman backup {server}`"),
    };
    match &receipt.verdict {
        Verdict::Continuous => match &receipt.backup {
            Some(backup) => format!("continuous, and restorable from backup {backup}"),
            None => {
                format!("continuous, but no usable backup reaches it; {backup}")
            }
        },
        Verdict::Gap { begin, end } => {
            format!("GAP from {begin} to {end}: no moment in between can be restored; {backup}")
        }
        Verdict::Unknown { reason, may_tell } => {
            let next = match (may_tell, &receipt.backup) {
                (_, Some(_)) => format!("; {backup}"),
                (MayTell::Nothing, None) => format!("; to be safe, {backup}"),
                (MayTell::LaterPass | MayTell::OtherNode, None) => String::new(),
            };
            format!("unknown: {reason}{next}")
        }
    }
}
