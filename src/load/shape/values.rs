//! Values of the wrong type, and values that are not allowed.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::Misfit;
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::load::schema::RULES_SCHEMA;
use crate::load::suggest::{did_you_mean, nearest, one_of};
use crate::model::Role;

impl Misfit<'_> {
    pub(super) fn wrong_type(&self, kind: &TypeKind) -> Problem {
        let label = self.label();
        if self.keyword == "/$defs/secret/type" && !self.value.is_null() {
            return Problem::new(
                Code::SecretInFile,
                self.value_spot(),
                format!("the value of the header {label} can't stand in the rules file"),
            )
            .help("name where it comes from: `{env: NAME}` or `{file: PATH}`");
        }
        let types: Vec<&str> = match kind {
            TypeKind::Single(one) => vec![word_of(&one.to_string())],
            TypeKind::Multiple(several) => several
                .iter()
                .map(|one| word_of(&one.to_string()))
                .collect(),
        };
        let wanted = match self.definition() {
            "rule" if self.name().0 == "request" => "a mapping, or `none`".to_owned(),
            "duration" => "a duration".to_owned(),
            _ => any_of(&types),
        };
        let is_item = self.name().1;
        let message = match self.value {
            Value::Null if is_item => format!("{label} is empty, and must be {wanted}"),
            Value::Null => format!("{label} has no value, and must be {wanted}"),
            _ if self.origin.pointer.is_empty() => {
                format!(
                    "a rules file is a mapping, and this is {}",
                    type_of(self.value)
                )
            }
            _ => format!(
                "{label} must be {wanted}, and this is {}",
                type_of(self.value)
            ),
        };
        Problem::new(Code::WrongType, self.value_spot(), message).maybe_help(self.type_help(&types))
    }

    fn type_help(&self, types: &[&str]) -> Option<String> {
        let text = types.contains(&"a string");
        let (name, is_item) = self.name();
        match self.value {
            _ if self.origin.pointer.is_empty() => {
                Some("begin the file with `version: 1`".to_owned())
            }
            Value::Null if is_item => {
                Some("write something behind the `-`, or delete it".to_owned())
            }
            Value::Null => Some(format!("write a value behind `{name}:`, or delete the key")),
            _ if self.schema.get("enum").is_some()
                || matches!(name.as_str(), "on" | "events" | "role") =>
            {
                self.words_help()
            }
            Value::Number(number) if self.definition() == "duration" => {
                Some(format!("a duration has a unit: did you mean `{number}s`?"))
            }
            Value::Bool(value) if name == "when" => Some(if *value {
                "leave `when` out: without it the rule always fires".to_owned()
            } else {
                "to switch a rule off, write `enabled: false`".to_owned()
            }),
            Value::Number(_) | Value::Bool(_) if text => {
                Some(format!("put it in quotes: `\"{}\"`", self.value))
            }
            Value::String(word) if types.contains(&"true or false") => {
                let folded = word.to_ascii_lowercase();
                Some(match folded.as_str() {
                    "yes" | "on" | "true" | "y" | "1" => "write `true`, without quotes".to_owned(),
                    "no" | "off" | "false" | "n" | "0" => {
                        "write `false`, without quotes".to_owned()
                    }
                    _ => "write `true` or `false`".to_owned(),
                })
            }
            Value::String(text) if types.contains(&"a whole number") => text
                .parse::<u64>()
                .ok()
                .map(|number| format!("write `{number}`, without quotes")),
            Value::String(word) if name == "requests" && word == "none" => {
                Some("write `request: none`".to_owned())
            }
            Value::Object(_) if types.contains(&"a list") => {
                Some(format!("each item of `{name}` begins with `- `"))
            }
            Value::Object(_) if self.definition() == "change" || text => {
                Some("if it is text, put it in quotes".to_owned())
            }
            Value::String(_) if self.definition() == "each" => {
                Some("write the values as a list: `[paris, lyon]`".to_owned())
            }
            Value::Array(_) if name == "request" => {
                Some("several requests are written under `requests`".to_owned())
            }
            Value::Array(_) if name == "rules" => None,
            Value::String(_) if name == "api" || name == "patroni" => {
                Some(format!("write `{name}: {{url: …}}`"))
            }
            _ => None,
        }
    }

    /// The words that the value could be.
    fn words_help(&self) -> Option<String> {
        let own = self.schema.get("enum");
        let words = own.or_else(|| {
            let words = self
                .schema
                .pointer("/else/$ref")?
                .as_str()?
                .strip_prefix('#')?;
            RULES_SCHEMA.compiled().json.pointer(words)?.get("enum")
        })?;
        one_of(words.as_array()?.iter().filter_map(Value::as_str))
    }

    pub(super) fn unknown_word(&self, options: &Value) -> Problem {
        let word = match self.value {
            Value::String(word) => word.clone(),
            other => other.to_string(),
        };
        let options: Vec<&str> = options
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let spot = self.value_spot();
        let template = word.contains("{{");
        let (code, message) = match self.definition() {
            "event" => (Code::UnknownEvent, format!("Patroni has no event `{word}`")),
            "role" | "role_or_any" => (Code::UnknownRole, format!("there is no role `{word}`")),
            "request" => (
                Code::UnknownRequestType,
                format!("pg-backup-api has no request of type `{word}`"),
            ),
            "no_request" => (
                Code::WrongType,
                format!("a request is a mapping or `none`, and this is `{word}`"),
            ),
            _ => (
                Code::UnknownWord,
                format!("{} can't be `{word}`", self.label()),
            ),
        };
        let help = match self.definition() {
            _ if template => Some("a template can't stand here".to_owned()),
            "event" => event_help(&word, &options),
            "no_request" => {
                Some("write `request: none` for a rule that does nothing on purpose".to_owned())
            }
            "role" | "role_or_any" => role_help(&word, &options),
            _ => did_you_mean(&word, options.iter().copied()),
        };
        Problem::new(code, spot, message).maybe_help(help)
    }

    /// A key that only takes `true`, with something else.
    fn not_true(&self, label: &str) -> Problem {
        let own = self.own_message().unwrap_or("it can only be `true`");
        let (code, help) = match self.value {
            _ if label == "`nothing`" => (
                Code::BadValue,
                "leave `nothing` out, and write what is sent under `requests`",
            ),
            Value::String(_) => (
                Code::BadRequest,
                "this is a text: write `true` without quotes, also where a variable gets its value",
            ),
            _ => (
                Code::BadRequest,
                "to keep the active model, leave the request out",
            ),
        };
        Problem::new(code, self.value_spot(), own).help(help)
    }

    pub(super) fn bad_value(&self, kind: &Kind) -> Problem {
        let label = self.label();
        let own = self.own_message();
        let shown = || match self.value {
            _ if self.is_secret() => "this".to_owned(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let problem = |code: Code, message: String| Problem::new(code, self.value_spot(), message);
        let is_empty = self.value.as_str().is_some_and(str::is_empty);
        match (kind, self.definition()) {
            (Kind::MinLength { .. } | Kind::Pattern { .. }, definition) if is_empty => {
                let example = self.example();
                let example = example.map(|example| format!(", for example `{example}`"));
                let code = match definition {
                    "name" | "model_name" | "backup_id" => Code::BadRequest,
                    _ => Code::BadValue,
                };
                let help = format!("write a value{}", example.unwrap_or_default());
                problem(code, format!("{label} is empty")).help(help)
            }
            (Kind::Not { .. }, _) => self.not_both(),
            (Kind::Constant { .. }, "") if self.value.is_string() => problem(
                Code::UnknownVersion,
                format!(
                    "the version is a number, and this is {}",
                    type_of(self.value)
                ),
            )
            .help("write `version: 1`, without quotes"),
            (Kind::Constant { .. }, "") => problem(
                Code::UnknownVersion,
                format!("this program does not know version {}", shown()),
            )
            .help("write `version: 1`"),
            (Kind::Constant { .. }, _) => self.not_true(&label),
            (Kind::MaxLength { limit }, "name" | "model_name") if own.is_some() => problem(
                Code::BadRequest,
                format!("{label} is longer than {limit} characters"),
            )
            .maybe_help(own.map(str::to_owned)),
            (Kind::MaxLength { limit }, _) => problem(
                Code::BadValue,
                format!("{label} is longer than {limit} characters"),
            ),
            (Kind::MinItems { .. }, "config_update") => {
                problem(Code::BadRequest, format!("{label} is empty"))
                    .help("write at least one change")
            }
            (Kind::MinItems { .. }, _) => {
                let help = empty_list_help(&label);
                problem(Code::BadValue, format!("{label} is an empty list")).help(help)
            }
            (Kind::UniqueItems, _) => self.repeated_item(),
            (Kind::Minimum { limit }, _) => {
                problem(Code::BadValue, format!("{label} can't be {}", shown()))
                    .help(format!("it is at least {limit}"))
            }
            (Kind::Maximum { limit }, _) => {
                problem(Code::BadValue, format!("{label} can't be {}", shown()))
                    .help(format!("it is at most {limit}"))
            }
            (Kind::MinProperties { .. }, "change") => {
                problem(Code::BadRequest, "this change sets no option".to_owned())
                    .help("add the option to set, for example `compression: gzip`")
            }
            (Kind::MinProperties { .. } | Kind::MaxProperties { .. }, "secret") => problem(
                Code::BadValue,
                format!("the header {label} needs one place that its value comes from"),
            )
            .help("write either `{env: NAME}` or `{file: PATH}`"),
            (Kind::Pattern { .. }, "secret") => problem(
                Code::BadValue,
                "this can't be the name of an environment variable".to_owned(),
            )
            .help("write the variable's name, not its value"),
            (Kind::Pattern { .. }, "name" | "model_name" | "backup_id") => {
                problem(Code::BadRequest, format!("{label} can't be {}", shown()))
                    .maybe_help(own.map(str::to_owned))
            }
            (Kind::Pattern { .. }, "template") => {
                let (name, _) = self.name();
                problem(Code::BadRequest, format!("{label} can't be {}", shown())).help(match name
                    .as_str()
                {
                    "reset" => "write `reset: true`, without quotes, or a template",
                    _ => "write a list of changes, or a template that gives one",
                })
            }
            (Kind::Pattern { .. }, "duration") => {
                problem(Code::BadValue, format!("{} is not a duration", shown()))
                    .help(self.duration_help())
            }
            _ => problem(Code::BadValue, format!("{label} can't be {}", shown()))
                .maybe_help(own.map(str::to_owned)),
        }
    }

    /// Two keys that exclude each other.
    fn not_both(&self) -> Problem {
        match self.definition() {
            "rule" if self.keyword.contains("/allOf/") => Problem::new(
                Code::BadValue,
                Spot::key(&self.origin.child("events")),
                "a rule has either `on` or `events`",
            )
            .help("both mean the same: keep one, with all events in it")
            .related(Spot::key(&self.origin.child("on")), "`on` is here"),
            "rule" => Problem::new(
                Code::OneRequest,
                Spot::key(&self.origin.child("requests")),
                "a rule has either `request` or `requests`",
            )
            .help("put all of them under `requests`")
            .related(
                Spot::key(&self.origin.child("request")),
                "`request` is here",
            ),
            "patroni" => Problem::new(
                Code::BadValue,
                Spot::key(&self.origin.child("urls")),
                "`patroni` has either `url` or `urls`",
            )
            .help("put all addresses under `urls`, the local one first")
            .related(Spot::key(&self.origin.child("url")), "`url` is here"),
            "config_switch" => Problem::new(
                Code::BadRequest,
                Spot::key(&self.origin.child("reset")),
                "a `config_switch` takes either `model_name` or `reset`",
            )
            .help("`model_name` sets the active model, `reset: true` takes it away: keep one")
            .related(
                Spot::key(&self.origin.child("model_name")),
                "`model_name` is here",
            ),
            _ => {
                let key = |pointer| self.schema.pointer(pointer).and_then(Value::as_str);
                let scope = key("/required/0").unwrap_or_default();
                let scope = scope.trim_end_matches("_name");
                let extra = key("/not/required/0").unwrap_or_default();
                Problem::new(
                    Code::BadRequest,
                    Spot::key(&self.origin.child(extra)),
                    format!("a change with `scope: {scope}` takes no `{extra}`"),
                )
                .help(format!("delete `{extra}`, or change the scope"))
            }
        }
    }

    fn repeated_item(&self) -> Problem {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let twice = items.iter().enumerate().find_map(|(index, item)| {
            let first = items.iter().take(index).position(|before| before == item)?;
            Some((first, index, item))
        });
        let (first, second, item) = twice.unwrap_or((0, 0, &Value::Null));
        let spot = |index: usize| Spot::value(&self.origin.child(index));
        let item = item.as_str().unwrap_or_default();
        Problem::new(
            Code::RepeatedItem,
            spot(second),
            format!("`{item}` stands twice in {}", self.label()),
        )
        .help("delete one of them")
        .related(spot(first), "the first one is here")
    }

    /// The duration that was probably meant: `5` or `5 s` or `5sec` or `1m 30s`.
    fn duration_help(&self) -> String {
        let text = self.value.as_str().unwrap_or_default();
        let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let squeezed = squeezed.to_ascii_lowercase();
        let digits = squeezed
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(squeezed.len());
        let (number, unit) = squeezed.split_at(digits);
        let unit = match unit {
            "" | "sec" | "secs" | "second" | "seconds" => "s",
            "min" | "mins" | "minute" | "minutes" => "m",
            "hour" | "hours" | "hr" | "hrs" => "h",
            "day" | "days" => "d",
            "msec" | "millis" | "milliseconds" => "ms",
            other => other,
        };
        let meant = format!("{number}{unit}");
        if !number.is_empty() && crate::model::duration::parse(&meant).is_some() {
            return format!("did you mean `{meant}`?");
        }
        "write whole numbers with their unit, largest first: `500ms`, `2s`, `5m`, `1h30m`"
            .to_owned()
    }

    fn example(&self) -> Option<String> {
        super::keys::example_of(self.schema)
    }
}

fn empty_list_help(label: &str) -> String {
    match label {
        "`role`" => "for any, write `role: any`".to_owned(),
        "`requests`" => "for a rule that does nothing on purpose, write `request: none`".to_owned(),
        "`cluster`" => format!("for any, leave {label} out"),
        "`on`" | "`events`" => "write at least one event".to_owned(),
        _ => "write at least one item".to_owned(),
    }
}

fn event_help(word: &str, options: &[&str]) -> Option<String> {
    if word.starts_with('!') {
        return Some("an event can't be excluded: list those that the rule is for".to_owned());
    }
    let folded = word.to_ascii_lowercase().replace('-', "_");
    let role_change = |role: &str| Some(format!("write `on: on_role_change` with `role: {role}`"));
    match folded.trim_start_matches("on_") {
        "promote" | "promoted" | "promotion" | "primary" | "master" | "failover" | "switchover" => {
            role_change("primary")
        }
        "demote" | "demoted" | "demotion" => role_change("[replica, demoted]"),
        "replica" | "standby" => role_change("replica"),
        _ => did_you_mean(word, options.iter().copied()),
    }
}

fn role_help(word: &str, options: &[&str]) -> Option<String> {
    if let Some(excluded) = word.strip_prefix('!') {
        let excluded = Role::from_patroni(excluded).map_or(excluded, |role| role.as_str());
        // A node is uninitialized in `bootstrap` alone.
        let rest = options
            .iter()
            .filter(|role| ![excluded, "uninitialized", "any"].contains(role));
        let rest = rest.copied().collect::<Vec<_>>().join(", ");
        return Some(format!(
            "a role can't be excluded: list those that the rule is for, as in `role: [{rest}]`"
        ));
    }
    if word == "any" {
        return Some("write `role: any`, not in a list".to_owned());
    }
    if let Some(role) = Role::from_patroni(word) {
        return Some(format!("Patroni's `{word}` is `{role}` here"));
    }
    let meant = match word.to_ascii_lowercase().as_str() {
        "leader" | "master" | "promoted" => Some("primary"),
        "standby" | "slave" | "secondary" | "follower" | "sync_standby" => Some("replica"),
        _ => None,
    };
    match meant.or_else(|| nearest(word, options.iter().copied())) {
        Some(meant) => Some(format!("did you mean `{meant}`?")),
        None => did_you_mean(word, options.iter().copied()),
    }
}

/// `a string, a number, true or false`: the types in words, simple ones first.
fn any_of(types: &[&str]) -> String {
    let order = [
        "a string",
        "a number",
        "a whole number",
        "true or false",
        "a list",
        "a mapping",
    ];
    let known: Vec<_> = order
        .into_iter()
        .filter(|word| types.contains(word))
        .collect();
    match known.as_slice() {
        [most @ .., last] if most.len() > 1 || last.contains(" or ") && !most.is_empty() => {
            format!("{}, {last}", most.join(", "))
        }
        known => known.join(" or "),
    }
}

/// A JSON type in words.
fn word_of(json_type: &str) -> &'static str {
    match json_type {
        "array" => "a list",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "null" => "null",
        "number" => "a number",
        "object" => "a mapping",
        _ => "a string",
    }
}

fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) => format!("`{value}`"),
        Value::Number(_) => format!("the number `{value}`"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
