//! Manual pages, set from the same comments as the help.

use clap::{Arg, Command, CommandFactory as _};

use super::commands::{Cli, facts};
use super::help::{self, Page};
use super::shared::command::{Facts, Group};
use super::shared::invocation::{DEFAULT_RULES, RULES_VARIABLE};
use super::shared::state::STATE_VARIABLE;
use super::shared::version;

/// All pages, by their names.
pub fn pages() -> Vec<(String, String)> {
    let cli = help::pages();
    let all: Vec<_> = facts(&cli).collect();
    let names = std::iter::once(None).chain(all.iter().map(|(name, _)| Some(*name)));
    names
        .map(|name| (title(name), page(&cli, name, &all)))
        .collect()
}

/// The page of the program (`None`) or of one of its commands.
fn page(cli: &Command, name: Option<&str>, all: &[(&str, Facts)]) -> String {
    let facts = name.and_then(|name| all.iter().find(|(known, _)| *known == name));
    let facts = facts.map(|(_, facts)| *facts);
    let title = title(name);
    let command = name
        .and_then(|name| cli.find_subcommand(name))
        .unwrap_or(cli);
    let text = comment(name);
    let mut roff = Roff::default();
    let source = format!("patroni_barman {}", version::VERSION);
    let (head, source) = (quoted(&title.to_uppercase()), quoted(&source));
    roff.line(&format!(".TH {head} 1 \"\" {source} \"User Commands\""));
    roff.section("NAME");
    roff.text(&format!("{title} - {}", text.summary));
    roff.section("SYNOPSIS");
    synopsis(&mut roff, command, name);
    roff.section("DESCRIPTION");
    roff.prose(&text.text);
    if name.is_none() {
        commands(&mut roff, cli, all);
    }
    options(&mut roff, command);
    if !text.codes.is_empty() {
        roff.section("EXIT STATUS");
        for (code, meaning) in &text.codes {
            roff.item(&bold(code), meaning);
        }
    }
    let takes_rules = |argument: &Arg| ["rules", "paths"].contains(&argument.get_id().as_str());
    let rules = name.is_none() || command.get_arguments().any(takes_rules);
    let state = facts.is_none_or(|facts| matches!(facts.group, Group::Patroni | Group::Barman));
    environment(&mut roff, rules, state);
    if rules || state {
        files(&mut roff, rules, state);
    }
    roff.section("SEE ALSO");
    roff.text(&see_also(name, facts, all));
    roff.text
}

/// What a command's comment says, the exit codes included.
fn comment(name: Option<&str>) -> Page {
    let cli = Cli::command();
    let command = name.and_then(|name| cli.find_subcommand(name));
    let command = command.unwrap_or(&cli);
    let text = command.get_long_about().or(command.get_about());
    Page::read(&text.map(ToString::to_string).unwrap_or_default())
}

fn title(name: Option<&str>) -> String {
    name.map_or_else(
        || "patroni_barman".to_owned(),
        |name| format!("patroni_barman-{name}"),
    )
}

fn synopsis(roff: &mut Roff, command: &Command, name: Option<&str>) {
    let options = italic("OPTIONS");
    let mut line = match name {
        Some(name) => format!("{} [{options}]", bold(&format!("patroni_barman {name}"))),
        None => format!(
            "{} [{options}] {} [{}]",
            bold("patroni_barman"),
            italic("COMMAND"),
            italic("ARGUMENTS")
        ),
    };
    for argument in command.get_positionals() {
        let word = value(argument);
        let range = argument.get_num_args();
        let is_list = range.is_some_and(|range| range.max_values() > 1);
        let more = if is_list { "..." } else { "" };
        line = if argument.is_required_set() {
            format!("{line} {word}{more}")
        } else {
            format!("{line} [{word}]{more}")
        };
    }
    roff.line(&line);
}

fn commands(roff: &mut Roff, cli: &Command, all: &[(&str, Facts)]) {
    roff.section("COMMANDS");
    for group in Group::ALL {
        roff.line(&format!(".SS {}", quoted(group.heading())));
        for (name, _) in all.iter().filter(|(_, facts)| facts.group == group) {
            let about = cli.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            roff.item(&format!("{}(1)", bold(&title(Some(name)))), &about);
        }
    }
}

fn options(roff: &mut Roff, command: &Command) {
    let shown = |argument: &&Arg| !argument.is_hide_set();
    let mut arguments: Vec<_> = command.get_arguments().filter(shown).collect();
    arguments.sort_by_key(|argument| (!argument.is_positional(), argument.is_global_set()));
    roff.section("OPTIONS");
    for argument in arguments {
        let short = argument.get_short().map(|short| format!("-{short}"));
        let long = argument.get_long().map(|long| format!("--{long}"));
        let names: Vec<_> = short.iter().chain(&long).map(|name| bold(name)).collect();
        let mut head = names.join(", ");
        if argument.is_positional() {
            head = value(argument);
        } else if argument.get_action().takes_values() {
            let range = argument.get_num_args();
            let is_optional = range.is_some_and(|range| range.min_values() == 0);
            head = if is_optional {
                format!("{head}[={}]", value(argument))
            } else {
                format!("{head} {}", value(argument))
            };
        }
        let text = argument.get_long_help().or(argument.get_help());
        let text = text.map(ToString::to_string).unwrap_or_default();
        let text = match argument.get_id().as_str() {
            "help" => "Show a short help page with -h, a full one with --help.",
            _ => text.as_str(),
        };
        let mut paragraphs = text.split("\n\n").map(joined);
        let first = paragraphs.next().unwrap_or_default();
        roff.item(&head, &sentence(&first, argument));
        for paragraph in paragraphs {
            roff.line(".IP");
            roff.text(&paragraph);
        }
        let values = argument.get_possible_values();
        if argument.get_action().takes_values() && !argument.is_hide_possible_values_set() {
            for value in values.iter().filter(|value| !value.is_hide_set()) {
                let help = value.get_help().map(ToString::to_string);
                roff.line(".RS");
                roff.item(&bold(value.get_name()), &joined(&help.unwrap_or_default()));
                roff.line(".RE");
            }
        }
    }
}

