//! The judgement compared with a small model of a cluster, a receiver and an archive, which knows the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::judge::{Archive, Case, Change, sight};
use crate::model::{ApiName, Lsn, Name, WalFile};
use crate::store::{MayTell, Sighting, Verdict};

/// The bytes of a segment.
const SIZE: u64 = 10;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
enum Event {
    /// The leader writes this much.
    Write(u64),
    /// The receiver, if running, gets this much.
    Stream(u64),
    /// `barman cron` archives this many files.
    Archive(usize),
    /// Another member leads, after this much was lost.
    FailOver(u64),
    /// The receiver is started, and keeps running if the leader has the WAL that it asks for.
    Start,
    /// The receiver stops.
    Stop,
    /// The leader removes the WAL that no slot keeps.
    Recycle,
    /// An operator checks, and makes the receiver start over.
    Reset,
    /// Barman removes files that the newest backup does not need.
    Retain,
    /// A backup.
    BackUp,
    /// A pass, this long after the one before.
    Look(Duration),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..35_u64).prop_map(Event::Write),
        1 => (0..4_u64).prop_map(|segments| Event::Write(segments * SIZE)),
        6 => (0..60_u64).prop_map(Event::Stream),
        3 => (0..8_usize).prop_map(Event::Archive),
        3 => prop_oneof![Just(0), 0..25_u64].prop_map(Event::FailOver),
        5 => Just(Event::Start),
        1 => Just(Event::Stop),
        1 => Just(Event::Recycle),
        1 => Just(Event::Reset),
        1 => Just(Event::Retain),
        1 => Just(Event::BackUp),
        6 => prop_oneof![Just(MINUTE / 2), Just(20 * MINUTE)].prop_map(Event::Look),
    ]
}

/// A file: the timeline and the segment.
type File = (u64, u64);

#[derive(Debug)]
struct World {
    changes: Vec<Change>,
    timeline: u64,
    /// The beginning of the timeline and the end of its WAL.
    began: u64,
    written: u64,
    /// The oldest segment that the leader still has.
    oldest: u64,
    /// The timeline and the position of the receiver, in a segment that it has received from the start.
    receiver: (u64, u64),
    runs: bool,
    /// Files that the receiver has completed and that are not yet archived.
    received: BTreeSet<File>,
    archived: BTreeSet<File>,
    /// Every file that was ever archived.
    kept: BTreeSet<File>,
    backups: BTreeMap<String, WalFile>,
    sightings: BTreeMap<u64, Sighting>,
    verdicts: BTreeMap<u64, Verdict>,
    now: Duration,
}

impl World {
    fn new() -> Self {
        Self {
            changes: Vec::new(),
            timeline: 1,
            began: 0,
            written: SIZE,
            oldest: 0,
            receiver: (1, SIZE),
            runs: true,
            received: BTreeSet::new(),
            archived: BTreeSet::new(),
            kept: BTreeSet::new(),
            backups: BTreeMap::new(),
            sightings: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            now: MINUTE,
        }
    }

    /// The end of a timeline.
    fn end(&self, timeline: u64) -> u64 {
        let change = self.changes.iter().find(|change| change.from == timeline);
        change.map_or(self.written, |change| change.lsn.0)
    }

    fn stream(&mut self, mut amount: u64) {
        while self.runs {
            let (timeline, at) = self.receiver;
            let end = self.end(timeline);
            let step = amount.min(SIZE - at % SIZE).min(end.saturating_sub(at));
            if step > 0 {
                amount -= step;
                self.receiver.1 += step;
                if self.receiver.1.is_multiple_of(SIZE) {
                    self.received.insert((timeline, at / SIZE));
                }
            } else if timeline < self.timeline && at >= end {
                // The segment of the change is sent again from its beginning, as part of the next timeline.
                self.receiver = (timeline + 1, end / SIZE * SIZE);
                self.jump();
            } else {
                return;
            }
        }
    }

