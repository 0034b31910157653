//! The settings of requests: the target and its value, as far as known before an event.

use serde_json::Value;

use crate::model::{RequestKind, RequestTemplate, Target};
use crate::template::{Scope, render};

use super::cells::Cells;
use super::judge::Judge;
use super::table::{Firing, Table};

/// One thing that a request sets, in some cells of one kind of cluster.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// The number of the rule.
    pub(super) rule: usize,
    /// The number of the request in it.
    pub(super) request: usize,
    pub(super) target: Target,
    /// Its new value.
    pub(super) value: String,
    /// The cells in which it may be sent.
    pub(super) may: Cells,
    /// The cells in which it is certainly sent.
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
            let server = request.server.as_ref();
            let mut values = server
                .into_iter()
                .chain(request.body.iter().map(|(_, v)| v));
            let by_cell = values.any(|value| judge.value(value).cell);
            let groups: Vec<Cells> = if by_cell {
                firing.may.indices().map(Cells::one).collect()
            } else {
                vec![firing.may]
            };
            for cells in groups {
                let Some(index) = cells.indices().next() else {
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
    let api = &request.api;
    let text = |key: &str| -> Option<String> {
        let (_, value) = request.body.iter().find(|(name, _)| name == key)?;
        Some(plain(&render(value, scope).ok()?))
    };
    let server =
        || -> Option<String> { Some(plain(&render(request.server.as_ref()?, scope).ok()?)) };
    Some(match request.kind {
        RequestKind::ConfigSwitch => {
            let value = match text("model_name") {
                Some(model) => format!("`{model}`"),
                None if text("reset")? == "true" => "no model".to_owned(),
                None => return None,
            };
            let (api, server) = (api.clone(), server()?);
            vec![(Target::Model { api, server }, value)]
        }
        RequestKind::Recovery => {
            let value = format!("backup `{}` of `{}`", text("backup_id")?, server()?);
            let ssh = text("remote_ssh_command")?;
            let directory = text("destination_directory")?;
            vec![(Target::directory(&ssh, &directory), value)]
        }
        RequestKind::ConfigUpdate => {
            let (_, changes) = request.body.iter().find(|(name, _)| name == "changes")?;
            let changes = render(changes, scope).ok()?;
            let changes = changes.as_array()?.iter().filter_map(Value::as_object);
            let options = changes.flat_map(|change| Target::of_change(api, change));
            options
                .map(|(target, value)| (target, format!("`{}`", plain(value))))
                .collect()
        }
    })
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
