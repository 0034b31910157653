//! The program as started on a node by Patroni and by operators.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::ended::Ended;
use super::node::Node;
use super::program::with_state;
use super::wait::wait;

/// Arguments of every `run` in a test, unless the test sets the option itself.
const EVERY_RUN: &[&str] = &["--second-look", "0s"];

/// A command line that is not yet started.
pub struct Call<'a> {
    node: &'a Node,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    pub fn new(node: &'a Node) -> Self {
        Self {
            node,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, for other ways of starting it.
    pub fn command(&self) -> Command {
        let mut command = with_state(&self.node.state());
        command
            .env("PATRONI_BARMAN_RULES", self.node.rules())
            .envs(self.environment.iter().cloned())
            .current_dir(self.node.folder());
        if let [first, others @ ..] = &self.arguments[..] {
            command.arg(first);
            let own = others.iter().any(|argument| argument == EVERY_RUN[0]);
            if first == "run" && !own {
                command.args(EVERY_RUN);
            }
            command.args(others);
        }
        command
    }

    pub fn start(&self) -> Running {
        let number = self.node.next_call();
        let path = |stream: &str| self.node.folder().join(format!("{stream}.{number}"));
        let (stdout, stderr) = (path("stdout"), path("stderr"));
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(fs::File::create(&stdout).unwrap())
            .stderr(fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Running {
            child,
            stdout,
            stderr,
        }
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ended {
        self.start().end()
    }
}

/// Runs a command to its end under limits that this shell command sets.
pub fn limited(command: &Command, limits: &str) -> Ended {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Ended::of(&mut shell)
}

/// A running program. Its output goes to files, so that no pipe can block it.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the standard error so far.
    pub fn log(&self) -> String {
        read(&self.stderr)
    }

    /// Waits until the program has written this to standard error.
    pub fn until_it_says(&mut self, words: &str) {
        let (child, stderr) = (&mut self.child, &self.stderr);
        let said = wait(|| {
            let ended = child.try_wait().unwrap().is_some();
            let said = read(stderr).contains(words);
            (said || ended).then_some(said)
        });
        assert_eq!(said, Some(true), "no `{words}` in\n{}", self.log());
    }

    /// Kills it with SIGKILL as soon as the condition is true. Returns `false` if it ended by itself before.
    pub fn kill_when(&mut self, mut so: impl FnMut() -> bool) -> bool {
        let child = &mut self.child;
        let killed = wait(|| {
            if so() {
                return Some(true);
            }
            child.try_wait().unwrap().map(|_| false)
        });
        if killed != Some(false) {
            self.kill();
        }
        assert!(killed.is_some(), "it hangs: {}", self.log());
        killed == Some(true)
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end. A hanging program is killed.
    pub fn end(mut self) -> Ended {
        let status = wait(|| self.child.try_wait().unwrap());
        if status.is_none() {
            self.kill();
        }
        let exit = status.and_then(|status| status.code()).unwrap_or(-1);
        Ended::new(exit, read(&self.stdout), read(&self.stderr))
    }
}

fn read(path: &PathBuf) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}
