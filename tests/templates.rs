//! The results of templates, as `plan` shows them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::ended::Ended;
use crate::support::folder::Folder;

/// The result of one rule in `plan`.
#[derive(Debug, PartialEq)]
enum Planned {
    /// A switch to this model.
    Model(String),
    /// The rule does not fire.
    Nothing,
    /// The plan fails with a message that contains this text.
    Fails(String),
}

/// Plans `on_role_change primary demo` on node `n1`, where `SITE` is `paris` and nothing else is set.
fn plan(vars: &Value, when: Option<&str>, model: &str) -> Planned {
    let request = json!({"type": "config_switch", "server": "main", "model_name": model});
    let mut rule = json!({"name": "a", "on": "on_role_change", "role": "any", "request": request});
    if let Some(when) = when {
        rule["when"] = when.into();
    }
    let rules = json!({"version": 1, "api": {"url": "http://localhost:7480"}, "vars": vars, "rules": [rule]});
    let folder = Folder::with(&[("rules.yml", &rules.to_string())]);
    let options = ["--format", "json", "--node", "n1", "--rules", "rules.yml"];
    let mut command = folder.command([&["plan"], &options[..]].concat());
    command.args(["on_role_change", "primary", "demo"]);
    command.env_clear().env("SITE", "paris");
    let state = folder.path("state.db");
    let ended = Ended::of(command.env("PATRONI_BARMAN_STATE", state));
    match ended.exit {
        0 => {
            let plan = ended.json();
            let model = plan["steps"][0]["body"]["model_name"].as_str().unwrap();
            Planned::Model(model.to_owned())
        }
        1 => Planned::Nothing,
        4 => Planned::Fails(ended.stderr),
        _ => panic!("{when:?} {model}: {ended}"),
    }
}

/// Asserts that a template has this value.
fn assert_is(vars: &Value, model: &str, expected: &str) {
    let expected = Planned::Model(expected.to_owned());
    assert_eq!(plan(vars, None, model), expected, "{model}");
}

/// Asserts that a rule with this condition fires, or does not.
fn assert_fires(vars: &Value, when: &str, fires: bool) {
    let expected = if fires {
        Planned::Model("m".to_owned())
    } else {
        Planned::Nothing
    };
    assert_eq!(plan(vars, Some(when), "m"), expected, "{when}");
}

/// Asserts that a template fails with a message that contains this text.
fn assert_fails(vars: &Value, model: &str, part: &str) {
    match plan(vars, None, model) {
        Planned::Fails(message) => assert!(message.contains(part), "{model}: {message}"),
        other => panic!("{model}: {other:?}"),
    }
}

#[test]
fn in_asks_for_names() {
    for (when, fires) in [
        ("'SITE' in env", true),
        ("'NOPE' in env", false),
        ("'NOPE' not in env", true),
        ("not ('SITE' in env)", false),
        ("'NOPE' is in(env)", false),
        ("'SITE' is in(env)", true),
        ("'NOPE' is not in(env)", true),
        ("'NOPE' in args", false),
        ("'NOPE' in there", false),
        (
            "['NOPE', 'SITE'] | select('in', env) | list == ['SITE']",
            true,
        ),
        ("env | attr('NOPE') is defined", false),
        ("env | attr('SITE') == 'paris'", true),
        ("[env] | selectattr('NOPE') | list | length == 1", false),
        (
            "[env] | selectattr('NOPE', 'defined') | list | length == 1",
            false,
        ),
        (
            "[env] | selectattr('SITE', 'defined') | list | length == 1",
            true,
        ),
        ("'NOPE' in env and env.NOPE == 'x'", false),
        ("env is mapping and 'SITE' in (env | list)", true),
        ("'SITE' in (env | items | map('first') | list)", true),
        ("'a' in {'a': node} and 'b' not in {'a': node}", true),
        ("'n' in node and node in ['n1']", true),
    ] {
        assert_fires(&json!({"there": "{{ env }}"}), when, fires);
    }
}

