//! The main task with the real programs: etcd, Patroni, PostgreSQL, Barman, sshd and rsync.
//!
//! Each test starts its own stack in a temporary directory, on loopback, and ends all of it. `install` lists the
//! programs that must be installed; if one is missing, a test fails and says so.
#![allow(
    clippy::restriction,
    clippy::disallowed_methods,
    reason = "these rules are the program's; a test that meets something unexpected has failed"
)]

mod agent;
mod barman;
mod bootstrap;
mod calls;
mod cluster;
mod crash;
mod etcd_watch;
mod folder;
mod guard;
mod harness;
mod http;
mod killed;
mod minimum;
mod outage;
mod partition;
mod postgres;
mod prerequisites;
mod proxy;
mod receipt;
mod receiver;
mod replica;
mod restart;
mod restored;
mod sshd;
mod stack;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod switchover;
mod template;
mod two_barmans;
mod two_clusters;
mod wait;
mod wal;
