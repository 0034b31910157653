//! Starting and ending programs through `guard.py`, the one process that outlives a killed test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::wait;

/// The connection to `guard.py`. Dropping the last copy ends everything and removes the directory.
#[derive(Clone)]
pub struct Guard {
    talk: Arc<Mutex<Talk>>,
    folder: PathBuf,
}

struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[derive(Clone, Debug)]
pub struct Spec {
    name: String,
    user: Option<&'static str>,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
}

#[derive(Clone)]
pub struct Process {
    guard: Guard,
    name: String,
    pid: u32,
}

/// The output of a program that ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i64,
    pub output: String,
}

impl Ended {
    /// Asserts its exit code.
    #[track_caller]
    pub fn exits(self, code: i64) -> Self {
        assert_eq!(self.code, code, "{}", self.output);
        self
    }

    /// Asserts that its output contains this.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(
            self.output.contains(words),
            "no `{words}` in\n{}",
            self.output
        );
        self
    }
}

impl Spec {
    /// `name` is also the name of the log.
    pub fn new(name: impl Into<String>, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self {
            name: name.into(),
            user: None,
            argv,
            env: BTreeMap::new(),
        }
    }

    pub fn user(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
}

impl Guard {
    /// Starts the guard of `folder`, which must exist.
    pub fn new(folder: &Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/guard.py");
        let log =
            std::fs::File::create(folder.join("logs/guard.log")).expect("a log for the guard");
        let mut child = Command::new("/usr/bin/python3")
            .args(["-I", script])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .current_dir("/")
            // a group of its own: killing the tests' group must not affect it
            .process_group(0)
            .spawn()
            .expect("start /usr/bin/python3");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            talk: Arc::new(Mutex::new(Talk {
                child,
                input,
                output,
            })),
            folder: folder.to_owned(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn ask(&self, request: &Value) -> Value {
        // a test that panicked in here must not hide the reason from the others
        let mut talk = self
            .talk
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let input = talk.input.as_mut().expect("the guard is alive");
        writeln!(input, "{request}")
            .and_then(|()| input.flush())
            .expect("the guard listens");
        let mut line = String::new();
        talk.output.read_line(&mut line).expect("the guard answers");
        let answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("guard: {error}: `{line}`"));
        assert!(answer.get("error").is_none(), "guard: {request}: {answer}");
        answer
    }

    /// Starts a program that keeps running.
    pub fn start(&self, spec: &Spec) -> Process {
        let answer = self.ask(&json!({
            "do": "start",
            "user": spec.user,
            "argv": spec.argv,
            "env": spec.env,
            "log": self.log(&spec.name),
        }));
        let pid = answer["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok())
            .expect("a pid");
        Process {
            guard: self.clone(),
            name: spec.name.clone(),
            pid,
        }
    }

    /// Runs a program to its end.
    pub fn run(&self, spec: &Spec, limit: Duration) -> Ended {
        let log = self.log(&spec.name);
        let before = std::fs::metadata(&log).map_or(0, |log| log.len());
        let process = self.start(spec);
        let code = process.ends(limit);
        let all = std::fs::read(&log).expect("its log");
        let output = all
            .get(usize::try_from(before).expect("a small log")..)
            .unwrap_or_default();
        Ended {
            code,
            output: String::from_utf8_lossy(output).into_owned(),
        }
    }

    /// Runs a program that must succeed and returns its output.
    pub fn must(&self, spec: &Spec, limit: Duration) -> String {
        let ended = self.run(spec, limit);
        assert_eq!(ended.code, 0, "{:?} failed:\n{}", spec.argv, ended.output);
        ended.output
    }

    /// Runs a command that prepares something, as this user.
    pub fn set_up(&self, user: &'static str, argv: &[&str]) {
        let argv = argv.iter().copied();
        self.must(
            &Spec::new("setup", argv).user(user),
            Duration::from_secs(20),
        );
    }

    /// Every living process that was started here, and the guard itself.
    pub fn tree(&self) -> Vec<u32> {
        let pid = self
            .talk
            .lock()
            .expect("nobody panicked with it")
            .child
            .id();
        self.tree_of(pid)
    }

    fn tree_of(&self, pid: u32) -> Vec<u32> {
        let answer = self.ask(&json!({"do": "tree", "pid": pid}));
        serde_json::from_value(answer["pids"].clone()).expect("pids")
    }

    /// Kills a descendant of a started process, with its own descendants.
    pub fn kill_tree(&self, pid: u32) {
        self.ask(&json!({"do": "end", "pid": pid, "name": "KILL"}));
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }
}

impl Process {
    /// The exit code, negative for a signal; `None` while it is running.
    pub fn exit(&self) -> Option<i64> {
        self.guard.ask(&json!({"do": "status", "pid": self.pid}))["exit"].as_i64()
    }

    /// Kills it and all its descendants.
    pub fn kill(&self) {
        self.guard
            .ask(&json!({"do": "end", "pid": self.pid, "name": "KILL"}));
        self.ends(Duration::from_secs(10));
    }

    /// Asks it to end, and waits for that.
    pub fn stop(&self, limit: Duration) {
        self.signal("TERM");
        self.ends(limit);
    }

    pub fn signal(&self, name: &str) {
        self.guard
            .ask(&json!({"do": "end", "pid": self.pid, "name": name}));
    }

    /// The process and all its living descendants.
    pub fn tree(&self) -> Vec<u32> {
        self.guard.tree_of(self.pid)
    }

    /// Waits for its end, and returns its exit code.
    #[track_caller]
    pub fn ends(&self, limit: Duration) -> i64 {
        wait::until(limit, &format!("the end of {}", self.name), || {
            self.exit().ok_or("running")
        })
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // the guard ends at the end of its input
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
