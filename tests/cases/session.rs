//! What an operator sees in a failover night, on a terminal of 80 columns: the block of text in `docs/failover-night.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libtest_mimic::Trial;
use patroni_barman::simulator::patroni::Cluster;
use patroni_barman::simulator::{Config, World};
use regex::Regex;
use tempfile::TempDir;

use super::recorded;
use crate::support::follow::follow;
use crate::support::program::{program, root};

const RULES: &str = follow!(
    "main",
    "verify: streaming, retry: {wait: 10ms, max_wait: 20ms, attempts: 16}"
);

pub fn trials() -> Vec<Trial> {
    let night = Trial::test("sessions::failover-night", || {
        let record = root().join("docs/failover-night.md");
        let page = fs::read_to_string(&record)?;
        let (before, block) = page.split_once("```text\n").unwrap();
        let (_, after) = block.split_once("```\n").unwrap();
        let page = format!("{before}```text\n{}```\n{after}", failover_night());
        Ok(recorded::compare(&record, &page)?)
    });
    vec![night]
}

/// The terminal of node n2.
struct Terminal {
    folder: TempDir,
    text: String,
}

impl Terminal {
    fn of(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = RULES
            .replace("BARMAN", world.barman("barman").unwrap().url())
            .replace("PATRONI", world.url("main", "n2").unwrap());
        fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let text = String::new();
        Self { folder, text }
    }

    fn run(&self, words: &[&str]) -> String {
        let output = program()
            .args(words)
            .env("PATRONI_BARMAN_RULES", "rules.yml")
            .env("PATRONI_BARMAN_STATE", "state.db")
            .env("PATRONI_NAME", "n2")
            .env("COLUMNS", "80")
            .env("TZ", "UTC")
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).unwrap()
    }

    /// Types a command.
    fn types(&mut self, words: &[&str]) {
        let shown = redacted(&self.run(words), self.folder.path());
        let words = words.join(" ");
        write!(self.text, "$ patroni_barman {words}\n{shown}\n").unwrap();
    }

    /// Says what happens meanwhile.
    fn meanwhile(&mut self, what: &str) {
        write!(self.text, "# {what}\n\n").unwrap();
    }
}

/// A text without what differs from one run to the next. Its lines keep their lengths.
fn redacted(text: &str, folder: &Path) -> String {
    static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"127\.0\.0\.1:\d{5}", "127.0.0.1:07480"),
            (r"\d\d-\d\d \d\d:\d\d:\d\d", "11-27 03:14:36"),
            (r"\d{4}-11-27 03:14:36,\d{3}", "2026-11-27 03:14:36,852"),
            (r"SHA-256 [0-9a-f]{12}", "SHA-256 e3b0c44298fc"),
            (r"operation \d{8}T\d{6}", "operation 20261127T031436"),
            (r"\d+ attempts", "16 attempts"),
            (r"\b\d+(\.\d+)? (ms|s|min|h|d|weeks|days)\b", "7 s"),
        ]
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
        .into()
    });
    let text = text.replace(&folder.display().to_string(), "");
    let replace = |text: String, (pattern, with): &(Regex, &str)| {
        pattern.replace_all(&text, *with).into_owned()
    };
    VARYING.iter().fold(text, replace)
}

fn failover_night() -> String {
    let barman = Config::default()
        .server("main")
        .model("main:n1")
        .model("main:n2")
        .active("main", "main:n1")
        .option("main", "slot_name", "barman")
        .backup("main", "20260101T000000");
    let cluster = Cluster::new("main").member("n1").member("n2");
    let world = World::start(vec![cluster], [("barman".to_owned(), barman)]).unwrap();
    world.tell("main", "wal 0/6000028").unwrap();
    let mut terminal = Terminal::of(&world);
    terminal.run(&["reconcile", "--second-look", "0s"]);
    terminal.types(&["status"]);

    terminal.meanwhile(
        "n1 dies while pg-backup-api is down; Patroni promotes n2 and runs its callback",
    );
    world.barman("barman").unwrap().take_down();
    world.tell("main", "promote n2").unwrap();
    let callback = [
        "run",
        "--second-look",
        "0s",
        "on_role_change",
        "primary",
        "main",
    ];
    terminal.run(&callback);
    terminal.types(&["status"]);
    terminal.types(&["history"]);

    terminal.meanwhile("pg-backup-api is back");
    world.barman("barman").unwrap().bring_up().unwrap();
    terminal.types(&["status"]);
    terminal.types(&["reconcile", "--log-level", "warning"]);
    world.tell("main", "wal 0/8000028").unwrap();
    terminal.types(&["status"]);
    terminal.types(&["history"]);
    terminal.text.trim_end().to_owned() + "\n"
}
