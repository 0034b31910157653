//! Signals: those that must not interrupt a failover, and those that a long-running process obeys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

/// Ignores the signal for a file size limit (`ulimit -f`): the write fails, and the line is dropped or the error reported.
pub fn survive_file_limit() {
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// SIGHUP asks a long-running process to reopen its log file. SIGTERM and SIGINT end it at once, also as the first
/// process of a container.
pub struct Hangup(Arc<AtomicBool>);

impl Hangup {
    pub fn obey() -> Self {
        let (hangup, always) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        let _ = flag::register(SIGHUP, Arc::clone(&hangup));
        for end in [SIGTERM, SIGINT] {
            let _ = flag::register_conditional_shutdown(end, 0, Arc::clone(&always));
        }
        Self(hangup)
    }

    /// Returns true once for each SIGHUP.
    pub fn came(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// The same for a process with work to finish: the first SIGTERM or SIGINT asks it to end, the second one
/// ends it.
pub struct Orders {
    hangup: Hangup,
    end: Arc<AtomicBool>,
}

impl Orders {
    pub fn obey() -> Self {
        let (hangup, end) = (Arc::default(), Arc::<AtomicBool>::default());
        let _ = flag::register(SIGHUP, Arc::clone(&hangup));
        for signal in [SIGTERM, SIGINT] {
            let _ = flag::register_conditional_shutdown(signal, 0, Arc::clone(&end));
            let _ = flag::register(signal, Arc::clone(&end));
        }
        Self {
            hangup: Hangup(hangup),
            end,
        }
    }

    /// Returns true once for each SIGHUP.
    pub fn reload(&self) -> bool {
        self.hangup.came()
    }

    pub fn end(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }
}
