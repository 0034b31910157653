//! The place of the state.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use crate::execute::{World as _, patience_of};
use crate::http::{Clock as _, block_on, within};
use crate::model::{Event, RuleSet};
use crate::report::StateSeen;
use crate::store::{LastPass, Query, Receipts, Sqlite, State, Store as _, StoreError, Worker};

use super::context::Context;
use super::env::Environment;
use super::exit::{Exit, USAGE};
use super::watch::Watch;
use super::world::Outside;

/// The directory that packages create for it.
const SYSTEM: &str = "/var/lib/patroni_barman";

/// The directory of the agent: the unit names it in the environment, and a shell of the same user does not.
const AGENT: &str = "/var/lib/patroni_barman_agent";

/// The variable that names the database.
pub const STATE_VARIABLE: &str = "PATRONI_BARMAN_STATE";

/// The longest wait for the state when nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The place of the state and its retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// It is named by the environment or the rules file.
    pub named: bool,
    /// The retention time of settled requests.
    pub keep: Duration,
}

/// The database: from the environment or the rules file, or else in one of the system's directories if this
/// user may write to it, or else in the user's own.
pub fn place(rules: Option<&RuleSet>, environment: &Environment) -> Place {
    let settings = rules.map(|rules| rules.state.clone()).unwrap_or_default();
    let given = environment
        .get(STATE_VARIABLE)
        .map(PathBuf::from)
        .or(settings.path);
    let named = given.is_some();
    Place {
        path: given.unwrap_or_else(|| folder(environment).join("state.db")),
        named,
        keep: settings.keep,
    }
}

/// The directory of everything outside the database, and by default of the database.
pub fn folder(environment: &Environment) -> PathBuf {
    // Users without a home directory can only use the system's: in /tmp anyone could plant rules.
    let own = || {
        let base = environment.get("XDG_STATE_HOME").map(PathBuf::from);
        let home = environment.get("HOME").map(Path::new);
        base.or_else(|| Some(home?.join(".local/state")))
            .map_or_else(|| PathBuf::from(SYSTEM), |base| base.join("patroni_barman"))
    };
    if let Some(path) = environment.get(STATE_VARIABLE) {
        return Path::new(path).parent().map_or_else(own, Path::to_owned);
    }
    [SYSTEM, AGENT]
        .map(Path::new)
        .into_iter()
        .find(|folder| access(*folder, Access::WRITE_OK).is_ok())
        .map_or_else(own, Path::to_owned)
}

/// Returns false only if nothing can be pending.
pub fn may_be_pending(path: &Path) -> bool {
    fs::exists(Sqlite::marker(path)).unwrap_or(true)
}

/// Opens the state for an event, which can wait for it for so long. A failure to open it must not stop a failover.
pub fn remember<'a>(
    outside: Outside<'a>,
    place: &Place,
    event: Event,
    context: &Context,
) -> Outside<'a> {
    let old = outside.clock().wall().saturating_sub(place.keep);
    match Worker::open(&place.path, old, patience_of(event)) {
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
                "{error}; continuing without it: if this process is killed, its request is lost"
            ));
            outside
        }
    }
}

/// The stored receipts. A state that does not exist has none, and is not created.
pub fn receipts(cluster: Option<&str>, path: &Path) -> Result<Receipts, StoreError> {
    match exists(path) {
        Ok(false) => Ok(Receipts::default()),
        Ok(true) => Sqlite::look(path).and_then(|state| block_on(state.receipts(cluster))),
        Err(error) => Err(StoreError::Io(error)),
    }
}

/// Records the end of a pass of `reconcile`, if there is a state. Errors have been reported before.
pub fn passed(path: &Path, code: u8, members: Vec<String>, watch: &Watch<'_>) {
    if exists(path) != Ok(true) {
        return;
    }
    let pass = LastPass {
        ended: watch.wall(),
        code,
        members,
    };
    if let Ok(state) = Worker::open(path, Duration::ZERO, PATIENCE) {
        let written = state.ask(move |state| state.passed(&pass));
        let _ = block_on(within(watch, PATIENCE, written));
    }
}

/// Reads a state without changing it; all clusters unless one is named. A state that does not exist counts as empty
/// and is not created.
pub fn look(cluster: Option<&str>, path: &Path) -> StateSeen {
    let mut seen = StateSeen::none(path);
    let read = || {
        let store = Sqlite::look(path)?;
        let query = Query {
            cluster: cluster.map(str::to_owned),
            state: Some(State::Pending),
            ..Query::default()
        };
        Ok::<_, StoreError>((block_on(store.history(&query))?, store.last_pass()?))
    };
    match exists(path) {
        Ok(exists) => seen.exists = exists,
        Err(error) => seen.trouble = Some(error),
    }
    if seen.exists {
        match read() {
            Ok((pending, last_pass)) => {
                seen.pending = pending;
                seen.last_pass = last_pass;
                seen.trouble = not_writable(path);
            }
            Err(error) => seen.trouble = Some(error.to_string()),
        }
    }
    seen
}

/// The addresses of the members' REST APIs from the last pass of `reconcile`.
pub fn members(path: &Path) -> Vec<String> {
    if exists(path) != Ok(true) {
        return Vec::new();
    }
    let pass = Sqlite::look(path).and_then(|state| state.last_pass());
    pass.ok()
        .flatten()
        .map(|pass| pass.members)
        .unwrap_or_default()
}

/// Returns true if there is a database; an inaccessible directory is an error.
pub fn exists(path: &Path) -> Result<bool, String> {
    fs::exists(path).map_err(|error| {
        let path = path.display();
        format!("the state `{path}` can't be read: {error}")
    })
}

impl Place {
    /// Returns true if there is anything to read; a missing database that was named explicitly is an error.
    pub fn is_there(&self) -> Result<bool, Exit> {
        let there = exists(&self.path).map_err(|error| Exit::new(USAGE, error))?;
        let folder = self.path.parent().is_none_or(Path::exists);
        if there || folder || !self.named {
            return Ok(there);
        }
        let message = format!("there is no folder for the state `{}`", self.path.display());
        Err(Exit::new(USAGE, message))
    }
}

/// The reason why callbacks can't use the database, if it is theirs: a user with read access would see nothing odd.
fn not_writable(path: &Path) -> Option<String> {
    let folder = fs::metadata(path.parent()?).ok()?;
    let file = fs::metadata(path).ok()?;
    let me = rustix::process::geteuid().as_raw();
    let path = path.display();
    (me != 0 && folder.uid() == me && file.uid() != me).then(|| {
        format!(
            "the state `{path}` belongs to the user with number {}, and callbacks may not write it: run `chown {me} {path}`",
            file.uid()
        )
    })
}
