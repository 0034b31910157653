//! Harmful recoveries: into a directory in use, into an unspecified one, or abandoned before they end.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{RequestTemplate, Rule, RuleSet, Template, TemplateValue, duration};
use crate::template::{FACTS, Scope, render};

/// The problems with recoveries, each rule by itself.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in rules.rules.iter().filter(|rule| rule.enabled) {
        let recovers = |request: &&RequestTemplate| !request.kind.sets_state();
        let recoveries: Vec<_> = rule.requests.iter().filter(recovers).collect();
        if recoveries.is_empty() {
            continue;
        }
        problems.extend(over_data(rule));
        problems.extend(bounded(rule));
        for recovery in recoveries {
            problems.extend(relative(recovery));
            problems.extend(fixed_host(rules, recovery));
            problems.extend(fixed_directory(rules, rule, recovery));
        }
    }
    problems
}

/// A wait that may end before the recovery does.
fn bounded(rule: &Rule) -> Option<Problem> {
    let timeout = rule.recovery_timeout?;
    let message = format!(
        "a recovery that takes longer than {} is left while Barman still writes, and Patroni's next method writes into the same directory",
        duration::format(timeout)
    );
    let spot = Spot::value(&rule.origin.child("poll").child("timeout"));
    let help = "delete `timeout`: a recovery is then waited for until it ends";
    Some(Problem::new(Code::RecoveryTimeout, spot, message).help(help))
}

/// A recovery in an event of a node that already has its data.
fn over_data(rule: &Rule) -> Option<Problem> {
    let event = rule.on.iter().find(|event| !event.makes_node())?;
    let message = format!(
        "a recovery in `{event}` writes over the data of a node that is there: PostgreSQL may be running in the directory"
    );
    let spot = Spot::value(&rule.events_origin());
    let help = format!(
        "write `{}: [bootstrap, create_replica]`: Patroni calls for these when a node has no data yet",
        rule.events_key
    );
    Some(Problem::new(Code::RecoveryOverData, spot, message).help(help))
}

/// A relative directory, which Barman would resolve wherever its ssh command ends up.
fn relative(recovery: &RequestTemplate) -> Option<Problem> {
    let TemplateValue::Text(template) = recovery.part("destination_directory")? else {
        return None;
    };
    let text = template.text.trim_start();
    if text.is_empty() || text.starts_with(['/', '{']) {
        return None;
    }
    let message = format!("`{}` is not a whole path", template.text);
    let help = "write `\"{{ datadir }}\"`, the directory that Patroni passes, or a path that begins with `/`";
    let spot = Spot::value(&template.origin);
    Some(Problem::new(Code::RelativeDirectory, spot, message).help(help))
}

/// The value of a recovery's key, if it is the same on every node.
fn fixed<'r>(rules: &RuleSet, recovery: &'r RequestTemplate, key: &str) -> Option<&'r Template> {
    let value = recovery.part(key)?;
    let TemplateValue::Text(template) = value else {
        return None;
    };
    let facts = FACTS.into_iter();
    let scope = facts.fold(Scope::new(&rules.vars), Scope::unsettled);
    render(value, &scope).ok().map(|_| template)
}

/// An ssh command that leads to one host, whichever node is being created.
fn fixed_host(rules: &RuleSet, recovery: &RequestTemplate) -> Option<Problem> {
    let template = fixed(rules, recovery, "remote_ssh_command")?;
    let message = format!(
        "Barman restores to the host of `{}`, whichever node is being made",
        template.text
    );
    let help = "write `\"ssh postgres@{{ host }}\"`, or a name made of `{{ node }}`";
    Some(Problem::new(Code::FixedHost, Spot::value(&template.origin), message).help(help))
}

/// A directory that is the same whatever Patroni passes.
fn fixed_directory(rules: &RuleSet, rule: &Rule, recovery: &RequestTemplate) -> Option<Problem> {
    if !rule.on.iter().any(|event| event.makes_node()) {
        return None;
    }
    let template = fixed(rules, recovery, "destination_directory")?;
    if !template.text.starts_with(['/', '{']) {
        return None;
    }
    let message = format!(
        "Barman restores into `{}`, and Patroni starts PostgreSQL in the directory that it passes as `datadir`",
        template.text
    );
    let help = "write `\"{{ datadir }}\"`: it is right also where a node has another directory";
    Some(Problem::new(Code::FixedDirectory, Spot::value(&template.origin), message).help(help))
}
