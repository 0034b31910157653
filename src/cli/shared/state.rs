//! Where the state is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::execute::World as _;
use crate::http::{Clock as _, block_on};
use crate::model::RuleSet;
use crate::store::{Intent, Query, Receipts, Sqlite, State, Store as _, StoreError, Worker};

use super::context::Context;
use super::env::Environment;
use super::world::Outside;

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

/// Opens the state. One that can't be opened must not stop a failover.
pub fn remember<'a>(
    outside: Outside<'a>,
    place: &Place,
    limit: Duration,
    context: &Context,
) -> Outside<'a> {
    let old = outside.clock().wall().saturating_sub(place.keep);
    match Worker::open(&place.path, old, limit) {
        Ok(state) => {
            if let Some(aside) = state.moved_aside() {
                let (path, aside) = (place.path.display(), aside.display());
                context.log.error(&format!(
                    "the state `{path}` was damaged; it is `{aside}` now, and a new one is used: what was pending in it is lost"
                ));
            }
            outside.remembering(state)
        }
        Err(error) => {
            context.log.error(&format!(
                "{error}; going on without it: if this process is killed, its request is lost"
            ));
            outside
        }
    }
}

/// The receipts that are written down. A state that was never made has none, and is not made for this.
pub fn receipts(cluster: Option<&str>, path: &Path) -> Result<Receipts, StoreError> {
    if !path.exists() {
        return Ok(Receipts::default());
    }
    Sqlite::look(path).and_then(|state| block_on(state.receipts(cluster)))
}

/// What is pending in this cluster. A state that was never made has nothing in it, and is not made for this.
pub fn pending(cluster: &str, path: &Path, context: &Context) -> Option<Vec<Intent>> {
    if !path.exists() {
        return Some(Vec::new());
    }
    let query = Query {
        cluster: Some(cluster.to_owned()),
        state: Some(State::Pending),
        ..Query::default()
    };
    match Sqlite::look(path).and_then(|state| block_on(state.history(&query))) {
        Ok(pending) => Some(pending),
        Err(error) => {
            context
                .log
                .error(&format!("what is pending can't be told: {error}"));
            None
        }
    }
}