#[test]
fn what_does_not_exist_is_an_error_wherever_it_is_used() {
    let vars = json!({"sites": {"paris": "p"}, "list": ["a", "b"], "all": [{"a": "x"}]});
    let unset = "the environment variable `NOPE` is not set";
    for (model, part) in [
        ("{{ env.NOPE }}", unset),
        ("{{ env['NOPE'] }}", unset),
        ("{{ env | attr('NOPE') }}", unset),
        (
            "{{ [env] | map(attribute='NOPE') | join }}",
            "`NOPE` is not set",
        ),
        ("{{ [sites.london, node] | join(':') }}", "undefined"),
        ("{{ (sites.london, node) | join(':') }}", "undefined"),
        (
            "{{ {'a': sites.london} | items | list | length }}",
            "undefined",
        ),
        ("x{{ sites.london | e }}", "undefined"),
        ("x{{ sites.london | indent }}", "undefined"),
        ("x{{ sites.london | pprint }}", "undefined"),
        ("x{{ sites.london | string }}", "undefined"),
        ("{{ list | join(sites.london) }}", "undefined"),
        ("{{ list | join(d=sites.london) }}", "undefined"),
        ("{{ all | map(attribute='b') | join }}", "undefined"),
        ("{{ [[] | first, node] | join }}", "undefined"),
        ("m{{ '-a' if cluster == 'x' }}", "undefined"),
        ("{{ ('a' if cluster == 'x') ~ 'b' }}", "undefined"),
        ("{{ 'a' if cluster == 'x' }}", "undefined"),
        ("x{{ 1 if sites.london is none else 2 }}", "undefined"),
    ] {
        assert_fails(&vars, model, part);
    }
    for (model, expected) in [
        ("{{ sites.london | default('x') }}", "x"),
        ("{{ [] | first | default('x') }}", "x"),
        ("{{ 'a' if sites.london is defined else 'b' }}", "b"),
        ("{{ ('a' if cluster == 'x') | default('b') }}", "b"),
        ("m{{ '-a' if cluster == 'x' else '' }}", "m"),
        ("{{ [sites.paris, node] | join(':') }}", "p:n1"),
        (
            "{% for a, b in [(node, 'x')] %}{{ a }}{{ b }}{% endfor %}",
            "n1x",
        ),
        ("{% set a, b = node, 'x' %}{{ a ~ b }}", "n1x"),
        ("{{ range(3) | join }}", "012"),
        ("{{ dict(a=node).a }}", "n1"),
        (
            "{% for i in list recursive %}{{ i }}{% if i == 'a' %}{{ loop(['c']) }}{% endif %}{% endfor %}",
            "acb",
        ),
    ] {
        assert_is(&vars, model, expected);
    }
}

#[test]
fn none_is_never_written_and_truth_is_written_as_in_yaml() {
    let vars = json!({"sites": {"paris": null}, "flag": true, "list": ["a", null], "truths": ["a", false]});
    for model in [
        "m-{{ sites.paris }}",
        "{{ 'm-' ~ sites.paris }}",
        "{{ sites.paris ~ 'm' }}",
        "{{ 'm-' ~ none }}",
        "{{ list | join('-') }}",
        "{{ sites.paris | string }}",
        "{{ sites.paris | upper }}",
        "{{ [sites.paris, node] | join }}",
    ] {
        assert_fails(&vars, model, "`none` can't be a part of a text");
    }
    for (model, expected) in [
        ("m-{{ flag }}", "m-true"),
        ("{{ 'm-' ~ flag }}", "m-true"),
        ("{{ flag | string }}", "true"),
        ("{{ truths | join('-') }}", "a-false"),
        ("{{ 'm' ~ 1 ~ (not flag) }}", "m1false"),
    ] {
        assert_is(&vars, model, expected);
    }
}

