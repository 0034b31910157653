//! Command lines written for the Python `patroni_barman`, read by the rules of the parser it uses.
//!
//! Patroni's configurations in the field rely on more than the documented options: Patroni appends
//! arguments of its own, which the Python tool ignores, and long options may be shortened. This
//! program has more options than the Python tool, so that clap's own inference would call shortenings
//! ambiguous that were not. What is read here is written out again in full for clap, which stays
//! the one place that knows types, choices and what is required.

use std::ffi::OsString;

/// What a command line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Not one of the Python tool's: to be parsed as it stands.
    Native,
    /// One of the Python tool's, written out: every option behind the sub-command, in full, once, as
    /// `--name=value`.
    Written(Vec<OsString>),
    /// `--api-url` is there and a sub-command is not. The Python tool shows its help and exits with 255.
    NoCommand,
    /// A usage error that can be seen only here.
    Refused {
        /// What is wrong.
        message: String,
        /// The sub-command whose options were being read.
        command: Option<&'static str>,
    },
}

/// An option as both parsers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// As it is spelled, with its dashes.
    name: &'static str,
    /// The option that it is another spelling of, or itself.
    option: &'static str,
    /// What stands behind it.
    takes: Takes,
    /// How it may be spelled.
    spelling: Spelling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Value,
    Nothing,
}

/// Whether an option may be shortened to a unique beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// The Python tool has it, so it may.
    MayBeShortened,
    /// Only this program has it here. The Python tool would ignore a shortening as it ignores
    /// whatever else Patroni appends.
    InFull,
}

const fn python(name: &'static str) -> Known {
    Known {
        name,
        option: name,
        takes: Takes::Value,
        spelling: Spelling::MayBeShortened,
    }
}

const fn python_flag(name: &'static str) -> Known {
    Known {
        takes: Takes::Nothing,
        ..python(name)
    }
}

const fn native(name: &'static str) -> Known {
    Known {
        spelling: Spelling::InFull,
        ..python(name)
    }
}

const HELP: Known = python_flag("--help");

const API_URL: &str = "--api-url";

/// What stands before the sub-command.
const GLOBAL: [Known; 10] = [
    HELP,
    python(API_URL),
    python("--cert-file"),
    python("--key-file"),
    python("--retry-wait"),
    python("--max-retries"),
    python("--log-file"),
    native("--ca-file"),
    native("--log-format"),
    native("--log-level"),
];

/// A sub-command of the Python tool.
struct Command {
    name: &'static str,
    options: &'static [Known],
    positionals: usize,
}

const COMMANDS: [Command; 2] = [
    Command {
        name: "config-switch",
        options: &[
            HELP,
            python("--barman-server"),
            python("--barman-model"),
            python_flag("--reset"),
            python("--switch-when"),
        ],
        positionals: 3,
    },
    Command {
        name: "recover",
        options: &[
            HELP,
            python("--barman-server"),
            python("--backup-id"),
            python("--ssh-command"),
            python("--data-directory"),
            Known {
                option: "--data-directory",
                ..python("--datadir")
            },
            python("--loop-wait"),
        ],
        positionals: 0,
    },
];

/// Reads a whole command line, the program's name first.
#[must_use]
pub fn read(arguments: &[OsString]) -> Reading {
    let mut words = Vec::with_capacity(arguments.len());
    for argument in arguments {
        // what is not text can't be an option of the Python tool's; clap says what is wrong with it
        let Some(word) = argument.to_str() else {
            return Reading::Native;
        };
        words.push(word);
    }
    let Some((program, words)) = words.split_first() else {
        return Reading::Native;
    };
    read_words(program, words).unwrap_or_else(|refusal| refusal)
}

