//! `check --online`: asks Barman and Patroni, and compares the rules with their answers.

use std::collections::BTreeMap;

use crate::barman::{Barman, Diagnosis, Interest};
use crate::check::online::{
    BackupState, Content, Here, Inventory, Member, Model, Seen, Server, Want, problems, wants,
};
use crate::dcs::{Etcd, Tree};
use crate::execute::World as _;
use crate::http::{Client, block_on, together};
use crate::load::Problem;
use crate::model::{self, ApiName, RuleSet, Url};
use crate::patroni::{Cluster, Patroni, PatroniError, name_in};
use crate::report::Failure;
use crate::space::Known;

use super::context::Context;
use super::env::Environment;
use super::exit::Exit;
use super::rules::connect;
use super::watch::Watch;
use super::world::Outside;

/// The result of asking.
pub struct Online {
    pub problems: Vec<Problem>,
    /// The servers that could not be reached.
    pub failures: Vec<Failure>,
}

impl Online {
    /// Asks every Patroni that the rules name, then every API that they use, concurrently.
    pub fn ask(rules: &RuleSet, node: Option<&str>, context: &Context) -> Result<Self, Exit> {
        let rules = connected(rules, context)?;
        let given = node.or_else(|| context.environment.get("PATRONI_NAME"));
        let given = given.map(str::to_owned);
        Ok(Self::of(&[(rules, None)], given.as_deref(), context))
    }

    /// The same for every cluster that the rules list or discover.
    pub fn ask_all(rules: &RuleSet, context: &Context) -> Result<Self, Exit> {
        let rules = connected(rules, context)?;
        let clusters = clusters(&rules, &context.environment)?;
        let of = |(name, patroni): (String, model::Patroni)| {
            let mut rules = rules.clone();
            rules.places.patroni = Some(patroni.origin.clone());
            rules.patroni = Some(patroni);
            (rules, Some(name))
        };
        let all: Vec<_> = clusters.into_iter().map(of).collect();
        Ok(Self::of(&all, None, context))
    }

    /// Checks rule sets that differ only in their Patronis; each is for a cluster if that is known.
    fn of(all: &[(RuleSet, Option<String>)], given: Option<&str>, context: &Context) -> Self {
        let environment = &context.environment;
        let watch = Watch::new(&context.log);
        let mut failures = Vec::new();
        let mut fail = |message: String| {
            failures.push(Failure {
                file: None,
                message,
            });
        };
        let each = all.iter().map(async |(rules, name)| {
            let outside = Outside::new(rules, environment, &watch);
            look(&outside, given, name.as_deref(), context).await
        });
        let mut heres = Vec::new();
        for (here, silent) in block_on(together(each.collect())) {
            heres.push(here);
            silent.into_iter().for_each(&mut fail);
        }
        let Some((rules, _)) = all.first() else {
            return Self {
                problems: Vec::new(),
                failures,
            };
        };
        let outside = Outside::new(rules, environment, &watch);
        let pairs = all.iter().map(|(rules, _)| rules).zip(&heres);
        let wanted: Vec<_> = pairs
            .map(|(rules, here)| (rules, here, wants(rules, here)))
            .collect();
        let interests = interests(rules, wanted.iter().flat_map(|(.., wants)| wants));
        let apis = interests.iter().filter_map(|(api, interest)| {
            let barman = outside.barman(api)?;
            Some(inventory(api, barman, interest))
        });
        let mut barmans = BTreeMap::new();
        for (api, inventory, failure) in block_on(together(apis.collect())) {
            barmans.insert(api, inventory);
            failure.into_iter().for_each(&mut fail);
        }
        let mut found: Vec<Problem> = Vec::new();
        for (rules, here, wants) in &wanted {
            for problem in problems(rules, here, wants, &barmans) {
                if !found.contains(&problem) {
                    found.push(problem);
                }
            }
        }
        Self {
            problems: found,
            failures,
        }
    }
}

fn connected(rules: &RuleSet, context: &Context) -> Result<RuleSet, Exit> {
    let mut rules = rules.clone();
    connect(&mut rules, &context.global).map_err(Exit::into_usage)?;
    Ok(rules)
}

/// The clusters that the rules list or discover, with the addresses of their Patronis.
fn clusters(
    rules: &RuleSet,
    environment: &Environment,
) -> Result<BTreeMap<String, model::Patroni>, Exit> {
    let mut all = rules.clusters.clone();
    if let Some(found) = &rules.discover {
        let client = Client::new(&found.etcd, &environment.vars);
        let snapshot = block_on(Etcd::new(&client, found).range())
            .map_err(|error| Exit::new(3, error.to_string()))?;
        let tree = Tree::of(&snapshot);
        for (name, scope) in tree.scopes() {
            let members = scope.members().into_iter();
            let urls: Vec<Url> = members
                .filter_map(|member| Url::new(&member.api_url?).ok())
                .collect();
            let is_known = all.contains_key(name) || urls.is_empty();
            if is_known || !found.clusters.include(name) || tree.citus().contains(name) {
                continue;
            }
            let patroni = model::Patroni {
                api: found.patroni.clone(),
                urls,
                origin: found.origin.clone(),
            };
            all.insert(name.to_owned(), patroni);
        }
    }
    if all.is_empty() {
        return Err(Exit::invalid("the rules name no clusters")
            .help("add `clusters` or `discover` to the rules file"));
    }
    Ok(all)
}

