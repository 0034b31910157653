//! A configured Barman, or the contradiction in its configuration.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::super::backup::Backup;
use super::super::config::{Config, ConfigError, RecoverFiles};
use super::super::diagnose;
use super::super::fault::Faults;
use super::super::options::{self, converts};
use super::super::receiver::State;
use super::super::recorded::default_option;
use super::super::restore::Restore;
use super::super::sections::{Model, Options, Postgres, Server, Stored};
use super::super::version;
use super::{Barman, UpdateQueue};
use crate::diagnostic::ticked;
use crate::model::ModelName;

impl Barman {
    /// A Barman with this configuration.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let restore = match config.recover_files {
            RecoverFiles::None => Restore::Elsewhere,
            RecoverFiles::Local => Restore::Here {
                empty_only: config.empty_only,
            },
        };
        let mut barman = Self {
            servers: BTreeMap::new(),
            models: BTreeMap::new(),
            operation_time: config.operation_time,
            running: Vec::new(),
            ended: HashMap::new(),
            update_queue: UpdateQueue::Works,
            restore,
            version: config.barman_version.unwrap_or(version::BARMAN),
            times: config.receiver,
            receiver_faults: Faults::default(),
            settled: Duration::ZERO,
            quiet_until: None,
        };
        for server in &config.servers {
            barman.add_server(&server.name, &server.cluster, !server.is_late)?;
        }
        for model in &config.models {
            barman.add_model(&model.name, model.cluster.as_deref())?;
        }
        for backup in &config.backups {
            valid_name(&backup.id)?;
            let what = format!("backup `{}`", backup.id);
            let server = barman.server_mut(&backup.server, &what)?;
            server.backups.insert(backup.id.clone(), stored(backup));
        }
        for (server, model) in &config.active {
            barman.activate(server, model)?;
        }
        for (name, timeline) in &config.timelines {
            let postgres = barman.postgres_mut(name);
            let missing = || ConfigError::NoSection(name.clone());
            postgres.ok_or_else(missing)?.timeline = *timeline;
        }
        for (section, option, value) in &config.options {
            barman.set_option(section, option, value)?;
        }
        for (server, wal) in &config.wals {
            barman.add_wal(server, wal)?;
        }
        for server in barman.servers.values_mut() {
            if server.receives() {
                server.receiver.state = State::Running;
            }
        }
        barman.archive();
        Ok(barman)
    }

    fn set_option(&mut self, section: &str, option: &str, value: &str) -> Result<(), ConfigError> {
        let options = match self.models.get_mut(section) {
            Some(model) => &mut model.options,
            None => match self.servers.get_mut(section) {
                Some(server) => &mut server.options,
                None => return Err(ConfigError::NoSection(section.to_owned())),
            },
        };
        let is_known = default_option(option).is_some() && converts(option, &value.into());
        let shown = options::shown(option, value).filter(|_| is_known);
        let shown = shown.ok_or_else(|| ConfigError::Option {
            section: section.to_owned(),
            option: option.to_owned(),
            value: value.to_owned(),
        })?;
        options.file.insert(option.to_owned(), shown);
        Ok(())
    }

    fn add_wal(&mut self, server: &str, wal: &str) -> Result<(), ConfigError> {
        let is_hexadecimal = wal.len() == 24 && wal.bytes().all(|byte| byte.is_ascii_hexdigit());
        let timeline = wal
            .get(..8)
            .filter(|_| is_hexadecimal)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| ConfigError::Wal(wal.to_owned()))?;
        let section = self.server_mut(server, &format!("WAL file `{wal}`"))?;
        section.has_given_wals = true;
        section.wals.insert(timeline, wal.to_ascii_uppercase());
        Ok(())
    }

    /// Adds a server while the simulator runs; pg-backup-api does not know it before it answers `/diagnose`.
    pub fn add_late_server(&mut self, name: &str) -> Result<(), ConfigError> {
        self.add_server(name, name, false)?;
        if let Some(server) = self.servers.get_mut(name) {
            server.receiver.state = State::Running;
        }
        Ok(())
    }

    fn add_server(
        &mut self,
        name: &str,
        cluster: &str,
        is_loaded: bool,
    ) -> Result<(), ConfigError> {
        valid_name(name)?;
        valid_name(cluster)?;
        if self.servers.contains_key(name) || self.models.contains_key(name) {
            return Err(ConfigError::Twice(name.to_owned()));
        }
        let options = Options::in_file(diagnose::server_options(cluster, name));
        let mut server = Server::new(options, Some(Postgres::default()));
        server.is_loaded = is_loaded;
        self.servers.insert(name.to_owned(), server);
        self.quiet_until = None;
        Ok(())
    }

    fn add_model(&mut self, name: &str, cluster: Option<&str>) -> Result<(), ConfigError> {
        ModelName::new(name).map_err(|error| ConfigError::Name(error.0))?;
        let (group, node) = name.split_once(':').unwrap_or(("", name));
        let cluster = match cluster {
            Some(cluster) => cluster,
            None if group.is_empty() => return Err(ConfigError::NoCluster(name.to_owned())),
            None => {
                let server = self.servers.get(group);
                server.and_then(Server::cluster).unwrap_or(group)
            }
        };
        valid_name(cluster)?;
        let model = Model {
            options: Options::in_file(diagnose::model_options(cluster, node)),
            postgres: Postgres::default(),
        };
        if self.servers.contains_key(name) || self.models.insert(name.to_owned(), model).is_some() {
            return Err(ConfigError::Twice(name.to_owned()));
        }
        Ok(())
    }

    fn server_mut(&mut self, name: &str, what: &str) -> Result<&mut Server, ConfigError> {
        let mut servers = ticked(self.servers.keys());
        if servers.is_empty() {
            servers.push_str("none");
        }
        let server = self.servers.get_mut(name);
        server.ok_or_else(|| ConfigError::NoServer {
            what: what.to_owned(),
            server: name.to_owned(),
            servers,
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

fn stored(backup: &Backup) -> Stored {
    let stored = Stored::default();
    Stored {
        status: backup.status,
        timeline: backup.timeline,
        system_id: backup.system_id.clone().unwrap_or(stored.system_id),
        begin: None,
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
