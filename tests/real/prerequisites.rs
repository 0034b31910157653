//! Programs that must be installed. If one is missing, every test fails with one line that names it and the command
//! to install it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The command that installs all programs named here.
pub const INSTALL: &str = "sudo tests/real/install";

/// The directory of PostgreSQL's programs.
pub const POSTGRES: &str = "/usr/lib/postgresql/15/bin";

/// The versions of Patroni and Barman in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    Newest,
    /// The oldest supported ones.
    Minimum,
}

impl Versions {
    const ALL: [Self; 2] = [Self::Newest, Self::Minimum];

    /// A program in the virtual environment that `tests/real/install` creates.
    pub fn program(self, name: &str) -> PathBuf {
        let folder = std::env::var_os("PATRONI_BARMAN_STACK")
            .unwrap_or_else(|| "/opt/patroni_barman-stack".into());
        let folder = Path::new(&folder);
        match self {
            Self::Newest => folder.join("bin"),
            Self::Minimum => folder.join("minimum/bin"),
        }
        .join(name)
    }

    const fn packages(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Newest => [
                ("patroni", "patroni[etcd3]==4.1.5"),
                ("barman", "barman==3.19.1"),
            ],
            Self::Minimum => [
                ("patroni", "patroni[etcd3]==3.0.4"),
                ("barman", "barman==3.10.1"),
            ],
        }
    }
}

/// Fails with one line if something is missing.
pub fn demand() {
    let missing = missing();
    assert!(
        missing.is_empty(),
        "{}; on Debian 12, `{INSTALL}` installs it",
        missing.join(", ")
    );
}

fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    let programs = [
        ("/usr/bin/etcd", "etcd-server"),
        ("/usr/lib/postgresql/15/bin/postgres", "postgresql-15"),
        ("/usr/bin/python3", "python3-venv"),
        ("/usr/bin/rsync", "rsync"),
        ("/usr/sbin/sshd", "openssh-server"),
    ];
    for (path, package) in programs {
        if !Path::new(path).exists() {
            missing.push(format!("`{path}` is missing (Debian package {package})"));
        }
    }
    let programs = Versions::ALL.into_iter().flat_map(|versions| {
        let packages = versions.packages();
        packages.map(|(name, package)| (versions.program(name), package))
    });
    for (path, package) in programs {
        if !path.exists() {
            missing.push(format!(
                "`{}` is missing (Python package {package})",
                path.display()
            ));
        }
    }
    for user in ["postgres", "barman"] {
        if !runs(Command::new("id").args(["-u", user])) {
            missing.push(format!("the user `{user}` is missing"));
        } else if !is_root() && !runs(Command::new("sudo").args(["-n", "-u", user, "true"])) {
            missing.push(format!(
                "the right to become `{user}` is missing: run as root or allow `sudo -n -u {user}`"
            ));
        }
    }
    missing
}

/// Returns true if the tests run as root.
pub fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n")
}

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
