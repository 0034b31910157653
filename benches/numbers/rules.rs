//! A callback and a check, with few rules and with many.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Sample, measure};
use crate::program::{State, folder, program};
use crate::series::interleave;
use crate::table::{Row, size, time};

const ROUNDS: usize = 15;
/// Rounds for checks of the rules, which take longer.
const LOOKS: usize = 5;

pub fn rows() -> Vec<Row> {
    let folder = folder("rules");
    let files = [10, 1_000, 10_000].map(|count| write(&folder, count));
    let none = |file: &Path| run(&folder, file, "run", "no-such-cluster", 1);
    let last = |file: &Path| run(&folder, file, "plan", "cluster-00007", 0);
    let [few, many, most] = &files;
    let measured = interleave(
        ROUNDS,
        [
            &|_| none(few),
            &|_| none(many),
            &|_| none(most),
            &|_| last(few),
            &|_| last(many),
            &|_| last(most),
        ],
    );
    let [few, many, most, plan_few, plan_many, plan_most] = measured;
    let edited = folder.join("edited.yml");
    let text = fs::read_to_string(&files[2]).expect("it was written");
    let text = text.replace("}}-00007\"", "}}-edited\"");
    fs::write(&edited, text).expect("a rules file below target");
    let looked = |command: &str, paths: &[&Path]| {
        let mut program = program(&State::None);
        measure(program.arg(command).args(paths), 0)
    };
    let looked_at = interleave(
        LOOKS,
        [
            &|_| looked("check", &[&files[1]]),
            &|_| looked("check", &[&files[2]]),
            &|_| looked("matrix", &[&files[1]]),
            &|_| looked("matrix", &[&files[2]]),
            &|_| looked("diff", &[&files[1], &files[1]]),
            &|_| looked("diff", &[&files[2], &edited]),
        ],
    );
    let [check, check_most, matrix, matrix_most, diff, diff_most] = looked_at;
    let row = |what: &str, series: &crate::series::Series, target| {
        Row::alone(
            what,
            format!("{} ({})", time(series.wall()), size(series.memory())),
            target,
        )
    };
    vec![
        row("callback, 10 rules, none matches", &few, ""),
        row("callback, 1,000 rules, none matches", &many, "linear"),
        row(
            "callback, 10,000 rules (2.5 MB), none matches",
            &most,
            "150 ms",
        ),
        row("`plan`, 10 rules, one matches", &plan_few, ""),
        row("`plan`, 1,000 rules, one matches", &plan_many, "linear"),
        row("`plan`, 10,000 rules, one matches", &plan_most, "150 ms"),
        row("`check`, 1,000 rules", &check, ""),
        row("`check`, 10,000 rules", &check_most, "2 s"),
        row("`matrix`, 1,000 rules", &matrix, ""),
        row("`matrix`, 10,000 rules", &matrix_most, "1 s"),
        row("`diff`, 1,000 rules", &diff, ""),
        row("`diff`, 10,000 rules, one changed", &diff_most, "1 s"),
    ]
}

fn run(folder: &Path, rules: &Path, command: &str, cluster: &str, code: i32) -> Sample {
    let mut program = program(&State::Kept(folder.join("state.db")));
    program.arg(command).arg("--rules").arg(rules);
    measure(
        program.args(["--node", "n1", "on_role_change", "primary", cluster]),
        code,
    )
}

/// Rules, each with a cluster, a condition and templates of its own.
fn write(folder: &Path, count: usize) -> PathBuf {
    let mut text = String::from(
        "version: 1\napi: {url: \"http://127.0.0.1:7480\"}\nvars: {site: paris}\nrules:\n",
    );
    for number in 0..count {
        let _ = write!(
            text,
            r#"  - name: follow-{number:05}
    on: [on_role_change, on_start]
    role: primary
    cluster: cluster-{number:05}
    when: site == "paris" or node == "n{number}"
    request:
      type: config_switch
      server: "{{{{ cluster }}}}"
      model_name: "{{{{ cluster }}}}:{{{{ node }}}}-{number:05}"
"#
        );
    }
    let path = folder.join(format!("{count}.yml"));
    fs::write(&path, text).expect("a rules file below target");
    path
}