/// Asks the Patronis of one rule set. If a cluster is given, they are its members; otherwise the first one is local.
async fn look(
    outside: &Outside<'_>,
    given: Option<&str>,
    cluster: Option<&str>,
    context: &Context,
) -> (Here, Vec<String>) {
    let environment = &context.environment;
    let known = Known::default();
    let mut silent = Vec::new();
    let mut here = Here {
        given: given.map(str::to_owned),
        told: None,
        known: Known {
            host: environment.host.clone().unwrap_or(known.host),
            env: environment.vars.clone(),
            ..known
        },
        patronis: Vec::new(),
    };
    let patronis = outside.patronis();
    let asked = patronis.iter().enumerate();
    let asked = asked.map(|(number, patroni)| tell(patroni, number == 0 && cluster.is_none()));
    for (answer, patroni) in together(asked.collect()).await.into_iter().zip(&patronis) {
        let answer = answer.and_then(|answer| match cluster {
            Some(cluster) => patroni
                .same_scope(answer.seen.scope.as_deref(), cluster)
                .map(|()| answer),
            None => Ok(answer),
        });
        match answer {
            Ok(answer) => {
                here.told = here.told.or(answer.name);
                here.patronis.push(answer.seen);
                silent.extend(answer.no_configuration.map(|error| error.to_string()));
            }
            Err(error) => silent.push(match cluster {
                Some(cluster) => format!("{cluster}: {error}"),
                None => error.to_string(),
            }),
        }
    }
    (here, silent)
}

/// The answers of a Patroni.
struct Told {
    seen: Seen,
    name: Option<String>,
    no_configuration: Option<PatroniError>,
}

async fn tell(patroni: &Patroni<'_, Client>, is_local: bool) -> Result<Told, PatroniError> {
    let node = patroni.node().await?;
    let cluster = patroni.cluster().await?;
    let configuration = patroni.configuration().await;
    let name = match node.name {
        _ if !is_local => None,
        None => name_in(&cluster, patroni).await,
        name => name,
    };
    let Cluster { scope, members } = cluster;
    let (slots, no_configuration) = match configuration {
        Ok(configuration) => (Some(configuration.slots), None),
        Err(error) => (None, Some(error)),
    };
    let members = members.into_iter().map(|member| Member {
        name: member.name,
        never_leads: member.never_leads,
    });
    Ok(Told {
        seen: Seen {
            url: patroni.url().as_str().to_owned(),
            scope: node.scope.or(scope),
            members: members.collect(),
            slots,
        },
        name,
        no_configuration,
    })
}

/// The servers and models that the rules want of each API. An API is asked even if none of them are known.
fn interests<'w>(
    rules: &RuleSet,
    wants: impl Iterator<Item = &'w Want<'w>>,
) -> BTreeMap<ApiName, Interest> {
    let mut interests: BTreeMap<ApiName, Interest> = BTreeMap::new();
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    for request in enabled.flat_map(|rule| &rule.requests) {
        interests.entry(request.api.clone()).or_default();
    }
    for want in wants {
        let interest = interests.entry(want.request.api.clone()).or_default();
        interest.servers.extend(want.servers().map(str::to_owned));
        interest.models.extend(want.models().map(str::to_owned));
    }
    interests
}

async fn inventory(
    api: &ApiName,
    barman: Barman<'_, Client>,
    interest: &Interest,
) -> (ApiName, Inventory, Option<String>) {
    let api_is_too_old = barman.is_too_old().await;
    let (content, failure) = match barman.diagnose(interest).await {
        Ok(diagnosis) => (Some(content(&diagnosis)), None),
        Err(trouble) => {
            let message = format!("the API `{api}` can't be asked: {trouble}");
            (None, Some(message))
        }
    };
    let inventory = Inventory {
        content,
        api_is_too_old,
    };
    (api.clone(), inventory, failure)
}

fn content(diagnosis: &Diagnosis) -> Content {
    let text = |value: Option<&serde_json::Value>| Some(value?.as_str()?.to_owned());
    let servers = diagnosis.servers.iter().map(|(name, server)| {
        let options = server.recovery_options.as_deref().unwrap_or_default();
        let backups = server.backups.iter();
        let server = Server {
            cluster: text(server.config.get("cluster")),
            active: server.active,
            passive: server.passive,
            streaming_archiver: server.streaming_archiver,
            slot_name: text(server.config.get("slot_name")),
            gets_wal: options.contains("get-wal"),
            backups: backups
                .map(|(id, backup)| (id.clone(), state(backup)))
                .collect(),
        };
        (name.clone(), server)
    });
    let models = diagnosis.models.iter().map(|(name, model)| {
        let model = Model {
            cluster: model.cluster.clone(),
            slot_name: text(model.config.get("slot_name")),
        };
        (name.clone(), model)
    });
    Content {
        servers: servers.collect(),
        models: models.collect(),
        why_no_models: diagnosis.why_no_models(),
    }
}

fn state(backup: &crate::barman::Backup) -> BackupState {
    match backup.status.as_deref() {
        _ if backup.is_usable() => BackupState::Usable,
        Some("FAILED") => BackupState::Failed,
        _ => BackupState::Other,
    }
}
