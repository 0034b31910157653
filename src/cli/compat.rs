//! Command lines written for the Python `patroni_barman`, read by the rules of the parser it uses.
//!
//! Patroni's configurations in the field rely on more than the documented options: Patroni appends
//! arguments of its own, which the Python tool ignores, and long options may be shortened. This
//! program has more options than the Python tool, so clap's own inference would reject shortenings
//! as ambiguous that were not. The options read here are written out in full for clap, which remains
//! the one place that knows types, choices and required options.

use std::ffi::OsString;

use crate::diagnostic::ticked;

/// The result of reading a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Not one of the Python tool's: clap parses it as it is.
    Native,
    /// One of the Python tool's, written out: every option follows the sub-command, in full, as `--name=value`.
    /// If an option is repeated the last one counts, but each has to be valid.
    Written(Vec<OsString>),
    /// `--api-url` is given without a sub-command. The Python tool shows its help and exits with 255.
    NoCommand,
    /// A usage error that only this parser can see.
    Refused {
        message: String,
        /// The sub-command whose options were being read.
        command: Option<&'static str>,
    },
}

/// An option that both parsers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// Its spelling, with its dashes.
    name: &'static str,
    /// The option of which it is another spelling, or itself.
    option: &'static str,
    takes: Takes,
    /// Unique prefixes mean it, because the Python tool has it. The Python tool would ignore a prefix of any other option, like
    /// anything else that Patroni appends.
    may_be_shortened: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Value,
    /// A path. An empty one counts as not given.
    File,
    Number,
    Nothing,
}

impl Known {
    /// The value, if the given text is a valid one.
    fn value(&self, given: Option<&str>) -> Result<Option<String>, String> {
        let name = self.name;
        match (self.takes, given) {
            (Takes::Nothing, None) => Ok(None),
            (Takes::Nothing, Some(given)) => {
                Err(format!("`{name}` takes no value, but `{given}` was given"))
            }
            (_, None) => Err(format!("`{name}` needs a value")),
            (Takes::Number, Some(given)) => match given.trim().parse::<i64>() {
                Ok(number) => Ok(Some(number.to_string())),
                Err(_) => Err(format!(
                    "`{name}` needs a whole number, but `{given}` was given"
                )),
            },
            (Takes::Value | Takes::File, Some(given)) => Ok(Some(given.to_owned())),
        }
    }
}

const fn python(name: &'static str, takes: Takes) -> Known {
    Known {
        name,
        option: name,
        takes,
        may_be_shortened: true,
    }
}

const fn native(known: Known) -> Known {
    Known {
        may_be_shortened: false,
        ..known
    }
}

const HELP: Known = python("--help", Takes::Nothing);

/// The same; it shows a shorter page.
const SHORT_HELP: Known = Known {
    option: "-h",
    ..HELP
};

const API_URL: &str = "--api-url";

/// The options before the sub-command.
const GLOBAL: [Known; 11] = [
    HELP,
    python(API_URL, Takes::Value),
    python("--cert-file", Takes::File),
    python("--key-file", Takes::File),
    python("--retry-wait", Takes::Number),
    python("--max-retries", Takes::Number),
    python("--log-file", Takes::File),
    native(python("--ca-file", Takes::File)),
    native(python("--log-format", Takes::Value)),
    native(python("--log-level", Takes::Value)),
    native(python("--color", Takes::Value)),
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
            python("--barman-server", Takes::Value),
            python("--barman-model", Takes::Value),
            python("--reset", Takes::Nothing),
            python("--switch-when", Takes::Value),
            native(python("--patroni-url", Takes::Value)),
        ],
        positionals: 3,
    },
    Command {
        name: "recover",
        options: &[
            HELP,
            python("--barman-server", Takes::Value),
            python("--backup-id", Takes::Value),
            python("--ssh-command", Takes::Value),
            python("--data-directory", Takes::Value),
            Known {
                option: "--data-directory",
                ..python("--datadir", Takes::Value)
            },
            python("--loop-wait", Takes::Number),
            native(python("--patroni-url", Takes::Value)),
        ],
        positionals: 0,
    },
];

