//! `check --online`: what Barman and Patroni say of the rules.

use std::collections::BTreeMap;

use crate::barman::{Diagnosis, Interest};
use crate::check::{Inventory, Node, online};
use crate::diagnostic::Finding;
use crate::execute::{Here, World as _};
use crate::http::block_on;
use crate::model::ApiName;
use crate::space::Known;

use super::context::Context;
use super::exit::{Exit, USAGE};
use super::rules::Rules;
use super::watch::Watch;
use super::world::Outside;

/// Asks every API that the rules use, and the local Patroni if they name it.
///
/// # Errors
/// [`Exit`] with everything that could not be asked.
pub fn findings(
    rules: &Rules,
    node: Option<&String>,
    context: &Context,
) -> Result<Vec<Finding>, Exit> {
    let watch = Watch::new(&context.log);
    let outside = Outside::new(&rules.set, &context.environment, &watch);
    let mut silent = Vec::new();
    let here = match block_on(Here::ask(&outside, node.map(String::as_str))) {
        Some(Ok(here)) => Some(here),
        Some(Err(silence)) => {
            silent.push(silence.to_string());
            None
        }
        None => None,
    };
    let used = rules.set.rules.iter().filter(|rule| rule.enabled);
    let mut barmans: BTreeMap<ApiName, Inventory> = BTreeMap::new();
    for request in used.flat_map(|rule| &rule.requests) {
        if barmans.contains_key(&request.api) {
            continue;
        }
        let Some(barman) = outside.barman(&request.api) else {
            continue;
        };
        let inventory = match block_on(barman.diagnose(&Interest::default())) {
            Ok(diagnosis) => inventory(&diagnosis),
            Err(trouble) => {
                silent.push(format!(
                    "the API `{}` can't be asked: {trouble}",
                    request.api
                ));
                Inventory::default()
            }
        };
        barmans.insert(request.api.clone(), inventory);
    }
    if !silent.is_empty() {
        return Err(Exit::new(USAGE, silent.join("; ")));
    }
    let environment = &context.environment;
    let known = Known::default();
    let name = here.as_ref().and_then(|here| here.node.clone());
    let given = environment.get("PATRONI_NAME").map(str::to_owned);
    let node = Node {
        name: node.cloned().or(given).or(name),
        cluster: here.map(|here| here.cluster),
        known: Known {
            host: environment.host.clone().unwrap_or(known.host),
            env: environment.vars.clone(),
            ..known
        },
    };
    Ok(online(&rules.set, &rules.sources, &node, &barmans))
}

fn inventory(diagnosis: &Diagnosis) -> Inventory {
    let cluster = |server: &crate::barman::ServerState| {
        let cluster = server.config.get("cluster")?.as_str()?;
        Some(cluster.to_owned())
    };
    let servers = diagnosis.servers.iter();
    let models = diagnosis.models.iter();
    Inventory {
        servers: servers
            .map(|(name, server)| (name.clone(), cluster(server)))
            .collect(),
        models: models
            .map(|(name, model)| (name.clone(), model.cluster.clone()))
            .collect(),
        why_no_models: diagnosis.why_no_models(),
    }
}
