//! Where the state is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::RuleSet;
use crate::store::Sqlite;

use super::env::Environment;

/// The folder that packages make for it.
const SYSTEM: &str = "/var/lib/patroni_barman";

/// The variable that names the database.
pub const STATE_VARIABLE: &str = "PATRONI_BARMAN_STATE";

/// Where the state is and how long it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The database.
    pub path: PathBuf,
    /// How long what is settled is kept.
    pub keep: Duration,
}

/// The database: what the environment or the rules file says, else the system's folder if this user may
/// write to it, else the user's own.
#[must_use]
pub fn place(rules: Option<&RuleSet>, environment: &Environment) -> Place {
    let settings = rules.map(|rules| rules.state.clone()).unwrap_or_default();
    let path = environment
        .get(STATE_VARIABLE)
        .map(PathBuf::from)
        .or(settings.path)
        .unwrap_or_else(|| folder(environment).join("state.db"));
    Place {
        path,
        keep: settings.keep,
    }
}

/// The folder of what is not in the database, and of the database by default.
#[must_use]
pub fn folder(environment: &Environment) -> PathBuf {
    // Who has no home has no other place than the system's: in /tmp anybody could put rules for us.
    let own = || {
        let base = environment.get("XDG_STATE_HOME").map(PathBuf::from);
        let home = environment.get("HOME").map(Path::new);
        base.or_else(|| Some(home?.join(".local/state")))
            .map_or_else(|| PathBuf::from(SYSTEM), |base| base.join("patroni_barman"))
    };
    if let Some(path) = environment.get(STATE_VARIABLE) {
        return Path::new(path).parent().map_or_else(own, Path::to_owned);
    }
    let system = Path::new(SYSTEM);
    if writable(system) {
        system.to_owned()
    } else {
        own()
    }
}

/// Whether files can be made in a folder.
fn writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether anything can be pending: the answer is `false` only if nothing is.
#[must_use]
pub fn may_be_pending(path: &Path) -> bool {
    fs::exists(Sqlite::marker(path)).unwrap_or(true)
}
