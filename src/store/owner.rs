//! The process that is working on an intent.

use std::fs;

/// A process, distinguished from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let pid = std::process::id();
        Self(format!(
            "{} {pid} {}",
            boot(),
            started(pid).unwrap_or_default()
        ))
    }

    /// An owner as recorded.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text to record.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if the process still runs on this machine. One that is invisible, for example in another container,
    /// counts as gone: its requests are then looked up before anything is sent again.
    #[must_use]
    pub fn alive(&self) -> bool {
        let mut words = self.0.split(' ');
        let (Some(boot_id), Some(pid), Some(start)) = (words.next(), words.next(), words.next())
        else {
            return false;
        };
        let same_start = |pid| started(pid).is_some_and(|now| now == start);
        boot_id == boot() && pid.parse().is_ok_and(same_start)
    }
}

/// The ID of this boot of the machine.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// The start time of a process, in clock ticks since boot: the 22nd field of its `stat`. A killed process
/// that has not been reaped is gone.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may contain anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_others_are_not() {
        assert!(Owner::this().alive());
        let (boot, pid) = (boot(), std::process::id());
        for gone in [
            String::new(),
            format!("{boot} {pid} 1"),
            format!("other {pid} {}", started(pid).unwrap()),
        ] {
            assert!(!Owner::read(&gone).alive(), "{gone}");
        }
    }
}