/// The words for the value of an option or argument.
fn value(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some(names) => {
            let names: Vec<_> = names.iter().map(|name| italic(name)).collect();
            names.join(" ")
        }
        None => italic(&argument.get_id().as_str().to_uppercase()),
    }
}

/// The help of an argument, with its default.
fn sentence(help: &str, argument: &Arg) -> String {
    let end = if help.ends_with(['.', '!']) { "" } else { "." };
    let help = format!("{help}{end}");
    let shown = !argument.is_hide_default_value_set() && argument.get_action().takes_values();
    match argument.get_default_values() {
        [default] if shown => format!("{help} The default is {}.", default.to_string_lossy()),
        _ => help,
    }
}

fn environment(roff: &mut Roff, rules: bool, state: bool) {
    roff.section("ENVIRONMENT");
    let mut put = |wanted: bool, name: &str, text: &str| {
        if wanted {
            roff.item(&bold(name), text);
        }
    };
    put(
        rules,
        RULES_VARIABLE,
        "The rules, where no option or argument names them.",
    );
    put(
        state,
        STATE_VARIABLE,
        "The state database. It takes precedence over `state.path` in the rules file.",
    );
    put(
        state,
        "PATRONI_NAME",
        "This Patroni member's name, without --node. Patroni removes it from the environment of a callback.",
    );
    put(
        state,
        "XDG_STATE_HOME",
        "The folder of the state of a user who may write to neither /var/lib/patroni_barman nor /var/lib/patroni_barman_agent; if it is not set, ~/.local/state.",
    );
    put(
        true,
        "NO_COLOR",
        "If it is set and not empty, no colours are used.",
    );
    put(
        true,
        "CLICOLOR_FORCE",
        "If it is set and not 0, colours are used, also in a pipe or file. NO_COLOR takes precedence, and --color over both.",
    );
    put(true, "COLUMNS", "The width of tables and of wrapped text.");
}

fn files(roff: &mut Roff, rules: bool, state: bool) {
    roff.section("FILES");
    if rules {
        roff.item(&italic(DEFAULT_RULES), "The rules.");
    }
    if state {
        roff.item(
            &italic("/var/lib/patroni_barman/state.db"),
            "The state database: pending requests, history and receipts.",
        );
        roff.item(
            &italic("/var/lib/patroni_barman_agent/state.db"),
            "The same for the agent.",
        );
        roff.item(
            &italic("~/.local/state/patroni_barman/state.db"),
            "The same for a user who may write to neither.",
        );
    }
}

/// The program, the commands of the same group, and the programs on both sides.
fn see_also(name: Option<&str>, facts: Option<Facts>, all: &[(&str, Facts)]) -> String {
    let near = |(other, known): &&(&str, Facts)| {
        Some(*other) != name && facts.is_none_or(|facts| facts.group == known.group)
    };
    let program = name.map(|_| title(None)).into_iter();
    let near = all.iter().filter(near).map(|(other, _)| title(Some(other)));
    let sides = ["patroni", "barman"].map(str::to_owned);
    let pages = program.chain(near).chain(sides);
    let pages: Vec<_> = pages.map(|page| format!("{page}(1)")).collect();
    pages.join(", ")
}

/// The width of a line of text in the source of a page.
const WIDTH: usize = 76;

#[derive(Default)]
struct Roff {
    text: String,
}

impl Roff {
    /// A request, or a line that has its escapes already.
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn section(&mut self, name: &str) {
        self.line(&format!(".SH {}", quoted(name)));
    }

    /// Text that is filled.
    fn text(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            let word = escaped(word);
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                self.words(&std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        self.words(&line);
    }

    /// An escaped line of text. A dot or a quote at its beginning would be a request.
    fn words(&mut self, line: &str) {
        let is_like_request = line.starts_with(['.', '\'']);
        let guard = if is_like_request { "\\&" } else { "" };
        self.line(&format!("{guard}{line}"));
    }

    fn item(&mut self, head: &str, text: &str) {
        self.line(".TP");
        self.line(head);
        self.text(if text.is_empty() { "-" } else { text });
    }

    /// Paragraphs; those that are indented are examples.
    fn prose(&mut self, text: &str) {
        for (number, paragraph) in text.split("\n\n").enumerate() {
            if number > 0 {
                self.line(".PP");
            }
            if paragraph.starts_with("    ") {
                self.line(".RS 4\n.nf");
                for line in paragraph.lines() {
                    let line = line.strip_prefix("    ").unwrap_or(line);
                    self.words(&escaped(line));
                }
                self.line(".fi\n.RE");
            } else {
                self.text(&joined(paragraph));
            }
        }
    }
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", escaped(text))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('"', "\\(dq"))
}

/// Text that roff prints as it is: a hyphen that can be copied, straight quotes, no line that is a request.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '~' => escaped.push_str("\\(ti"),
            '^' => escaped.push_str("\\(ha"),
            '…' => escaped.push_str("..."),
            c => escaped.push(c),
        }
    }
    escaped
}
