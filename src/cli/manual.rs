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
    let names = all.iter().map(|(name, _)| Some(*name));
    let names = std::iter::once(None).chain(names);
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
    roff.request(&format!(
        ".TH {} 1 \"\" {} {}",
        quoted(&title.to_uppercase()),
        quoted(&source),
        quoted("User Commands"),
    ));
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
    let has_rules = has(command, "rules") || has(command, "paths");
    let has_state = facts.is_none_or(|facts| matches!(facts.group, Group::Patroni | Group::Barman));
    environment(&mut roff, has_rules || name.is_none(), has_state);
    if has_rules || has_state {
        files(&mut roff, has_rules || name.is_none(), has_state);
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

/// The name of a page.
fn title(name: Option<&str>) -> String {
    name.map_or_else(
        || "patroni_barman".to_owned(),
        |name| format!("patroni_barman-{name}"),
    )
}

fn has(command: &Command, id: &str) -> bool {
    command
        .get_arguments()
        .any(|argument| argument.get_id() == id)
}

fn synopsis(roff: &mut Roff, command: &Command, name: Option<&str>) {
    let program = name.map_or_else(
        || "patroni_barman".to_owned(),
        |name| format!("patroni_barman {name}"),
    );
    let mut line = format!("{} [{}]", bold(&program), italic("OPTIONS"));
    if name.is_none() {
        line = format!("{line} {} [{}]", italic("COMMAND"), italic("ARGUMENTS"));
    }
    for argument in command.get_positionals() {
        let word = value(argument);
        let more = if argument
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1)
        {
            "..."
        } else {
            ""
        };
        let word = if argument.is_required_set() {
            format!("{word}{more}")
        } else {
            format!("[{word}]{more}")
        };
        line = format!("{line} {word}");
    }
    roff.set(&line);
}

fn commands(roff: &mut Roff, cli: &Command, all: &[(&str, Facts)]) {
    roff.section("COMMANDS");
    for group in Group::ALL {
        roff.request(&format!(".SS {}", quoted(group.heading())));
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
        let mut head = match (argument.get_short(), argument.get_long()) {
            (Some(short), Some(long)) => {
                format!(
                    "{}, {}",
                    bold(&format!("-{short}")),
                    bold(&format!("--{long}"))
                )
            }
            (Some(short), None) => bold(&format!("-{short}")),
            (None, Some(long)) => bold(&format!("--{long}")),
            (None, None) => value(argument),
        };
        if !argument.is_positional() && argument.get_action().takes_values() {
            let optional = argument
                .get_num_args()
                .is_some_and(|range| range.min_values() == 0);
            head = if optional {
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
        roff.item(
            &head,
            &sentence(&paragraphs.next().unwrap_or_default(), argument),
        );
        for paragraph in paragraphs {
            roff.request(".IP");
            roff.text(&paragraph);
        }
        let values = argument.get_possible_values();
        if argument.get_action().takes_values() && !argument.is_hide_possible_values_set() {
            for value in values.iter().filter(|value| !value.is_hide_set()) {
                let help = value.get_help().map(ToString::to_string);
                roff.request(".RS");
                roff.item(&bold(value.get_name()), &joined(&help.unwrap_or_default()));
                roff.request(".RE");
            }
        }
    }
}

/// The words for the value of an option or argument.
fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| italic(name)).collect();
    if names.is_empty() {
        italic(&argument.get_id().as_str().to_uppercase())
    } else {
        names.join(" ")
    }
}

/// The help of an argument, with its default.
fn sentence(help: &str, argument: &Arg) -> String {
    let end = if help.ends_with(['.', '!']) { "" } else { "." };
    let help = format!("{help}{end}");
    let defaults = argument.get_default_values();
    if defaults.is_empty()
        || argument.is_hide_default_value_set()
        || !argument.get_action().takes_values()
    {
        return help;
    }
    let defaults: Vec<_> = defaults
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    format!("{help} The default is {}.", defaults.join(" "))
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
    let mut pages = vec![title(None)];
    pages.retain(|_| name.is_some());
    pages.extend(all.iter().filter(near).map(|(other, _)| title(Some(other))));
    pages.extend(["patroni", "barman"].map(str::to_owned));
    let pages: Vec<_> = pages.iter().map(|page| format!("{page}(1)")).collect();
    pages.join(", ")
}

/// The width of a line of text in the source of a page.
const WIDTH: usize = 76;

/// A page in roff.
#[derive(Default)]
struct Roff {
    text: String,
}

impl Roff {
    fn request(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn section(&mut self, name: &str) {
        self.request(&format!(".SH {}", quoted(name)));
    }

    /// A line that has its escapes already.
    fn set(&mut self, line: &str) {
        self.request(line);
    }

    /// Text that is filled.
    fn text(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            let word = escaped(word);
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                self.line(&std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        self.line(&line);
    }

    /// An escaped line. A dot or a quote at its beginning would be a request.
    fn line(&mut self, line: &str) {
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        self.request(&format!("{guard}{line}"));
    }

    fn item(&mut self, head: &str, text: &str) {
        self.request(".TP");
        self.set(head);
        self.text(if text.is_empty() { "-" } else { text });
    }

    /// Paragraphs; those that are indented are examples.
    fn prose(&mut self, text: &str) {
        for (number, paragraph) in text.split("\n\n").enumerate() {
            if number > 0 {
                self.request(".PP");
            }
            if paragraph.starts_with("    ") {
                for line in [".RS 4", ".nf"] {
                    self.request(line);
                }
                let lines = paragraph
                    .lines()
                    .map(|line| line.strip_prefix("    ").unwrap_or(line));
                for line in lines {
                    self.line(&escaped(line));
                }
                for line in [".fi", ".RE"] {
                    self.request(line);
                }
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
