//! The backup exists, and a new cluster restored from it has all of its WAL.

use crate::diagnostic::Code;

use super::answers::{BackupState, Server};
use super::found::{Found, instead};
use super::wants::Want;

pub(super) fn look(want: &Want<'_>, server: &Server, found: &mut Found) {
    let (Some(name), Some(backup)) = (&want.server, &want.backup) else {
        return;
    };
    let any = |state| server.backups.values().any(|found| *found == state);
    let missing = match backup.as_str() {
        "latest" | "last" | "oldest" | "first" => (!any(BackupState::Usable))
            .then(|| format!("`{name}` has no backup that can be restored")),
        "last-failed" => {
            (!any(BackupState::Failed)).then(|| format!("`{name}` has no backup that failed"))
        }
        id => match server.backups.get(id) {
            None => Some(format!("`{name}` has no backup `{id}`")),
            Some(BackupState::Failed) => Some(format!("the backup `{id}` of `{name}` failed")),
            Some(_) => None,
        },
    };
    if let Some(message) = missing {
        let help = if server.backups.is_empty() {
            format!("take one: `barman backup {name}`")
        } else {
            let ids = server.backups.keys().map(String::as_str);
            format!(
                "`backup_id` takes an id, `latest`, `oldest` or `last-failed`; {}",
                instead(backup, ids, "backups")
            )
        };
        let at = want.request.origin.child("backup_id");
        found.say(Code::UnknownBackup, &at, backup, message, help);
    }
    if want.bootstraps && !want.rule.allow_older_timeline && !server.gets_wal {
        let message = format!(
            "the server `{name}` restores the WAL of a backup's own timeline only: a cluster made of a backup that is older than a failover \
             would end at the failover, and `run` refuses it"
        );
        let help = "set `recovery_options = get-wal` for it in Barman's configuration; or give Patroni's `recovery_conf` a `restore_command` and the rule \
                    `allow_older_timeline: true`";
        let at = want.request.origin.child("server");
        found.say(Code::NoLaterWal, &at, name, message, help);
    }
}
