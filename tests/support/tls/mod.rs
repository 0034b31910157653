//! A TLS server, and certificates that are made when a test runs.

pub mod certificates;
pub mod server;
