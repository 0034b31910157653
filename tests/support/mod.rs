//! Tools shared by the tests of all targets: the program, the servers it talks to, and files.
#![allow(dead_code, unused_imports, reason = "no target uses all of it")]

pub mod call;
pub mod checked;
pub mod ended;
pub mod etcd;
pub mod fleet;
pub mod folder;
pub mod follow;
pub mod help;
pub mod http;
pub mod listener;
pub mod node;
pub mod parity;
pub mod patroni;
pub mod pipe;
pub mod prerequisite;
pub mod program;
pub mod schema;
pub mod text;
pub mod tls;
pub mod wait;
