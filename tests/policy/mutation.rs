//! The quality of the tests for the shipped rules: every rules file with one edit, tested with
//! its own tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use patroni_barman::evaluate::{Facts, Step, survey};
use patroni_barman::load;
use patroni_barman::model::{Event, Role, RuleSet, Template, TemplateValue};
use patroni_barman::rule_test::{self, Coverage};
use patroni_barman::source::Source;
use patroni_barman::space::{Known, clusters, events};
use serde_json::{Value, json};

use super::{root, shipped};

/// One edit and its result.
struct Mutant {
    what: String,
    rules: Value,
}

#[test]
fn the_tests_of_the_shipped_rules_notice_every_edit() {
    let (mut made, mut caught, mut missed) = (0, 0, Vec::new());
    for file in shipped() {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let whole: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let whole = serde_json::to_value(whole).unwrap();
        let original = set(&whole.to_string()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        assert!(
            passes(&name, &write(folder.path(), &whole)),
            "{name}: its own rules fail"
        );
        let mut seen = 0;
        for mutant in mutants(&whole) {
            let Some(edited) = set(&mutant.rules.to_string()) else {
                continue;
            };
            if !changes(&original, &edited) {
                continue;
            }
            made += 1;
            seen += 1;
            if passes(&name, &write(folder.path(), &mutant.rules)) {
                missed.push(format!("{name}: {}", mutant.what));
            } else {
                caught += 1;
            }
        }
        assert!(seen >= 10, "{name}: only {seen} edits");
    }
    #[allow(
        clippy::print_stdout,
        reason = "the score is for whoever reads the run"
    )]
    {
        println!("{caught} of {made} edits of the shipped rules are noticed by their tests");
    }
    assert_eq!(missed, Vec::<String>::new(), "{caught} of {made} noticed");
    assert!(made >= 150, "only {made} edits");
}

fn set(text: &str) -> Option<RuleSet> {
    load::load(&[Source::new("mutant.yml", text)]).rules
}

/// Writes rules in which errors of `check` are silenced: here only the tests should notice.
fn write(folder: &Path, rules: &Value) -> std::path::PathBuf {
    let path = folder.join("mutant.yml");
    let mut head = rules.clone();
    let list = head.as_object_mut().unwrap().remove("rules").unwrap();
    let head = head.to_string();
    let head = head.strip_suffix('}').unwrap();
    let allow = "# patroni_barman: allow(PB201, PB204, PB206, PB207) edited";
    let rules = list.as_array().unwrap().iter();
    let rules: Vec<_> = rules.map(|rule| format!("{allow}\n{rule}")).collect();
    let rules = rules.join(",\n");
    fs::write(&path, format!("{head}, \"rules\": [\n{rules}\n]}}\n")).unwrap();
    path
}

/// Returns true if the tests of a shipped file pass with these rules. Tests that can't even be read with them
/// (a rule that they name is missing) do not.
fn passes(name: &str, rules: &Path) -> bool {
    let path = root().join("rules/tests").join(name);
    let text = fs::read_to_string(&path).unwrap();
    let source = Source::new(path.display().to_string(), text);
    let loaded = rule_test::load(&source, Some(rules));
    loaded.suite.is_some_and(|suite| {
        let results = suite.run(&mut Coverage::of(&suite.rules));
        results.iter().all(rule_test::TestResult::passed)
    })
}

/// Returns true if an edit changes the requests in any cell, with any facts that the shipped rules use.
fn changes(original: &RuleSet, edited: &RuleSet) -> bool {
    let sites = [None, Some("paris"), Some("lyon"), Some("rome")];
    let options = ["promoted", "demoted", "always"];
    let options = options
        .iter()
        .flat_map(|when| [(*when, false), (*when, true)]);
    let mut options = options.map(Some).chain([None]);
    options.any(|options| {
        let with = |rules: &RuleSet| match options {
            Some((when, reset)) => with_options(rules, when, reset),
            None => rules.clone(),
        };
        let (original, edited) = (with(original), with(edited));
        let clusters = clusters(&[&original, &edited], &[]);
        sites.iter().any(|site| {
            let mut known = Known::default();
            if let Some(site) = site {
                known.env.insert("SITE".to_owned(), (*site).to_owned());
            }
            let mut cells = clusters.iter().flat_map(|cluster| {
                events().map(move |(event, role)| (event, role, &cluster.name))
            });
            cells.any(|(event, role, cluster)| {
                let facts = known.facts(event, role, cluster);
                outcome(&original, &facts) != outcome(&edited, &facts)
            })
        })
    })
}

/// The steps with their options, and the errors of evaluation.
fn outcome(rules: &RuleSet, facts: &Facts) -> (Vec<Step>, Vec<String>) {
    let survey = survey(rules, facts);
    let errors = survey.unresolved.iter().map(ToString::to_string);
    // nothing is sent, whichever of them comes first
    let mut errors: Vec<String> = errors.collect();
    errors.sort();
    (survey.plan.steps, errors)
}

