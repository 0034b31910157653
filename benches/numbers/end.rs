//! From the operation's end in Barman to the program's exit.

use std::path::Path;
use std::process::Command;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::barman::Barman;
use crate::process::measure;
use crate::program::{State, folder, follow_the_primary, program};
use crate::python;
use crate::series::median;
use crate::table::{Row, time};

/// The number of runs of each. All of it is waiting, so they run at the same time.
const RUNS: usize = 5;

const SWITCH: Duration = Duration::from_secs(3);
const RECOVERY: Duration = Duration::from_secs(60);

pub fn rows() -> Vec<Row> {
    let folder = folder("end");
    let rules = follow_the_primary(&folder, "applied");
    let python = python::tool();
    let switching = Barman::start(2 * RUNS, "3s");
    let recovering = Barman::start(2 * RUNS, "60s");
    let late = |barman: &Barman, number: usize, takes: Duration, command: &mut Command| {
        measure(command, 0);
        let ended = Instant::now();
        let done = barman.accepted(&format!("s{number}")) + takes;
        ended.saturating_duration_since(done)
    };
    let native = |number: usize| {
        let state = State::Kept(folder.join(format!("state-{number}.db")));
        let mut command = program(&state);
        command.args(["run", "--rules"]).arg(&rules);
        command
    };
    let destination = |name: &str, number: usize| folder.join(format!("{name}-{number}"));
    let switch = |number: usize| {
        let server = format!("s{number}");
        let mut command = native(number);
        command.args(["--api-url", &switching.url, "--node", "n1"]);
        command.args(["on_role_change", "primary", &server]);
        late(&switching, number, SWITCH, &mut command)
    };
    let recovery = |number: usize| {
        let mut command = native(100 + number);
        command.args(["--api-url", &recovering.url, "--event", "create_replica"]);
        command.arg(format!("--scope=s{number}"));
        command.arg(option("--datadir", &destination("native", number)));
        late(&recovering, number, RECOVERY, &mut command)
    };
    let python_switch = |number: usize| {
        let (server, model) = (format!("s{number}"), format!("s{number}:n1"));
        let mut command = Command::new(&python);
        command.args(["--api-url", &switching.url, "config-switch"]);
        command.args(["--barman-server", &server, "--barman-model", &model]);
        command.args([
            "--switch-when",
            "promoted",
            "on_role_change",
            "primary",
            &server,
        ]);
        late(&switching, number, SWITCH, &mut command)
    };
    let python_recovery = |number: usize| {
        let mut command = Command::new(&python);
        command.args(["--api-url", &recovering.url, "recover"]);
        command.args([
            "--barman-server",
            &format!("s{number}"),
            "--ssh-command",
            "ssh n1",
        ]);
        command.arg(option("--data-directory", &destination("python", number)));
        late(&recovering, number, RECOVERY, &mut command)
    };
    let measured = thread::scope(|scope| {
        let all = [
            start(scope, &recovery, 0),
            start(scope, &python_recovery, RUNS),
            start(scope, &switch, 0),
            start(scope, &python_switch, RUNS),
        ];
        all.map(|runs| {
            median(
                runs.into_iter()
                    .map(|run| run.join().expect("no panic"))
                    .collect(),
            )
        })
    });
    let [recovery, python_recovery, switch, python_switch] = measured;
    let share = 100.0 * recovery.as_secs_f64() / RECOVERY.as_secs_f64();
    let python = |late| format!("{} (Python tool)", time(late));
    vec![
        Row::alone(
            "from the end of a switch of 3 s in Barman to the exit, verified",
            time(switch),
            "300 ms",
        )
        .beside(python(python_switch), ""),
        Row::alone(
            "from the end of a recovery of 60 s in Barman to the exit",
            format!("{} ({share:.1}%)", time(recovery)),
            "5%",
        )
        .beside(python(python_recovery), ""),
    ]
}

/// Starts all runs of a contender, each with its own number.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    run: &'scope (dyn Fn(usize) -> Duration + Sync),
    from: usize,
) -> Vec<ScopedJoinHandle<'scope, Duration>> {
    (from..from + RUNS)
        .map(|number| scope.spawn(move || run(number)))
        .collect()
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}
