//! The changes of one rule.
//!
//! Changes that can't make a difference are left out: a role that Patroni never passes with the rule's events, a fence
//! without a Patroni, `on_failure` without later requests.

use std::time::Duration;

use crate::model::{
    Clusters, Event, Fence, OnFailure, Poll, RequestKind, RequestTemplate, Retry, Role, Rule,
    RuleSet, Template, Verify, duration,
};

use super::edits::{Change, Edit, others};

/// Every change of one rule.
pub(super) fn edits(rules: &RuleSet, index: usize) -> Vec<Edit> {
    let Some(rule) = rules.rules.get(index) else {
        return Vec::new();
    };
    let mut edits = Edits {
        rule,
        index,
        found: Vec::new(),
    };
    if !rule.enabled {
        edits.add("enabled", "no longer switched off", |rule| {
            rule.enabled = true;
        });
        return edits.found;
    }
    edits.add("name", "dropped", |rule| rule.enabled = false);
    edits.events();
    edits.roles();
    edits.clusters();
    edits.condition();
    edits.requests(rules);
    edits.way(rules);
    edits.limits();
    edits.found
}

struct Edits<'a> {
    rule: &'a Rule,
    index: usize,
    found: Vec<Edit>,
}

impl Edits<'_> {
    fn add(&mut self, key: &str, what: impl Into<String>, edit: impl FnOnce(&mut Rule)) {
        let mut changed = self.rule.clone();
        edit(&mut changed);
        self.found.push(Edit {
            rule: Some(self.rule.name.clone()),
            what: what.into(),
            origin: self.rule.origin.child(key),
            change: Change::Rule(self.index, Box::new(changed)),
        });
    }

    fn events(&mut self) {
        let on = &self.rule.on;
        for event in Event::ALL {
            if !on.contains(&event) {
                let mut roles = event.roles().iter();
                if roles.any(|role| self.rule.role.is_empty() || self.rule.role.contains(role)) {
                    let what = format!("also for `{event}`");
                    self.add(self.rule.events_key, what, |rule| rule.on.push(event));
                }
            } else if on.len() > 1 {
                let what = format!("no longer for `{event}`");
                self.add(self.rule.events_key, what, |rule| {
                    rule.on.retain(|it| *it != event);
                });
            }
        }
    }

    fn roles(&mut self) {
        let passed = self.rule.on.iter().flat_map(|event| event.roles());
        let passed: Vec<Role> = passed.copied().collect();
        let possible: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|role| passed.contains(role))
            .collect();
        let any = self.rule.role.is_empty();
        let is_for = |role: &Role| any || self.rule.role.contains(role);
        let (own, others): (Vec<Role>, Vec<Role>) = possible.into_iter().partition(is_for);
        for role in own.iter().filter(|_| own.len() > 1) {
            let rest = own.iter().copied().filter(|other| other != role).collect();
            let what = format!("no longer for `{role}`");
            self.add("role", what, |rule| rule.role = rest);
        }
        for role in &others {
            let what = format!("also for `{role}`");
            self.add("role", what, |rule| rule.role.push(*role));
        }
        if others.len() > 1 {
            self.add("role", "for any role", |rule| rule.role.clear());
        }
    }

    fn clusters(&mut self) {
        let clusters = &self.rule.cluster;
        let words = clusters.words();
        if words.is_empty() {
            return;
        }
        self.add("cluster", "for any cluster", |rule| {
            rule.cluster = Clusters::default();
        });
        for (index, word) in words.iter().enumerate() {
            let what = match word.strip_prefix(Clusters::EXCLUDES) {
                Some(excluded) => format!("also for the cluster `{excluded}`"),
                None if clusters.named().len() > 1 => {
                    format!("no longer for the cluster `{word}`")
                }
                None => continue,
            };
            let mut rest = words.clone();
            rest.remove(index);
            self.add("cluster", what, |rule| {
                rule.cluster = Clusters::new(rest.iter().map(String::as_str));
            });
        }
    }

    fn condition(&mut self) {
        let Some(when) = &self.rule.when else {
            return;
        };
        self.add("when", "fires regardless of `when`", |rule| {
            rule.when = None;
        });
        let other = Template {
            text: format!("not ({})", when.text),
            origin: when.origin.clone(),
        };
        self.add("when", "fires when `when` is false", |rule| {
            rule.when = Some(other);
        });
    }

    fn requests(&mut self, rules: &RuleSet) {
        let all = &self.rule.requests;
        for (number, request) in all.iter().enumerate() {
            let key = match all.len() {
                1 => "request".to_owned(),
                _ => format!("requests/{number}"),
            };
            let which = match all.len() {
                1 => String::new(),
                _ => format!("in request {}, ", number + 1),
            };
            if all.len() > 1 {
                let what = format!("request {} is not sent", number + 1);
                self.add(&key, what, |rule| {
                    rule.requests.remove(number);
                });
            }
            let before = number.checked_sub(1).and_then(|before| all.get(before));
            if before.is_some_and(|before| !alike(before, request)) {
                let what = format!("request {} is sent before request {number}", number + 1);
                self.add(&key, what, |rule| {
                    rule.requests.swap(number - 1, number);
                });
            }
            for api in rules.apis.keys().filter(|api| **api != request.api) {
                let what = format!("{which}`api` is `{api}` instead of `{}`", request.api);
                self.change(number, &format!("{key}/api"), what, |request| {
                    request.api = api.clone();
                });
            }
            self.body(number, &key, &which);
        }
    }

    fn body(&mut self, number: usize, key: &str, which: &str) {
        let Some(request) = self.rule.requests.get(number) else {
            return;
        };
        if let Some(server) = &request.server {
            let key = format!("{key}/server");
            for (what, _, other) in others(server, &self.rule.origin.child(&key)) {
                let what = format!("{which}`server` is {what}");
                self.change(number, &key, what, |request| request.server = Some(other));
            }
        }
        for (index, (name, value)) in request.body.iter().enumerate() {
            // Its only value is `true`.
            if name == "reset" {
                continue;
            }
            let key = format!("{key}/{name}");
            for (what, place, other) in others(value, &self.rule.origin.child(&key)) {
                let what = format!("{which}`{name}` is {what}");
                self.change(number, &key, what, |request| {
                    if let Some((_, value)) = request.body.get_mut(index) {
                        *value = other;
                    }
                });
                if let Some(edit) = self.found.last_mut() {
                    edit.origin = place;
                }
            }
        }
    }

    fn change(
        &mut self,
        number: usize,
        key: &str,
        what: String,
        edit: impl FnOnce(&mut RequestTemplate),
    ) {
        self.add(key, what, |rule| {
            if let Some(request) = rule.requests.get_mut(number) {
                edit(request);
            }
        });
    }

    /// The options of requests.
    fn way(&mut self, rules: &RuleSet) {
        let any = |is: fn(RequestKind) -> bool| self.rule.requests.iter().any(|it| is(it.kind));
        let switches = any(RequestKind::restarts_receiver);
        let sets_state = any(RequestKind::sets_state);
        let recovers = any(|kind| !kind.sets_state());
        let verify = |verify: Verify| format!("{verify:?}").to_lowercase();
        for other in [Verify::None, Verify::Applied, Verify::Streaming] {
            // Only a switch starts a receiver of WAL.
            let same = |verify: Verify| match verify {
                Verify::Streaming if !switches => Verify::Applied,
                verify => verify,
            };
            if same(other) == same(self.rule.verify) || same(other) != other {
                continue;
            }
            let (new, old) = (verify(other), verify(self.rule.verify));
            let what = format!("`verify` is `{new}` instead of `{old}`");
            self.add("verify", what, |rule| rule.verify = other);
        }
        if sets_state && rules.patroni.is_some() {
            let (other, new, old) = match self.rule.fence {
                Fence::Role => (Fence::None, "none", "role"),
                Fence::None => (Fence::Role, "role", "none"),
            };
            let what = format!("`fence` is `{new}` instead of `{old}`");
            self.add("fence", what, |rule| rule.fence = other);
        }
        let mut apis: Vec<_> = self.rule.requests.iter().map(|it| &it.api).collect();
        apis.sort();
        if apis.windows(2).any(|pair| pair.first() == pair.last()) {
            let (other, new, old) = match self.rule.on_failure {
                OnFailure::Stop => (OnFailure::Continue, "continue", "stop"),
                OnFailure::Continue => (OnFailure::Stop, "stop", "continue"),
            };
            let what = format!("`on_failure` is `{new}` instead of `{old}`");
            self.add("on_failure", what, |rule| rule.on_failure = other);
        }
        if recovers && self.rule.on.contains(&Event::Bootstrap) {
            let other = !self.rule.allow_older_timeline;
            let what = format!("`allow_older_timeline` is `{other}`");
            self.add("allow_older_timeline", what, |rule| {
                rule.allow_older_timeline = other;
            });
        }
    }

    /// The limits that differ from the defaults.
    fn limits(&mut self) {
        let (retry, poll) = (self.rule.retry, self.rule.poll);
        let usual = Retry::default();
        if retry.attempts != usual.attempts {
            let what = "`retry.attempts` is not limited";
            self.add("retry/attempts", what, |rule| {
                rule.retry.attempts = usual.attempts;
            });
        }
        let mut limit =
            |key: &str, own: Duration, usual: Duration, of: fn(&mut Rule) -> &mut Duration| {
                if own != usual {
                    let (own, other) = (duration::format(own), duration::format(usual));
                    let name = key.replace('/', ".");
                    let what = format!("`{name}` is `{other}` instead of `{own}`");
                    self.add(key, what, |rule| *of(rule) = usual);
                }
            };
        let every = Poll::default().every;
        limit("retry/wait", retry.wait, usual.wait, |rule| {
            &mut rule.retry.wait
        });
        limit("retry/max_wait", retry.max_wait, usual.max_wait, |rule| {
            &mut rule.retry.max_wait
        });
        limit("retry/deadline", retry.deadline, usual.deadline, |rule| {
            &mut rule.retry.deadline
        });
        limit("poll/every", poll.every, every, |rule| &mut rule.poll.every);
        let recovers = |it: &RequestTemplate| !it.kind.sets_state();
        if poll.timeout.is_some() && !self.rule.requests.iter().all(recovers) {
            self.add("poll/timeout", "`poll.timeout` is the default", |rule| {
                rule.poll.timeout = None;
            });
        }
        if self.rule.recovery_timeout.is_some() && self.rule.requests.iter().any(recovers) {
            self.add("poll/timeout", "`poll.timeout` is not limited", |rule| {
                rule.recovery_timeout = None;
            });
        }
    }
}

fn alike(one: &RequestTemplate, other: &RequestTemplate) -> bool {
    (one.kind, &one.api, &one.server, &one.body)
        == (other.kind, &other.api, &other.server, &other.body)
}
