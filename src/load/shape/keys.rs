//! Keys that are unknown, missing or not allowed.

use serde_json::Value;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::Misfit;
use crate::diagnostic::Code;
use crate::load::problem::{Detail, Problem, Spot};
use crate::load::schema::RULES_SCHEMA;
use crate::load::suggest::{READ_AS_TRUE, WRITE_EVENTS, list, nearest};
use crate::model::{Event, Origin};

/// What people write for a key of a rule.
const SYNONYMS: [(&str, &str, &str); 21] = [
    ("rule", "event", "on"),
    ("rule", "trigger", "on"),
    ("rule", "roles", "role"),
    ("rule", "clusters", "cluster"),
    ("rule", "scope", "cluster"),
    ("rule", "if", "when"),
    ("rule", "condition", "when"),
    ("rule", "steps", "requests"),
    ("rule", "action", "request"),
    ("rule", "actions", "requests"),
    ("rule", "id", "name"),
    ("rule", "retries", "retry"),
    ("", "variables", "vars"),
    ("", "rule", "rules"),
    ("endpoint", "address", "url"),
    ("endpoint", "cert", "cert_file"),
    ("endpoint", "key", "key_file"),
    ("endpoint", "ca", "ca_file"),
    ("endpoint", "cacert", "ca_file"),
    ("config_switch", "model", "model_name"),
    ("recovery", "backup", "backup_id"),
];

/// What to write where a rule lacks its roles.
const WRITE_ROLE: &str =
    "write `role: primary` to follow the leader; `role: any` if the rule really is for every role";

