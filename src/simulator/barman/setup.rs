//! A Barman as configured, or what contradicts itself in the configuration.

use std::collections::{BTreeMap, HashMap};

use super::super::config::{Config, ConfigError, RecoverFiles};
use super::super::diagnose;
use super::super::restore::{Elsewhere, Here, Restore};
use super::{Barman, Model, Postgres, Server, UpdateQueue};

impl Barman {
    /// A Barman as configured.
    ///
    /// # Errors
    /// When the configuration contradicts itself.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let restore: Box<dyn Restore> = match config.recover_files {
            RecoverFiles::None => Box::new(Elsewhere),
            RecoverFiles::Local => Box::new(Here),
        };
        let mut barman = Self {
            servers: BTreeMap::new(),
            models: BTreeMap::new(),
            operation_time: config.operation_time,
            running: Vec::new(),
            ended: HashMap::new(),
            update_queue: UpdateQueue::Works,
            restore,
        };
        for server in &config.servers {
            barman.add_server(&server.name, &server.cluster)?;
        }
        for model in &config.models {
            barman.add_model(&model.name, model.cluster.as_deref())?;
        }
        for backup in &config.backups {
            valid_name(&backup.id)?;
            let what = format!("backup `{}`", backup.id);
            barman
                .server_mut(&backup.server, &what)?
                .backups
                .insert(backup.id.clone(), backup.status);
        }
        for (server, model) in &config.active {
            barman.activate(server, model)?;
        }
        for (name, timeline) in &config.timelines {
            let postgres = barman
                .postgres_mut(name)
                .ok_or_else(|| ConfigError::NoSection(name.clone()))?;
            postgres.timeline = *timeline;
        }
        Ok(barman)
    }

    fn add_server(&mut self, name: &str, cluster: &str) -> Result<(), ConfigError> {
        valid_name(name)?;
        valid_name(cluster)?;
        let server = Server {
            options: diagnose::server_options(cluster, name),
            active_model: None,
            postgres: Some(Postgres::default()),
            backups: BTreeMap::new(),
        };
        match self.servers.insert(name.to_owned(), server) {
            Some(_) => Err(ConfigError::Twice(name.to_owned())),
            None => Ok(()),
        }
    }

    fn add_model(&mut self, name: &str, cluster: Option<&str>) -> Result<(), ConfigError> {
        valid_name(name)?;
        let (group, node) = name.split_once(':').unwrap_or(("", name));
        let cluster = match cluster {
            Some(cluster) => cluster,
            None if group.is_empty() => return Err(ConfigError::NoCluster(name.to_owned())),
            None => self
                .servers
                .get(group)
                .and_then(Server::cluster)
                .unwrap_or(group),
        };
        valid_name(cluster)?;
        let model = Model {
            options: diagnose::model_options(cluster, node),
            postgres: Postgres::default(),
        };
        if self.servers.contains_key(name) || self.models.insert(name.to_owned(), model).is_some() {
            return Err(ConfigError::Twice(name.to_owned()));
        }
        Ok(())
    }

    fn server_mut(&mut self, name: &str, what: &str) -> Result<&mut Server, ConfigError> {
        let servers = self
            .servers
            .keys()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        self.servers
            .get_mut(name)
            .ok_or_else(|| ConfigError::NoServer {
                what: what.to_owned(),
                server: name.to_owned(),
                servers: if servers.is_empty() {
                    "none".to_owned()
                } else {
                    servers
                },
            })
    }

    fn activate(&mut self, server: &str, model: &str) -> Result<(), ConfigError> {
        let found = self.model_cluster(model).map(str::to_owned);
        let what = format!("active model `{model}`");
        let section = self.server_mut(server, &what)?;
        let wanted = section.cluster().unwrap_or_default().to_owned();
        match found {
            None => Err(ConfigError::NoModel {
                server: server.to_owned(),
                model: model.to_owned(),
            }),
            Some(found) if found != wanted => Err(ConfigError::OtherCluster {
                server: server.to_owned(),
                model: model.to_owned(),
                wanted,
                found,
            }),
            Some(_) => {
                section.active_model = Some(model.to_owned());
                Ok(())
            }
        }
    }
}

fn valid_name(name: &str) -> Result<(), ConfigError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if !name.is_empty() && name.bytes().all(fits) {
        Ok(())
    } else {
        Err(ConfigError::Name(name.to_owned()))
    }
}
