//! Explanations, schemas and reference pages agree with `check`.

use std::fs;
use std::path::Path;

use patroni_barman::diagnostic::Code;
use patroni_barman::report;
use serde_json::Value;

use super::of_rules;
use crate::support::checked::check;
use crate::support::folder::Folder;
use crate::support::program::{root, run};
use crate::support::schema::published;

/// The findings of `check` about the files of an example.
fn codes_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = Folder::new();
    for (name, text) in files {
        folder.write(&format!("rules/{name}"), text);
    }
    let rules = folder.path("rules");
    let checked = match files {
        [(name, _)] => check(&rules.join(name)),
        _ => check(&rules),
    };
    checked.codes().into_iter().map(str::to_owned).collect()
}

#[test]
fn every_wrong_example_is_found_and_every_right_one_is_right() {
    for code in of_rules() {
        let explanation = code.explanation();
        assert!(explanation.about.len() > 50, "{code}");
        // findings that need Barman are tested elsewhere, with one
        if !code.is_online() {
            assert_eq!(codes_of(&explanation.wrong), [code.as_str()], "{code}");
        }
        assert_eq!(codes_of(&explanation.right), [] as [&str; 0], "{code}");
    }
}

#[test]
fn explain_prints_the_page_of_a_code_and_lists_all() {
    run(&["explain", "pb106"])
        .exits(0)
        .starts("PB106: an unknown event (error)\n")
        .shows("\n        on: on_promote\n");
    let list = run(&["explain"]).exits(0).stdout;
    assert_eq!(list.lines().count(), Code::ALL.len());
    assert_eq!(run(&["explain", "PB999"]).exits(2).stdout, "");
}

#[test]
fn the_page_of_findings_is_what_explain_says() {
    let path = root().join("docs/findings.md");
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(&path, report::reference()).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == report::reference(),
        "run with UPDATE_CASES=1"
    );
}

#[test]
fn schema_prints_each_schema() {
    for name in ["rules", "request", "check"] {
        let file = root().join(format!("schemas/{name}.schema.json"));
        let printed = run(&["schema", name]).exits(0).stdout;
        assert_eq!(printed, fs::read_to_string(file).unwrap(), "{name}");
    }
}

/// Calls for every part of a schema that describes a value, with its key.
fn each_value(key: &str, schema: &Value, call: &mut dyn FnMut(&str, &Value)) {
    call(key, schema);
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        each_value(name, part, call);
    }
    for (name, part) in schema["$defs"].as_object().into_iter().flatten() {
        each_value(name, part, call);
    }
}

fn schemas() -> impl Iterator<Item = (String, Value)> {
    let files = fs::read_dir(root().join("schemas")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (
            path.display().to_string(),
            serde_json::from_str(&text).unwrap(),
        )
    })
}

#[test]
fn an_editor_can_say_something_about_every_key() {
    for (name, schema) in schemas() {
        jsonschema::draft202012::meta::validate(&schema).unwrap();
        // the outputs of commands are not written by hand, so editors do not need their schemas
        let written = [
            "rules.schema.json",
            "request.schema.json",
            "rule-tests.schema.json",
        ];
        if !written.iter().any(|file| name.ends_with(file)) {
            continue;
        }
        each_value("", &schema, &mut |key, part| {
            let own = |word: &str| part[word].as_str().is_some();
            let borrowed = part["$ref"].as_str().is_some();
            let fixed = part.get("const").is_some() && part.get("title").is_none();
            assert!(
                fixed || borrowed || (own("title") && own("description")),
                "{name}: `{key}` has no title or description"
            );
        });
    }
}

#[test]
fn examples_and_defaults_of_the_rules_schema_fit_it() {
    let schema = published("rules.schema.json");
    let mut seen = 0;
    each_value("", &schema, &mut |key, part| {
        let mut alone = part.clone();
        alone["$defs"] = schema["$defs"].clone();
        let validator = jsonschema::draft202012::new(&alone).unwrap();
        let examples = part["examples"].as_array().into_iter().flatten();
        for example in examples.chain(part.get("default")) {
            seen += 1;
            assert!(validator.is_valid(example), "`{key}`: {example}");
        }
    });
    assert!(seen > 30);
}

#[test]
fn the_rules_reference_names_every_key_and_every_word() {
    let schema = published("rules.schema.json");
    let pages = ["docs/rules.md", "docs/notify.md"];
    let page = pages.map(|page| fs::read_to_string(root().join(page)).unwrap());
    let page = page.concat();
    let mut missing = Vec::new();
    let mut needs = |word: &str| {
        if !page.contains(&format!("`{word}`")) && !page.contains(&format!("`{word}:")) {
            missing.push(word.to_owned());
        }
    };
    each_value("", &schema, &mut |_, part| {
        for key in part["properties"].as_object().into_iter().flatten() {
            needs(key.0);
        }
        for word in part["enum"].as_array().into_iter().flatten() {
            needs(word.as_str().unwrap());
        }
        if let Some(default) = part["default"].as_str() {
            needs(default);
        }
    });
    assert!(
        missing.is_empty(),
        "docs/rules.md and docs/notify.md have no {missing:?}"
    );
}

#[test]
fn the_shipped_rules_are_in_order() {
    for entry in fs::read_dir(Path::new(root()).join("rules")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        assert_eq!(check(&path).text.lines().count(), 1, "{}", path.display());
    }
}
