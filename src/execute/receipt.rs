//! The receipt: is the WAL archive continuous across a change of timeline?
//!
//! Patroni's `/history` gives the position at which a timeline ended, Barman's `/diagnose` the last archived WAL file of
//! each timeline, the slot and the backups. The segment in which a timeline ends is archived under the name of the next
//! timeline, so the old one has to be complete up to the segment before, and the new one has to begin with that segment.
//! The archive shows only the end of a timeline. Its beginning is known if the first file is still the last one, or if
//! Barman's slot on the new leader was seen to reach back that far while Barman received through it.

use std::collections::BTreeMap;

use crate::barman::{Backup, ServerState};
use crate::http::Clock as _;
use crate::model::{ApiName, Lsn, Name, Operation, SEGMENT, SwitchTo, WalFile};
use crate::patroni::Switch;
use crate::store::{Receipt, Store as _, Verdict};

use super::here::Here;
use super::look::SIDE;
use super::{Comparison, World, journal};

/// Changes of timeline that are looked at, the newest ones: an older one is what it is.
const CHANGES: usize = 20;

/// One end of a timeline and the beginning of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    from: u64,
    to: u64,
    lsn: Lsn,
    /// The position at which the old timeline began.
    began: Option<Lsn>,
}

/// Judges the last changes of timeline for every server that follows the leader of this cluster, by what a comparison
/// showed of them; the oldest comes first. What was not judged before and lies before the newest backup is left out: no
/// restore goes over it.
pub async fn receipts<W: World>(here: &Here, compared: &[Comparison], world: &W) -> Vec<Receipt> {
    let followed: Vec<_> = compared
        .iter()
        .filter_map(|one| followed(one, here))
        .collect();
    if followed.is_empty() || here.leader_timeline().is_some_and(|timeline| timeline <= 1) {
        return Vec::new();
    }
    let Some((history, timeline, system_id)) = ask(here, world).await else {
        return Vec::new();
    };
    let changes = changes(&history, timeline);
    let known = match world.store() {
        Some(store) => {
            let read = store.receipts(&here.cluster);
            journal::bounded(world, journal::STATE, read)
                .await
                .unwrap_or_default()
        }
        None => Vec::new(),
    };
    let mut all = Vec::new();
    for (api, server, state) in followed {
        let newest = changes.len().saturating_sub(CHANGES);
        for (change, switch) in changes.iter().zip(&history).skip(newest) {
            let before = known.iter().find(|one| {
                (&one.api, &one.server, one.to) == (api, server, change.to) && one.lsn == change.lsn
            });
            if before.is_none() && is_behind_backup(change, state) {
                continue;
            }
            let own = system_id.as_deref().zip(state.systemid.as_deref());
            let held = before.is_some_and(|before| before.held) || is_held(change, state);
            let verdict = match own {
                Some((leader, barman)) if leader != barman => unknown(format!(
                    "Barman's PostgreSQL is of the database system {barman}, and the leader's is {leader}"
                )),
                _ => judge(change, state, held),
            };
            // What was once continuous stays so: retention takes the files away from the old end.
            let verdict = match before.map(|before| &before.verdict) {
                Some(Verdict::Continuous) => Verdict::Continuous,
                Some(gap @ Verdict::Gap { .. }) if matches!(verdict, Verdict::Unknown { .. }) => {
                    gap.clone()
                }
                _ => verdict,
            };
            let receipt = Receipt {
                cluster: here.cluster.clone(),
                api: api.clone(),
                server: server.clone(),
                from: change.from,
                to: change.to,
                lsn: change.lsn,
                leader: switch.new_leader.clone(),
                changed: switch.time.clone(),
                held,
                judged: match before {
                    Some(before) if before.verdict == verdict => before.judged,
                    _ => world.clock().wall(),
                },
                verdict,
            };
            if before != Some(&receipt)
                && let Some(store) = world.store()
                && let Err(error) =
                    journal::bounded(world, journal::STATE, store.keep_receipt(&receipt)).await
            {
                journal::complain(world, &error);
            }
            all.push(receipt);
        }
    }
    all
}

/// The server of a switch that follows the leader, as `/diagnose` shows it.
fn followed<'a>(
    one: &'a Comparison,
    here: &Here,
) -> Option<(&'a ApiName, &'a Name, &'a ServerState)> {
    let Operation::ConfigSwitch {
        server,
        to: SwitchTo::Model(_),
    } = &one.step.operation
    else {
        return None;
    };
    (one.member == here.leader).then_some(())?;
    Some((one.api(), server, one.server.as_ref()?))
}

