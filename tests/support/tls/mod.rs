//! A TLS server, and certificates that are created when a test runs.

pub mod certificates;
pub mod server;
