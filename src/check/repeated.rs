//! Requests that another rule also sends in the same event.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Match, Target};

use super::cells::{self, Cells};
use super::lint::{All, Kind, Lint};
use super::setting::Setting;
use super::table::Table;

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
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        self.look(kind.table, kind.settings);
    }

    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        self.of(all.table)
    }
}

impl Repeated {
    /// Notes the requests that are certainly sent twice in one kind of cluster.
    fn look(&mut self, table: &Table<'_>, settings: &[Setting]) {
        let mut seen: HashMap<(&Target, &str), Vec<&Setting>> = HashMap::new();
        for setting in settings.iter().filter(|setting| !setting.sure.is_empty()) {
            let before = seen.entry((&setting.target, &setting.value)).or_default();
            let both = |other: &&&Setting| !other.sure.and(setting.sure).is_empty();
            // Under `match: first` no two rules fire together.
            let together = |other: &&&Setting| {
                other.rule == setting.rule || table.rules.matching == Match::All
            };
            let other = before.iter().filter(together).find(both);
            if let Some(other) = other
                && (other.rule, other.request) != (setting.rule, setting.request)
            {
                let found = Repetition {
                    earlier: (other.rule, other.request),
                    cell: first(other.sure.and(setting.sure)),
                    target: setting.target.clone(),
                    value: setting.value.clone(),
                };
                self.0
                    .entry((setting.rule, setting.request))
                    .or_insert(found);
            } else if before.len() < MOST_COMPARED {
                before.push(setting);
            }
        }
    }

    fn of(&self, table: &Table<'_>) -> Vec<Problem> {
        let origin = |(rule, request): (usize, usize)| {
            let request = table.rule(rule)?.requests.get(request)?;
            Some(request.origin.clone())
        };
        let problem = |(number, found): (&(usize, usize), &Repetition)| {
            let (rule, _) = found.earlier;
            let other = if rule == number.0 {
                "another request of this rule".to_owned()
            } else {
                format!("the rule `{}`", table.rule(rule)?.name)
            };
            let message = format!(
                "on {}, this sets {} to {}, and so does {other}",
                cells::name(found.cell),
                found.target,
                found.value
            );
            let spot = Spot::value(&origin(*number)?);
            let problem = Problem::new(Code::RepeatedRequest, spot, message)
                .help("delete one of them, or give the rules different events, roles or clusters");
            Some(problem.related(
                Spot::value(&origin(found.earlier)?),
                "the first one is here",
            ))
        };
        self.0.iter().filter_map(problem).collect()
    }
}

fn first(cells: Cells) -> usize {
    cells.indices().next().unwrap_or_default()
}
