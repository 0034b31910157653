//! Templates: their syntax, and the names that they use.

use std::collections::HashSet;

use super::Decoder;
use crate::diagnostic::Code;
use crate::load::MAX_FINDINGS;
use crate::load::problem::{Problem, Spot};
use crate::load::suggest::{MAX_CANDIDATES, nearest};
use crate::model::{Template, TemplateValue};
use crate::template::{
    FACTS, Reference, Syntax, SyntaxError, UnknownKind, UnknownName, check_pattern, inspect,
    is_template, known_names,
};

/// The maximum number of unknown names reported for one template.
const MAX_SHOWN: usize = 20;

/// Templates that have been checked and are valid: many rules share the same text.
#[derive(Default)]
pub(super) struct Inspected {
    texts: HashSet<String>,
    conditions: HashSet<String>,
}

impl Inspected {
    fn of(&mut self, syntax: Syntax) -> &mut HashSet<String> {
        match syntax {
            Syntax::Text => &mut self.texts,
            Syntax::Expression => &mut self.conditions,
        }
    }
}

impl Decoder<'_> {
    /// Checks every string in a value.
    pub(super) fn templates(&mut self, value: &TemplateValue) {
        for text in value.texts() {
            if is_template(&text.text) {
                self.template(text, Syntax::Text);
            }
        }
    }

    /// Checks one template.
    pub(super) fn template(&mut self, template: &Template, syntax: Syntax) {
        let is_known = self.inspected.of(syntax).contains(&template.text);
        if is_known || self.problems.len() >= MAX_FINDINGS {
            return;
        }
        let before = self.problems.len();
        match inspect(&template.text, syntax) {
            Ok(usage) => {
                self.constants.note(template, &usage);
                for unknown in usage.unknown.iter().take(MAX_SHOWN) {
                    self.unknown_name(unknown, template);
                }
                for (pattern, range) in &usage.patterns {
                    self.pattern(pattern, Spot::bytes(&template.origin, range.clone()));
                }
                let mut unknown = usage.variables;
                unknown.retain(|used| !self.knows(&used.name, template));
                for reference in unknown.iter().take(MAX_SHOWN) {
                    self.reference(reference, template);
                }
            }
            Err(error) => self.syntax_error(&error, template, syntax),
        }
        if self.problems.len() == before {
            self.inspected.of(syntax).insert(template.text.clone());
        }
    }

    pub(super) fn knows(&self, name: &str, template: &Template) -> bool {
        FACTS.contains(&name)
            || self.names.contains_key(name)
            || self.var_origin(name, template.origin.file).is_some()
            || self.is_renamed(name, template.origin.file)
    }

    pub(super) fn reference(&mut self, reference: &Reference, template: &Template) {
        let name = reference.name.as_str();
        // The range of `env.SITE` includes the attribute.
        let start = reference.range.start;
        let spot = Spot::bytes(&template.origin, start..start + name.len());
        let problem = |message: String| Problem::new(Code::UnknownVariable, spot, message);
        if let Some(later) = self.later(name) {
            let circle = self.circle(name, template);
            let problem = if later.contains(&template.origin) {
                problem(format!("the variable `{name}` uses itself"))
                    .help("a variable can use those above it")
            } else if let Some(way) = circle {
                // The first of them has reported it.
                if way.iter().any(|name| self.is_passed(name)) {
                    return;
                }
                let names = way.iter().map(|name| format!("`{name}`"));
                let names: Vec<_> = names.collect();
                problem(format!(
                    "variables use one another in a circle: {}",
                    names.join(" → ")
                ))
                .help("one of them needs a value that does not use the others")
                .related(Spot::key(later), format!("`{name}` is made here"))
            } else {
                problem(format!("the variable `{name}` is not known here yet"))
                    .help("a variable can use those above it: move it up")
                    .related(Spot::key(later), "it is made here")
            };
            return self.problem(problem);
        }
        if let Some(other) = self.var_elsewhere(name).cloned() {
            let message = format!("the variable `{name}` is for the rules of its own file only");
            return self.problem(
                problem(message)
                    .help("write `export: true` at the top of that file: all files then see its `vars`")
                    .related(Spot::key(&other), "it is made here"),
            );
        }
        let help = self.variable_help(name, template);
        self.problem(problem(format!("there is no variable `{name}`")).help(help));
    }

    fn variable_help(&self, name: &str, template: &Template) -> String {
        let shared = self.vars.keys().map(String::as_str);
        let own = self.own_names(template.origin.file);
        let mut vars: Vec<_> = shared
            .take(MAX_CANDIDATES)
            .chain(own.take(MAX_CANDIDATES))
            .collect();
        vars.sort_unstable();
        vars.dedup();
        if let Some(near) = nearest(name, vars.iter().copied().chain(FACTS)) {
            return format!("did you mean `{near}`?");
        }
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if name.chars().all(upper) {
            return format!("an environment variable is written `env.{name}`");
        }
        match name {
            "scope" => return "Patroni's scope is `cluster`".to_owned(),
            "name" | "hostname" | "member" => return "the node's name is `node`".to_owned(),
            _ => {}
        }
        let list = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let facts = list(&FACTS);
        match vars.as_slice() {
            [] => format!("there are {facts}, and what `vars` has"),
            vars if vars.len() <= 8 => format!("there are {facts}, and from `vars` {}", list(vars)),
            _ => format!("there are {facts}, and those of `vars`"),
        }
    }

    pub(super) fn unknown_name(&mut self, unknown: &UnknownName, template: &Template) {
        let name = unknown.name.as_str();
        let (kind, example) = match unknown.kind {
            UnknownKind::Filter => ("filter", filter_help(name)),
            UnknownKind::Test => ("test", test_help(name)),
            UnknownKind::Function => ("function", "there are `range` and `dict`"),
            UnknownKind::Method => ("method", method_help(name)),
        };
        let help = nearest(name, known_names(unknown.kind)).map_or_else(
            || example.to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        // The range begins at the value that the filter applies to.
        let text = template.text.get(unknown.range.clone()).unwrap_or_default();
        let start = unknown.range.start + text.rfind(name).unwrap_or(0);
        let spot = Spot::bytes(&template.origin, start..start + name.len());
        let message = format!("there is no {kind} `{name}`");
        self.problem(Problem::new(Code::UnknownFilter, spot, message).help(help));
    }

    fn pattern(&mut self, pattern: &str, spot: Spot) {
        if let Err(why) = check_pattern(pattern) {
            let message = format!("this pattern can't be used: {why}");
            let help = "`patroni_barman explain PB132` names the syntax";
            self.problem(Problem::new(Code::BadPattern, spot, message).help(help));
        }
    }

    pub(super) fn syntax_error(
        &mut self,
        error: &SyntaxError,
        template: &Template,
        syntax: Syntax,
    ) {
        let text = template.text.trim();
        let open = |begin: &str, end: &str| text.matches(begin).count() > text.matches(end).count();
        let what = match syntax {
            Syntax::Expression => "condition",
            Syntax::Text => "template",
        };
        let help = match syntax {
            Syntax::Expression if text.is_empty() => Some("leave `when` out, or write a condition"),
            Syntax::Expression if text.starts_with("{{") => {
                Some("`when` is an expression: leave out `{{` and `}}`")
            }
            Syntax::Expression if text.contains("&&") || text.contains("||") => {
                Some("write `and`, `or`, `not`")
            }
            Syntax::Expression if text.starts_with('!') => Some("write `not` for `!`"),
            Syntax::Expression if has_single_equals(text) => Some("to compare, write `==`"),
            Syntax::Text if open("{{", "}}") => Some("every `{{` needs its `}}`"),
            Syntax::Text if open("{%", "%}") => Some("every `{%` needs its `%}`"),
            Syntax::Text if open("{#", "#}") => Some("every `{#` needs its `#}`"),
            _ => None,
        };
        let spot = Spot::bytes(&template.origin, error.range.clone());
        let message = format!("this {what} can't be read: {}", error.message);
        self.problem(
            Problem::new(Code::TemplateSyntax, spot, message).maybe_help(help.map(str::to_owned)),
        );
    }
}