/// Reads a whole command line, the program's name first.
pub fn read(arguments: &[OsString]) -> Reading {
    // An argument that is not UTF-8 can't be an option of the Python tool; clap reports the error.
    let words: Option<Vec<&str>> = arguments.iter().map(|word| word.to_str()).collect();
    match words.as_deref() {
        Some([program, words @ ..]) => read_words(program, words).unwrap_or_else(|refusal| refusal),
        _ => Reading::Native,
    }
}

fn read_words(program: &str, words: &[&str]) -> Result<Reading, Reading> {
    let refuse = |command| move |message| Reading::Refused { message, command };
    let mut before = Scan::default();
    let rest = before
        .read(words, &GLOBAL, Positionals::SubCommand)
        .map_err(refuse(None))?;
    if before.wants_help.is_some() {
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
    let global = GLOBAL.into_iter().filter(|known| *known != HELP);
    let own = command.options.iter().copied();
    let options: Vec<Known> = own.chain(global.map(native)).collect();
    after
        .read(rest, &options, Positionals::UpTo(command.positionals))
        .map_err(refuse(Some(command.name)))?;
    Ok(before.write(program, Some(command.name), &after))
}

/// The meaning of words that are not options.
#[derive(Debug, Clone, Copy)]
enum Positionals {
    /// The first one is the sub-command; reading stops there.
    SubCommand,
    /// This many have a meaning; further ones are ignored.
    UpTo(usize),
}

/// The words on one side of the sub-command.
#[derive(Debug, Default)]
struct Scan {
    values: Vec<(&'static str, Option<String>)>,
    positionals: Vec<String>,
    /// The option that asks for help.
    wants_help: Option<&'static str>,
}

impl Scan {
    /// Reads from the left up to the sub-command or a request for help, and returns the rest.
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
                    let mut given = *given;
                    let may_follow = given.is_none() && known.takes != Takes::Nothing;
                    if may_follow && matches!(kinds.get(at), Some(Kind::Word)) {
                        given = words.get(at).copied();
                        at += 1;
                    }
                    let value = known.value(given)?;
                    if known.name == HELP.name {
                        self.wants_help = Some(known.option);
                        return Ok(&[]);
                    }
                    if known.takes == Takes::File && value.as_deref() == Some("") {
                        self.values.retain(|(option, _)| *option != known.option);
                    } else {
                        self.values.push((known.option, value));
                    }
                }
            }
        }
        Ok(&[])
    }

    /// Writes out the words before and after the sub-command.
    fn write(&self, program: &str, command: Option<&str>, after: &Self) -> Reading {
        let mut written = vec![OsString::from(program)];
        if let Some(help) = self.wants_help {
            written.push(help.into());
            return Reading::Written(written);
        }
        written.extend(command.map(OsString::from));
        self.write_options(&mut written, |_| true);
        // the Python tool does not read its global options here, so one given before the sub-command wins
        after.write_options(&mut written, |option| {
            self.values.iter().all(|(given, _)| *given != option)
        });
        if let Some(help) = after.wants_help {
            // an invalid argument before it is reported first
            let plain = |word: &&String| !word.starts_with('-');
            written.extend(after.positionals.iter().filter(plain).map(OsString::from));
            written.push(help.into());
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

/// The kind of a word on the command line.
#[derive(Debug, Clone, Copy)]
enum Kind<'w> {
    /// `--`: only words follow.
    Separator,
    /// A value, a sub-command or a positional argument.
    Word,
    /// An option, with the text after its `=`.
    Option(Known, Option<&'w str>),
    /// Looks like an option but is not a known one. The next word is not its value.
    Ignored,
}

/// The kind of every word, decided before any of them takes effect: an ambiguous option is an error
/// even after `--help`.
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
    if let Some(behind) = word.strip_prefix("-h") {
        let only_help = behind.chars().all(|c| c == 'h');
        return Ok(Kind::Option(SHORT_HELP, (!only_help).then_some(behind)));
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    if let Some(known) = options.iter().find(|known| known.name == name) {
        return Ok(Kind::Option(*known, value));
    }
    if name.starts_with("--") {
        let fits = |known: &&Known| known.may_be_shortened && known.name.starts_with(name);
        let fitting: Vec<&Known> = options.iter().filter(fits).collect();
        match fitting.as_slice() {
            [] => {}
            [known] => return Ok(Kind::Option(**known, value)),
            several => {
                let names = ticked(several.iter().map(|known| known.name));
                return Err(format!("`{name}` can be short for {names}"));
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
mod tests;