/// Variables that each use the previous one in this way.
fn chain(first: &str, next: impl Fn(usize) -> Value) -> Value {
    let mut vars = serde_json::Map::new();
    vars.insert("v0".to_owned(), first.into());
    vars.extend((1..=40).map(|number| (format!("v{number}"), next(number - 1))));
    vars.into()
}

#[test]
fn no_small_file_makes_a_value_without_end() {
    let begun = Instant::now();
    for first in ["x", "{{ node }}"] {
        let listed = chain(first, |before| {
            let item = format!("{{{{ v{before} }}}}");
            json!([item, item])
        });
        assert_is(&listed, "m", "m");
        assert_fails(&listed, "{{ v40 }}", "more than 20,000 values");
        let shared = chain(first, |before| {
            format!("{{{{ [v{before}, v{before}] }}}}").into()
        });
        assert_fails(&shared, "{{ v40 }}", "too many steps");
        let text = chain(first, |before| {
            format!("{{{{ v{before} }}}}{{{{ v{before} }}}}").into()
        });
        assert_fails(&text, "{{ v40 }}", "too many steps");
    }
    let doubled = "{% set a = [1] %}".to_owned() + &"{% set a = [a, a] %}".repeat(30);
    for end in [
        "{{ a }}",
        "{{ a | string }}",
        "{{ a | pprint }}",
        "{{ a | join }}",
        "{{ a ~ '' }}",
        "{{ '%s' | format(a) }}",
        "{{ a == [a] }}",
        "{{ a in 'x' }}",
        "{{ {a: 1} }}",
    ] {
        let model = format!("{doubled}{end}");
        assert_fails(&json!({}), &model, "too many steps");
    }
    let repeat = |start: &str, step: &str| format!("{start}{}{{{{ a }}}}", step.repeat(40));
    for model in [
        format!("{{{{ {}1{} }}}}", "[".repeat(30), "] * 2".repeat(30)),
        repeat("{% set a = dict(x=1) %}", "{% set a = dict(x=a, y=a) %}"),
        repeat("{% set a = [1] %}", "{% set a = a | zip(a) | list %}"),
        repeat("{% set a = 'x' %}", "{% set a = a ~ a %}"),
        "{% set a = [[1] * 140] * 140 %}{% set b = [[1] * 140] * 140 %}\
         {% for i in range(9000) %}{{ a == b }}{% endfor %}"
            .to_owned(),
    ] {
        assert!(
            matches!(plan(&json!({}), None, &model), Planned::Fails(_)),
            "{model}"
        );
    }
    // it used to take hours
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn matches_asks_for_a_regular_expression_within_bounds() {
    let vars = json!({"long": "{{ 'a' * 5000 }}", "pattern": "^N[0-9]$"});
    for (when, fires) in [
        ("node | matches('^n[0-9]+$')", true),
        ("node | matches('N')", false),
        ("node | matches('(?i)N')", true),
        ("node | upper | matches(pattern)", true),
        ("not node | matches('1') or cluster == 'demo'", true),
        ("env.NOPE | default('') | matches('^$')", true),
    ] {
        assert_fires(&vars, when, fires);
    }
    for (model, part) in [
        (
            "{{ 5 | matches('5') }}",
            "`matches` is for texts, and this is a number",
        ),
        ("{{ env.NOPE | matches('5') }}", "`NOPE` is not set"),
        (
            "{{ node | matches(node ~ '(') }}",
            "can't be used: unclosed group",
        ),
        (
            "{{ node | matches(5) }}",
            "the pattern of `matches` is a text, and this is a number",
        ),
        ("{{ long | matches('a') }}", "texts of at most 4096 bytes"),
        (
            "{% for a in range(9000) %}{{ 1 if node * 1000 | matches('(x|y)*z') else 0 }}{% endfor %}",
            "",
        ),
    ] {
        assert_fails(&vars, model, part);
    }
}
