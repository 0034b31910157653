//! Behaviour as users see it: through the program, its exit code and the server's requests. These tests need
//! Rust and a C compiler, and nothing else.
#![allow(
    clippy::restriction,
    clippy::disallowed_methods,
    reason = "these rules are the program's; a test that meets something unexpected has failed"
)]

mod advice;
mod agent;
mod check;
mod colour;
mod dependencies;
mod diagnostics;
mod faults;
mod follow;
mod help;
mod kill;
mod logs;
mod notify;
mod oracle;
mod pages;
mod parity;
mod policy;
mod reuse;
mod secrets;
mod simulation;
mod simulator;
mod state;
mod status;
mod structure;
mod support;
mod templates;
mod tls;