impl Misfit<'_> {
    pub(super) fn unknown_key(&self, key: &str) -> Problem {
        let origin = self.origin.child(crate::load::decode::escape(key));
        let spot = Spot::key(&origin);
        if self.definition() == "secret" {
            // The key may be the secret.
            return Problem::new(Code::UnknownKey, spot, "a header's value has no such key")
                .help("write `{env: NAME}` or `{file: PATH}`");
        }
        if self.definition() == "recovery"
            && let Some(instead) = not_passed_on(key)
        {
            let message = format!("pg-backup-api can't pass `{key}` on to Barman");
            return Problem::new(Code::UnknownKey, spot, message).help(instead);
        }
        if self.definition() == "rule" && key == "true" {
            // `"true":`, as programs write it that make JSON or quoted YAML of what they have read.
            let found = Detail::UnknownKey {
                meant: Some("on".to_owned()),
            };
            return Problem::new(Code::UnknownKey, spot, READ_AS_TRUE)
                .help(WRITE_EVENTS)
                .detail(found);
        }
        let what = self.kind();
        Problem::new(Code::UnknownKey, spot, format!("{what} has no key `{key}`"))
            .maybe_help(self.key_help(key))
            .detail(Detail::UnknownKey {
                meant: self.meant_key(key).map(str::to_owned),
            })
    }

    /// The key that was probably meant by an unknown one.
    fn meant_key(&self, key: &str) -> Option<&str> {
        self.similar_key(key)
            .or_else(|| self.is_event(key).then_some("on"))
    }

    fn similar_key(&self, key: &str) -> Option<&str> {
        let definition = match self.definition() {
            "patroni" => "endpoint",
            other => other,
        };
        let synonym = SYNONYMS
            .iter()
            .find(|(place, word, _)| *place == definition && *word == key)
            .map(|(_, _, meant)| *meant);
        synonym.or_else(|| nearest(key, known_keys(self.schema)))
    }

    fn is_event(&self, key: &str) -> bool {
        self.definition() == "rule" && Event::parse(key).is_some()
    }

    fn key_help(&self, key: &str) -> Option<String> {
        let known = known_keys(self.schema);
        if let Some(meant) = self.similar_key(key) {
            return Some(format!("did you mean `{meant}`?"));
        }
        if self.is_event(key) {
            return Some(format!("an event is a value of `on`: `on: {key}`"));
        }
        if let Some(place) = elsewhere(key, self.definition()) {
            return Some(format!("`{key}` is a key of {place}"));
        }
        (!known.is_empty()).then(|| format!("its keys are {}", list(known, "and")))
    }

    pub(super) fn missing_key(&self, key: &str) -> Problem {
        let what = self.kind();
        let missing = |key: &str| Detail::MissingKey {
            holder: what.clone(),
            key: key.to_owned(),
        };
        let message = match (self.definition(), key) {
            ("rule", "requests") => {
                return Problem::new(
                    Code::OneRequest,
                    self.object_spot(),
                    "this rule has no request",
                )
                .help("write `request`, or `requests` with a list")
                .detail(missing("request"));
            }
            ("rule", "on") => {
                return Problem::new(
                    Code::MissingKey,
                    self.object_spot(),
                    "a rule needs the key `on`",
                )
                .help("add `on`, for example `on: on_role_change`")
                .detail(missing(key));
            }
            ("rule", "role") => {
                let message = "this rule sets Barman's configuration and needs the key `role`: without it, a replica that restarts would do so, too";
                return Problem::new(Code::MissingKey, self.object_spot(), message)
                    .help(WRITE_ROLE)
                    .detail(missing(key));
            }
            ("endpoint" | "patroni", "cert_file") if self.keyword.contains("dependentRequired") => {
                return self.half_certificate("key_file", "cert_file");
            }
            ("endpoint" | "patroni", "key_file") if self.keyword.contains("dependentRequired") => {
                return self.half_certificate("cert_file", "key_file");
            }
            ("config_switch", "model_name") => {
                return Problem::new(
                    Code::BadRequest,
                    self.object_spot(),
                    "a `config_switch` needs a model to switch to",
                )
                .help("write `model_name: NAME`, or `reset: true` to take the active model away")
                .detail(missing(key));
            }
            ("change", "server_name" | "model_name") => {
                let scope = key.trim_end_matches("_name");
                return Problem::new(
                    Code::BadRequest,
                    self.object_spot(),
                    format!("a change with `scope: {scope}` needs `{key}`"),
                )
                .help(format!("add `{key}: NAME`"));
            }
            ("patroni", "url") => {
                let message = "`patroni` needs the key `url`";
                return Problem::new(Code::MissingKey, self.object_spot(), message)
                    .help("add `url`, for example `url: http://127.0.0.1:8008`")
                    .detail(missing(key));
            }
            _ => format!("{what} needs the key `{key}`"),
        };
        let example = self
            .schema
            .pointer(&format!("/properties/{key}"))
            .and_then(example_of);
        let help = match (key, example) {
            ("version", _) => Some("begin the file with `version: 1`".to_owned()),
            (_, Some(example)) => Some(format!("add `{key}`, for example `{key}: {example}`")),
            _ => Some(format!("add `{key}`")),
        };
        Problem::new(Code::MissingKey, self.object_spot(), message)
            .maybe_help(help)
            .detail(missing(key))
    }

    fn half_certificate(&self, here: &str, missing: &str) -> Problem {
        Problem::new(
            Code::HalfCertificate,
            Spot::key(&self.origin.child(here)),
            format!("`{here}` is of no use without `{missing}`"),
        )
        .help(format!("add `{missing}`, or delete `{here}`"))
    }

    /// A key that the schema's pattern for keys does not allow.
    pub(super) fn bad_key(&self, error: &ValidationError<'_>) -> Problem {
        let key = error.instance().as_str().unwrap_or_default();
        let spot = Spot::key(&self.origin.child(crate::load::decode::escape(key)));
        if matches!(error.kind(), Kind::Not { .. }) {
            return reserved_header(key, spot);
        }
        let (what, code) = match self.name().0.as_str() {
            "vars" | "for_each" => ("a variable", Code::BadVariable),
            "headers" => ("a header", Code::BadValue),
            "changes" => ("an option", Code::BadRequest),
            _ => ("an API", Code::BadValue),
        };
        let own = self.schema.pointer("/propertyNames/patternErrorMessage");
        let own = own.or_else(|| self.schema.get("patternErrorMessage"));
        Problem::new(code, spot, format!("`{key}` can't be the name of {what}"))
            .maybe_help(own.and_then(Value::as_str).map(str::to_owned))
    }

    /// Where to show what is missing in a mapping: at its first line.
    fn object_spot(&self) -> Spot {
        Spot::value(&self.origin)
    }

    /// What kind of mapping this is.
    pub(super) fn kind(&self) -> String {
        match self.definition() {
            "" => match self.name().0.as_str() {
                "" => self.document.to_owned(),
                name => format!("`{name}`"),
            },
            "rule" => "a rule".to_owned(),
            "request" => "a request".to_owned(),
            "config_switch" => "a `config_switch`".to_owned(),
            "recovery" => "a `recovery`".to_owned(),
            "config_update" => "a `config_update`".to_owned(),
            "change" => "a change".to_owned(),
            _ => self.label(),
        }
    }
}