fn read_words(program: &str, words: &[&str]) -> Result<Reading, Reading> {
    let refuse = |command| move |message| Reading::Refused { message, command };
    let mut before = Scan::default();
    let rest = before
        .read(words, &GLOBAL, Positionals::SubCommand)
        .map_err(refuse(None))?;
    if before.wants_help {
        return Ok(before.write(program, None, &Scan::default()));
    }
    let Some((command, rest)) = rest.split_first() else {
        let complete = before.values.iter().any(|(option, _)| *option == API_URL);
        return Ok(if complete {
            Reading::NoCommand
        } else {
            Reading::Native
        });
    };
    let Some(command) = COMMANDS.iter().find(|known| known.name == *command) else {
        return Ok(Reading::Native);
    };
    let mut after = Scan::default();
    let options: Vec<Known> = command
        .options
        .iter()
        .copied()
        .chain(
            GLOBAL
                .iter()
                .filter(|known| **known != HELP)
                .map(|known| native(known.name)),
        )
        .collect();
    after
        .read(rest, &options, Positionals::UpTo(command.positionals))
        .map_err(refuse(Some(command.name)))?;
    Ok(before.write(program, Some(command.name), &after))
}

/// What words that are not options mean.
#[derive(Debug, Clone, Copy)]
enum Positionals {
    /// The first one is the sub-command; nothing is read beyond.
    SubCommand,
    /// So many have a meaning; more are ignored.
    UpTo(usize),
}

/// What has been read on one side of the sub-command.
#[derive(Debug, Default)]
struct Scan {
    values: Vec<(&'static str, Option<String>)>,
    positionals: Vec<String>,
    wants_help: bool,
}

impl Scan {
    /// Reads from the left, as far as to the sub-command or to a request for help, and returns what is left.
    fn read<'a, 'w>(
        &mut self,
        words: &'a [&'w str],
        options: &[Known],
        positionals: Positionals,
    ) -> Result<&'a [&'w str], String> {
        let kinds = classify_all(words, options)?;
        let mut at = 0;
        while let (Some(kind), Some(word)) = (kinds.get(at), words.get(at)) {
            at += 1;
            match kind {
                Kind::Separator | Kind::Ignored => {}
                Kind::Word => match positionals {
                    Positionals::SubCommand => return Ok(words.get(at - 1..).unwrap_or_default()),
                    Positionals::UpTo(limit) if self.positionals.len() < limit => {
                        self.positionals.push((*word).to_owned());
                    }
                    Positionals::UpTo(_) => {}
                },
                Kind::Option(known, given) => {
                    let value = match (known.takes, given) {
                        (Takes::Nothing, None) => None,
                        (Takes::Nothing, Some(given)) => {
                            return Err(format!(
                                "`{}` takes no value, but `{given}` was given",
                                known.name
                            ));
                        }
                        (Takes::Value, Some(given)) => Some((*given).to_owned()),
                        (Takes::Value, None) => {
                            let next = matches!(kinds.get(at), Some(Kind::Word));
                            let value = words.get(at).filter(|_| next);
                            at += 1;
                            Some(
                                value
                                    .ok_or_else(|| format!("`{}` needs a value", known.name))?
                                    .to_string(),
                            )
                        }
                    };
                    if known.option == HELP.option {
                        self.wants_help = true;
                        return Ok(&[]);
                    }
                    self.values.retain(|(option, _)| *option != known.option);
                    self.values.push((known.option, value));
                }
            }
        }
        Ok(&[])
    }

    /// Writes out what was read before and after the sub-command.
    fn write(&self, program: &str, command: Option<&str>, after: &Self) -> Reading {
        let mut written = vec![OsString::from(program)];
        written.extend(command.map(OsString::from));
        self.write_options(&mut written, |_| true);
        // the Python tool does not look at its global options here, so that one given before counts
        after.write_options(&mut written, |option| {
            self.values.iter().all(|(given, _)| *given != option)
        });
        if self.wants_help || after.wants_help {
            // an argument before that is wrong is told first
            let plain = |word: &&String| !word.starts_with('-');
            written.extend(after.positionals.iter().filter(plain).map(OsString::from));
            written.push(HELP.option.into());
        } else if !after.positionals.is_empty() {
            written.push("--".into());
            written.extend(after.positionals.iter().map(OsString::from));
        }
        Reading::Written(written)
    }

    fn write_options(&self, written: &mut Vec<OsString>, wanted: impl Fn(&str) -> bool) {
        for (option, value) in self.values.iter().filter(|(option, _)| wanted(option)) {
            written.push(match value {
                Some(value) => format!("{option}={value}").into(),
                None => (*option).into(),
            });
        }
    }
}

