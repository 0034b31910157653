//! A callback that matches no rule: what every node of a cluster runs most of the time.

use std::process::Command;

use crate::barman::Barman;
use crate::process::measure;
use crate::program::{State, folder, follow_the_primary, program};
use crate::python;
use crate::series::interleave;
use crate::table::{Row, size, time, times};

const ROUNDS: usize = 41;

/// The Python tool's options and this program's are the same.
const SKIPPED: [&str; 10] = [
    "config-switch",
    "--barman-server",
    "s0",
    "--barman-model",
    "s0:n1",
    "--switch-when",
    "promoted",
    "on_role_change",
    "replica",
    "s0",
];

pub fn rows() -> Vec<Row> {
    let folder = folder("callback");
    let state = State::Kept(folder.join("state.db"));
    let rules = follow_the_primary(&folder, "applied");
    let python = python::tool();
    let barman = Barman::start(1, "0s");
    let native = |_| {
        let mut command = program(&state);
        command.arg("run").arg("--rules").arg(&rules);
        measure(
            command.args(["--node", "n1", "on_role_change", "replica", "s0"]),
            1,
        )
    };
    let drop_in = |_| {
        let mut command = program(&state);
        measure(command.args(["--api-url", &barman.url]).args(SKIPPED), 1)
    };
    let other = |_| {
        let mut command = Command::new(&python);
        measure(command.args(["--api-url", &barman.url]).args(SKIPPED), 1)
    };
    let [native, drop_in, other] = interleave(ROUNDS, [&native, &drop_in, &other]);
    let memory = |here: u64, other: u64| format!("{}%", here * 100 / other);
    vec![
        Row::alone(
            "callback that matches no rule",
            time(native.wall()),
            "30 × faster",
        )
        .beside(
            format!("{} (Python tool)", time(other.wall())),
            format!("{} faster", times(other.wall(), native.wall())),
        ),
        Row::alone("… processor time", time(native.cpu()), "").beside(
            format!("{} (Python tool)", time(other.cpu())),
            format!("{} less", times(other.cpu(), native.cpu())),
        ),
        Row::alone("… memory", size(native.memory()), "25%").beside(
            format!("{} (Python tool)", size(other.memory())),
            memory(native.memory(), other.memory()),
        ),
        Row::alone(
            "`config-switch` that is skipped, which asks for the API's status first",
            time(drop_in.wall()),
            "",
        )
        .beside(
            format!("{} (Python tool)", time(other.wall())),
            format!("{} faster", times(other.wall(), drop_in.wall())),
        ),
    ]
}
