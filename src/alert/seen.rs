//! From what a pass found to observations.

use std::path::Path;
use std::time::Duration;

use crate::evaluate::{Conflict, Step};
use crate::execute::{Comparison, Fighting};
use crate::model::{ApiName, Event, IncidentClass, Target, local_time};
use crate::report;
use crate::store::{Observation, Receipt, Seen};

/// The thing that an observation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// A text that names it in the state.
    pub key: String,
    /// The same in words.
    pub words: String,
    /// The keys of the targets of the request, if it is one.
    pub targets: Vec<String>,
}

impl Subject {
    /// The subject of a request: its target, the first one if there are several.
    pub fn of(step: &Step) -> Self {
        let targets = step.operation.targets(&step.api);
        let keys: Vec<String> = targets.iter().map(Target::key).collect();
        let words = match targets.as_slice() {
            [] => format!("rule `{}`", step.rule),
            [only] => only.to_string(),
            [first, others @ ..] => format!("{first} and {} more", others.len()),
        };
        Self {
            key: keys.first().unwrap_or(&step.rule).clone(),
            words,
            targets: keys,
        }
    }

    pub(super) fn observed(&self, class: IncidentClass, seen: Seen) -> Observation {
        Observation {
            class,
            key: self.key.clone(),
            subject: self.words.clone(),
            targets: self.targets.clone(),
            member: None,
            seen,
        }
    }
}

/// Something that is wrong until something is done about it.
pub(super) const fn wrong(message: String, since: Duration) -> Seen {
    Seen::Wrong {
        message,
        since,
        may_pass: false,
        calm: Duration::ZERO,
    }
}

/// Observes what was compared: Barman as it is, and as the rules want it.
pub fn of_comparisons(compared: &[Comparison], now: Duration) -> Vec<Observation> {
    let each = compared.iter().flat_map(|one| {
        let subject = Subject::of(&one.step);
        let observed = |class, seen| Observation {
            member: one.member.clone(),
            ..subject.observed(class, seen)
        };
        let well = |why: &str| Seen::Well(why.to_owned());
        let mut all = Vec::new();
        all.push(observed(
            IncidentClass::Fighting,
            match one.fighting {
                Some(fighting) => Seen::Wrong {
                    message: fight(fighting),
                    since: now,
                    may_pass: false,
                    calm: fighting.calm,
                },
                None => well("nothing has changed it again for a while"),
            },
        ));
        if one.as_wanted() {
            for class in [IncidentClass::Failed, IncidentClass::Unfinished] {
                all.push(observed(class, well("Barman is as the rules want it")));
            }
        } else if let Err(why) = &one.differs {
            let seen = Seen::Wrong {
                message: format!("Barman cannot be compared with the rules: {why}"),
                since: now,
                may_pass: true,
                calm: Duration::ZERO,
            };
            all.push(observed(IncidentClass::Unfinished, seen));
        }
        all
    });
    each.collect()
}

fn fight(fighting: Fighting) -> String {
    let Fighting {
        corrections, until, ..
    } = fighting;
    format!(
        "it was corrected {corrections} times and something else keeps setting it: the rules of another cluster, another \
         tool or a person; it is left alone until {}",
        local_time(until)
    )
}

/// Observes rules that want different things of one target.
pub fn of_conflicts(conflicts: &[Conflict], now: Duration) -> Vec<Observation> {
    let each = conflicts.iter().map(|conflict| Observation {
        class: IncidentClass::Failed,
        key: format!("conflict {}", conflict.target.key()),
        subject: conflict.target.to_string(),
        targets: Vec::new(),
        member: None,
        seen: wrong(report::conflict(conflict), now),
    });
    each.collect()
}

/// Observes the verdicts on changes of timeline.
pub fn of_receipts(receipts: &[Receipt], now: Duration) -> Vec<Observation> {
    let each = receipts.iter().map(|receipt| {
        let Receipt {
            api,
            server,
            from,
            timeline,
            ..
        } = receipt;
        let place = if *api == ApiName::default() {
            String::new()
        } else {
            format!(" in `{api}`")
        };
        let verdict = report::verdict(receipt);
        Observation {
            class: IncidentClass::Gap,
            key: format!("receipt {api} {timeline} {server}"),
            subject: format!(
                "the WAL of the server `{server}`{place} from timeline {from} to {timeline}"
            ),
            targets: Vec::new(),
            member: None,
            seen: if receipt.needs_backup() {
                wrong(verdict, now)
            } else {
                Seen::Well(verdict)
            },
        }
    });
    each.collect()
}

/// Observes whether the rules could be evaluated for an event; `failure` says why not.
pub fn of_evaluation(event: Event, failure: Option<&str>, now: Duration) -> Observation {
    Observation {
        class: IncidentClass::Failed,
        key: format!("evaluation {event}"),
        subject: format!("the rules for `{event}`"),
        targets: Vec::new(),
        member: None,
        seen: match failure {
            Some(why) => wrong(
                format!("they cannot be evaluated, and nothing was sent: {why}"),
                now,
            ),
            None => Seen::Well("they were evaluated".to_owned()),
        },
    }
}

/// Observes whether a cluster's Patroni answers; `silence` says why not.
pub fn of_patroni(silence: Option<&str>, now: Duration) -> Observation {
    Observation {
        class: IncidentClass::Unfinished,
        key: "patroni".to_owned(),
        subject: "the Patroni of the cluster".to_owned(),
        targets: Vec::new(),
        member: None,
        seen: match silence {
            Some(why) => Seen::Wrong {
                message: format!("it is not known whom Barman should follow: {why}"),
                since: now,
                may_pass: true,
                calm: Duration::ZERO,
            },
            None => Seen::Well("it answers again".to_owned()),
        },
    }
}

/// Observes the rules file: `broken` says why it is not used, if it is not.
pub fn of_rules(path: &Path, broken: Option<&str>, now: Duration) -> Observation {
    let path = path.display().to_string();
    Observation {
        class: IncidentClass::LastGoodRules,
        subject: format!("the rules in `{path}`"),
        key: path,
        targets: Vec::new(),
        member: None,
        seen: match broken {
            Some(why) => wrong(format!("{why}; the last good rules are used"), now),
            None => Seen::Well("they are valid again".to_owned()),
        },
    }
}