/// What one word of the command line is.
#[derive(Debug, Clone, Copy)]
enum Kind<'w> {
    /// `--`: what follows are words.
    Separator,
    /// A value, a sub-command or a positional argument.
    Word,
    /// An option, with what stands behind its `=`.
    Option(Known, Option<&'w str>),
    /// Looks like an option and is none. A word that follows is not taken to be its value.
    Ignored,
}

/// What every word is, decided before any is acted upon: also behind a `--help`, an ambiguous
/// option is an error.
fn classify_all<'w>(words: &[&'w str], options: &[Known]) -> Result<Vec<Kind<'w>>, String> {
    let mut only_words = false;
    words
        .iter()
        .map(|word| {
            if only_words {
                return Ok(Kind::Word);
            }
            only_words = *word == "--";
            if only_words {
                return Ok(Kind::Separator);
            }
            classify(word, options)
        })
        .collect()
}

fn classify<'w>(word: &'w str, options: &[Known]) -> Result<Kind<'w>, String> {
    if !word.starts_with('-') || word == "-" {
        return Ok(Kind::Word);
    }
    if word.starts_with("-h") {
        return Ok(Kind::Option(HELP, None));
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if let Some(known) = options.iter().find(|known| known.name == name) {
        return Ok(Kind::Option(*known, value));
    }
    if name.starts_with("--") {
        let fitting: Vec<&Known> = options
            .iter()
            .filter(|known| {
                known.spelling == Spelling::MayBeShortened && known.name.starts_with(name)
            })
            .collect();
        match fitting.as_slice() {
            [] => {}
            [known] => return Ok(Kind::Option(**known, value)),
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|known| format!("`{}`", known.name))
                    .collect();
                return Err(format!("`{name}` can be short for {}", names.join(", ")));
            }
        }
    }
    Ok(if is_negative_number(word) || word.contains(' ') {
        Kind::Word
    } else {
        Kind::Ignored
    })
}

/// `-5`, `-5.5`, `-.5`: values, not options.
fn is_negative_number(word: &str) -> bool {
    let Some(number) = word.strip_prefix('-') else {
        return false;
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    match number.split_once('.') {
        None => !number.is_empty() && digits(number),
        Some((whole, fraction)) => digits(whole) && !fraction.is_empty() && digits(fraction),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

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
        for (line, expected) in [
            // other commands are none of its business
            ("", "native"),
            ("run on_start primary main", "native"),
            ("--api-url u check x.yml", "native"),
            ("--log-level debug run on_start primary main", "native"),
            ("--retry-wait 3", "native"),
            ("--version", "native"),
            ("--api-url u", "no command"),
            ("--api-url u --unknown", "no command"),
            // shortenings
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
            ("--retry-wait -.3 recover", "recover --retry-wait=-.3"),
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
                "recover --data-directory=c",
            ),
            // what Patroni appends
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
            // global options behind the sub-command: only in full, and not over one before it
            (
                "recover --api-url u --retry-wait=1",
                "recover --api-url=u --retry-wait=1",
            ),
            (
                "--api-url u recover --api-url v --ca-file x",
                "recover --api-url=u --ca-file=x",
            ),
            ("recover --key=value --api=u", "recover"),
            // help ends the reading, and what is wrong before it is told first
            ("--help", "--help"),
            ("--he config-switch", "--help"),
            ("--retry-wait x -h", "--retry-wait=x --help"),
            (
                "config-switch --help --barman-server",
                "config-switch --help",
            ),
            ("config-switch wrong -h", "config-switch wrong --help"),
            (
                "recover --help --ba",
                "`--ba` can be short for `--barman-server`, `--backup-id`",
            ),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(reading(&words), expected, "{line}");
        }
    }

    #[test]
    fn every_option_that_clap_knows_is_known_here_and_the_other_way_round() {
        let mut cli = super::super::args::Cli::command();
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
}
