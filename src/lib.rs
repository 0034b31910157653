//! Rules that make Barman follow a Patroni cluster.
//!
//! A YAML rules file maps Patroni events and roles to templated pg-backup-api
//! requests. This library is the whole `patroni_barman` program; the
//! binary only passes its arguments and returns the exit code.
//!
//! Modules may import each other only in the order of a rule's way from YAML to HTTP,
//! which a test enforces: `source`, `diagnostic`, `model`, `template`,
//! `load`, `evaluate`, `space`, `check`, `matrix`, `diff`, `http`, `barman`, `patroni`, `dcs`,
//! `store`, `execute`, `agent`, `simulator`, `rule_test`, `report`, `alert`, `cli`.

pub mod agent;
pub mod alert;
pub mod barman;
pub mod check;
pub mod cli;
pub mod dcs;
pub mod diagnostic;
pub mod diff;
pub mod evaluate;
pub mod execute;
pub mod http;
pub mod load;
pub mod matrix;
pub mod model;
pub mod patroni;
pub mod report;
pub mod rule_test;
pub mod simulator;
pub mod source;
pub mod space;
pub mod store;
pub mod template;
