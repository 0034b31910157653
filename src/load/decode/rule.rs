//! `rules` and `defaults`.

use std::collections::HashMap;

use serde_json::Value;

use super::values::{Least, word, words};
use super::{Decoder, items};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::model::{
    Clusters, Event, Fence, OnFailure, Origin, Poll, RequestTemplate, Retry, Role, Rule, Template,
    TemplateValue, Verify, duration,
};
use crate::template::{Scope, Syntax, is_template, render};

/// The options of a rule's requests unless it sets them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults {
    retry: Retry,
    poll: Poll,
    fence: Fence,
    verify: Verify,
    on_failure: OnFailure,
}

impl<'a> Decoder<'a> {
    pub(super) fn defaults(&mut self, section: Option<&(Origin, &Value)>) -> Defaults {
        match section {
            Some((origin, value)) => self.carrying_out((value, origin), Defaults::default()),
            None => Defaults::default(),
        }
    }

    pub(super) fn rules(
        &mut self,
        sections: &[(Origin, &'a Value)],
        defaults: &Defaults,
    ) -> Vec<Rule> {
        let all: Vec<_> = sections
            .iter()
            .flat_map(|(origin, section)| items(Some(section), origin))
            .collect();
        let listed = sections.iter().all(|(_, section)| section.is_array());
        if all.is_empty() && listed {
            let spot = sections.first().map_or_else(
                || Spot::value(&Origin::default()),
                |(origin, _)| Spot::key(origin),
            );
            self.problem(
                Problem::new(Code::NoRules, spot, "there is no rule")
                    .help("write under `rules` what is to be done when"),
            );
        }
        let mut names = HashMap::new();
        let mut rules = Vec::with_capacity(all.len());
        let mut file = None;
        for (origin, value) in all {
            if file.replace(origin.file) != Some(origin.file) {
                self.enter_file();
            }
            if self.is_plain(value, &origin) {
                self.no_early_templates(value, &origin);
                if let Some(name) = value.get("name").and_then(Value::as_str) {
                    self.rule_name(name, &origin, &mut names);
                }
                rules.extend(self.rule(value, &origin, defaults));
            } else {
                self.unroll(value, &origin, defaults, &mut names, &mut rules);
            }
        }
        rules
    }

    pub(super) fn rule_name(
        &mut self,
        name: &str,
        rule: &Origin,
        names: &mut HashMap<String, Origin>,
    ) {
        let Some(before) = names.get(name) else {
            names.insert(name.to_owned(), rule.clone());
            return;
        };
        let spot = |rule: &Origin| Spot::value(&rule.child("name"));
        let message = format!("there are two rules with the name `{name}`");
        let help = if before.file == rule.file {
            "give one of them another name"
        } else {
            "the names of rules are unique over all files of a directory: put, for example, the team's name in front"
        };
        self.problem(
            Problem::new(Code::DuplicateRule, spot(rule), message)
                .help(help)
                .related(spot(before), "the first one is here"),
        );
    }

    pub(super) fn rule(
        &mut self,
        value: &Value,
        origin: &Origin,
        defaults: &Defaults,
    ) -> Option<Rule> {
        let events_key = if value.get("events").is_some() {
            "events"
        } else {
            "on"
        };
        let when = value.get("when").and_then(Value::as_str);
        let when = when.map(|text| Template {
            text: text.to_owned(),
            origin: origin.child("when"),
        });
        if let Some(when) = when.as_ref().filter(|when| !when.text.is_empty()) {
            let before = self.problems.len();
            self.template(when, Syntax::Expression);
            let braces = when.text.find("{{");
            if let Some(at) = braces.filter(|_| self.problems.len() == before) {
                let spot = Spot::bytes(&when.origin, at..at + 2);
                let message = "this is compared as text: a condition has no templates in it";
                self.problem(
                    Problem::new(Code::TemplateSyntax, spot, message).help(
                        "write the bare name: `node == \"n1\"`, not `\"{{ node }}\" == \"n1\"`",
                    ),
                );
            }
        }
        self.conditional = when.is_some();
        let one = value
            .get("request")
            .filter(|request| !request.is_string())
            .map(|request| (origin.child("request"), request));
        let requests: Vec<_> = one
            .into_iter()
            .chain(items(value.get("requests"), &origin.child("requests")))
            .collect();
        let requests: Vec<RequestTemplate> = requests
            .into_iter()
            .filter_map(|(origin, request)| self.request(request, &origin))
            .collect();
        let carried_out = self.carrying_out((value, origin), *defaults);
        let own_timeout = value.pointer("/poll/timeout").is_some();
        let recovery_timeout = carried_out.poll.timeout.filter(|_| own_timeout);
        let allow_older_timeline = value.get("allow_older_timeline") == Some(&Value::Bool(true));
        if value.get("request").and_then(Value::as_str) == Some("none") {
            self.no_request(value, origin);
        } else if allow_older_timeline && requests.iter().all(|request| request.kind.sets_state()) {
            let spot = Spot::key(&origin.child("allow_older_timeline"));
            let message = "`allow_older_timeline` is for recoveries, and this rule has none";
            self.problem(Problem::new(Code::BadValue, spot, message).help("delete it"));
        }
        Some(Rule {
            name: value.get("name")?.as_str()?.to_owned(),
            on: words(value, events_key, Event::parse),
            events_key,
            role: words(value, "role", Role::parse),
            description: self.description(value, origin),
            cluster: self.clusters(value, origin),
            when,
            enabled: value.get("enabled") != Some(&Value::Bool(false)),
            requests,
            retry: carried_out.retry,
            poll: carried_out.poll,
            recovery_timeout,
            fence: carried_out.fence,
            verify: carried_out.verify,
            on_failure: carried_out.on_failure,
            allow_older_timeline,
            own_verify: value.get("verify").is_some(),
            each: Vec::new(),
            origin: origin.clone(),
        })
    }

    /// The rule's description.
    fn description(&mut self, rule: &Value, origin: &Origin) -> Option<String> {
        let text = rule.get("description")?.as_str()?;
        let template = Template {
            text: text.to_owned(),
            origin: origin.child("description"),
        };
        let shown = if is_template(text) {
            // The values of `for_each` have been substituted by now.
            match render(&TemplateValue::Text(template.clone()), &Scope::new(&[])) {
                Ok(Value::String(shown)) => shown,
                Ok(other) => other.to_string(),
                Err(_) => {
                    let message = "a description has only the names of `for_each` in its templates: it does not wait for an event";
                    let spot = Spot::value(&template.origin);
                    let problem = Problem::new(Code::BadValue, spot, message);
                    self.problem(problem.help("write it without `{{` and `{%`"));
                    return None;
                }
            }
        } else {
            template.text
        };
        Some(shown.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn clusters(&mut self, rule: &Value, origin: &Origin) -> Clusters {
        let origin = origin.child("cluster");
        let (one, all) = match rule.get("cluster") {
            Some(Value::Array(items)) => (false, items.as_slice()),
            Some(one) => (true, std::slice::from_ref(one)),
            None => (true, &[][..]),
        };
        for (index, word) in all.iter().enumerate() {
            let word = word.as_str().and_then(|word| word.strip_prefix('!'));
            let Some(word) = word.filter(|word| word.is_empty() || word.starts_with('!')) else {
                continue;
            };
            let spot = if one {
                origin.clone()
            } else {
                origin.child(index)
            };
            let message = format!("`!{word}` excludes no cluster");
            let help = "one `!` followed by the name or glob of clusters, as in `\"!lab-*\"`";
            self.problem(Problem::new(Code::BadValue, Spot::value(&spot), message).help(help));
        }
        let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
        let clusters = Clusters::new(words.iter().copied());
        if clusters.named().is_empty() && clusters.excluded().next().is_some() {
            let mut list = vec!["\"*\"".to_owned()];
            list.extend(words.iter().map(|word| format!("\"{word}\"")));
            let message = "`cluster` only excludes: it names no cluster that the rule is for";
            let help = format!("put `\"*\"` before it: `cluster: [{}]`", list.join(", "));
            self.problem(Problem::new(Code::BadValue, Spot::value(&origin), message).help(help));
        }
        clusters
    }

    /// Reports options of a rule about requests that it does not have.
    fn no_request(&mut self, rule: &Value, origin: &Origin) {
        let about = [
            "retry",
            "poll",
            "fence",
            "verify",
            "on_failure",
            "allow_older_timeline",
        ];
        for key in about.into_iter().filter(|key| rule.get(key).is_some()) {
            let message = format!("`{key}` is about requests, and this rule has none");
            let spot = Spot::key(&origin.child(key));
            self.problem(Problem::new(Code::BadValue, spot, message).help("delete it"));
        }
    }

    /// The retry, poll, fence, verify and `on_failure` options of a rule or of `defaults`.
    fn carrying_out(&mut self, (value, origin): (&Value, &Origin), defaults: Defaults) -> Defaults {
        let retry = value.get("retry").map_or(defaults.retry, |retry| {
            self.retry((retry, &origin.child("retry")), defaults.retry)
        });
        let poll = value.get("poll").map_or(defaults.poll, |poll| {
            self.poll((poll, &origin.child("poll")), defaults.poll)
        });
        let fence = [("role", Fence::Role), ("none", Fence::None)];
        let verify = [
            ("none", Verify::None),
            ("applied", Verify::Applied),
            ("streaming", Verify::Streaming),
        ];
        let on_failure = [("stop", OnFailure::Stop), ("continue", OnFailure::Continue)];
        Defaults {
            retry,
            poll,
            fence: word(value, "fence", &fence, defaults.fence),
            verify: word(value, "verify", &verify, defaults.verify),
            on_failure: word(value, "on_failure", &on_failure, defaults.on_failure),
        }
    }

    fn poll(&mut self, here: (&Value, &Origin), defaults: Poll) -> Poll {
        Poll {
            every: self.duration(here, "every", Least::MoreThanZero, defaults.every),
            timeout: self.optional_duration(here, "timeout", Least::MoreThanZero, defaults.timeout),
        }
    }

    fn retry(&mut self, here: (&Value, &Origin), defaults: Retry) -> Retry {
        let (value, origin) = here;
        // JSON Schema also accepts `3.0` as an integer.
        let attempts = value.get("attempts").and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the schema bounds it, and the cast stops at the ends"
        )]
        let attempts = attempts.map(|attempts| attempts as u32);
        let retry = Retry {
            attempts: attempts.or(defaults.attempts),
            wait: self.duration(here, "wait", Least::Zero, defaults.wait),
            max_wait: self.duration(here, "max_wait", Least::Zero, defaults.max_wait),
            deadline: self.duration(here, "deadline", Least::MoreThanZero, defaults.deadline),
        };
        if retry.wait > retry.max_wait {
            let key = ["wait", "max_wait"]
                .into_iter()
                .find(|key| value.get(key).is_some());
            let message = format!(
                "`wait` ({}) is longer than `max_wait` ({})",
                duration::format(retry.wait),
                duration::format(retry.max_wait)
            );
            let spot = Spot::value(&key.map_or_else(|| origin.clone(), |key| origin.child(key)));
            self.problem(
                Problem::new(Code::BadValue, spot, message)
                    .help("make `max_wait` at least as long as `wait`"),
            );
        }
        retry
    }
}
