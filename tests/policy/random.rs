//! Random rule sets against brute force: the matrix and the comparison agree with every plan.

use patroni_barman::diff::diff;
use patroni_barman::evaluate::{Facts, evaluate};
use patroni_barman::matrix::Matrix;
use patroni_barman::model::{Event, Fence, Role, RuleSet};
use patroni_barman::space::Known;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::rules;

/// A rules file with up to four rules that are often similar.
pub fn any_rules() -> impl Strategy<Value = String> {
    let matching = prop_oneof![3 => Just("all"), 1 => Just("first")];
    (matching, prop::collection::vec(any_rule(), 1..4)).prop_map(|(matching, all)| {
        let all: Vec<Value> = all
            .into_iter()
            .enumerate()
            .map(|(index, mut rule)| {
                rule["name"] = format!("r{index}").into();
                rule
            })
            .collect();
        json!({
            "version": 1,
            "match": matching,
            "api": {"url": "http://127.0.0.1:7480"},
            "apis": {"b": {"url": "http://127.0.0.2:7480"}},
            "rules": all,
        })
        .to_string()
    })
}

fn any_rule() -> impl Strategy<Value = Value> {
    let words = |all: &'static [&'static str], least: usize| {
        prop::sample::subsequence(all, least..=2.max(least))
    };
    let events = words(
        &["on_start", "on_stop", "on_role_change", "create_replica"],
        1,
    );
    let roles = words(&["primary", "replica", "demoted"], 0);
    let clusters = words(
        &["main", "main-1", "main-*", "main-?", "*-x", "m*-eu-*", "?"],
        0,
    );
    let when = prop::sample::select(vec![
        None,
        Some("true"),
        Some("cluster == 'main'"),
        Some("node == 'n1'"),
        Some("env.A == 'x'"),
        Some("role == 'primary' or raw_role == 'replica'"),
    ]);
    let request = prop::sample::select(vec![
        json!({"type": "config_switch", "server": "a", "model_name": "a:{{ node }}"}),
        json!({"type": "config_switch", "server": "a", "reset": true}),
        json!({"type": "config_switch", "server": "{{ cluster }}", "api": "b", "model_name": "m"}),
        json!({"type": "recovery", "server": "a", "backup_id": "latest", "remote_ssh_command": "ssh {{ host }}", "destination_directory": "{{ datadir }}"}),
        json!({"type": "config_update", "changes": [{"scope": "server", "server_name": "a", "description": "{{ event }}"}]}),
    ]);
    let attempts = prop::sample::select(vec![5, 5, 6]);
    (
        events,
        roles,
        clusters,
        when,
        request,
        attempts,
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(events, roles, clusters, when, request, attempts, enabled)| {
                let rule = json!({
                    "name": "",
                    "on": events,
                    "request": request,
                    "enabled": enabled,
                    "retry": {"attempts": attempts},
                });
                narrowed(rule, roles, clusters, when)
            },
        )
}

/// A rule for these roles and clusters, or for all of them, under a condition.
pub fn narrowed(
    mut rule: Value,
    roles: Vec<&str>,
    clusters: Vec<&str>,
    when: Option<&str>,
) -> Value {
    rule["role"] = "any".into();
    for (key, words) in [("role", roles), ("cluster", clusters)] {
        if !words.is_empty() {
            rule[key] = words.into();
        }
    }
    if let Some(when) = when {
        rule["when"] = when.into();
    }
    rule
}

/// The facts, built here independently from Patroni's arguments.
fn facts(event: Event, role: Role, cluster: &str, known: &Known) -> Facts {
    let mut facts = Facts::new(event, role, cluster);
    facts.node = Some("NODE".to_owned());
    facts.host = Some("HOST".to_owned());
    facts.env = known.env.clone();
    let mut pass = |name: &str, value: &str| facts.args.insert(name.to_owned(), value.to_owned());
    if matches!(event, Event::Bootstrap | Event::CreateReplica) {
        pass("scope", cluster);
        pass("datadir", "/DATADIR");
        facts.datadir = Some("/DATADIR".to_owned());
    }
    if event == Event::CreateReplica {
        facts.args.insert("role".to_owned(), "replica".to_owned());
        facts
            .args
            .insert("connstring".to_owned(), "CONNSTRING".to_owned());
        facts.connstring = Some("CONNSTRING".to_owned());
    }
    facts
}