/// The replacement for a filter of other engines.
fn filter_help(name: &str) -> &'static str {
    match name {
        "match" | "search" | "regex_search" | "regex_match" | "regex_findall" => {
            "write `node | matches(\"^pg[0-9]+$\")`, which is true or false"
        }
        "regex_replace" => {
            "write `node | replace(\"-\", \"_\")`, or take parts of the text by `split`"
        }
        "rsplit" | "basename" | "regex_extract" => {
            "take the parts of the text: `(datadir | split(\"/\")) | last`"
        }
        "removeprefix" | "removesuffix" | "truncate" => {
            "take a part of the text: `node[3:]`, `node[:20]`"
        }
        "strip" | "lstrip" | "rstrip" => "write `node | trim`",
        "lowercase" | "tolower" => "write `node | lower`",
        "uppercase" | "toupper" => "write `node | upper`",
        "startswith" | "endswith" | "contains" => {
            "ask with a test, `node is startingwith(\"pg-\")`, or with `\"pg\" in node`"
        }
        "ternary" => "write `\"a\" if node == \"n1\" else \"b\"`",
        _ => {
            "for texts there are `default`, `lower`, `upper`, `replace`, `split`, `join`, `trim`, `format`, `matches`, `length`, `first` and `last`"
        }
    }
}

/// The replacement for a test of other engines.
fn test_help(name: &str) -> &'static str {
    match name {
        "match" | "matches" | "matching" | "search" | "regex" => {
            "`matches` is a filter: `node | matches(\"^pg[0-9]+$\")`"
        }
        "startswith" | "endswith" => {
            "write `node is startingwith(\"pg-\")`, `node is endingwith(\"-a\")`"
        }
        "contains" => "write `\"pg\" in node`",
        _ => {
            "a test asks about a value: `defined`, `startingwith`, `endingwith`, `in`, `eq`, `string`, `number`, `none`"
        }
    }
}

/// The replacement for a method of other languages.
fn method_help(name: &str) -> &'static str {
    match name {
        "startswith" => "write a test: `node is startingwith(\"pg-\")`",
        "endswith" => "write a test: `node is endingwith(\"-a\")`",
        "get" => "write `env.SITE | default(\"paris\")`",
        "split" => "write a filter: `(node | split(\"-\"))[0]`",
        "replace" => "write a filter: `node | replace(\"-\", \"_\")`",
        "strip" => "write a filter: `node | trim`",
        _ => "values have no methods; a filter changes a value: `node | upper`",
    }
}

/// Returns true if an expression has an `=` that is not a comparison.
fn has_single_equals(text: &str) -> bool {
    let simple = ["==", "!=", "<=", ">="]
        .iter()
        .fold(text.to_owned(), |text, operator| text.replace(operator, ""));
    simple.contains('=')
}
