//! The receipt of a change of timeline: whether Barman's WAL archive is continuous across it.
//!
//! Patroni's `/history` gives the position at which a timeline ended, Barman's `/diagnose` the last archived file of each
//! timeline, the slot and the backups.

mod judge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::barman::ServerState;
use crate::http::Clock as _;
use crate::model::{ApiName, Lsn, Name, Role};
use crate::patroni::Switch;
use crate::store::{MayTell, Receipt, Receipts, Sighting, Store as _, Verdict};

use super::here::Here;
use super::look::SIDE;
use super::{Comparison, Progress, World, journal};
use judge::{Archive, Case, Change, sight};

/// The minimum interval at which an unchanged sighting is recorded again.
const OFTEN: Duration = Duration::from_secs(60);

/// The maximum time since Patroni's last contact with the DCS for its clock to agree with ours; contacts are seconds apart.
const CLOCKS: Duration = Duration::from_secs(30);

/// The receipts of a cluster after one pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// All of them, the oldest change first: from this pass and from the store.
    pub receipts: Vec<Receipt>,
    /// The reason why this pass could not judge.
    pub blind: Option<String>,
    /// The new ones, to be recorded.
    pub news: Receipts,
}

impl Judged {
    /// Tells whether it has every verdict there is.
    pub fn is_complete(&self) -> bool {
        self.blind.is_none() || !self.receipts.is_empty()
    }

    /// A pass that could not judge, without readable records.
    pub fn blind(why: String) -> Self {
        Self {
            blind: Some(why),
            ..Self::default()
        }
    }
}

/// Judges the changes of timeline for every server that follows the cluster's leader, by a comparison,
/// and records the new verdicts. Each pass reconsiders an unknown verdict. A change that was never judged and that
/// precedes the newest usable backup is left out: no restore from that backup crosses it.
pub async fn receipts<W: World>(here: &Here, compared: &[Comparison], world: &W) -> Judged {
    let known = match world.store() {
        Some(store) => {
            let read = store.receipts(Some(&here.cluster));
            journal::bounded(world, journal::STATE, read).await
        }
        None => Ok(Receipts::default()),
    };
    // Unreadable evidence must not be overwritten.
    let known = match known {
        Ok(known) => known,
        Err(error) => {
            journal::complain(world, &error);
            return Judged::blind(error.to_string());
        }
    };
    let judged = receipts_with(&known, here, compared, world).await;
    let is_said = |one: &Receipt| {
        let mut known = known.verdicts.iter();
        known.any(|known| key(known) == key(one) && known.verdict == one.verdict)
    };
    for receipt in judged.news.verdicts.iter().filter(|one| !is_said(one)) {
        world.observe(&Progress::Receipt { receipt });
    }
    if let Some(store) = world.store().filter(|_| !judged.news.is_empty()) {
        let kept = store.keep_receipts(&judged.news);
        if let Err(error) = journal::bounded(world, journal::STATE, kept).await {
            journal::complain(world, &error);
        }
    }
    judged
}

/// Judges with the records given, and stores nothing.
pub async fn receipts_with<W: World>(
    known: &Receipts,
    here: &Here,
    compared: &[Comparison],
    world: &W,
) -> Judged {
    let mut all: BTreeMap<_, Receipt> = known
        .verdicts
        .iter()
        .map(|one| (key(one), one.clone()))
        .collect();
    let mut news = Receipts::default();
    let followed = followed(here, compared);
    let (leader, blind) = if followed.is_empty() {
        (None, None)
    } else {
        match Leader::ask(here, world).await {
            Ok(leader) => (leader, None),
            Err(why) => (None, Some(why)),
        }
    };
    if let Some(leader) = leader {
        for ((api, server), state) in followed {
            let place = Place {
                here,
                leader: &leader,
                api,
                server,
                now: world.clock().wall(),
            };
            let (verdicts, sightings) = place.judge(state, known);
            for one in verdicts {
                if all.get(&key(&one)) != Some(&one) {
                    news.verdicts.push(one.clone());
                }
                all.insert(key(&one), one);
            }
            news.sightings.extend(sightings);
        }
    }
    Judged {
        receipts: all.into_values().collect(),
        blind,
        news,
    }
}

fn key(receipt: &Receipt) -> (u64, ApiName, Name) {
    (
        receipt.timeline,
        receipt.api.clone(),
        receipt.server.clone(),
    )
}

/// The servers that follow the leader by a switch of models, as `/diagnose` shows them.
fn followed<'a>(
    here: &Here,
    compared: &'a [Comparison],
) -> BTreeMap<(&'a ApiName, &'a Name), &'a ServerState> {
    let one = |one: &'a Comparison| {
        let (server, _) = one.step.operation.follows()?;
        let state = one.server.as_ref().filter(|_| one.member == here.leader)?;
        Some(((one.api(), server), state))
    };
    compared.iter().filter_map(one).collect()
}