fn with_options(rules: &RuleSet, when: &str, reset: bool) -> RuleSet {
    let mut rules = rules.clone();
    for var in &mut rules.vars {
        match var.name.as_str() {
            "switch_when" => {
                var.value = TemplateValue::Text(Template {
                    text: when.to_owned(),
                    origin: patroni_barman::model::Origin::default(),
                });
            }
            "reset" => var.value = TemplateValue::Bool(reset),
            _ => {}
        }
    }
    rules
}

/// Every single edit of these kinds.
#[allow(clippy::too_many_lines, reason = "a list")]
fn mutants(rules: &Value) -> Vec<Mutant> {
    let mut found = Vec::new();
    let mut add = |what: String, edit: &Edit<'_>| {
        let mut edited = rules.clone();
        edit(&mut edited);
        if edited != *rules {
            found.push(Mutant {
                what,
                rules: edited,
            });
        }
    };
    let all = rules["rules"].as_array().unwrap();
    for (index, rule) in all.iter().enumerate() {
        let name = rule["name"].as_str().unwrap();
        words(&mut add, rule, index, "on", &Event::ALL.map(Event::as_str));
        words(&mut add, rule, index, "role", &Role::ALL.map(Role::as_str));
        add(format!("{name} without its role"), &|all| {
            all["rules"][index]
                .as_object_mut()
                .unwrap()
                .shift_remove("role");
        });
        add(format!("{name} for one cluster"), &|all| {
            all["rules"][index]["cluster"] = "no-such".into();
        });
        add(format!("{name} switched off"), &|all| {
            all["rules"][index]["enabled"] = false.into();
        });
        add(format!("without {name}"), &|all| {
            all["rules"].as_array_mut().unwrap().remove(index);
        });
        if index > 0 {
            add(format!("{name} one up"), &|all| {
                all["rules"].as_array_mut().unwrap().swap(index - 1, index);
            });
        }
        if let Some(when) = rule["when"].as_str() {
            add(format!("{name} with `when` negated"), &|all| {
                all["rules"][index]["when"] = format!("not ({when})").into();
            });
            for always in ["true", "false"] {
                add(format!("{name} with `when` {always}"), &|all| {
                    all["rules"][index]["when"] = always.into();
                });
            }
        }
        for pointer in texts(rule, "") {
            if ["/request", "/when"]
                .iter()
                .any(|part| pointer.starts_with(part))
                && !pointer.ends_with("/type")
            {
                let pointer = format!("/rules/{index}{pointer}");
                add(format!("{name}: {pointer}"), &|all| {
                    change(all.pointer_mut(&pointer).unwrap());
                });
            }
        }
        let count = rule["requests"].as_array().map_or(0, Vec::len);
        for second in 1..count {
            add(format!("{name}: request {second} one up"), &|all| {
                all["rules"][index]["requests"]
                    .as_array_mut()
                    .unwrap()
                    .swap(second - 1, second);
            });
        }
    }
    for pointer in texts(&rules["vars"], "") {
        let pointer = format!("/vars{pointer}");
        add(pointer.clone(), &|all| {
            change(all.pointer_mut(&pointer).unwrap());
        });
    }
    add("match: first".to_owned(), &|all| {
        all["match"] = json!("first");
    });
    found
}

/// An edit of a file.
type Edit<'a> = dyn Fn(&mut Value) + 'a;

/// A word removed, added, or replaced by another.
fn words(
    add: &mut impl FnMut(String, &Edit<'_>),
    rule: &Value,
    index: usize,
    key: &str,
    all: &[&str],
) {
    let own: Vec<&str> = match &rule[key] {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().map(|word| word.as_str().unwrap()).collect(),
        _ => return,
    };
    let name = &rule["name"];
    let mut variants: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (place, _) in own.iter().enumerate() {
        let mut without = own.clone();
        without.remove(place);
        variants.insert(without.clone());
        for other in all.iter().filter(|other| !own.contains(other)) {
            let mut replaced = own.clone();
            replaced[place] = other;
            variants.insert(replaced);
            variants.insert([own.as_slice(), &[*other]].concat());
        }
    }
    for words in variants.into_iter().filter(|words| !words.is_empty()) {
        add(format!("{name} {key}: {words:?}"), &|all| {
            all["rules"][index][key] = json!(words);
        });
    }
}

/// The places of all texts and booleans in a value.
fn texts(value: &Value, here: &str) -> Vec<String> {
    match value {
        Value::String(_) | Value::Bool(_) => vec![here.to_owned()],
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, item)| texts(item, &format!("{here}/{index}")))
                .collect()
        }
        Value::Object(entries) => {
            let entries = entries.iter();
            entries
                .flat_map(|(key, value)| texts(value, &format!("{here}/{key}")))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Another text, or the opposite boolean. Names of APIs are exchanged, because any other would be invalid.
fn change(value: &mut Value) {
    *value = match &*value {
        Value::String(text) if text == "paris" => "lyon".into(),
        Value::String(text) if text == "lyon" => "paris".into(),
        Value::String(text) => format!("{text}-x").into(),
        Value::Bool(truth) => (!truth).into(),
        other => other.clone(),
    };
}
