//! A verified switch, on a Barman host whose `/diagnose` lists many servers and backups.

use crate::barman::Barman;
use crate::process::measure;
use crate::program::{State, folder, follow_the_primary, program};
use crate::series::interleave;
use crate::table::{Row, size, time};

const ROUNDS: usize = 11;

pub fn rows() -> Vec<Row> {
    let folder = folder("big");
    let rules = follow_the_primary(&folder, "applied");
    let kept = State::Kept(folder.join("state.db"));
    // Two operations in the same second collide for one server, so each round has its own.
    let barman = Barman::start_big(ROUNDS + 1, "500x50");
    let [all] = interleave(
        ROUNDS,
        [&|round| {
            let mut command = program(&kept);
            command.args(["run", "--api-url", &barman.url, "--node", "n1"]);
            command.arg("--rules").arg(&rules);
            measure(
                command.args(["on_role_change", "primary", &format!("s{round}")]),
                0,
            )
        }],
    );
    let bytes = barman.diagnose().len() as u64;
    vec![
        Row::alone(
            format!(
                "one switch, verified in a `/diagnose` of 500 servers with 50 backups each ({})",
                size(bytes)
            ),
            time(all.wall()),
            "",
        ),
        Row::alone("… memory", size(all.memory()), "64 MB"),
    ]
}
