//! Values of options: Barman's configuration files hold texts, and `/diagnose` shows them parsed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Compares a value from `/diagnose` with the value in an update.
pub fn same_value(shown: &Value, wanted: &Value) -> bool {
    if shown == wanted {
        return true;
    }
    let Some(text) = text(wanted) else {
        return false;
    };
    match shown {
        Value::Null => text.is_empty(),
        Value::Bool(shown) => truth(&text) == Some(*shown),
        Value::Number(number) => {
            number.to_string() == text || number.as_u64().is_some_and(|n| size(&text) == Some(n))
        }
        Value::String(shown) => same_text(shown.trim(), &text),
        Value::Array(shown) => {
            let wanted: Vec<_> = items(&text).collect();
            shown.len() == wanted.len()
                && shown
                    .iter()
                    .zip(wanted)
                    .all(|(shown, wanted)| same_value(shown, &wanted.into()))
        }
        Value::Object(shown) => same_pairs(shown, &text),
    }
}

/// A scalar as it would be in a configuration file.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

fn same_text(shown: &str, wanted: &str) -> bool {
    let both = |read: fn(&str) -> Option<u64>| {
        let shown = read(shown);
        shown.is_some() && shown == read(wanted)
    };
    shown == wanted
        || is_word(shown) && is_word(wanted) && truth(shown) == truth(wanted)
        || both(seconds)
        || both(size)
        || is_policy(shown) && shown.eq_ignore_ascii_case(wanted)
        || same_set(shown, wanted)
}

/// `k:v` pairs, which Barman shows as an object.
fn same_pairs(shown: &Map<String, Value>, wanted: &str) -> bool {
    let wanted: Option<Vec<_>> = items(wanted).map(|item| item.split_once(':')).collect();
    wanted.is_some_and(|wanted| {
        shown.len() == wanted.len()
            && wanted.iter().all(|(key, value)| {
                let shown = shown.get(key.trim());
                shown.is_some_and(|shown| same_value(shown, &(*value).into()))
            })
    })
}

/// Options that Barman keeps as sets of words: `a, b` equals `b,a`.
fn same_set(shown: &str, wanted: &str) -> bool {
    let set = |text: &str| -> Option<BTreeSet<String>> {
        let word = |item: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            item.chars().all(plain).then(|| item.to_ascii_lowercase())
        };
        text.contains(',')
            .then(|| items(text).map(word).collect())?
    };
    let shown = set(shown);
    shown.is_some() && shown == set(wanted)
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// A boolean in one of Barman's spellings.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Returns true for a boolean that is not a number.
fn is_word(text: &str) -> bool {
    truth(text).is_some() && !text.starts_with(['0', '1'])
}

/// A duration: `2 DAYS` as written, `1 day, 12 hours` as shown. A month has 31 days.
fn seconds(text: &str) -> Option<u64> {
    let mut sum = 0_u64;
    for part in text.split(',') {
        let (number, unit) = part.trim().split_once(char::is_whitespace)?;
        let unit = unit.trim().to_ascii_lowercase();
        let unit = match unit.strip_suffix('s').unwrap_or(&unit) {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 7 * 86_400,
            "month" => 31 * 86_400,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
    }
    Some(sum)
}

/// A number with one of Barman's suffixes.
fn size(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let factor = match suffix.trim() {
        "" => 1,
        "k" => 1_000,
        "Ki" => 1 << 10,
        "M" => 1_000_000,
        "Mi" => 1 << 20,
        "G" => 1_000_000_000,
        "Gi" => 1 << 30,
        "T" => 1_000_000_000_000,
        "Ti" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Returns true for a retention policy, which Barman shows in capital letters.
fn is_policy(text: &str) -> bool {
    text.starts_with("RECOVERY WINDOW OF ") || text.starts_with("REDUNDANCY ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_as_barman_reads_them() {
        for (shown, wanted, same) in [
            (json!("changed"), json!("changed"), true),
            (json!("changed"), json!("Changed"), false),
            (json!(true), json!("on"), true),
            (json!(true), json!("1"), true),
            (json!(false), json!("off"), true),
            (json!(true), json!("false"), false),
            (json!("off"), json!("false"), true),
            (json!(4), json!("4"), true),
            (json!(4), json!("5"), false),
            (json!(1), json!("on"), false),
            (json!(0.5), json!("0.5"), true),
            (json!(null), json!(""), true),
            (json!("None"), json!(null), false),
            (json!(["a"]), json!(["a"]), true),
            (json!(["a"]), json!("a"), true),
            (json!(["a", "b"]), json!("a, b"), true),
            (json!(["a", "b"]), json!("b, a"), false),
            (json!([]), json!(""), true),
            (json!({"a": 2}), json!("a:2"), true),
            (json!({"a": 2, "b": "x"}), json!("a: 2, b:x"), true),
            (json!({"a": 2}), json!("a:3"), false),
            (json!({"a": 2}), json!("a"), false),
            (json!("2 days"), json!("2 DAYS"), true),
            (json!("2 hours"), json!("2 HOUR"), true),
            (json!("1 day, 12 hours"), json!("36 hours"), true),
            (json!("14 days"), json!("2 weeks"), true),
            (json!("31 days"), json!("1 MONTH"), true),
            (json!("2 days"), json!("3 DAYS"), false),
            (json!("2 days"), json!("2"), false),
            (json!(2_097_152), json!("2 Mi"), true),
            (json!(2_097_152), json!("2Mi"), true),
            (json!(2_000), json!("2k"), true),
            (json!(2_048), json!("2 Ki"), true),
            (json!(3_298_534_883_328_u64), json!("3 Ti"), true),
            (json!(2_097_152), json!("2 M"), false),
            (json!(2), json!("99999999999999999999 Ti"), false),
            (
                json!("RECOVERY WINDOW OF 7 DAYS"),
                json!("recovery window of 7 days"),
                true,
            ),
            (
                json!("external_configuration,concurrent_backup"),
                json!("concurrent_backup, external_configuration"),
                true,
            ),
            (json!("get-wal"), json!("get-wal,delta-restore"), false),
            (json!("host=a,b"), json!("host=b,a"), false),
        ] {
            assert_eq!(same_value(&shown, &wanted), same, "{shown} {wanted}");
        }
    }
}