/// The timelines of the leader, according to its Patroni.
struct Leader {
    timeline: u64,
    system_id: Option<String>,
    history: Vec<Switch>,
    /// Its clock and ours agree.
    clocks_agree: bool,
}

impl Leader {
    /// Asks the leader; `None` if there is nothing to judge.
    async fn ask<W: World>(here: &Here, world: &W) -> Result<Option<Self>, String> {
        let is_standby = here.leader_role() == Some(Role::StandbyLeader);
        let Some(patroni) = here.leader_seat().and_then(|seat| seat.patroni(world)) else {
            return Err("the leader's Patroni has no address".to_owned());
        };
        let patroni = patroni.within(SIDE);
        let node = patroni.node().await.map_err(|error| error.to_string())?;
        let Some(timeline) = node.timeline.filter(|timeline| *timeline > 1) else {
            return Ok(None);
        };
        if is_standby {
            return Err(
                "the timelines of a standby cluster begin in the cluster that it follows, and Patroni's \
                 `/history` does not list them"
                    .to_owned(),
            );
        }
        let its_time = node.dcs_last_seen;
        let ours = world.clock().wall();
        let clocks_agree = its_time.is_some_and(|its| its.abs_diff(ours) <= CLOCKS);
        let history = patroni.history().await.map_err(|error| error.to_string())?;
        Ok(Some(Self {
            timeline,
            system_id: node.system_id,
            history,
            clocks_agree,
        }))
    }

    /// The changes that led to its timeline, each with its line in the history. Patroni writes its history a moment
    /// after a promotion, so the beginning of the newest timeline may not be known yet.
    fn changes(&self, leader: Option<&str>) -> Vec<(Change, &Switch)> {
        let next = self.history.iter().skip(1).map(|switch| switch.timeline);
        let next = next.chain([self.timeline]);
        let mut began =
            (self.history.first().map(|first| first.timeline) == Some(1)).then_some(Lsn(0));
        let mut all = Vec::new();
        for (switch, to) in self.history.iter().zip(next) {
            let from = switch.timeline;
            // The last line belongs to an earlier leader until Patroni has added the newest one. Timelines may skip a number.
            let is_late = to > from + 1
                && to == self.timeline
                && switch
                    .new_leader
                    .as_deref()
                    .is_some_and(|named| Some(named) != leader);
            if let Some(began) = began
                && to > from
                && !is_late
            {
                let change = Change {
                    from,
                    to,
                    lsn: switch.lsn,
                    began,
                    at: switch.at.filter(|_| self.clocks_agree),
                };
                all.push((change, switch));
            }
            began = Some(switch.lsn);
        }
        all
    }
}

/// One Barman server that follows the leader.
struct Place<'a> {
    here: &'a Here,
    leader: &'a Leader,
    api: &'a ApiName,
    server: &'a Name,
    now: Duration,
}

