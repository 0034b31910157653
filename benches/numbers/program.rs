//! This program, kept apart from the machine's own state and settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const BINARY: &str = env!("CARGO_BIN_EXE_patroni_barman");

/// The place for a process's record of its requests.
#[derive(Debug, Clone)]
pub enum State {
    /// In this database.
    Kept(PathBuf),
    /// No database: it can't be opened.
    None,
}

pub fn program(state: &State) -> Command {
    let mut command = Command::new(BINARY);
    let path = match state {
        State::Kept(path) => path,
        State::None => Path::new("/dev/null/state.db"),
    };
    command.env("PATRONI_BARMAN_STATE", path);
    for variable in ["PATRONI_BARMAN_RULES", "PATRONI_NAME"] {
        command.env_remove(variable);
    }
    command
}

/// An empty directory for the measurement.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("numbers")
        .join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder below target");
    folder
}

/// Rules in which a promoted node switches the Barman server named after its cluster to the node's model.
pub fn follow_the_primary(folder: &Path, verify: &str) -> PathBuf {
    let path = folder.join(format!("verify-{verify}.yml"));
    let text = format!(
        r#"version: 1
api: {{url: "http://127.0.0.1:7480"}}
defaults: {{verify: {verify}, fence: none}}
rules:
  - name: follow-the-primary
    on: [on_role_change, on_start]
    role: primary
    request: {{type: config_switch, server: "{{{{ cluster }}}}", model_name: "{{{{ cluster }}}}:{{{{ node }}}}"}}
  - name: rebuild-from-backup
    on: create_replica
    request:
      type: recovery
      server: "{{{{ cluster }}}}"
      backup_id: latest
      remote_ssh_command: ssh postgres@n1
      destination_directory: "{{{{ datadir }}}}"
    poll: {{every: 10s, timeout: 12h}}
"#
    );
    fs::write(&path, text).expect("a rules file below target");
    path
}
