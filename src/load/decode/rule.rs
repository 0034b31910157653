//! `rules` and `defaults`.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::values::{Least, template_value, word, words};
use super::{Decoder, Here};
use crate::diagnostic::Code;
use crate::load::problem::{Problem, Spot};
use crate::model::{
    Clusters, Event, Fence, OnFailure, Origin, Poll, RequestTemplate, Retry, Role, Rule, Template,
    Verify, duration,
};
use crate::template::{Scope, Syntax, is_template, render};

/// The names of the rules so far, with the places of these rules.
pub(super) type Names<'a> = HashMap<Cow<'a, str>, Origin>;

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
    pub(super) fn defaults(&mut self, section: Option<Here<'_, '_>>) -> Defaults {
        let none = Defaults::default();
        section.map_or(none, |here| self.carrying_out(here, none))
    }

    pub(super) fn rules(&mut self, sections: &[Here<'a, '_>], defaults: &Defaults) -> Vec<Rule> {
        let all: Vec<_> = sections.iter().flat_map(Here::items).collect();
        let listed = sections.iter().all(|section| section.value.is_array());
        if all.is_empty() && listed {
            let spot = sections
                .first()
                .map_or_else(|| Spot::value(&Origin::default()), Here::key_spot);
            self.problem(
                Problem::new(Code::NoRules, spot, "there is no rule")
                    .help("write under `rules` what is to be done when"),
            );
        }
        let mut names = Names::new();
        let mut rules = Vec::with_capacity(all.len());
        let mut file = None;
        for here in all {
            let origin = here.origin();
            let rule = Here::new(here.value, &origin);
            if file.replace(origin.file) != Some(origin.file) {
                self.enter_file();
            }
            if self.is_plain(rule) {
                self.no_early_templates(rule);
                if let Some(name) = rule.text("name") {
                    self.rule_name(name.into(), origin.clone(), &mut names);
                }
                rules.extend(self.rule(rule, defaults));
            } else {
                self.unroll(rule, defaults, &mut names, &mut rules);
            }
        }
        rules
    }

    pub(super) fn rule_name(&mut self, name: Cow<'a, str>, rule: Origin, names: &mut Names<'a>) {
        let Some(before) = names.get(&name) else {
            names.insert(name, rule);
            return;
        };
        let spot = |rule: &Origin| Spot::value(&rule.child("name"));
        let message = format!("there are two rules with the name `{name}`");
        let help = if before.file == rule.file {
            "give one of them another name"
        } else {
            "the names of rules are unique over all files of a directory: put, for example, the team's name in front"
        };
        self.second(
            Code::DuplicateRule,
            [spot(&rule), spot(before)],
            message,
            help,
        );
    }

    pub(super) fn rule(&mut self, here: Here<'_, '_>, defaults: &Defaults) -> Option<Rule> {
        let events_key = if here.get("events").is_some() {
            "events"
        } else {
            "on"
        };
        let when = self.when(here);
        self.conditional = when.is_some();
        let mut all: Vec<RequestTemplate> = Vec::new();
        requests(here, |request| all.extend(self.request(request)));
        let carried_out = self.carrying_out(here, *defaults);
        let own_timeout = here
            .get("poll")
            .is_some_and(|poll| poll.get("timeout").is_some());
        let recovery_timeout = carried_out.poll.timeout.filter(|_| own_timeout);
        let is = |key: &str, truth| here.value.get(key) == Some(&Value::Bool(truth));
        let allow_older_timeline = is("allow_older_timeline", true);
        if here.text("request") == Some("none") {
            self.no_request(here);
        } else if allow_older_timeline && all.iter().all(|request| request.kind.sets_state()) {
            let spot = here.child("allow_older_timeline").key_spot();
            let message = "`allow_older_timeline` is for recoveries, and this rule has none";
            self.problem(Problem::new(Code::BadValue, spot, message).help("delete it"));
        }
        Some(Rule {
            name: here.text("name")?.to_owned(),
            on: words(here, events_key, Event::parse),
            events_key,
            role: words(here, "role", Role::parse),
            description: self.description(here),
            cluster: self.clusters(here),
            when,
            enabled: !is("enabled", false),
            requests: all,
            retry: carried_out.retry,
            poll: carried_out.poll,
            recovery_timeout,
            fence: carried_out.fence,
            verify: carried_out.verify,
            on_failure: carried_out.on_failure,
            allow_older_timeline,
            own_verify: here.get("verify").is_some(),
            each: Vec::new(),
            origin: here.origin(),
        })
    }

    /// The rule's condition.
    fn when(&mut self, rule: Here<'_, '_>) -> Option<Template> {
        let text = rule.text("when")?.to_owned();
        let origin = rule.child("when").origin();
        let when = Template { text, origin };
        if when.text.is_empty() {
            return Some(when);
        }
        let before = self.problems.len();
        self.template(&when, Syntax::Expression);
        let braces = when.text.find("{{");
        if let Some(at) = braces.filter(|_| self.problems.len() == before) {
            let spot = Spot::bytes(&when.origin, at..at + 2);
            let message = "this is compared as text: a condition has no templates in it";
            let help = "write the bare name: `node == \"n1\"`, not `\"{{ node }}\" == \"n1\"`";
            self.problem(Problem::new(Code::TemplateSyntax, spot, message).help(help));
        }
        Some(when)
    }

    /// The rule's description.
    fn description(&mut self, rule: Here<'_, '_>) -> Option<String> {
        let text = rule.text("description")?;
        let shown = if is_template(text) {
            let description = rule.child("description");
            // The values of `for_each` have been substituted by now.
            match render(&template_value(description), &Scope::new(&[])) {
                Ok(Value::String(shown)) => shown,
                Ok(other) => other.to_string(),
                Err(_) => {
                    let message = "a description has only the names of `for_each` in its templates: it does not wait for an event";
                    let problem = Problem::new(Code::BadValue, description.spot(), message);
                    self.problem(problem.help("write it without `{{` and `{%`"));
                    return None;
                }
            }
        } else {
            text.to_owned()
        };
        Some(shown.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn clusters(&mut self, rule: Here<'_, '_>) -> Clusters {
        let here = rule.child("cluster");
        let words: Vec<(Here<'_, '_>, &str)> = here
            .one_or_items()
            .filter_map(|here| Some((here, here.value.as_str()?)))
            .collect();
        for (here, word) in &words {
            let word = word.strip_prefix('!');
            let Some(word) = word.filter(|word| word.is_empty() || word.starts_with('!')) else {
                continue;
            };
            let message = format!("`!{word}` excludes no cluster");
            let help = "one `!` followed by the name or glob of clusters, as in `\"!lab-*\"`";
            self.problem(Problem::new(Code::BadValue, here.spot(), message).help(help));
        }
        let words = words.iter().map(|(_, word)| *word);
        let clusters = Clusters::new(words.clone());
        if clusters.named().is_empty() && clusters.excluded().next().is_some() {
            let mut list = vec!["\"*\"".to_owned()];
            list.extend(words.map(|word| format!("\"{word}\"")));
            let message = "`cluster` only excludes: it names no cluster that the rule is for";
            let help = format!("put `\"*\"` before it: `cluster: [{}]`", list.join(", "));
            self.problem(Problem::new(Code::BadValue, here.spot(), message).help(help));
        }
        clusters
    }

    /// Reports options of a rule about requests that it does not have.
    fn no_request(&mut self, rule: Here<'_, '_>) {
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
            let spot = rule.child(key).key_spot();
            self.problem(Problem::new(Code::BadValue, spot, message).help("delete it"));
        }
    }

    /// The retry, poll, fence, verify and `on_failure` options of a rule or of `defaults`.
    fn carrying_out(&mut self, here: Here<'_, '_>, defaults: Defaults) -> Defaults {
        let retry = here.get("retry");
        let retry = retry.map_or(defaults.retry, |here| self.retry(here, defaults.retry));
        let poll = here.get("poll");
        let poll = poll.map_or(defaults.poll, |here| self.poll(here, defaults.poll));
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
            fence: word(here, "fence", &fence, defaults.fence),
            verify: word(here, "verify", &verify, defaults.verify),
            on_failure: word(here, "on_failure", &on_failure, defaults.on_failure),
        }
    }

    fn poll(&mut self, here: Here<'_, '_>, defaults: Poll) -> Poll {
        Poll {
            every: self.duration(here, "every", Least::MoreThanZero, defaults.every),
            timeout: self.optional_duration(here, "timeout", Least::MoreThanZero, defaults.timeout),
        }
    }

    fn retry(&mut self, here: Here<'_, '_>, defaults: Retry) -> Retry {
        // JSON Schema also accepts `3.0` as an integer.
        let attempts = here.value.get("attempts").and_then(Value::as_f64);
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
            let own = ["wait", "max_wait"]
                .into_iter()
                .find_map(|key| here.get(key));
            let message = format!(
                "`wait` ({}) is longer than `max_wait` ({})",
                duration::format(retry.wait),
                duration::format(retry.max_wait)
            );
            self.problem(
                Problem::new(Code::BadValue, own.unwrap_or(here).spot(), message)
                    .help("make `max_wait` at least as long as `wait`"),
            );
        }
        retry
    }
}

/// Visits the requests of a rule.
pub(super) fn requests(rule: Here<'_, '_>, each: impl FnMut(Here<'_, '_>)) {
    let several = rule.child("requests");
    let one = rule.get("request");
    let one = one.filter(|request| !request.value.is_string());
    one.into_iter().chain(several.items()).for_each(each);
}
