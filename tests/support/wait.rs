//! Waiting for events in other processes.

use std::thread;
use std::time::{Duration, Instant};

/// The time limit of a wait; anything longer is hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer; `None` if there was none in time.
pub fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || started.elapsed() > PATIENCE {
            return answer;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the condition is true.
#[track_caller]
pub fn until(mut so: impl FnMut() -> bool) {
    assert!(wait(|| so().then_some(())).is_some(), "it never became so");
}
