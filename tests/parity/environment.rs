//! Where the Python tool is.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that the scenarios were written for.
const PATRONI: &str = "patroni==4.1.5";

/// The virtual environment that `PATRONI_BARMAN_PYTHON` names, or one made for the purpose.
pub fn environment() -> PathBuf {
    let Some(given) = std::env::var_os("PATRONI_BARMAN_PYTHON") else {
        return made_environment();
    };
    let environment = PathBuf::from(given);
    assert!(
        environment.join("bin/patroni_barman").exists(),
        "PATRONI_BARMAN_PYTHON is {}, which is not a virtual environment with {PATRONI} in it",
        environment.display()
    );
    environment
}

/// A virtual environment below `target`, made once.
fn made_environment() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-patroni");
    let done = environment.join("made-for").join(PATRONI);
    if !done.exists() {
        let advice = format!(
            "the Python tool is needed beside this program: install python3 with its venv module and let pip reach an index, \
             or set PATRONI_BARMAN_PYTHON to a virtual environment with {PATRONI} in it"
        );
        let steps: [(&str, PathBuf, Vec<&str>); 2] = [
            (
                "python3 -m venv",
                "python3".into(),
                vec!["-m", "venv", "--clear", environment.to_str().unwrap()],
            ),
            (
                "pip install",
                environment.join("bin/pip"),
                vec!["install", "--quiet", PATRONI],
            ),
        ];
        for (name, program, arguments) in steps {
            match Command::new(program).args(arguments).output() {
                Ok(output) if output.status.success() => {}
                Ok(output) => panic!(
                    "{advice}\n`{name}`: {}",
                    String::from_utf8_lossy(&output.stderr)
                ),
                Err(error) => panic!("{advice}\n`{name}`: {error}"),
            }
        }
        std::fs::create_dir_all(&done).unwrap();
    }
    environment
}
