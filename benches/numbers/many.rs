//! Many callbacks at once against one API.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::barman::Barman;
use crate::process::measure;
use crate::program::{State, folder, follow_the_primary, program};
use crate::table::{Row, time};

const CALLBACKS: usize = 200;

pub fn rows() -> Vec<Row> {
    let folder = folder("many");
    let rules = follow_the_primary(&folder, "applied");
    let (apart, apart_time) = at_once(&rules, |number| folder.join(format!("state-{number}.db")));
    let (together, together_time) = at_once(&rules, |_| folder.join("state.db"));
    let row = |what: &str, right: usize, took| {
        let here = format!(
            "{right} of {CALLBACKS} right, the last after {}",
            time(took)
        );
        Row::alone(what, here, "all right")
    };
    vec![
        row(
            "200 callbacks at once, one API, a switch takes 1 s",
            apart,
            apart_time,
        ),
        row("… all with one state database", together, together_time),
    ]
}

/// The number of callbacks that ended with code 0 and with their model active, and the time of the last one.
fn at_once(rules: &Path, state: impl Fn(usize) -> std::path::PathBuf + Sync) -> (usize, Duration) {
    let barman = Barman::start(CALLBACKS, "1s");
    let started = Instant::now();
    thread::scope(|scope| {
        for number in 0..CALLBACKS {
            let (barman, state) = (&barman, &state);
            scope.spawn(move || {
                let mut command = program(&State::Kept(state(number)));
                command.args(["run", "--api-url", &barman.url, "--node", "n1"]);
                command.arg("--rules").arg(rules);
                command.args(["on_role_change", "primary", &format!("s{number}")]);
                measure(&mut command, 0);
            });
        }
    });
    let took = started.elapsed();
    let servers = barman.active_models();
    let right = |number: &usize| {
        servers[format!("s{number}")]["active_model"] == format!("s{number}:n1").as_str()
    };
    ((0..CALLBACKS).filter(right).count(), took)
}
