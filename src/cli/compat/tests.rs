//! Command lines and their readings.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use proptest::prelude::*;

use super::*;

/// Each line with its reading.
const CASES: &[(&str, &str)] = &[
    // other commands are left to clap
    ("", "native"),
    ("run on_start primary main", "native"),
    ("--api-url u check x.yml", "native"),
    ("--log-level debug run on_start primary main", "native"),
    ("--retry-wait 3", "native"),
    ("--version", "native"),
    ("--api-url u", "no command"),
    ("--api-url u --unknown", "no command"),
    // abbreviations
    ("--a u", "no command"),
    (
        "--ap=u recover --ba",
        "`--ba` can be short for `--barman-server`, `--backup-id`",
    ),
    (
        "recover --data x",
        "`--data` can be short for `--data-directory`, `--datadir`",
    ),
    ("recover --barman s", "recover --barman-server=s"),
    (
        "config-switch --barman s",
        "`--barman` can be short for `--barman-server`, `--barman-model`",
    ),
    (
        "config-switch --r --s always",
        "config-switch --reset --switch-when=always",
    ),
    (
        "--c x --l y config-switch",
        "config-switch --cert-file=x --log-file=y",
    ),
    (
        "--=x",
        "`--` can be short for `--help`, `--api-url`, `--cert-file`, `--key-file`, `--retry-wait`, `--max-retries`, `--log-file`",
    ),
    // values
    ("--api-url", "`--api-url` needs a value"),
    (
        "--api-url --cert-file x recover",
        "`--api-url` needs a value",
    ),
    ("--api-url -- recover", "`--api-url` needs a value"),
    ("--retry-wait -3 recover", "recover --retry-wait=-3"),
    ("--max-retries +3 recover", "recover --max-retries=3"),
    (
        "--retry-wait -.3 recover",
        "`--retry-wait` needs a whole number, but `-.3` was given",
    ),
    (
        "--api-url u --max-retries 1.5",
        "`--max-retries` needs a whole number, but `1.5` was given",
    ),
    ("--api-url= recover", "recover --api-url="),
    ("--api-url a=b recover", "recover --api-url=a=b"),
    (
        "config-switch --reset=1",
        "`--reset` takes no value, but `1` was given",
    ),
    ("--log-file - recover", "recover --log-file=-"),
    // the last one counts
    (
        "recover --datadir a --data-directory=b --datadir c",
        "recover --data-directory=a --data-directory=b --data-directory=c",
    ),
    // an empty path counts as not given
    ("--cert-file= --log-file x --log-file= recover", "recover"),
    // arguments that Patroni appends
    (
        "recover --barman-server s --scope=main --role=replica --datadir=/d --connstring=x --no_leader=1",
        "recover --barman-server=s --data-directory=/d",
    ),
    // an unknown option does not take the next word
    (
        "config-switch --foo on_role_change primary main",
        "config-switch -- on_role_change primary main",
    ),
    (
        "config-switch --foo bar primary main",
        "config-switch -- bar primary main",
    ),
    ("config-switch a b c d e", "config-switch -- a b c"),
    (
        "config-switch -- a --reset c",
        "config-switch -- a --reset c",
    ),
    ("recover spare --loop-wait 1", "recover --loop-wait=1"),
    ("--foo bar recover", "native"),
    ("--foo=bar recover", "recover"),
    // global options after the sub-command: only in full, and never overriding one before it
    (
        "recover --api-url u --retry-wait=1",
        "recover --api-url=u --retry-wait=1",
    ),
    (
        "--api-url u recover --api-url v --ca-file x",
        "recover --api-url=u --ca-file=x",
    ),
    ("recover --key=value --api=u", "recover"),
    // help ends the reading, and errors before it are reported first
    ("--help", "--help"),
    ("--he config-switch", "--help"),
    ("--retry-wait 3 -h", "-h"),
    (
        "--retry-wait x -h",
        "`--retry-wait` needs a whole number, but `x` was given",
    ),
    ("-hh", "-h"),
    (
        "recover -h=1",
        "`--help` takes no value, but `=1` was given",
    ),
    (
        "config-switch --help --barman-server",
        "config-switch --help",
    ),
    ("config-switch wrong -h", "config-switch wrong -h"),
    (
        "recover --help --ba",
        "`--ba` can be short for `--barman-server`, `--backup-id`",
    ),
];

