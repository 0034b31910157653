//! The settings of requests: the target and its value, as far as known before an event.

use crate::model::{Parts, RequestTemplate, Target, TemplateValue};
use crate::template::{Scope, render};

use super::cells::Cells;
use super::judge::Judge;
use super::table::{Firing, Table};

/// One thing that a request sets, in some cells of one kind of cluster.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) rule: usize,
    pub(super) request: usize,
    pub(super) target: Target,
    pub(super) value: String,
    pub(super) may: Cells,
    pub(super) sure: Cells,
}

/// The settings of the requests that may be sent in one kind of cluster, in order.
pub(super) fn settings<'r>(
    table: &Table<'r>,
    cluster: usize,
    firings: &[Firing],
    judge: &mut Judge<'r>,
) -> Vec<Setting> {
    let Some(cluster) = table.clusters.get(cluster) else {
        return Vec::new();
    };
    let mut scopes: Vec<Option<Scope>> = vec![None; 32];
    let mut all = Vec::new();
    for firing in firings {
        let Some(rule) = table.rule(firing.rule) else {
            continue;
        };
        for (number, request) in rule.requests.iter().enumerate() {
            let by_cell = request.values().any(|value| judge.value(value).cell);
            let groups: Vec<Cells> = if by_cell {
                firing.may.indices().map(Cells::one).collect()
            } else {
                vec![firing.may]
            };
            for cells in groups {
                let Some(index) = cells.first() else {
                    continue;
                };
                let Some(slot) = scopes.get_mut(index) else {
                    continue;
                };
                let scope = slot.get_or_insert_with(|| judge.request_scope(index, &cluster.name));
                for (target, value) in of_request(request, scope).unwrap_or_default() {
                    all.push(Setting {
                        rule: firing.rule,
                        request: number,
                        target,
                        value,
                        may: cells,
                        sure: cells.and(firing.sure),
                    });
                }
            }
        }
    }
    all
}

/// The settings of one request; `None` if one of its templates can't be rendered.
pub(super) fn of_request(
    request: &RequestTemplate,
    scope: &Scope,
) -> Option<Vec<(Target, String)>> {
    let known = |value: &TemplateValue| render(value, scope).ok();
    let server = || known(request.server.as_ref()?);
    let part = |key: &str| known(request.part(key)?);
    request.kind.settings(&Parts {
        api: &request.api,
        server: &server,
        body: &part,
    })
}
