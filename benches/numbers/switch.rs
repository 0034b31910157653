//! A callback with one switch, against an API that answers at once.

use std::process::Command;

use serde_json::{Value, json};

use crate::barman::Barman;
use crate::process::{Sample, measure, measure_output};
use crate::program::{State, folder, follow_the_primary, program};
use crate::series::interleave;
use crate::table::{Row, time, times};

const ROUNDS: usize = 41;

pub fn rows() -> Vec<Row> {
    let folder = folder("switch");
    let plain = follow_the_primary(&folder, "none");
    let verified = follow_the_primary(&folder, "applied");
    let kept = State::Kept(folder.join("state.db"));
    // Two operations in the same second collide for one server, so each round has its own server, and each contender
    // its own API.
    let barmans: [Barman; 4] = std::array::from_fn(|_| Barman::start(ROUNDS + 1, "0s"));
    let [first, second, third, fourth] = &barmans;
    let native = |barman: &Barman, rules, state, round| {
        let mut command = program(state);
        command.args(["run", "--api-url", &barman.url, "--node", "n1"]);
        command.arg("--rules").arg(rules);
        measure(
            command.args(["on_role_change", "primary", &format!("s{round}")]),
            0,
        )
    };
    let [requests, remembered, all, curl] = interleave(
        ROUNDS,
        [
            &|round| native(first, &plain, &State::None, round),
            &|round| native(second, &plain, &kept, round),
            &|round| native(third, &verified, &kept, round),
            &|round| curl(fourth, round),
        ],
    );
    let row = |what: &str, here: &crate::series::Series, target| {
        Row::alone(what, time(here.wall()), target).beside(
            format!("{} (2 × `curl`)", time(curl.wall())),
            times(here.wall(), curl.wall()),
        )
    };
    vec![
        row(
            "one switch: the same two requests, without state",
            &requests,
            "1.5 ×",
        ),
        row(
            "one switch, with its intent on disk before it is sent",
            &remembered,
            "1.5 ×",
        ),
        row(
            "one switch as by default: with its intent, and verified (`/diagnose`)",
            &all,
            "",
        ),
        Row::alone("… processor time", time(all.cpu()), "").beside(
            format!("{} (2 × `curl`)", time(curl.cpu())),
            times(all.cpu(), curl.cpu()),
        ),
    ]
}

/// Creates the operation and polls its status once.
fn curl(barman: &Barman, round: usize) -> Sample {
    let operations = format!("{}/servers/s{round}/operations", barman.url);
    let body = json!({"type": "config_switch", "model_name": format!("s{round}:n1")}).to_string();
    let mut post = Command::new("curl");
    post.args([
        "--silent",
        "--fail",
        "--header",
        "Content-Type: application/json",
    ]);
    post.args(["--data", &body, &operations]);
    let (post, answer) = measure_output(&mut post, 0);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let id = answer["operation_id"].as_str().expect("an id");
    let mut get = Command::new("curl");
    get.args(["--silent", "--fail", &format!("{operations}/{id}")]);
    post.then(measure(&mut get, 0))
}
