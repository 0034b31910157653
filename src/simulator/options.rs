//! Barman's options: their values, and their form in `/diagnose`.

use serde_json::{Map, Value};

use super::recorded::default_option;

/// Options that are unset by default and take a number.
const NUMBERS: [&str; 8] = [
    "aws_read_timeout",
    "aws_snapshot_lock_cool_off_period",
    "aws_snapshot_lock_duration",
    "backup_compression_level",
    "backup_compression_workers",
    "cloud_delete_batch_size",
    "max_incoming_wals_queue",
    "warehousepg_dbid",
];

/// Options that the file has for every configured server and model. `config-update` changes them there.
const IN_EVERY_FILE: [&str; 9] = [
    "backup_method",
    "cluster",
    "conninfo",
    "create_slot",
    "description",
    "retention_policy",
    "slot_name",
    "streaming_archiver",
    "streaming_conninfo",
];

/// Returns true if the file has it for every configured section.
pub(super) fn is_in_every_file(option: &str) -> bool {
    option == "model" || IN_EVERY_FILE.contains(&option)
}

enum Kind {
    Boolean,
    Number,
    /// Shown in suitable units: `2 DAYS` as `2 days`.
    Interval,
    /// Shown in bytes: `2 Mi` as 2097152.
    Size,
    /// Shown as an object: `a:2` as `{"a": 2}`.
    Limits,
    Text,
}

fn kind(option: &str) -> Kind {
    match option {
        "model" => Kind::Boolean,
        "last_backup_maximum_age" | "last_wal_maximum_age" => Kind::Interval,
        "last_backup_minimum_size" => Kind::Size,
        "tablespace_bandwidth_limit" => Kind::Limits,
        option if NUMBERS.contains(&option) => Kind::Number,
        option => match default_option(option) {
            Some(Value::Bool(_)) => Kind::Boolean,
            Some(Value::Number(_)) => Kind::Number,
            _ => Kind::Text,
        },
    }
}

/// Returns true if Barman's parser for the option accepts the value.
pub(super) fn converts(option: &str, value: &Value) -> bool {
    match (kind(option), value) {
        (_, Value::String(text)) => shown(option, text).is_some(),
        (Kind::Boolean, _) => false,
        (Kind::Number, value) => value.is_number() || value.is_boolean(),
        _ => true,
    }
}

/// The value as `/diagnose` shows it after it was written and read again; `None` if Barman can't read it.
pub(super) fn shown(option: &str, text: &str) -> Option<Value> {
    match kind(option) {
        Kind::Boolean => boolean(text).map(Value::Bool),
        Kind::Number => text.trim().parse::<i64>().ok().map(Value::from),
        Kind::Interval => interval(text).map(Value::from),
        Kind::Size => size(text).map(Value::from),
        Kind::Limits => limits(text).map(Value::from),
        // The slot is unset by default, though the recorded server has one.
        Kind::Text
            if text.is_empty()
                && (option == "slot_name"
                    || default_option(option).is_some_and(Value::is_null)) =>
        {
            Some(Value::Null)
        }
        Kind::Text => Some(text.into()),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" | "on" => Some(true),
        "false" | "f" | "no" | "0" | "off" => Some(false),
        _ => None,
    }
}

fn interval(text: &str) -> Option<String> {
    let (number, unit) = text.trim().split_once(char::is_whitespace)?;
    let unit = unit.trim().to_ascii_lowercase();
    let hours = match unit.strip_suffix('s').unwrap_or(&unit) {
        "hour" => 1,
        "day" => 24,
        "week" => 7 * 24,
        "month" => 31 * 24,
        _ => return None,
    };
    let hours = number.parse::<u64>().ok()?.checked_mul(hours)?;
    let part = |count: u64, unit: &str| match count {
        0 => None,
        1 => Some(format!("1 {unit}")),
        count => Some(format!("{count} {unit}s")),
    };
    let parts: Vec<String> = [part(hours / 24, "day"), part(hours % 24, "hour")]
        .into_iter()
        .flatten()
        .collect();
    Some(parts.join(", "))
}

fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim() {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn limits(text: &str) -> Option<Map<String, Value>> {
    text.split_whitespace()
        .map(|limit| {
            let (name, number) = limit.rsplit_once(':')?;
            Some((name.to_owned(), number.parse::<u64>().ok()?.into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_barman_shows_them() {
        for (option, text, value) in [
            ("last_backup_maximum_age", "2 DAYS", json!("2 days")),
            ("last_wal_maximum_age", "26 HOURS", json!("1 day, 2 hours")),
            ("last_backup_maximum_age", "1 WEEK", json!("7 days")),
            ("last_backup_minimum_size", "2 Mi", json!(2_097_152)),
            ("last_backup_minimum_size", "2k", json!(2_000)),
            (
                "tablespace_bandwidth_limit",
                "a:2 b:3",
                json!({"a": 2, "b": 3}),
            ),
            ("minimum_redundancy", " 1 ", json!(1)),
            ("immediate_checkpoint", "on", json!(true)),
            ("primary_ssh_command", "", json!(null)),
            ("retention_policy", "REDUNDANCY 2", json!("REDUNDANCY 2")),
        ] {
            assert_eq!(shown(option, text), Some(value), "{option} {text}");
        }
        for (option, text) in [
            ("last_backup_maximum_age", "soon"),
            ("last_backup_minimum_size", "2 Q"),
            ("tablespace_bandwidth_limit", "a"),
            ("minimum_redundancy", "one"),
            ("immediate_checkpoint", "maybe"),
        ] {
            assert_eq!(shown(option, text), None, "{option} {text}");
        }
    }
}
