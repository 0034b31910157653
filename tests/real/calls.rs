//! The calls of Patroni, recorded by a program in front of the tested one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::prerequisites::Versions;
use super::{folder, wait};

/// The time limit of a call.
const LIMIT: Duration = Duration::from_secs(90);

/// The record of one node's calls.
#[derive(Clone)]
pub struct Calls {
    file: PathBuf,
    /// The path used in Patroni's configuration instead of the programs themselves.
    pub program: PathBuf,
    pub python: PathBuf,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Seconds since 1970.
    pub at: f64,
    pub arguments: String,
    /// The time of its end, and its exit code. `None` while it is running, and for one that was killed.
    pub end: Option<(f64, i32)>,
}

impl Call {
    pub fn exit(&self) -> Option<i32> {
        self.end.map(|(_, code)| code)
    }
}

impl Calls {
    /// Creates programs in `home` that record the call and then run `binary`, or the Python tool.
    pub fn new(home: &Path, binary: &Path) -> Self {
        let calls = Self {
            file: home.join("calls"),
            program: home.join("patroni_barman"),
            python: home.join("patroni_barman_python"),
        };
        calls.front(&calls.program, binary);
        calls.front(&calls.python, &Versions::Newest.program("patroni_barman"));
        calls
    }

    fn front(&self, path: &Path, program: &Path) {
        let script = format!(
            "#!/bin/sh\n\
             id=$$\n\
             echo \"$id $(date +%s.%N) start $*\" >> {file}\n\
             {program} \"$@\"\n\
             code=$?\n\
             echo \"$id $(date +%s.%N) end $code\" >> {file}\n\
             exit $code\n",
            file = self.file.display(),
            program = program.display(),
        );
        folder::write(path, &script);
    }

    pub fn all(&self) -> Vec<Call> {
        let mut calls: Vec<(String, Call)> = Vec::new();
        for line in std::fs::read_to_string(&self.file)
            .unwrap_or_default()
            .lines()
        {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default();
            // a line is `ID TIME start ARGUMENTS` or `ID TIME end CODE`
            let (id, at, what, rest) = (word(), word(), word(), word());
            if what == "start" {
                let at = at.parse().expect("a time");
                calls.push((
                    id.to_owned(),
                    Call {
                        at,
                        arguments: rest.to_owned(),
                        end: None,
                    },
                ));
            } else if let Some((_, call)) = calls.iter_mut().rfind(|(started, _)| started == id) {
                call.end = at.parse().ok().zip(rest.parse().ok());
            }
        }
        calls.into_iter().map(|(_, call)| call).collect()
    }

    /// The last call whose arguments contain `words`.
    pub fn last(&self, words: &str) -> Option<Call> {
        self.all()
            .into_iter()
            .rfind(|call| call.arguments.contains(words))
    }

    /// Waits until there is such a call.
    #[track_caller]
    pub fn until_called(&self, words: &str) {
        let called = || self.last(words).ok_or("not called");
        wait::until(LIMIT, &format!("the call `{words}`"), called);
    }

    /// Waits for the end of the last such call, and asserts its exit code.
    #[track_caller]
    pub fn ends(&self, words: &str, code: i32) {
        let ended = || {
            let call = self.last(words);
            let exit = call.as_ref().and_then(Call::exit);
            exit.ok_or_else(|| format!("{call:?}"))
        };
        let exit = wait::until(LIMIT, &format!("the end of `{words}`"), ended);
        assert_eq!(exit, code, "{words}: {:?}", self.all());
    }
}