fn known(site: Option<&str>) -> Known {
    let mut known = Known::default();
    known
        .given
        .extend(["node", "host", "raw_role", "datadir", "connstring"]);
    if let Some(site) = site {
        known.env.insert("A".to_owned(), site.to_owned());
    }
    known
}

/// Names of every kind that the random rules can distinguish, and more.
const CLUSTERS: [&str; 8] = [
    "main", "main-", "main-1", "a-x", "main-x", "b", "other", "x",
];

fn same(old: &RuleSet, new: &RuleSet, known: &Known, clusters: &[&str]) -> bool {
    clusters.iter().all(|cluster| {
        Event::ALL.iter().all(|event| {
            event.roles().iter().all(|role| {
                let facts = facts(*event, *role, cluster, known);
                match (evaluate(old, &facts), evaluate(new, &facts)) {
                    (Ok(old), Ok(new)) => old.steps == new.steps,
                    (Err(old), Err(new)) => old.rule == new.rule,
                    _ => false,
                }
            })
        })
    })
}

/// Returns true if a rule is for a cluster: a cell has only those that are.
fn is_for(rules: &RuleSet, name: &str, cluster: &str) -> bool {
    let rule = rules.rules.iter().find(|rule| rule.name == name).unwrap();
    rule.cluster.include(cluster)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_matrix_is_every_plan(text in any_rules(), site in prop::option::of(prop::sample::select(vec!["x", "y"]))) {
        let (set, known) = (rules(&text), known(site));
        let matrix = Matrix::new(&set, known.clone(), &[], Vec::new());
        for (cluster, cells) in matrix.blocks() {
            let mut cells = cells.into_iter();
            for event in Event::ALL {
                for role in event.roles() {
                    let cell = cells.next().unwrap();
                    prop_assert_eq!((cell.event, cell.role, &cell.cluster), (event, *role, &cluster.name));
                    let preview = cell.preview;
                    match evaluate(&set, &facts(event, *role, &cluster.name, &known)) {
                        Ok(mut plan) => {
                            plan.trace.retain(|trace| is_for(&set, &trace.rule, &cluster.name));
                            for step in &mut plan.steps {
                                step.fence = Fence::None;
                            }
                            prop_assert_eq!(&preview.plan, &plan);
                            prop_assert!(preview.unresolved.is_empty() && preview.failures.is_empty());
                        }
                        // without the variable, it is unknown whether the plan fails
                        Err(error) => {
                            let mut said = preview.failures.iter().map(|one| &one.rule)
                                .chain(preview.unresolved.iter().map(|one| &one.rule));
                            prop_assert!(said.any(|rule| *rule == error.rule), "{:?}", preview);
                        }
                    }
                }
            }
            prop_assert!(cells.next().is_none());
        }
    }

    /// Every name belongs to a kind for which the table has an example.
    #[test]
    fn every_cluster_behaves_as_its_example(text in any_rules(), name in "(main|m|x)?(-|-eu-|1)?[a1]{0,2}(-x)?") {
        let set = rules(&text);
        let kinds = patroni_barman::space::clusters(&[&set], &[]);
        let signature = patroni_barman::space::signature(&[&set], &name);
        prop_assume!(!name.is_empty());
        prop_assert!(kinds.iter().any(|kind| kind.matches == signature), "{} {:?} {:?}", name, signature, kinds);
    }

    #[test]
    fn the_comparison_is_empty_exactly_when_every_plan_is_the_same(
        old in any_rules(),
        new in any_rules(),
        edit in any::<bool>(),
        site in prop::sample::select(vec!["x", "y"]),
    ) {
        // two independent files are hardly ever equal: half of the time, one is edited
        let new = if edit { old.replacen("on_stop", "on_reload", 1).replacen("\"a\"", "\"c\"", 1) } else { new };
        let (old, new, known) = (rules(&old), rules(&new), known(Some(site)));
        let diff = diff(&old, &new, known.clone(), &CLUSTERS.map(str::to_owned));
        let names: Vec<&str> = diff.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        prop_assert_eq!(diff.is_empty(), same(&old, &new, &known, &names));
    }

    #[test]
    fn nothing_differs_from_itself(text in any_rules()) {
        let set = rules(&text);
        let diff = diff(&set, &set, known(None), &[]);
        prop_assert!(diff.is_empty() && diff.unseen.is_empty());
    }
}