    /// The new timeline's copy of the segment up to the change costs nothing.
    fn jump(&mut self) {
        let (timeline, at) = self.receiver;
        let change = self.changes.iter().find(|change| change.to == timeline);
        let begins = change.map_or(0, |change| change.lsn.0);
        self.receiver.1 = at.max(begins.min(self.end(timeline)));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Write(amount) => self.written += amount,
            Event::Stream(amount) => self.stream(amount),
            Event::Archive(count) => {
                for _ in 0..count {
                    let Some(file) = self.received.pop_first() else {
                        return;
                    };
                    self.archived.insert(file);
                    self.kept.insert(file);
                }
            }
            Event::FailOver(lost) => {
                let end = self.written.saturating_sub(lost).max(self.began);
                self.changes.push(Change {
                    from: self.timeline,
                    to: self.timeline + 1,
                    lsn: Lsn(end),
                    began: Lsn(self.began),
                    at: Some(self.now),
                });
                self.timeline += 1;
                self.began = end;
                // There is always something: the promotion itself.
                self.written = end + 1;
                self.runs = false;
            }
            Event::Start => {
                let (timeline, at) = self.receiver;
                let ahead = timeline < self.timeline && at / SIZE * SIZE > self.end(timeline);
                if !self.runs && !ahead && at / SIZE >= self.oldest {
                    self.runs = true;
                    self.receiver.1 = at.min(self.end(timeline));
                }
            }
            Event::Stop => self.runs = false,
            Event::Recycle => {
                let keeps = if self.runs {
                    self.receiver.1
                } else {
                    self.written
                };
                self.oldest = self.oldest.max(keeps.min(self.written) / SIZE);
            }
            Event::Reset => {
                if !self.runs {
                    self.look(2 * MINUTE);
                    self.receiver = (self.timeline, self.written / SIZE * SIZE);
                    self.jump();
                    self.runs = true;
                }
            }
            Event::Retain => {
                if let Some(begin) = self.backups.values().next_back() {
                    self.archived
                        .retain(|(_, segment)| *segment >= begin.segment);
                }
                while self.backups.len() > 1 {
                    self.backups.pop_first();
                }
            }
            Event::BackUp => {
                let (timeline, at) = self.receiver;
                if self.runs && timeline == self.timeline && at == self.written {
                    let begin = WalFile {
                        timeline,
                        segment: at / SIZE,
                    };
                    self.backups
                        .insert(format!("{:04}", self.now.as_secs()), begin);
                }
            }
            Event::Look(after) => self.look(after),
        }
    }

    fn archive(&self) -> Archive {
        let follows = self.runs.then_some(self.receiver.1 / SIZE * SIZE);
        Archive {
            size: SIZE,
            last: self.archived.iter().copied().collect(),
            out_of_order: false,
            receiver: follows.map(Lsn),
            backups: self.backups.clone(),
        }
    }

    fn look(&mut self, after: Duration) {
        self.now += after;
        let archive = self.archive();
        for timeline in 2..=self.timeline {
            let before = self.sightings.entry(timeline).or_insert_with(|| Sighting {
                cluster: String::new(),
                api: ApiName(String::new()),
                server: Name::new("s").unwrap(),
                timeline,
                archived: None,
                received: None,
                passed: false,
                since: self.now,
                seen: self.now,
            });
            *before = sight(before, &archive, timeline == self.timeline, self.now);
        }
        let case = Case {
            changes: &self.changes,
            archive: &archive,
            sightings: &self.sightings,
            now: self.now,
        };
        let verdicts = self
            .changes
            .iter()
            .map(|change| (*change, case.judge(change, None)));
        for (change, verdict) in verdicts.collect::<Vec<_>>() {
            if self.verdicts.get(&change.to) == Some(&Verdict::Continuous) {
                continue;
            }
            self.check(&change, &verdict);
            self.verdicts.insert(change.to, verdict);
        }
    }

    /// Asserts that the verdict is true.
    fn check(&self, change: &Change, verdict: &Verdict) {
        let first = change.lsn.segment(SIZE);
        let begins = change.began.segment(SIZE).max(1);
        match verdict {
            Verdict::Continuous => {
                let before = first <= begins || self.has((change.from, first - 1));
                assert!(before, "{change:?} lacks its end: {self:#?}");
                assert!(
                    self.has_beginning(change),
                    "{change:?} lacks its beginning: {self:#?}"
                );
            }
            Verdict::Gap { begin, end } => {
                assert_eq!(*end, change.lsn);
                let begin = begin.segment(SIZE);
                assert!(begin < first, "{change:?} {verdict:?}");
                for segment in begin..first {
                    let file = (change.from, segment);
                    assert!(
                        !self.has(file) && !self.received.contains(&file),
                        "{file:?} is there: {self:#?}"
                    );
                }
                // And nothing more will come.
                let (timeline, at) = self.receiver;
                assert!(
                    (timeline, at / SIZE) > (change.from, begin),
                    "{change:?}: {self:#?}"
                );
            }
            Verdict::Unknown { .. } => {}
        }
    }

    fn has(&self, file: File) -> bool {
        self.kept.contains(&file)
    }

    fn has_beginning(&self, change: &Change) -> bool {
        let first = change.lsn.segment(SIZE);
        let (timeline, at) = self.receiver;
        let next = self.changes.iter().find(|next| next.from == change.to);
        let next = next.filter(|next| next.lsn.segment(SIZE) == first);
        self.has((change.to, first))
            || self.received.contains(&(change.to, first))
            || timeline <= change.to && at / SIZE == first
            || next.is_some_and(|next| timeline == next.from || self.has_beginning(next))
    }
}

