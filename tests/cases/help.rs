//! Help pages in a terminal of 80 columns: `tests/help/COMMAND.txt`.

use libtest_mimic::Trial;

use super::recorded;
use crate::support::help::{commands, page};
use crate::support::program::root;

pub fn trials() -> Vec<Trial> {
    let first = [("patroni_barman".to_owned(), None)];
    let others = commands()
        .into_iter()
        .map(|name| (name.clone(), Some(name)));
    let trial = |(name, command): (String, Option<String>)| {
        Trial::test(format!("help::{name}"), move || {
            let record = root().join(format!("tests/help/{name}.txt"));
            Ok(recorded::compare(&record, &pages(command.as_deref()))?)
        })
    };
    first.into_iter().chain(others).map(trial).collect()
}

/// The short and the long page of a command, or of the program.
fn pages(command: Option<&str>) -> String {
    let mut text = String::new();
    for option in ["-h", "--help"] {
        let arguments: Vec<&str> = command.into_iter().chain([option]).collect();
        let page = page(&arguments, "80");
        text.extend(["$ patroni_barman ", &arguments.join(" "), "\n", &page, "\n"]);
    }
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}