impl Place<'_> {
    fn judge(&self, state: &ServerState, known: &Receipts) -> (Vec<Receipt>, Vec<Sighting>) {
        let Self { here, leader, .. } = self;
        let is_own = |api: &ApiName, server: &Name| (api, server) == (self.api, self.server);
        let listed = leader.changes(here.leader.as_deref());
        let changes: Vec<Change> = listed.iter().map(|(change, _)| *change).collect();
        let known_verdicts: BTreeMap<u64, &Receipt> = known
            .verdicts
            .iter()
            .filter(|one| is_own(&one.api, &one.server))
            .map(|one| (one.timeline, one))
            .collect();
        let own = leader.system_id.as_deref().zip(state.systemid.as_deref());
        if let Some((wanted, found)) = own
            && wanted != found
        {
            let reason = format!(
                "Barman is connected to the database system {found}, and the leader's is {wanted}"
            );
            return (self.newest(&listed, &known_verdicts, &reason), Vec::new());
        }
        let Some(archive) = Archive::read(state, leader.timeline) else {
            let reason = "Barman does not tell the size of the WAL segments";
            return (self.newest(&listed, &known_verdicts, reason), Vec::new());
        };
        let mut sightings: BTreeMap<u64, Sighting> = known
            .sightings
            .iter()
            .filter(|one| is_own(&one.api, &one.server))
            .map(|one| (one.timeline, one.clone()))
            .collect();
        let timelines = changes
            .iter()
            .map(|change| change.to)
            .chain([leader.timeline]);
        let mut news = Vec::new();
        for timeline in timelines.collect::<BTreeSet<_>>() {
            let before = sightings
                .get(&timeline)
                .cloned()
                .unwrap_or_else(|| self.nothing_of(timeline));
            let leads = timeline == leader.timeline;
            let told = known_verdicts.get(&timeline);
            if told.is_some_and(|told| told.verdict == Verdict::Continuous) {
                continue;
            }
            let after = sight(&before, &archive, leads, self.now);
            // A newer time alone is not worth a write.
            let mut worth = after.clone();
            if after.seen.saturating_sub(before.seen) < OFTEN {
                worth.seen = before.seen;
            }
            if worth != before {
                news.push(after.clone());
            }
            sightings.insert(timeline, after);
        }
        let case = Case {
            changes: &changes,
            archive: &archive,
            sightings: &sightings,
            now: self.now,
        };
        let mut continuous = BTreeSet::new();
        let mut verdicts = Vec::new();
        let newest_backup = archive
            .backups
            .last_key_value()
            .map(|(_, begin)| begin.timeline);
        for (change, switch) in &listed {
            let before = known_verdicts.get(&change.to).copied();
            let is_newest = change.to == leader.timeline;
            // Without a backup nothing can be restored; only the newest change is worth reporting.
            let behind = newest_backup.map_or(!is_newest, |timeline| timeline >= change.to);
            if before.is_none() && behind {
                continue;
            }
            let verdict = self.verdict(&case, change, switch, before);
            if verdict == Verdict::Continuous {
                continuous.insert(change.to);
            }
            let backup = case.backup(change, |one| continuous.contains(&one.to));
            let receipt = self.receipt(change, switch, verdict, backup, before);
            verdicts.push(receipt);
        }
        (verdicts, news)
    }

    fn verdict(
        &self,
        case: &Case<'_>,
        change: &Change,
        switch: &Switch,
        before: Option<&Receipt>,
    ) -> Verdict {
        if let Some(other) = clash(change, before) {
            return Verdict::Unknown {
                reason: format!(
                    "timeline {} began at {other} before and begins at {} now: two leaders made a timeline of this number",
                    change.to, change.lsn
                ),
                may_tell: MayTell::Nothing,
            };
        }
        let same = before.filter(|before| before.from == change.from);
        // A continuous change stays continuous: Barman only removes files that no backup needs.
        if let Some(Verdict::Continuous) = same.map(|before| &before.verdict) {
            return Verdict::Continuous;
        }
        let node = self.here.node.as_deref();
        let other = switch
            .new_leader
            .as_deref()
            .filter(|leader| node.is_some_and(|node| node != *leader));
        let verdict = case.judge(change, other);
        match same.map(|before| &before.verdict) {
            Some(gap @ Verdict::Gap { .. }) if verdict != Verdict::Continuous => gap.clone(),
            _ => verdict,
        }
    }

    /// The newest change as unknown, unless it is already known.
    fn newest(
        &self,
        listed: &[(Change, &Switch)],
        known: &BTreeMap<u64, &Receipt>,
        reason: &str,
    ) -> Vec<Receipt> {
        let newest = listed
            .last()
            .filter(|(change, _)| change.to == self.leader.timeline);
        let receipt = newest.and_then(|(change, switch)| {
            let before = known.get(&change.to).copied();
            let open =
                before.is_none_or(|before| matches!(before.verdict, Verdict::Unknown { .. }));
            let verdict = Verdict::Unknown {
                reason: reason.to_owned(),
                may_tell: MayTell::LaterPass,
            };
            open.then(|| self.receipt(change, switch, verdict, None, before))
        });
        receipt.into_iter().collect()
    }

    fn receipt(
        &self,
        change: &Change,
        switch: &Switch,
        verdict: Verdict,
        backup: Option<String>,
        before: Option<&Receipt>,
    ) -> Receipt {
        Receipt {
            cluster: self.here.cluster.clone(),
            api: self.api.clone(),
            server: self.server.clone(),
            from: change.from,
            timeline: change.to,
            switch_lsn: clash(change, before).unwrap_or(change.lsn),
            leader: switch.new_leader.clone(),
            changed: switch.time.clone(),
            since: match before {
                Some(before) if before.verdict == verdict => before.since,
                _ => self.now,
            },
            verdict,
            backup,
        }
    }

    fn nothing_of(&self, timeline: u64) -> Sighting {
        Sighting {
            cluster: self.here.cluster.clone(),
            api: self.api.clone(),
            server: self.server.clone(),
            timeline,
            archived: None,
            received: None,
            passed: false,
            since: self.now,
            seen: self.now,
        }
    }
}

/// The other position at which the same change was seen earlier.
fn clash(change: &Change, before: Option<&Receipt>) -> Option<Lsn> {
    let same = before.filter(|before| before.from == change.from);
    let other = same.filter(|before| before.switch_lsn != change.lsn);
    other.map(|before| before.switch_lsn)
}
