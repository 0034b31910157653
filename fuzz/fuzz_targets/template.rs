//! Any text as a template and as a condition: it ends, and what was found without rendering it holds.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use patroni_barman::model::{Origin, Template, TemplateValue, Var};
use patroni_barman::template::{Scope, Syntax, condition, inspect, is_template, render};

fuzz_target!(|text: &str| {
    let template = Template {
        text: text.to_owned(),
        origin: Origin::default(),
    };
    for syntax in [Syntax::Text, Syntax::Expression] {
        match inspect(text, syntax) {
            Ok(usage) => {
                for used in usage.variables {
                    assert!(text.get(used.range).is_some());
                }
            }
            Err(error) => assert!(text.get(error.range).is_some()),
        }
    }
    let server = Var {
        name: "server".to_owned(),
        label: "server".to_owned(),
        value: TemplateValue::Text(Template {
            text: "main-{{ node }}".to_owned(),
            origin: Origin::default(),
        }),
        origin: Origin::default(),
    };
    let env = BTreeMap::from([("SITE".to_owned(), "paris".to_owned())]);
    let scope = Scope::new(&[server])
        .text("node", "n1")
        .maybe("datadir", None, "there is none")
        .table("env", &env);
    let _ = condition(&template, &scope);
    let rendered = render(&TemplateValue::Text(template), &scope);
    if !is_template(text) {
        assert_eq!(rendered.unwrap(), serde_json::Value::from(text));
    }
});
