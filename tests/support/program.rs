//! The program as a user starts it, isolated from this machine's own state and settings.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::ended::Ended;

/// A command that runs the program with its own state.
pub fn program() -> Command {
    with_state(&fresh_state())
}

/// A command that runs the program with this state.
pub fn with_state(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patroni_barman"));
    command.env("PATRONI_BARMAN_STATE", state);
    for variable in ["PATRONI_BARMAN_RULES", "PATRONI_NAME"] {
        command.env_remove(variable);
    }
    command
}

/// A standard output to which nothing can be written.
pub fn full() -> Stdio {
    let device = File::options().write(true).open("/dev/full");
    device.unwrap().into()
}

/// Asks a program to end, and waits for that.
pub fn terminate(child: &mut Child) {
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
    let _ = child.wait();
}

/// The path of a new state that no other test uses.
pub fn fresh_state() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("state-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder.join("state.db")
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program in the repository.
pub fn run(arguments: &[&str]) -> Ended {
    Ended::of(program().args(arguments).current_dir(root()))
}

/// Runs the program in the repository and returns its standard output, if it ended with this code.
#[track_caller]
pub fn stdout(arguments: &[&str], code: i32) -> String {
    run(arguments).case(arguments.join(" ")).exits(code).stdout
}
