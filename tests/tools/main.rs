//! Tests that need other programs: a browser, git, libxml2, Node with npm for the YAML language server, Prometheus' `promtool`,
//! Nagios and its plugins, and Python with a package index for Grafana's model of dashboards. If one of them is missing,
//! the test that uses it fails and names it.
#![allow(
    clippy::restriction,
    clippy::disallowed_methods,
    reason = "these rules are the program's; a test that meets something unexpected has failed"
)]

mod browser;
mod editor;
mod fleet_page;
mod git;
mod junit;
mod manual;
mod monitoring;
mod proxy;
#[path = "../support/mod.rs"]
mod support;
