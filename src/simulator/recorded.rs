//! A recorded answer of Barman 3.19 with one server and one backup, to be overlaid with the simulator's own state.

use std::sync::LazyLock;

use serde_json::{Map, Value};

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Recorded {
    pub(super) global: Map<String, Value>,
    pub(super) server: RecordedServer,
    pub(super) backup: Map<String, Value>,
    pub(super) wal: Map<String, Value>,
}

/// The server's part.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct RecordedServer {
    pub(super) config: Map<String, Value>,
    pub(super) status: Map<String, Value>,
}

pub(super) static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    serde_json::from_str(include_str!("diagnose/recorded.json")).unwrap_or_default()
});

/// The default value of an option; `None` if Barman does not know it.
pub(super) fn default_option(option: &str) -> Option<&'static Value> {
    RECORDED
        .server
        .config
        .get(option)
        .filter(|_| option != "name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_whole() {
        assert_eq!(RECORDED.server.config["wal_retention_policy"], "MAIN");
        assert_eq!(RECORDED.server.status["timeline"], 6);
        assert_eq!(RECORDED.backup["status"], "DONE");
        assert!(RECORDED.global["system_info"].is_object() && RECORDED.wal["size"].is_u64());
    }
}