/// Reads a line of words and shows the reading as a line again.
fn reading(words: &[&str]) -> String {
    let arguments: Vec<OsString> = std::iter::once(&"patroni_barman")
        .chain(words)
        .map(OsString::from)
        .collect();
    match read(&arguments) {
        Reading::Native => "native".to_owned(),
        Reading::NoCommand => "no command".to_owned(),
        Reading::Refused { message, .. } => message,
        Reading::Written(written) => {
            let written: Vec<&str> = written
                .iter()
                .skip(1)
                .filter_map(|word| word.to_str())
                .collect();
            written.join(" ")
        }
    }
}

#[test]
fn a_command_line_is_written_out_in_full() {
    for (line, expected) in CASES {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(reading(&words), *expected, "{line}");
    }
}

#[test]
fn every_option_that_clap_knows_is_known_here_and_the_other_way_round() {
    let mut cli = crate::cli::commands::Cli::command();
    cli.build();
    for command in &COMMANDS {
        let theirs: BTreeSet<String> = cli
            .find_subcommand(command.name)
            .unwrap()
            .get_arguments()
            .flat_map(|argument| argument.get_long_and_visible_aliases().unwrap_or_default())
            .map(|name| format!("--{name}"))
            .collect();
        let ours: BTreeSet<String> = command
            .options
            .iter()
            .chain(&GLOBAL)
            .map(|known| known.name.to_owned())
            .collect();
        assert_eq!(ours, theirs, "{}", command.name);
    }
}

#[test]
fn a_word_with_a_space_is_not_an_option_unless_it_begins_with_one() {
    assert_eq!(
        reading(&[
            "recover",
            "--ssh-command",
            "-o x",
            "--connstring=a b",
            "--datadir=/a b"
        ]),
        "recover --ssh-command=-o x --data-directory=/a b"
    );
    assert_eq!(
        reading(&["config-switch", "--foo=a b", "on_role_change"]),
        "config-switch -- --foo=a b on_role_change"
    );
}

#[test]
fn an_empty_word_is_a_value() {
    assert_eq!(
        reading(&["config-switch", "--barman-model", ""]),
        "config-switch --barman-model="
    );
}

proptest! {
    /// Reading the written-out form again changes nothing, whatever the words were.
    #[test]
    fn what_is_written_is_final(words in proptest::collection::vec(word(), 0..12)) {
        let words: Vec<OsString> = std::iter::once("patroni_barman".into()).chain(words).collect();
        if let Reading::Written(written) = read(&words) {
            prop_assert_eq!(read(&written), Reading::Written(written));
        }
    }
}

/// A known word or an arbitrary one.
fn word() -> impl Strategy<Value = OsString> {
    let option = proptest::sample::select(vec![
        "--api-url",
        "--a",
        "--r",
        "--retry-wait",
        "--barman-model",
        "--reset",
        "--switch-when",
        "--datadir",
        "--help",
        "-h",
        "--zz",
    ]);
    let plain = proptest::sample::select(vec![
        "config-switch",
        "recover",
        "--",
        "-",
        "",
        "-5",
        "a b",
        "--a b",
        "main",
    ]);
    prop_oneof![
        4 => plain.prop_map(OsString::from),
        2 => option.clone().prop_map(OsString::from),
        2 => (option, ".*").prop_map(|(option, value)| format!("{option}={value}").into()),
        1 => ".*".prop_map(OsString::from),
    ]
}
