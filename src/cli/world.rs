//! The outside as it is: HTTP clients, the computer's clock, the file system.

use std::collections::BTreeMap;
use std::path::Path;

use crate::barman::Barman;
use crate::execute::{Progress, World};
use crate::http::Client;
use crate::model::{Api, ApiName, RuleSet, Url};
use crate::patroni::Patroni;
use crate::store::Sqlite;

use super::discreet::{DiscreetStore, Discretion};
use super::env::Environment;
use super::watch::Watch;

/// The outside of this process.
pub struct Outside<'a> {
    apis: BTreeMap<ApiName, Endpoint>,
    patroni: Option<Endpoint>,
    watch: &'a Watch<'a>,
    state: Option<DiscreetStore>,
}

/// A server and the client that talks to it.
struct Endpoint {
    client: Client,
    url: Url,
}

impl Endpoint {
    fn new(api: &Api, environment: &Environment) -> Self {
        Self {
            client: Client::new(api, &environment.vars),
            url: api.url.clone(),
        }
    }
}

impl<'a> Outside<'a> {
    /// The outside that these rules name; nothing is connected before it is used.
    #[must_use]
    pub fn new(rules: &RuleSet, environment: &Environment, watch: &'a Watch<'a>) -> Self {
        let endpoint = |api: &Api| Endpoint::new(api, environment);
        Self {
            apis: rules
                .apis
                .iter()
                .map(|(name, api)| (name.clone(), endpoint(api)))
                .collect(),
            patroni: rules.patroni.as_ref().map(|patroni| endpoint(&patroni.0)),
            watch,
            state: None,
        }
    }
}

impl Outside<'_> {
    /// Remembers in this state from here on.
    #[must_use]
    pub fn remembering(mut self, state: Sqlite) -> Self {
        self.state = Some(DiscreetStore {
            state,
            discretion: self.discretion(),
        });
        self
    }

    /// What nothing that is shown may have in it.
    #[must_use]
    pub fn discretion(&self) -> Discretion {
        let endpoints = self.apis.values().chain(&self.patroni);
        Discretion::of(endpoints.map(|endpoint| endpoint.client.secrets()))
    }
}

impl<'a> World for Outside<'a> {
    type Http = Client;
    type Clock = Watch<'a>;
    type Store = DiscreetStore;

    fn barman(&self, api: &ApiName) -> Option<Barman<'_, Client>> {
        self.apis
            .get(api)
            .map(|endpoint| Barman::new(&endpoint.client, &endpoint.url))
    }

    fn patroni(&self) -> Option<Patroni<'_, Client>> {
        self.patroni
            .as_ref()
            .map(|endpoint| Patroni::new(&endpoint.client, &endpoint.url))
    }

    fn clock(&self) -> &Watch<'a> {
        self.watch
    }

    fn store(&self) -> Option<&DiscreetStore> {
        self.state.as_ref()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn observe(&self, progress: &Progress<'_>) {
        let tell = |progress: &Progress<'_>| self.watch.observe(progress);
        self.discretion().tell(progress, tell);
    }
}
