//! The program as Patroni starts it, with rules written for one test.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::with_state;

/// Nothing here takes longer; a program that does is hanging, and the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own with a rules file, and how the program is called on it.
pub struct Callback {
    folder: TempDir,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Callback {
    /// A callback `on_role_change primary demo` with these rules.
    pub fn new(rules: &str) -> Self {
        let callback = Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
            arguments: Vec::new(),
        };
        let path = callback.rules();
        fs::write(&path, rules).unwrap();
        callback
            .args(["run", "--format", "json", "--rules"])
            .args([path.to_str().unwrap()])
            .args(["--node", "n1", "on_role_change", "primary", "demo"])
    }

    /// Where its rules are.
    pub fn rules(&self) -> PathBuf {
        self.folder.path().join("rules.yml")
    }

    /// Other arguments in the place of all so far.
    pub fn instead(mut self, arguments: &[&str]) -> Self {
        self.arguments.clear();
        self.args(arguments.iter().copied())
    }

    /// More arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    pub fn start(&self) -> Running {
        let output = |name: &str| fs::File::create(self.folder.path().join(name)).unwrap();
        let child = with_state(&self.folder.path().join("state.db"))
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .unwrap();
        Running {
            child,
            folder: self.folder.path().to_owned(),
        }
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ended {
        self.start().end()
    }
}

/// A program on its way.
pub struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    /// Waits until the program has said this on standard error.
    pub fn until_it_says(&mut self, words: &str) {
        let started = Instant::now();
        loop {
            if self.said("stderr").contains(words) {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "it did not say `{words}` but\n{}",
                self.said("stderr")
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > PATIENCE {
                self.child.kill().unwrap();
            }
            thread::sleep(Duration::from_millis(2));
        };
        Ended {
            exit: status.code().unwrap_or(-1),
            stdout: self.said("stdout"),
            stderr: self.said("stderr"),
        }
    }

    fn said(&self, stream: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join(stream)).unwrap()).into_owned()
    }
}

impl Ended {
    /// The result that it wrote to standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Why its first step was not done.
    pub fn message(&self) -> String {
        let message = self.json()["steps"][0]["message"].clone();
        message.as_str().unwrap_or_default().to_owned()
    }
}
