//! Requests that another rule also sends in the same event.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Match, Target};

use super::cells;
use super::lint::{All, Kind, Lint};
use super::setting::Setting;

/// The maximum number of earlier requests of one target and value that a request is compared with.
const MOST_COMPARED: usize = 8;

/// The repeated requests, by rule and number, with the earlier one.
#[derive(Default)]
pub(super) struct Repeated(BTreeMap<(usize, usize), Repetition>);

struct Repetition {
    earlier: (usize, usize),
    cell: usize,
    target: Target,
    value: String,
}

impl<'r> Lint<'r> for Repeated {
    /// Notes the requests that are certainly sent twice in one kind of cluster.
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        let mut seen: HashMap<(&Target, &str), Vec<&Setting>> = HashMap::new();
        let sure = |setting: &&Setting| !setting.sure.is_empty();
        for setting in kind.settings.iter().filter(sure) {
            let before = seen.entry((&setting.target, &setting.value)).or_default();
            let both = |other: &&&Setting| !other.sure.and(setting.sure).is_empty();
            // Under `match: first` no two rules fire together.
            let together = |other: &&&Setting| {
                other.rule == setting.rule || kind.table.rules.matching == Match::All
            };
            let other = before.iter().filter(together).find(both);
            if let Some(other) = other
                && (other.rule, other.request) != (setting.rule, setting.request)
            {
                let found = Repetition {
                    earlier: (other.rule, other.request),
                    cell: other.sure.and(setting.sure).first().unwrap_or_default(),
                    target: setting.target.clone(),
                    value: setting.value.clone(),
                };
                let number = (setting.rule, setting.request);
                self.0.entry(number).or_insert(found);
            } else if before.len() < MOST_COMPARED {
                before.push(setting);
            }
        }
    }

    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let spot = |number| Some(Spot::value(all.table.request_origin(number)?));
        let problem = |(number, found): (&(usize, usize), &Repetition)| {
            let other = all.table.other_sender(number.0, found.earlier.0)?;
            let message = format!(
                "on {}, this sets {} to {}, and so does {other}",
                cells::name(found.cell),
                found.target,
                found.value
            );
            let problem = Problem::new(Code::RepeatedRequest, spot(*number)?, message)
                .help("delete one of them, or give the rules different events, roles or clusters");
            Some(problem.related(spot(found.earlier)?, "the first one is here"))
        };
        self.0.iter().filter_map(problem).collect()
    }
}