/// The timelines that ended, the leader's timeline and its system identifier.
async fn ask<W: World>(here: &Here, world: &W) -> Option<(Vec<Switch>, u64, Option<String>)> {
    let patroni = here.leader_seat()?.patroni(world)?.within(SIDE);
    let node = patroni.node().await.ok()?;
    let timeline = node.timeline?;
    let history = patroni.history().await.ok()?;
    Some((history, timeline, node.system_id))
}

/// Each end of a timeline with what came after. Patroni writes its history down a moment after a promotion: a timeline
/// that it does not know of yet has no change.
fn changes(history: &[Switch], timeline: u64) -> Vec<Change> {
    let next = history.iter().skip(1).map(|switch| switch.timeline);
    let next = next.chain([timeline]);
    let before = std::iter::once(None).chain(history.iter().map(|switch| Some(switch.lsn)));
    let all = history.iter().zip(next).zip(before);
    all.filter(|((switch, to), _)| *to > switch.timeline)
        .map(|((switch, to), began)| Change {
            from: switch.timeline,
            to,
            lsn: switch.lsn,
            began,
        })
        .collect()
}

fn size(state: &ServerState) -> u64 {
    state
        .segment_size
        .filter(|size| *size > 0)
        .unwrap_or(SEGMENT)
}

/// The last archived segment of a timeline.
fn last(state: &ServerState, timeline: u64) -> Option<u64> {
    let wal = state.last_archived_wal_per_timeline.get(&timeline)?;
    let file = WalFile::parse(&wal.name, size(state))?;
    (file.timeline == timeline).then_some(file.segment)
}

/// Tells whether Barman evidently has, or will be sent, the new timeline from its beginning.
fn is_held(change: &Change, state: &ServerState) -> bool {
    let size = size(state);
    let first = change.lsn.segment(size);
    let slot = state.slot.as_ref().filter(|slot| slot.active);
    let reaches = slot
        .and_then(|slot| slot.restart)
        .is_some_and(|restart| restart.segment(size) <= first);
    last(state, change.to) == Some(first)
        || state.timeline == Some(change.to) && state.is_in_recovery != Some(true) && reaches
}

/// Tells whether every restore begins behind the change: the newest usable backup is of the new timeline or a later one.
fn is_behind_backup(change: &Change, state: &ServerState) -> bool {
    usable(&state.backups).any(|(_, backup)| {
        backup
            .timeline
            .is_some_and(|timeline| timeline >= change.to)
    })
}

fn usable(
    backups: &BTreeMap<String, Backup>,
) -> impl DoubleEndedIterator<Item = (&String, &Backup)> {
    backups
        .iter()
        .filter(|(_, backup)| backup.status.as_deref() == Some("DONE"))
}

fn judge(change: &Change, state: &ServerState, held: bool) -> Verdict {
    let size = size(state);
    let Change {
        from,
        to,
        lsn,
        began,
    } = *change;
    let first = lsn.segment(size);
    let file = |timeline: u64, segment: u64| WalFile { timeline, segment }.name(size);
    let start = began.map_or(1, |began| began.segment(size));
    // A timeline that ended in the segment in which it began has no file of its own.
    let complete = first <= start || last(state, from).is_some_and(|last| last + 1 >= first);
    let follows = last(state, to);
    if complete {
        return match follows {
            _ if held => Verdict::Continuous,
            None => open(format!(
                "nothing of timeline {to} is in the archive yet, and Barman's slot was not seen to keep WAL from {lsn} on"
            )),
            Some(follows) => unknown(format!(
                "timeline {to} is in the archive up to `{}`; it was not seen whether it begins with `{}`; a new backup is safe",
                file(to, follows),
                file(to, first),
            )),
        };
    }
    let Some(archived) = last(state, from) else {
        return open(format!(
            "nothing of timeline {from}, which ended at {lsn}, is in the archive"
        ));
    };
    if follows.is_none() {
        return open(format!(
            "timeline {from} ended at {lsn}, and the last file of it in the archive is `{}`",
            file(from, archived)
        ));
    }
    let missing = WalFile {
        timeline: from,
        segment: archived + 1,
    };
    let behind = |(_, backup): &(&String, &Backup)| {
        let begin = backup
            .begin_wal
            .as_deref()
            .and_then(|name| WalFile::parse(name, size));
        begin.is_some_and(|begin| begin.timeline >= to && begin.segment >= first)
    };
    Verdict::Gap {
        begin: missing.start(size),
        end: lsn,
        closed_by: usable(&state.backups)
            .find(behind)
            .map(|(id, _)| id.clone()),
    }
}

fn open(reason: String) -> Verdict {
    Verdict::Unknown { reason, open: true }
}

fn unknown(reason: String) -> Verdict {
    Verdict::Unknown {
        reason,
        open: false,
    }
}
