//! Rows written before, during and after each failover come back from a backup taken before all of them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::cluster::Cluster;
use super::guard::Spec;
use super::prerequisites::POSTGRES;
use super::stack::Stack;
use super::wait::{self, seconds};
use super::{folder, postgres};

const PHASES: [&str; 5] = [
    "before",
    "during the switchover",
    "between",
    "during the crash failover",
    "after",
];

#[test]
fn no_row_is_missing_from_a_restored_backup() {
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2"], 2);
    let ports: Vec<u16> = cluster.nodes.iter().map(|node| node.port).collect();
    let create = "CREATE TABLE written (id bigserial PRIMARY KEY, phase text)";
    postgres::query(ports[0], create).expect("a table");
    let backup = stack.barman.backup("main");

    let writer = Writer {
        phase: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| writer.write(&ports));
        let _end = End(&writer);
        writer.rows_of_this_phase(&ports);
        writer.next();
        cluster.switchover("n1", "n2");
        stack.follows(&cluster, "n2");
        writer.rows_of_this_phase(&ports);
        writer.next();
        cluster.settle("n2", seconds(60));
        writer.rows_of_this_phase(&ports);
        writer.next();
        cluster.crash("n2");
        stack.follows(&cluster, "n1");
        writer.rows_of_this_phase(&ports);
        writer.next();
        writer.rows_of_this_phase(&ports);
    });

    cluster.settle("n1", seconds(60));
    let count =
        "SELECT phase, count(*), min(id), max(id) FROM written GROUP BY phase ORDER BY min(id)";
    let written = postgres::query(ports[0], count).expect("the rows on the primary");
    for phase in PHASES {
        assert!(written.contains(phase), "no row `{phase}`:\n{written}");
    }
    let restored = Restored::start(&stack, &cluster, &backup);
    wait::until(seconds(60), "the restored server", || restored.query(count));
    assert_eq!(restored.query(count), Ok(written));
}

/// Writes rows to the node that accepts them.
struct Writer {
    phase: AtomicUsize,
    done: AtomicBool,
}

impl Writer {
    fn write(&self, ports: &[u16]) {
        while !self.done.load(Ordering::Relaxed) {
            let phase = PHASES[self.phase.load(Ordering::Relaxed)];
            let insert = format!("INSERT INTO written (phase) VALUES ('{phase}')");
            for port in ports {
                // the others are standbys or down
                let _ = postgres::query(*port, &insert);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn next(&self) {
        self.phase.fetch_add(1, Ordering::Relaxed);
    }

    fn rows_of_this_phase(&self, ports: &[u16]) {
        let phase = PHASES[self.phase.load(Ordering::Relaxed)];
        let count = format!(
            "SELECT count(*) FROM written WHERE phase = '{phase}' AND NOT pg_is_in_recovery()"
        );
        wait::until(seconds(60), &format!("rows `{phase}`"), || {
            let counts: Vec<_> = ports
                .iter()
                .map(|port| postgres::query(*port, &count))
                .collect();
            let enough = |count: &Result<String, String>| {
                count
                    .as_ref()
                    .is_ok_and(|count| count.parse().is_ok_and(|count: u64| count >= 10))
            };
            if counts.iter().any(enough) {
                Ok(())
            } else {
                Err(format!("{counts:?}"))
            }
        });
    }
}

/// Ends the writer even if the test fails, because the scope waits for it.
struct End<'a>(&'a Writer);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}

/// A server restored from a backup and all archived WAL.
struct Restored {
    socket: PathBuf,
    port: u16,
}

impl Restored {
    fn start(stack: &Stack, cluster: &Cluster, backup: &str) -> Self {
        let barman = &stack.barman;
        // twice: Barman does not archive the segment that it received last
        for _ in 0..2 {
            let port = cluster.node("n1").port;
            postgres::query(port, "INSERT INTO in_common VALUES (now())")
                .expect("something to switch from");
            barman.must(&["switch-wal", "--force", "main"], seconds(30));
        }
        let last = "SELECT pg_walfile_name(pg_current_wal_lsn())";
        let last = postgres::query(cluster.node("n1").port, last).expect("the current segment");
        let archived = barman.home().join("data/main/wals").join(&last[..16]);
        wait::until(
            seconds(60),
            &format!("the archive having all before {last}"),
            || {
                newest(&archived)
                    .filter(|newest| next(newest).as_str() >= &last[16..])
                    .ok_or_else(|| format!("{:?}", newest(&archived)))
            },
        );
        let data = barman.home().join("restored");
        let target = data.display().to_string();
        barman.must(
            &["recover", "--target-tli", "latest", "main", backup, &target],
            seconds(120),
        );
        let socket = barman.home().to_owned();
        let port = folder::port();
        let options = [
            format!("port={port}"),
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", socket.display()),
            format!("hba_file={}", socket.join("hba.conf").display()),
            format!("ident_file={}", data.join("pg_ident.conf").display()),
        ];
        folder::write(
            &stack.guard.folder().join("hba.conf"),
            "local all all trust\n",
        );
        let hba = stack.guard.folder().join("hba.conf").display().to_string();
        let copy = ["cp", &hba, &socket.join("hba.conf").display().to_string()];
        stack
            .guard
            .must(&Spec::new("restored", copy).user("barman"), seconds(10));
        let mut words = vec![format!("{POSTGRES}/postgres"), "-D".to_owned(), target];
        words.extend(
            options
                .into_iter()
                .flat_map(|option| ["-c".to_owned(), option]),
        );
        stack
            .guard
            .start(&Spec::new("restored", words).user("barman"));
        Self { socket, port }
    }

    fn query(&self, sql: &str) -> Result<String, String> {
        postgres::query_at(&self.socket.display().to_string(), self.port, sql)
    }
}

/// The newest segment in a directory of the archive, without its timeline and log number.
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
