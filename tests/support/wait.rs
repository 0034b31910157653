//! Waiting for something that happens elsewhere.

use std::thread;
use std::time::{Duration, Instant};

/// Nothing here takes longer; what does, hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer. `None`: there was none in time.
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

/// Waits until this is so.
#[track_caller]
pub fn until(mut so: impl FnMut() -> bool) {
    assert!(wait(|| so().then_some(())).is_some(), "it never became so");
}
