//! Backups that are restored, each into a server of its own.

use std::path::{Path, PathBuf};

use super::guard::{Process, Spec};
use super::prerequisites::POSTGRES;
use super::stack::Stack;
use super::wait::{self, seconds};
use super::{folder, postgres};

/// A server made of a backup and archived WAL.
pub struct Restored {
    socket: PathBuf,
    port: u16,
    log: PathBuf,
    process: Process,
}

/// Waits until the archive has all that the leader at `port` has written up to now.
pub fn archive_all(stack: &Stack, port: u16) {
    // twice: Barman does not archive the segment that it received last
    for _ in 0..2 {
        postgres::query(port, "INSERT INTO in_common VALUES (now())")
            .expect("something to switch from");
        stack
            .barman
            .must(&["switch-wal", "--force", "main"], seconds(30));
    }
    let last = "SELECT pg_walfile_name(pg_current_wal_lsn())";
    let last = postgres::query(port, last).expect("the current segment");
    let wals = stack.barman.home().join("data/main/wals");
    let archived = wals.join(&last[..16]);
    wait::until(
        seconds(60),
        &format!("the archive having all before {last}"),
        || {
            newest(&archived)
                .filter(|newest| next(newest).as_str() >= &last[16..])
                .ok_or_else(|| format!("{:?}", newest(&archived)))
        },
    );
}

impl Restored {
    /// Has Barman restore a backup with these options into a folder of that name, and starts it.
    pub fn start(stack: &Stack, name: &str, backup: &str, options: &[&str]) -> Self {
        let barman = &stack.barman;
        let data = barman.home().join(name);
        let target = data.display().to_string();
        let words = [&["recover"], options, &["main", backup, &target]].concat();
        barman.must(&words, seconds(120));
        let socket = barman.home().to_owned();
        let port = folder::port();
        folder::write(
            &stack.guard.folder().join("hba.conf"),
            "local all all trust\n",
        );
        let hba = stack.guard.folder().join("hba.conf").display().to_string();
        let copy = ["cp", &hba, &socket.join("hba.conf").display().to_string()];
        stack.guard.set_up("barman", &copy);
        let mut words = vec![format!("{POSTGRES}/postgres"), "-D".to_owned(), target];
        let options = [
            format!("port={port}"),
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", socket.display()),
            format!("hba_file={}", socket.join("hba.conf").display()),
            format!("ident_file={}", data.join("pg_ident.conf").display()),
        ];
        words.extend(
            options
                .into_iter()
                .flat_map(|option| ["-c".to_owned(), option]),
        );
        let process = stack.guard.start(&Spec::new(name, words).user("barman"));
        Self {
            socket,
            port,
            log: stack.guard.log(name),
            process,
        }
    }

    pub fn query(&self, sql: &str) -> Result<String, String> {
        postgres::query_at(&self.socket.display().to_string(), self.port, sql)
    }

    /// Waits until it has given up, and returns what it said.
    pub fn gives_up(&self) -> String {
        self.process.ends(seconds(60));
        std::fs::read_to_string(&self.log).expect("its log")
    }
}

/// The newest segment of a folder of the archive, without its timeline and log number.
fn newest(folder: &Path) -> Option<String> {
    let names = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name());
    names
        .filter_map(|name| Some(name.to_str()?.get(16..24)?.to_owned()))
        .max()
}

fn next(segment: &str) -> String {
    format!(
        "{:08X}",
        u32::from_str_radix(segment, 16).expect("hexadecimal") + 1
    )
}
