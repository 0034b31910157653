//! From the archive, and earlier observations of it, to a verdict. Pure.
//!
//! The archive shows only the last file of each timeline. PostgreSQL copies the segment in which a timeline ends to the
//! new timeline, so the old one has to be complete up to the segment before, and the new one has to begin with that
//! segment. Its beginning is present if its first file was once the last one, or if Barman's receiver is working on
//! that segment, or was seen there or before it and then after it without a break, or was working after it within a
//! minute of the change: `pg_receivewal` skips nothing unless an operator resets it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::barman::{Backup, ServerState};
use crate::model::{Lsn, WalFile};
use crate::store::{MayTell, Sighting, Verdict};

/// The maximum interval between two looks that count as continuous.
const TOGETHER: Duration = Duration::from_secs(600);

/// The time after a change of timeline within which no operator resets a receiver.
const PROMPT: Duration = Duration::from_secs(60);

/// The end of one timeline and the beginning of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The timeline that ended.
    pub(super) from: u64,
    /// The timeline that began.
    pub(super) to: u64,
    /// The position of the change.
    pub(super) lsn: Lsn,
    /// The position at which the old timeline began.
    pub(super) began: Lsn,
    /// The time of the change, since the Unix epoch, if it can be compared with our clock.
    pub(super) at: Option<Duration>,
}

/// The WAL of a Barman server at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    /// The size of a segment in bytes.
    pub(super) size: u64,
    /// The last archived segment of each timeline.
    pub(super) last: BTreeMap<u64, u64>,
    /// Files may still arrive out of order: `archive_command` delivers them, or another Barman.
    pub(super) out_of_order: bool,
    /// The position of the receiver, if it is streaming from the leader, on the leader's timeline. Barman's slot moves to
    /// the position of a receiver as soon as it connects.
    pub(super) receiver: Option<Lsn>,
    /// The first WAL file of each usable backup, by its ID.
    pub(super) backups: BTreeMap<String, WalFile>,
}

impl Archive {
    /// Reads `/diagnose`, given the leader's timeline; `None` if the size of a segment is unknown.
    pub(super) fn read(state: &ServerState, timeline: u64) -> Option<Self> {
        let of_backups = || {
            state
                .backups
                .values()
                .rev()
                .find_map(|one| one.segment_size)
        };
        let size = state
            .segment_size
            .or_else(of_backups)
            .filter(|size| *size > 0)?;
        let last = state.last_archived_wal_per_timeline.iter();
        let last = last.filter_map(|(timeline, wal)| {
            let file = WalFile::parse(&wal.name, size)?;
            (file.timeline == *timeline).then_some((*timeline, file.segment))
        });
        let follows = state.timeline == Some(timeline) && state.is_in_recovery != Some(true);
        let slot = state.slot.as_ref().filter(|slot| slot.active && follows);
        let first = |backup: &Backup| {
            (backup.status.as_deref() == Some("DONE")).then_some(())?;
            WalFile::parse(backup.begin_wal.as_deref()?, size)
        };
        let backups = state.backups.iter();
        Some(Self {
            size,
            last: last.collect(),
            out_of_order: state.archiver == Some(true) || state.passive,
            receiver: slot.and_then(|slot| slot.restart),
            backups: backups
                .filter_map(|(id, backup)| Some((id.clone(), first(backup)?)))
                .collect(),
        })
    }

    fn start(&self, timeline: u64, segment: u64) -> Lsn {
        WalFile { timeline, segment }.start(self.size)
    }

    fn file(&self, timeline: u64, segment: u64) -> String {
        WalFile { timeline, segment }.name(self.size)
    }
}

/// Adds a look to the evidence on a timeline. `leads` is true if it is the leader's timeline.
pub(super) fn sight(before: &Sighting, archive: &Archive, leads: bool, now: Duration) -> Sighting {
    let mut all = before.clone();
    let last = archive.last.get(&all.timeline);
    if let Some(last) = last {
        let start = archive.start(all.timeline, *last);
        all.archived = Some(all.archived.map_or(start, |known| known.min(start)));
    }
    if all.passed {
        return all;
    }
    let recent = now.saturating_sub(all.seen) <= TOGETHER;
    if last.is_some() && all.received.is_some() && recent {
        all.passed = true;
    } else if leads {
        all.received = match (archive.receiver, all.received.filter(|_| recent)) {
            (Some(now), Some(known)) => Some(now.min(known)),
            (at, _) => {
                all.since = now;
                at
            }
        };
        all.seen = now;
    }
    all
}

/// The changes of one cluster, and the evidence about one Barman server's archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    /// All changes, oldest first.
    pub(super) changes: &'a [Change],
    pub(super) archive: &'a Archive,
    /// The evidence, by timeline.
    pub(super) sightings: &'a BTreeMap<u64, Sighting>,
    /// The time of the look.
    pub(super) now: Duration,
}

