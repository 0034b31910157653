//! Random rules: rules that never fire according to `check` never fire, contradictions are real, and there are no
//! others.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use patroni_barman::check::findings;
use patroni_barman::diagnostic::{Code, Finding};
use patroni_barman::evaluate::survey;
use patroni_barman::load::load;
use patroni_barman::source::Source;
use patroni_barman::space::{Known, clusters, events};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::policy::random::narrowed;

/// The line of the first rule; each rule has one line.
const FIRST_LINE: usize = 6;

fn any_rules() -> impl Strategy<Value = (bool, Vec<Value>)> {
    (any::<bool>(), prop::collection::vec(any_rule(), 1..5))
}

fn any_rule() -> impl Strategy<Value = Value> {
    let some =
        |all: &'static [&'static str], least: usize| prop::sample::subsequence(all, least..=2);
    let when = prop::sample::select(vec![
        None,
        None,
        Some("true"),
        Some("role == 'primary'"),
        Some("event == 'on_stop' and env.SITE == 'a'"),
        Some("env.SITE == 'a'"),
        Some("env.SITE == 'a' and event == 'on_stop'"),
        Some("env.SITE == 'a' and (node != 'n' or role == 'primary')"),
        Some("env.SITE != 'a' and datadir is not defined"),
        Some("env.SITE == 'b'"),
        Some("env.SITE not in ['a']"),
        Some("env.FORCE == 'yes' or role != 'primary'"),
        Some("off and env.FORCE == 'yes'"),
    ]);
    let request = prop::sample::select(vec![
        json!({"type": "config_switch", "server": "s", "model_name": "m:{{ node }}"}),
        json!({"type": "config_switch", "server": "s", "model_name": "n"}),
        json!({"type": "config_switch", "server": "{{ cluster }}", "reset": true}),
        json!({"type": "config_switch", "server": "t", "model_name": "{{ role }}"}),
        json!({"type": "config_switch", "server": "t", "model_name": "primary"}),
    ]);
    (
        some(&["on_start", "on_stop", "on_role_change"], 1),
        some(&["primary", "replica", "demoted"], 0),
        some(&["s", "s*", "other"], 0),
        when,
        request,
        prop::bool::weighted(0.9),
    )
        .prop_map(|(on, role, cluster, when, request, enabled)| {
            let rule = json!({"on": on, "request": request, "enabled": enabled});
            narrowed(rule, role, cluster, when)
        })
}

fn text(first: bool, rules: &[Value]) -> String {
    let mut text = format!(
        "version: 1\nmatch: {}\napi: {{url: \"http://localhost:7480\"}}\nvars: {{off: false}}\nrules:\n",
        if first { "first" } else { "all" }
    );
    for (number, rule) in rules.iter().enumerate() {
        let mut rule = rule.clone();
        rule["name"] = format!("r{number}").into();
        writeln!(text, "  - {rule}").unwrap();
    }
    text
}

/// The rules of a finding: its own first.
fn rules_of(finding: &Finding) -> (usize, Vec<usize>) {
    let related = finding.related.iter();
    let related = related.map(|related| related.place.position.line - FIRST_LINE);
    (finding.place.position.line - FIRST_LINE, related.collect())
}

/// The truth: the rules that fire somewhere, and the pairs that contradict each other: somewhere, and in some cell
/// for every environment.
#[derive(Default)]
struct Truth {
    fires: BTreeSet<usize>,
    sometimes: BTreeSet<(usize, usize)>,
    surely: BTreeSet<(usize, usize)>,
}

fn truth(source: &Source) -> Truth {
    let rules = load(std::slice::from_ref(source)).rules.unwrap();
    let kinds = clusters(&[&rules], &[]);
    let mut truth = Truth::default();
    let mut by_environment = Vec::new();
    for site in ["a", "b", "c"] {
        for force in ["yes", "no"] {
            let env = [("SITE", site), ("FORCE", force)];
            let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let known = Known {
                env: env.into(),
                ..Known::default()
            };
            let mut clashes = BTreeSet::new();
            let places = kinds
                .iter()
                .flat_map(|kind| events().map(move |(event, role)| (event, role, &kind.name)));
            for place in places {
                let (event, role, cluster) = place;
                let again = survey(&rules, &known.facts(event, role, cluster));
                assert!(again.unresolved.is_empty(), "{:?}", again.unresolved);
                let number = |name: &str| name[1..].parse::<usize>().unwrap();
                let steps = &again.plan.steps;
                for (index, later) in steps.iter().enumerate() {
                    truth.fires.insert(number(&later.rule));
                    for earlier in &steps[..index] {
                        if earlier.url == later.url && earlier.operation != later.operation {
                            let pair = (number(&later.rule), number(&earlier.rule));
                            truth.sometimes.insert(pair);
                            clashes.insert((place, pair));
                        }
                    }
                }
            }
            by_environment.push(clashes);
        }
    }
    let always = by_environment
        .iter()
        .skip(1)
        .fold(by_environment[0].clone(), |all, some| &all & some);
    truth.surely = always.into_iter().map(|(_, pair)| pair).collect();
    truth
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn check_says_what_is_true_and_all_of_it((first, rules) in any_rules()) {
        let source = Source::new("rules.yml", text(first, &rules));
        let found = findings(std::slice::from_ref(&source));
        let truth = truth(&source);
        let of = |codes: &[Code]| -> Vec<(usize, Vec<usize>)> {
            found.iter().filter(|f| codes.contains(&f.code)).map(rules_of).collect()
        };
        let never: BTreeSet<usize> = of(&[Code::NeverFires, Code::NeverTrue, Code::Shadowed])
            .into_iter()
            .map(|(rule, _)| rule)
            .collect();
        for rule in &never {
            prop_assert!(!truth.fires.contains(rule), "r{} fires\n{}", rule, source.text);
        }
        // conditions that together cover all environments are not combined under `match: first`
        if !first || !source.text.contains("env.") {
            for (number, rule) in rules.iter().enumerate() {
                let enabled = rule["enabled"] == true;
                prop_assert!(
                    !enabled || truth.fires.contains(&number) || never.contains(&number),
                    "r{} never fires\n{}", number, source.text
                );
            }
        }
        let pairs = |code: Code| -> BTreeSet<(usize, usize)> {
            let pairs = of(&[code]).into_iter();
            pairs.flat_map(|(rule, others)| others.into_iter().map(move |other| (rule, other))).collect()
        };
        let (surely, perhaps) = (pairs(Code::Conflict), pairs(Code::PossibleConflict));
        prop_assert!(surely.is_subset(&truth.surely), "{:?} {:?}\n{}", surely, truth.surely, source.text);
        prop_assert!(perhaps.is_subset(&truth.sometimes), "{:?} {:?}\n{}", perhaps, truth.sometimes, source.text);
        let said = &surely | &perhaps;
        // if several earlier rules want the same under the same condition, one is named
        let alike = |one: usize, other: usize| ["request", "when"].iter().all(|key| rules[one].get(key) == rules[other].get(key));
        for (later, earlier) in &truth.sometimes {
            prop_assert!(
                said.iter().any(|(rule, other)| rule == later && alike(*other, *earlier)),
                "{:?} {:?}\n{}", truth.sometimes, said, source.text
            );
        }
    }
}