/// Where an option of `barman recover` is set instead: a recovery takes no key for it.
fn not_passed_on(key: &str) -> Option<&'static str> {
    Some(match key.replace('-', "_").as_str() {
        "target_time"
        | "target_xid"
        | "target_lsn"
        | "target_name"
        | "target_immediate"
        | "target_tli"
        | "target_timeline"
        | "target_action"
        | "exclusive"
        | "standby_mode"
        | "recovery_target_time"
        | "recovery_target_timeline" => {
            "set recovery targets in Patroni's `recovery_conf` of the bootstrap method"
        }
        "tablespace" | "tablespaces" | "tablespace_mapping" => {
            "Barman restores tablespaces to their original places"
        }
        "get_wal" | "no_get_wal" => "set `recovery_options = get-wal` in Barman's configuration",
        "staging_path" | "local_staging_path" | "recovery_staging_path" => {
            "set the staging path in Barman's configuration of the server"
        }
        "jobs"
        | "parallel_jobs"
        | "bwlimit"
        | "bandwidth_limit"
        | "network_compression"
        | "retry_times"
        | "retry_sleep" => "set it in Barman's configuration of the server",
        _ => return None,
    })
}

/// A header that rules can't set.
pub(in crate::load) fn reserved_header(key: &str, spot: Spot) -> Problem {
    let message = format!("`headers` can't have `{key}`");
    Problem::new(Code::BadValue, spot, message).help(
        "it belongs to the connection or to the body, which this program looks after: leave it out",
    )
}

/// Of a finding about an unknown key: the mapping and the key that was meant.
pub(in crate::load) fn meant(problem: &Problem) -> Option<(Origin, String)> {
    let Detail::UnknownKey { meant: Some(meant) } = &problem.detail else {
        return None;
    };
    let origin = &problem.spot.origin;
    let (parent, _) = origin.pointer.rsplit_once('/')?;
    let origin = Origin {
        file: origin.file,
        pointer: parent.to_owned(),
    };
    Some((origin, meant.clone()))
}

/// Of a finding about a missing key: the mapping and the key.
pub(super) fn missing(problem: &Problem) -> Option<(Origin, String)> {
    match &problem.detail {
        Detail::MissingKey { key, .. } => Some((problem.spot.origin.clone(), key.clone())),
        _ => None,
    }
}

/// Makes one finding of all keys that are missing in one mapping.
pub(super) fn merge_missing(found: Vec<Problem>) -> Vec<Problem> {
    let mut merged: Vec<(Problem, Vec<String>)> = Vec::new();
    for problem in found {
        let key = match &problem.detail {
            Detail::MissingKey { key, .. } if problem.code == Code::MissingKey => Some(key.clone()),
            _ => None,
        };
        let same = |(before, keys): &&mut (Problem, Vec<String>)| {
            !keys.is_empty() && before.spot == problem.spot
        };
        match (key, merged.iter_mut().find(same)) {
            (Some(key), Some((_, keys))) => keys.push(key),
            (key, _) => merged.push((problem, key.into_iter().collect())),
        }
    }
    let finish = |(mut problem, keys): (Problem, Vec<String>)| {
        if let (Detail::MissingKey { holder, .. }, true) = (&problem.detail, keys.len() > 1) {
            let names_role = keys.iter().any(|key| key == "role");
            let keys = list(keys.iter().map(String::as_str), "and");
            problem.message = format!("{holder} needs the keys {keys}");
            problem.help = Some(if names_role {
                format!("add them; {WRITE_ROLE}")
            } else {
                "add them".to_owned()
            });
        }
        problem
    };
    merged.into_iter().map(finish).collect()
}

fn known_keys(schema: &Value) -> Vec<&str> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// Which mapping has this key, if it is not this one.
fn elsewhere(key: &str, here: &str) -> Option<String> {
    let places = [
        ("", "the top of the file"),
        ("rule", "a rule"),
        ("retry", "`retry`"),
        ("poll", "`poll`"),
        ("endpoint", "`api`, `apis` and `patroni`"),
        ("patroni", "`patroni`"),
        ("config_switch", "a `config_switch` request"),
        ("recovery", "a `recovery` request"),
        ("config_update", "a `config_update` request"),
        ("change", "an item of `changes`"),
    ];
    places
        .into_iter()
        .filter(|(definition, _)| *definition != here)
        .find(|(definition, _)| {
            let schema = match *definition {
                "" => Some(&RULES_SCHEMA.compiled().json),
                name => RULES_SCHEMA
                    .compiled()
                    .json
                    .pointer(&format!("/$defs/{name}")),
            };
            schema.is_some_and(|schema| known_keys(schema).contains(&key))
        })
        .map(|(_, name)| name.to_owned())
}

/// The first example of a key's value, its own or its definition's.
pub(super) fn example_of(schema: &Value) -> Option<String> {
    let own = schema.pointer("/examples/0").or_else(|| {
        let definition = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        RULES_SCHEMA
            .compiled()
            .json
            .pointer(definition)?
            .pointer("/examples/0")
    })?;
    match own {
        Value::String(text) if text.contains("{{") => Some(format!("\"{text}\"")),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}
