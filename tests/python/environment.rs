//! The Python tool.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The version for which the scenarios were written.
const PATRONI: &str = "patroni==4.1.5";

/// Finds the virtual environment named by `PATRONI_BARMAN_PYTHON`, or creates one below `target`. The error is one line
/// that says what is missing and how to install it.
pub fn environment() -> Result<PathBuf, String> {
    let Some(given) = std::env::var_os("PATRONI_BARMAN_PYTHON") else {
        return made_environment();
    };
    let environment = PathBuf::from(given);
    if environment.join("bin/patroni_barman").exists() {
        return Ok(environment);
    }
    Err(format!(
        "`{}` is missing; install {PATRONI} in the virtual environment that PATRONI_BARMAN_PYTHON names, or unset it",
        environment.join("bin/patroni_barman").display()
    ))
}

/// Creates a virtual environment below `target`, once.
fn made_environment() -> Result<PathBuf, String> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-patroni");
    let done = environment.join("made-for").join(PATRONI);
    if done.exists() {
        return Ok(environment);
    }
    let folder = environment.display().to_string();
    run(
        Command::new("python3").args(["-m", "venv", "--clear", &folder]),
        "`python3` with its module `venv` is missing; on Debian 12, `sudo apt-get install python3-venv` installs it",
    )?;
    run(
        Command::new(environment.join("bin/pip")).args(["install", "--quiet", PATRONI]),
        &format!(
            "{PATRONI} is missing; `pip install {PATRONI}` needs a package index, \
             or set PATRONI_BARMAN_PYTHON to a virtual environment that has it"
        ),
    )?;
    std::fs::create_dir_all(&done).map_err(|error| format!("{}: {error}", done.display()))?;
    Ok(environment)
}

fn run(command: &mut Command, advice: &str) -> Result<(), String> {
    let reason = match command.output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = said.lines().rfind(|line| !line.trim().is_empty());
            last.unwrap_or("it failed").to_owned()
        }
        Err(error) => error.to_string(),
    };
    Err(format!("{advice} ({reason})"))
}
