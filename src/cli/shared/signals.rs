//! Signals: those that must not end a failover, and those that a process that stays obeys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

/// Survives a limit of file sizes (`ulimit -f`): the write fails, and is dropped or said.
pub fn survive_file_limit() {
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// SIGHUP asks a process that stays to open its log file again. SIGTERM and SIGINT end it at once, also as the first
/// process of a container.
pub struct Hangup(Arc<AtomicBool>);

impl Hangup {
    /// Obeys these signals from here on.
    pub fn obey() -> Self {
        let (hangup, always) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        let _ = flag::register(SIGHUP, Arc::clone(&hangup));
        for end in [SIGTERM, SIGINT] {
            let _ = flag::register_conditional_shutdown(end, 0, Arc::clone(&always));
        }
        Self(hangup)
    }

    /// Tells once of each SIGHUP.
    pub fn came(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// The same for a process that has something to do before it ends: the first SIGTERM or SIGINT asks it to end, the second one
/// ends it.
pub struct Orders {
    hangup: Hangup,
    end: Arc<AtomicBool>,
}

impl Orders {
    /// Obeys these signals from here on.
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

    /// Tells once of each SIGHUP.
    pub fn reload(&self) -> bool {
        self.hangup.came()
    }

    /// Tells whether the process is to end.
    pub fn end(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }
}
