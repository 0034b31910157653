//! A check of the backup before it is recovered: only evident problems refuse it; otherwise the API has the last word.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::barman::{Backup, Interest, ServerState};
use crate::model::{Event, Recovery, Url, Verify};

use super::look::SIDE;
use super::{End, Progress, Stage, StepOutcome, World};

/// The time limit for the check.
const LOOK: Duration = Duration::from_secs(30);

/// Refuses a recovery of a backup that is unusable, belongs to another cluster, or whose timeline would leave a new cluster
/// behind the archive. The check is skipped if the rule verifies nothing.
pub(super) async fn refuse_unfit<W: World>(stage: Stage<'_, W>) -> Result<(), End> {
    let Stage { step, barman, .. } = stage;
    let Some(recovery) = step.operation.recovery() else {
        return Ok(());
    };
    if step.verify == Verify::None {
        return Ok(());
    }
    let interest = Interest::of([&step.operation]);
    let diagnosis = match barman.within(LOOK).diagnose(&interest).await {
        Ok(diagnosis) => diagnosis,
        Err(trouble) => {
            let message = format!("the backup is not checked: {}", trouble.message);
            stage.world.observe(&Progress::Doubt {
                step,
                message: &message,
            });
            return Ok(());
        }
    };
    let server = diagnosis.servers.get(recovery.server.as_str());
    let Some((server, (id, backup))) =
        server.and_then(|server| Some((server, chosen(&server.backups, recovery)?)))
    else {
        return Ok(());
    };
    let refuse = |message: String| {
        let message = format!("{message}; nothing was sent");
        Err(End::new(StepOutcome::Refused, message))
    };
    if let Some(status) = backup.status.as_deref().filter(|_| !backup.is_usable()) {
        return refuse(format!(
            "backup `{id}` of `{}` is {status}",
            recovery.server
        ));
    }
    if stage.holder.event == Event::CreateReplica
        && let Some(found) = &backup.systemid
        && let Some(wanted) = leaders_system_id(stage).await
        && *found != wanted
    {
        return refuse(format!(
            "backup `{id}` of `{}` is of the database system {found}, and the leader's is {wanted}",
            recovery.server
        ));
    }
    if stage.holder.event == Event::Bootstrap
        && !step.allow_older_timeline
        && let Some((own, newest)) = left_behind(server, backup)
    {
        let server = &recovery.server;
        return refuse(format!(
            "backup `{id}` of `{server}` is of timeline {own}, and Barman has reached timeline {newest}: without `get-wal` \
             Barman restores the WAL of the backup's own timeline only, so the new cluster would end where timeline {own} \
             ended; set `recovery_options = get-wal` for `{server}`, or take a new backup, or give Patroni's `recovery_conf` a \
             `restore_command` and the rule `allow_older_timeline: true`"
        ));
    }
    Ok(())
}

/// The backup in the request, by its ID or by one of the words that pg-backup-api knows.
fn chosen<'a>(
    backups: &'a BTreeMap<String, Backup>,
    recovery: &Recovery,
) -> Option<(&'a String, &'a Backup)> {
    let usable = |(_, backup): &(&String, &Backup)| backup.is_usable();
    let failed = |(_, backup): &(&String, &Backup)| backup.status.as_deref() == Some("FAILED");
    match recovery.backup_id.as_str() {
        "latest" | "last" => backups.iter().rfind(usable),
        "oldest" | "first" => backups.iter().find(usable),
        "last-failed" => backups.iter().rfind(failed),
        id => backups.get_key_value(id),
    }
}

/// The timelines of a backup and of the archive, if the recovery would not reach the archive's.
fn left_behind(server: &ServerState, backup: &Backup) -> Option<(u64, u64)> {
    let options = server.recovery_options.as_deref().unwrap_or_default();
    let own = backup.timeline?;
    let archived = server.last_archived_wal_per_timeline.last_key_value();
    let archived = archived.map(|(timeline, _)| *timeline);
    // After a failover it takes a whole segment until the archive contains the new timeline.
    let newest = archived.max(server.timeline)?;
    (own < newest && !options.contains("get-wal")).then_some((own, newest))
}

/// The `database_system_identifier` of the leader, for which another node's Patroni may be asked.
async fn leaders_system_id<W: World>(stage: Stage<'_, W>) -> Option<String> {
    let patroni = stage.world.patronis().into_iter().next()?.within(SIDE);
    let cluster = patroni.cluster().await.ok()?;
    let url = Url::new(cluster.leader()?.api_url.as_ref()?).ok()?;
    patroni.at(url).node().await.ok()?.system_id
}