/// The receiver was ahead of the next leader and started over: files from the old leader's own branch say nothing about
/// the segment before the change.
#[test]
fn a_file_of_another_branch_is_no_end() {
    use Event::{Archive, FailOver, Recycle, Reset, Stream, Write};
    let mut world = World::new();
    let mut events = vec![
        FailOver(0),
        Write(22),
        FailOver(14),
        FailOver(0),
        Write(8),
        FailOver(0),
    ];
    events.extend([Reset, Write(20), Stream(10), FailOver(12), Archive(1)]);
    events.extend([Reset, Recycle]);
    for event in events {
        world.happen(event);
    }
    world.look(MINUTE);
}

/// A backup on an old leader's own branch needs nothing, so nothing is missing.
#[test]
fn a_backup_of_another_branch_needs_no_files() {
    use Event::{Archive, BackUp, FailOver, Reset, Retain, Stream, Write};
    let mut world = World::new();
    let mut events = vec![Write(17), Stream(17), BackUp, FailOver(11), Reset];
    events.extend([Write(3), Stream(4), Write(10), Archive(2), FailOver(0)]);
    events.extend([Reset, Retain, Write(9), Stream(10), Archive(1)]);
    for event in events {
        world.happen(event);
    }
    world.look(MINUTE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_verdict_is_wrong(events in prop::collection::vec(event(), 0..120)) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
        }
        world.look(MINUTE);
    }

    /// Without faults there is no alarm, and in the end every change is continuous.
    #[test]
    fn a_healthy_cluster_gets_no_other_verdict(rounds in prop::collection::vec(
        (0..35_u64, 0..35_u64, 0..15_u64, any::<bool>()), 1..15
    )) {
        let mut world = World::new();
        world.happen(Event::BackUp);
        for (before, after, unsent, archives) in rounds {
            world.happen(Event::Write(before));
            world.stream(before.saturating_sub(unsent));
            world.happen(Event::FailOver(0));
            world.happen(Event::Start);
            world.stream(unsent);
            world.look(MINUTE / 60);
            world.happen(Event::Write(after));
            world.stream(u64::MAX);
            if archives {
                world.happen(Event::Archive(usize::MAX));
            }
            world.look(MINUTE / 2);
            for verdict in world.verdicts.values() {
                let alarms = matches!(
                    verdict,
                    Verdict::Gap { .. } | Verdict::Unknown { may_tell: MayTell::Nothing, .. }
                );
                prop_assert!(!alarms, "{verdict:?} in {world:#?}");
            }
        }
        world.happen(Event::Archive(usize::MAX));
        world.look(MINUTE / 2);
        prop_assert!(world.verdicts.values().all(|one| *one == Verdict::Continuous), "{world:#?}");
    }
}
