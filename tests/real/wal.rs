//! Rows written before, during and after each failover come back from a backup taken before all of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::postgres;
use super::restored::{self, Restored};
use super::stack::Stack;
use super::wait::{self, seconds};

const PHASES: [&str; 5] = [
    "before",
    "during the switchover",
    "between",
    "during the crash failover",
    "after",
];

#[test]
fn no_row_is_missing_from_a_restored_backup() {
    let (stack, mut cluster) = Stack::of_two();
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
    restored::archive_all(&stack, cluster.node("n1").port);
    let restored = Restored::start(&stack, "restored", &backup, &["--target-tli", "latest"]);
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
