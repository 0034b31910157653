//! A user's commands for Barman, in words.

use crate::model::{SEGMENT, WalFile};

use super::super::moment::Moment;
use super::super::sections::Stored;
use super::{Barman, Postgres, Slot};

const COMMANDS: &str = "\
write one of
  kill-receiver SERVER
  add-server SERVER           in Barman's configuration; pg-backup-api knows it after `/diagnose`
  down NAME, up NAME          the PostgreSQL of a server or model can't be connected to, or can
  primary NAME, replica NAME
  timeline NAME NUMBER
  drop-slot NAME, create-slot NAME
  back-up SERVER ID           takes a backup where the receiver is
  lose-wal SERVER             the receiver begins at the end of the WAL, as `barman receive-wal --reset` lets it
  fault FAULT                 as for `--fault`; no-faults: nothing goes wrong any more";

/// Executes the command.
pub(super) fn control(barman: &mut Barman, now: Moment, words: &[&str]) -> Result<(), String> {
    match words {
        ["kill-receiver", server] if barman.kill_receiver(now, server) => Ok(()),
        ["kill-receiver", server] => Err(format!("no WAL receiver of `{server}` runs")),
        ["add-server", server] => barman
            .add_late_server(server)
            .map_err(|error| error.to_string()),
        ["back-up", server, id] => barman.back_up(server, id),
        ["lose-wal", server] => match barman.servers.get_mut(*server) {
            Some(server) => {
                server.received = None;
                Ok(())
            }
            None => Err(format!("there is no server `{server}`")),
        },
        [what, name] => {
            let change: fn(&mut Postgres) = match *what {
                "down" => |postgres| postgres.reachable = false,
                "up" => |postgres| postgres.reachable = true,
                "primary" => |postgres| postgres.in_recovery = false,
                "replica" => |postgres| postgres.in_recovery = true,
                "drop-slot" => |postgres| postgres.slot = Slot::Missing,
                "create-slot" => |postgres| postgres.slot = Slot::Usable,
                _ => return Err(COMMANDS.to_owned()),
            };
            change(postgres(barman, name)?);
            Ok(())
        }
        ["timeline", name, number] => {
            let timeline = number.parse().map_err(|_| COMMANDS.to_owned())?;
            postgres(barman, name)?.timeline = timeline;
            Ok(())
        }
        _ => Err(COMMANDS.to_owned()),
    }
}

fn postgres<'a>(barman: &'a mut Barman, name: &str) -> Result<&'a mut Postgres, String> {
    let missing = || format!("there is no server or model `{name}`");
    barman.postgres_mut(name).ok_or_else(missing)
}

impl Barman {
    fn back_up(&mut self, name: &str, id: &str) -> Result<(), String> {
        let server = self.servers.get_mut(name);
        let server = server.ok_or_else(|| format!("there is no server `{name}`"))?;
        let mut stored = Stored::default();
        if let Some((timeline, at)) = server.received {
            let segment = at / SEGMENT;
            stored.timeline = timeline;
            stored.begin = Some(WalFile { timeline, segment }.name(SEGMENT));
        }
        server.backups.insert(id.to_owned(), stored);
        Ok(())
    }
}
