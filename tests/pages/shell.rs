//! Just as much of a shell as the pages need: words, quotes, variables before a command, and redirections.

/// A command of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Variables that are set for it.
    pub variables: Vec<(String, String)>,
    pub words: Vec<String>,
    /// The file that its standard input comes from.
    pub input: Option<String>,
    /// The file that its standard output goes to.
    pub output: Option<String>,
    /// The lines that the page shows below it.
    pub shown: Vec<String>,
}

impl Command {
    /// The commands of a block: in `console`, they begin with `$`, and what they print follows; in `sh`, every line is
    /// a command.
    pub fn all(language: &str, text: &str) -> Vec<Self> {
        if text.starts_with("#!") {
            return Vec::new(); // the content of a file
        }
        let joined = text.replace("\\\n", " ");
        let mut commands: Vec<Self> = Vec::new();
        for line in joined.lines() {
            if language == "sh" {
                if !line.is_empty() && !line.starts_with('#') {
                    commands.extend(line.split(" && ").map(Self::parse));
                }
            } else if let Some(command) = line.strip_prefix("$ ") {
                commands.push(Self::parse(command));
            } else {
                let command = commands.last_mut();
                let command = command.expect("a `console` block begins with `$`");
                command.shown.push(line.to_owned());
            }
        }
        commands
    }

    fn parse(line: &str) -> Self {
        let mut command = Self::default();
        let mut words = words(line).into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                ">" | ">>" => command.output = words.next(),
                "<" => command.input = words.next(),
                _ => match word.split_once('=') {
                    Some((name, value)) if command.words.is_empty() && is_variable(name) => {
                        command.variables.push((name.to_owned(), value.to_owned()));
                    }
                    _ => command.words.push(word),
                },
            }
        }
        if command.words.first().is_some_and(|word| word == "sudo") {
            let user = if command.words.get(1).is_some_and(|word| word == "-u") {
                3
            } else {
                1
            };
            command.words.drain(..user);
        }
        command
    }

    /// Its arguments; those of `cargo run` are the program's, after `--`.
    pub fn arguments(&self) -> &[String] {
        let cargo = self.program() == "cargo";
        let dashes = self.words.iter().position(|word| cargo && word == "--");
        &self.words[dashes.unwrap_or(0) + 1..]
    }

    /// The name of its program, without the folder.
    pub fn program(&self) -> &str {
        let word = self.words.first().map_or("export", String::as_str);
        word.rsplit('/').next().unwrap_or(word)
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The words of a line, without their quotes. `>` and `<` are words of their own where they are written so.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn commands_are_read_as_a_shell_reads_them() {
    let text = "$ PATRONI_BARMAN_STATE=x sudo -u postgres /usr/libexec/patroni_barman status \\\n  --format 'a b' > out\nshown\n$ true\n";
    let commands = Command::all("console", text);
    let [first, second] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    assert_eq!(first.program(), "patroni_barman");
    assert_eq!(first.words[1..], ["status", "--format", "a b"]);
    assert_eq!(first.output.as_deref(), Some("out"));
    assert_eq!(first.variables.len(), 1);
    assert_eq!(first.shown, ["shown"]);
    assert_eq!(second.program(), "true");
}
