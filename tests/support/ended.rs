//! The end of a program: its exit code and its output.

use std::fmt::{self, Display};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Every assertion shows the whole output, and the case that it belongs to.
#[derive(Debug, Default)]
pub struct Ended {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
    case: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        let exit = output.status.code().unwrap_or(-1);
        Self::new(exit, text(output.stdout), text(output.stderr))
    }
}

impl Ended {
    pub fn new(exit: i32, stdout: String, stderr: String) -> Self {
        Self {
            exit,
            stdout,
            stderr,
            case: String::new(),
        }
    }

    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    /// Runs a command to its end, with this on its standard input.
    pub fn fed(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // a program need not read it to its end
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }

    /// Names the case of a table that it belongs to.
    pub fn case(mut self, name: impl Display) -> Self {
        self.case = name.to_string();
        self
    }

    /// Asserts its exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.exit, code, "{self}");
        self
    }

    /// Asserts that standard error contains this.
    #[track_caller]
    pub fn says(self, words: impl AsRef<str>) -> Self {
        let words = words.as_ref();
        assert!(self.stderr.contains(words), "no `{words}` in\n{self}");
        self
    }

    /// Asserts that standard error does not contain this.
    #[track_caller]
    pub fn never_says(self, words: impl AsRef<str>) -> Self {
        let words = words.as_ref();
        assert!(!self.stderr.contains(words), "`{words}` in\n{self}");
        self
    }

    /// Asserts that standard output contains this.
    #[track_caller]
    pub fn shows(self, words: impl AsRef<str>) -> Self {
        let words = words.as_ref();
        assert!(self.stdout.contains(words), "no `{words}` in\n{self}");
        self
    }

    /// Asserts that standard output starts with this.
    #[track_caller]
    pub fn starts(self, words: impl AsRef<str>) -> Self {
        let words = words.as_ref();
        assert!(
            self.stdout.starts_with(words),
            "no `{words}` first in\n{self}"
        );
        self
    }

    /// Asserts that standard output does not contain this.
    #[track_caller]
    pub fn never_shows(self, words: impl AsRef<str>) -> Self {
        let words = words.as_ref();
        assert!(!self.stdout.contains(words), "`{words}` in\n{self}");
        self
    }

    /// Asserts that one of the outputs contains this.
    #[track_caller]
    pub fn tells(self, words: impl AsRef<str>) -> Self {
        let words = words.as_ref();
        assert!(self.both().contains(words), "no `{words}` in\n{self}");
        self
    }

    /// Standard output, and standard error after it.
    pub fn both(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The result on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The reason why its first step was not done.
    pub fn message(&self) -> String {
        let message = self.json()["steps"][0]["message"].clone();
        message.as_str().unwrap_or_default().to_owned()
    }
}

impl Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            exit,
            stdout,
            stderr,
            case,
        } = self;
        if !case.is_empty() {
            writeln!(f, "case: {case}")?;
        }
        write!(f, "exit code {exit}\n{stderr}\n{stdout}")
    }
}