impl Case<'_> {
    /// Judges one change; `other` is another node that may know more about it.
    pub(super) fn judge(&self, change: &Change, other: Option<&str>) -> Verdict {
        let Change {
            from,
            to,
            lsn,
            began,
            ..
        } = *change;
        let Self { archive, .. } = self;
        let first = lsn.segment(archive.size);
        // `initdb` skips the first segment.
        let begins = began.segment(archive.size).max(1);
        let last = |timeline: u64| archive.last.get(&timeline).copied();
        if let Some(stray) = last(to).filter(|last| *last < first) {
            return unknown(
                MayTell::Nothing,
                format!(
                    "timeline {to} began at {lsn}, and the archive has `{}`, which is before that and belongs to another history",
                    archive.file(to, stray)
                ),
            );
        }
        // Only the last file of the old timeline is shown: one beyond the end says nothing about the files before it.
        let before = first.saturating_sub(1);
        let own = self.sightings.get(&from).and_then(|own| own.archived);
        let was_seen = own.is_some_and(|file| file.segment(archive.size) == before);
        if let Some(stray) = last(from).filter(|last| *last >= first && first > begins && !was_seen)
        {
            return unknown(
                MayTell::Nothing,
                format!(
                    "timeline {from} ended at {lsn}, and the archive has `{}`, which is after that and belongs to another history",
                    archive.file(from, stray)
                ),
            );
        }
        // A timeline that ended in the segment in which it began has no file of its own.
        if first <= begins || was_seen || last(from) == Some(before) {
            if self.is_held(change) {
                return Verdict::Continuous;
            }
            return match last(to) {
                None => unknown(MayTell::LaterPass, self.awaited(change)),
                Some(last) => {
                    let reason = format!(
                        "timeline {to} is in the archive up to `{}`, and it was not seen that it begins with `{}`",
                        archive.file(to, last),
                        archive.file(to, first),
                    );
                    match other {
                        None => unknown(MayTell::Nothing, reason),
                        Some(node) => unknown(
                            MayTell::OtherNode,
                            format!("{reason}; `{node}` led then and may know"),
                        ),
                    }
                }
            };
        }
        let has = match last(from) {
            Some(last) => format!(
                "the last file of it in the archive is `{}`",
                archive.file(from, last)
            ),
            None => "the archive has no file of it".to_owned(),
        };
        let short = format!("timeline {from} ended at {lsn}, and {has}");
        // Barman archives files in the order it receives them: once a newer timeline is present, nothing more of the old one will come.
        let beyond = archive.last.range(to..).any(|(_, last)| *last >= first);
        if !beyond {
            return unknown(MayTell::LaterPass, short);
        }
        if archive.out_of_order {
            return unknown(
                MayTell::LaterPass,
                format!("{short}; `archive_command` may still deliver the rest"),
            );
        }
        let begin = match last(from) {
            Some(last) => last + 1,
            // Barman keeps the files that a backup needs; it may have removed the rest.
            None if self.is_needed(change) => begins,
            None => {
                return unknown(
                    MayTell::Nothing,
                    format!("{short}; Barman may have removed it"),
                );
            }
        };
        Verdict::Gap {
            begin: archive.start(from, begin),
            end: lsn,
        }
    }

    /// The newest usable backup from which the new timeline of a change can be restored: it began after the change, or
    /// everything between it and the change is continuous.
    pub(super) fn backup(
        &self,
        change: &Change,
        is_continuous: impl Fn(&Change) -> bool,
    ) -> Option<String> {
        let is_listed = |timeline: u64| {
            let mut all = self.changes.iter();
            all.any(|one| one.from == timeline || one.to == timeline)
        };
        let reaches = |begin: &WalFile| {
            let later = self.changes.iter().filter(|one| one.from >= begin.timeline);
            let on_the_way = later.clone().filter(|one| one.to <= change.to);
            let ended = later.min_by_key(|one| one.from);
            // A backup that began after the end of its timeline is on an old leader's own branch.
            let on_the_branch = ended.is_none_or(|one| {
                one.from != begin.timeline || begin.segment <= one.lsn.segment(self.archive.size)
            });
            is_listed(begin.timeline) && on_the_branch && on_the_way.into_iter().all(&is_continuous)
        };
        let mut newest = self.archive.backups.iter().rev();
        newest
            .find(|(_, begin)| reaches(begin))
            .map(|(id, _)| id.clone())
    }

    /// Returns true if Barman evidently has the new timeline from its beginning.
    fn is_held(&self, change: &Change) -> bool {
        let size = self.archive.size;
        let first = change.lsn.segment(size);
        let own = self.sightings.get(&change.to);
        let archived = own.and_then(|own| own.archived);
        let received = self.sightings.range(change.to..).any(|(_, one)| {
            one.received.is_some_and(|at| {
                let at = at.segment(size);
                let prompt = change
                    .at
                    .is_some_and(|at| one.since.saturating_sub(at) <= PROMPT);
                at <= first && one.passed
                    || at == first && one.seen == self.now
                    || at > first && prompt
            })
        });
        // A timeline that ended in the segment in which it began is contained in the next timeline's first file.
        let next = self.changes.iter().find(|next| next.from == change.to);
        let next = next.filter(|next| next.lsn.segment(size) == first);
        archived.is_some_and(|file| file.segment(size) == first)
            || received
            || next.is_some_and(|next| self.is_held(next))
    }

    /// The missing file while the archive has none of the new timeline.
    fn awaited(&self, change: &Change) -> String {
        let Change { to, lsn, .. } = change;
        let received = self.sightings.get(to).and_then(|own| own.received);
        let position = match received {
            None => "Barman's receiver was not seen at work on it".to_owned(),
            Some(at) if at < *lsn => {
                format!("Barman's receiver is at {at} and has yet to reach it")
            }
            Some(at) => format!("Barman's receiver was first seen at {at}"),
        };
        format!("timeline {to} began at {lsn}; the archive has no file of it yet, and {position}")
    }

    /// Returns true if a usable backup needs the whole old timeline.
    fn is_needed(&self, change: &Change) -> bool {
        let began = change.began.segment(self.archive.size);
        let mut begins = self.archive.backups.values();
        begins.any(|begin| begin.timeline < change.from && begin.segment <= began)
    }
}

fn unknown(may_tell: MayTell, reason: String) -> Verdict {
    Verdict::Unknown { reason, may_tell }
}
