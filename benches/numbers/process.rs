//! A process and its cost.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// The cost of one run of a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    /// Time from start to end.
    pub wall: Duration,
    /// Processor time, user and system.
    pub cpu: Duration,
    /// Peak memory, in bytes.
    pub memory: u64,
}

impl Sample {
    /// The sum of two processes that run one after the other.
    pub fn then(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            memory: self.memory.max(next.memory),
        }
    }
}

/// Runs a process, which must end with this exit code.
pub fn measure(command: &mut Command, code: i32) -> Sample {
    measure_output(command, code).0
}

/// Runs a process, which must end with this exit code, and returns its standard output.
pub fn measure_output(command: &mut Command, code: i32) -> (Sample, String) {
    let log = tempfile::tempfile().expect("a temporary file");
    let mut written = log.try_clone().expect("a second handle");
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    let mut output = String::new();
    child
        .stdout
        .take()
        .expect("it is piped")
        .read_to_string(&mut output)
        .expect("text");
    let ended = child.wait4().expect("it was started");
    let wall = started.elapsed();
    if ended.status.code() != Some(code) {
        use std::io::Seek as _;
        let mut errors = String::new();
        let _ = written.rewind();
        let _ = written.read_to_string(&mut errors);
        panic!(
            "{command:?} ended with {}, not with {code}\n{output}{errors}",
            ended.status
        );
    }
    let sample = Sample {
        wall,
        cpu: ended.rusage.utime + ended.rusage.stime,
        memory: ended.rusage.maxrss,
    };
    (sample, output)
}
