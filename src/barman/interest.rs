//! The required parts of `/diagnose` and of a list of operations.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::keep::{Keep, reduce};
use crate::http::Sieve;
use crate::model::Operation;

/// The servers and models that a question is about. Of all others only the name and the cluster are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interest {
    /// Servers by name.
    pub servers: BTreeSet<String>,
    /// Models by name.
    pub models: BTreeSet<String>,
    /// Every server and model.
    everything: bool,
}

impl Interest {
    /// Every server and model, with the values that switches need.
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// The servers and models that these operations name.
    pub fn of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Self {
        let mut all = Self::default();
        for operation in operations {
            all.servers.extend(operation.servers().map(str::to_owned));
            all.models.extend(operation.models().map(str::to_owned));
        }
        all
    }

    /// Extracts the required parts of the whole document.
    pub(super) fn sieve(&self) -> Sieve {
        let interest = self.clone();
        Arc::new(move |source| {
            if interest.everything {
                let document = [
                    ("global", GLOBAL),
                    ("servers", Keep::Each(&SWITCHED)),
                    ("models", Keep::Each(&NAME)),
                ];
                return reduce(Keep::Keys(&document), source);
            }
            let servers = Keep::Named {
                names: &interest.servers,
                these: &SERVER,
                others: &NAME,
            };
            let models = Keep::Named {
                names: &interest.models,
                these: &Keep::All,
                others: &NAME,
            };
            let document = [("global", GLOBAL), ("servers", servers), ("models", models)];
            reduce(Keep::Keys(&document), source)
        })
    }
}

/// Extracts IDs and types from a list of operations.
pub(super) fn operations() -> Sieve {
    Arc::new(|source| reduce(LIST, source))
}

const NAME: Keep<'_> = Keep::Keys(&[("config", Keep::Keys(&[("cluster", Keep::All)]))]);

const GLOBAL: Keep<'_> = Keep::Keys(&[("system_info", Keep::Keys(&[("barman_ver", Keep::All)]))]);

const SERVER: Keep<'_> = Keep::Keys(&[
    ("active_model", Keep::All),
    ("config", Keep::All),
    ("backups", BACKUPS),
    ("status", STATUS),
    ("wals", WALS),
]);

/// The values without the options that only updates need: an agent holds this for every server.
const SWITCHED: Keep<'_> = Keep::Keys(&[
    ("active_model", Keep::All),
    ("config", OPTIONS),
    ("backups", BACKUPS),
    ("status", STATUS),
    ("wals", WALS),
]);

const OPTIONS: Keep<'_> = Keep::Keys(&[
    ("active", Keep::All),
    ("archiver", Keep::All),
    ("cluster", Keep::All),
    ("primary_ssh_command", Keep::All),
    ("recovery_options", Keep::All),
    ("slot_name", Keep::All),
    ("streaming_archiver", Keep::All),
    ("streaming_archiver_name", Keep::All),
]);

const BACKUPS: Keep<'_> = Keep::Each(&Keep::Keys(&[
    ("xlog_segment_size", Keep::All),
    ("status", Keep::All),
    ("end_time", Keep::All),
    ("timeline", Keep::All),
    ("systemid", Keep::All),
    ("begin_wal", Keep::All),
    ("end_wal", Keep::All),
    ("xlog_segment_size", Keep::All),
]));

const STATUS: Keep<'_> = Keep::Keys(&[
    ("connection_error", Keep::All),
    ("current_lsn", Keep::All),
    ("is_in_recovery", Keep::All),
    ("postgres_systemid", Keep::All),
    ("replication_slot", Keep::All),
    ("streaming", Keep::All),
    ("streaming_systemid", Keep::All),
    ("timeline", Keep::All),
    ("xlog_segment_size", Keep::All),
    ("xlogpos", Keep::All),
]);

const WALS: Keep<'_> = Keep::Keys(&[(
    "last_archived_wal_per_timeline",
    Keep::Each(&Keep::Keys(&[("name", Keep::All), ("time", Keep::All)])),
)]);

const LIST: Keep<'_> = Keep::Keys(&[(
    "operations",
    Keep::Each(&Keep::Keys(&[("id", Keep::All), ("type", Keep::All)])),
)]);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::barman::{Diagnosis, ServerState};

    fn reduced(interest: &Interest, document: &Value) -> Value {
        let text = document.to_string();
        let part = interest.sieve()(&mut text.as_bytes()).unwrap();
        serde_json::from_slice(&part).unwrap()
    }

    #[test]
    fn a_diagnosis_of_the_part_is_that_of_the_whole_for_what_is_wanted() {
        let server = json!({
            "active_model": "m",
            "config": {"cluster": "c", "description": "d", "recovery_options": "get-wal"},
            "backups": {"b": {"status": "DONE", "timeline": 3, "backup_label": "…", "copy_stats": {"x": [1]}}},
            "status": {"streaming": true, "replication_slot": ["barman", true, "0/1"], "wal_level": "replica"},
            "wals": {"last_archived_wal_per_timeline": {"00000003": {"name": "000000030000000000000005", "size": 1}}},
            "msg_list": [],
        });
        let document = json!({
            "global": {"system_info": {"barman_ver": "3.19.1", "release": "x"}, "config": {}},
            "servers": {"wanted": server, "other": server},
            "models": {"m": {"config": {"cluster": "c", "conninfo": "x"}}, "n": {"config": {"cluster": "c", "conninfo": "x"}}},
        });
        let interest = Interest {
            servers: ["wanted".to_owned()].into(),
            models: ["m".to_owned()].into(),
            ..Interest::default()
        };
        let part = reduced(&interest, &document);
        let (whole, some) = (Diagnosis::read(&document), Diagnosis::read(&part));
        assert_eq!(some.version, whole.version);
        assert_eq!(some.servers["wanted"], whole.servers["wanted"]);
        assert_eq!(some.models["m"], whole.models["m"]);
        let name_only = json!({"config": {"cluster": "c"}});
        assert_eq!(part["servers"]["other"], name_only);
        assert_eq!(part["models"]["n"], name_only);
        assert_eq!(reduced(&interest, &part), part);
        let all = Diagnosis::read(&reduced(&Interest::everything(), &document));
        let without_options = |server: &str| ServerState {
            config: serde_json::Map::new(),
            ..all.servers[server].clone()
        };
        let expected = ServerState {
            config: serde_json::Map::new(),
            ..whole.servers["wanted"].clone()
        };
        assert_eq!(without_options("wanted"), expected);
        assert_eq!(without_options("other"), expected);
    }

    #[test]
    fn odd_documents_pass_through() {
        for document in [
            json!([1]),
            json!({"servers": {"a": []}, "models": 3}),
            json!({"servers": null}),
        ] {
            let part = reduced(&Interest::default(), &document);
            assert_eq!(
                Diagnosis::read(&part),
                Diagnosis::read(&document),
                "{document}"
            );
        }
    }
}
