//! Help pages, laid out from the commands' comments.
//!
//! A command's comment is prose, examples indented by four spaces, and a final paragraph
//! `Exit codes: 0 meaning; 1 meaning`. On the page, the prose fills the terminal, the
//! examples stay as they are, and the codes become a list. This work is done only if help is requested.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use crate::report::{Colour, Screen};

use super::commands::{Cli, facts};
use super::shared::command::Group;

/// The maximum width of text: longer lines are hard to read.
const WIDTH: usize = 100;

/// The maximum width of a list of exit codes, even on a wider terminal.
const LIST_WIDTH: usize = 78;

/// Returns true if a command line asks for help, as far as can be seen without parsing it.
pub fn wanted(arguments: &[OsString]) -> bool {
    let word = |argument: &OsString| ["-h", "--help", "help"].iter().any(|word| argument == word);
    arguments.len() < 2 || arguments.iter().any(word)
}

/// The command line for a user who asks for help.
pub fn command() -> Command {
    let command = pages();
    let list = groups(&command);
    command
        .mut_subcommands(|command| command.hide(true))
        .override_usage("patroni_barman [OPTIONS] <COMMAND>")
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{{all-args}}{{after-help}}"
        ))
        .max_term_width(WIDTH)
}

/// The command line with every command's page.
pub fn pages() -> Command {
    let mut command = Cli::command();
    // From here on, every command has the global options.
    command.build();
    let connected: Vec<String> = facts(&command)
        .filter(|(_, facts)| facts.connected)
        .map(|(name, _)| name.to_owned())
        .collect();
    command.mut_subcommands(|command| {
        let connected = connected.iter().any(|name| name == command.get_name());
        page(command, connected)
    })
}

fn page(command: Command, connected: bool) -> Command {
    let Some(comment) = command.get_long_about().or(command.get_about()) else {
        return command;
    };
    let Page {
        summary,
        text,
        example,
        codes,
    } = Page::read(&comment.to_string());
    let mut command = command.about(summary).long_about(text);
    if let Some(example) = example {
        command = command.after_help(format!("Example:\n{example}"));
    }
    command = command.after_long_help(list(&codes));
    if !connected {
        command = command.mut_args(|argument| {
            let hide = argument.is_global_set() && argument.get_id() != "color";
            argument.hide(hide)
        });
    }
    command
}

/// The commands in groups, each with its summary.
fn groups(command: &Command) -> String {
    let line = |name: &str| {
        let command = command.find_subcommand(name)?;
        let about = command.get_about()?.to_string();
        Some(format!("  {name:<15}{}\n", about.trim_end_matches('.')))
    };
    let mut text = String::new();
    for group in Group::ALL {
        let names = facts(command).filter(|(_, facts)| facts.group == group);
        let lines: String = names.filter_map(|(name, _)| line(name)).collect();
        let _ = write!(text, "{}:\n{lines}\n", group.heading());
    }
    text
}

/// The parts of a comment.
pub struct Page {
    pub summary: String,
    /// Everything but the exit codes; each paragraph is one line.
    pub text: String,
    example: Option<String>,
    /// The exit codes, each with its meaning.
    pub codes: Vec<(String, String)>,
}

impl Page {
    /// Takes a comment apart.
    pub fn read(comment: &str) -> Self {
        let mut page = Self {
            summary: String::new(),
            text: String::new(),
            example: None,
            codes: Vec::new(),
        };
        for paragraph in comment.split("\n\n").filter(|text| !text.trim().is_empty()) {
            if paragraph.starts_with("    ") {
                page.example.get_or_insert_with(|| paragraph.to_owned());
                let _ = write!(page.text, "\n\n{paragraph}");
                continue;
            }
            let prose: Vec<&str> = paragraph.lines().map(str::trim).collect();
            let prose = prose.join(" ");
            if let Some(codes) = prose.strip_prefix("Exit codes: ") {
                let codes = codes.trim_end_matches('.').split("; ");
                let codes = codes.map(|item| item.split_once(' ').unwrap_or((item, "")));
                page.codes = codes
                    .map(|(code, what)| (code.to_owned(), what.to_owned()))
                    .collect();
            } else if page.summary.is_empty() {
                page.summary = first_sentence(&prose).to_owned();
                page.text = prose;
            } else {
                let _ = write!(page.text, "\n\n{prose}");
            }
        }
        page
    }
}

fn first_sentence(prose: &str) -> &str {
    let end = prose.find(". ").unwrap_or(prose.len());
    prose.get(..end).unwrap_or(prose).trim_end_matches('.')
}

/// Exit codes as a list.
fn list(codes: &[(String, String)]) -> String {
    if codes.is_empty() {
        return String::new();
    }
    let mut text = "Exit codes:\n".to_owned();
    for (code, meaning) in codes {
        let screen = Screen {
            width: LIST_WIDTH,
            colour: Colour::Never,
        };
        text += &screen.wrapped(None, &format!("  {code:<5}"), meaning, 7);
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_in_one_short_sentence() {
        let cli = Cli::command();
        assert_eq!(facts(&cli).count(), cli.get_subcommands().count());
        for command in cli.get_subcommands() {
            let name = command.get_name();
            let about = command.get_about().unwrap().to_string();
            let about = first_sentence(about.lines().next().unwrap_or_default());
            let width = about.chars().count();
            assert!(
                width <= 63,
                "`{name}`: the first sentence is too long: {about}"
            );
        }
    }

    #[test]
    fn a_comment_becomes_a_page() {
        let page = Page::read(
            "Does it. At once.\n\nIn two\nlines:\n\n    a: b\n      c: d\n\n    e\n\nExit codes: 0 done; 12 not\ndone.",
        );
        assert_eq!(page.summary, "Does it");
        assert_eq!(
            page.text,
            "Does it. At once.\n\nIn two lines:\n\n    a: b\n      c: d\n\n    e"
        );
        assert_eq!(page.example.unwrap(), "    a: b\n      c: d");
        assert_eq!(
            list(&page.codes),
            "Exit codes:\n  0    done\n  12   not done"
        );
    }

    #[test]
    fn a_long_meaning_goes_on_below_itself() {
        let long = list(&[("0".to_owned(), "word ".repeat(20).trim_end().to_owned())]);
        let lines: Vec<&str> = long.lines().skip(1).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  0    word"));
        assert!(lines[1].starts_with("       word"));
        assert!(lines.iter().all(|line| line.len() <= LIST_WIDTH));
    }
}
