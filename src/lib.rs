//! Rules that make Barman follow a Patroni cluster.
//!
//! A YAML rules file maps Patroni events and roles to templated pg-backup-api
//! requests. This library is everything the `patroni_barman` binary does; the
//! binary only hands over its arguments and passes on the exit code.
//!
//! Modules stand in import order: each imports only from those above it.
