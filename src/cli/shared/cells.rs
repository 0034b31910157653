//! Options of the commands that evaluate every cell.

use std::collections::BTreeMap;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::space::Known;

use super::exit::{Exit, USAGE};

/// What is known in every cell. The environment of this process is not looked at: the result is the
/// same on every machine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What is known in every cell")]
pub struct KnownArgs {
    /// The node's name [default: the placeholder NODE].
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// An environment variable; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// An environment variable or argument that is not set; can be repeated.
    #[arg(long, value_name = "NAME")]
    pub unset: Vec<String>,
    /// An argument in addition to those that Patroni appends; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub arg: Vec<String>,
    /// A cluster to show in addition to those that the rules distinguish; can be repeated.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub cluster: Vec<String>,
    /// Set a variable that the rules file declares under `vars`; can be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
}

impl KnownArgs {
    /// The facts given on the command line.
    pub fn known(&self) -> Result<Known, Exit> {
        let mut known = Known {
            env: pairs("--env", &self.env)?,
            args: pairs("--arg", &self.arg)?,
            unset: self.unset.iter().cloned().collect(),
            ..Known::default()
        };
        if let Some(node) = &self.node {
            known.node.clone_from(node);
            known.given.insert("node");
        }
        Ok(known)
    }
}

fn pairs(option: &str, texts: &[String]) -> Result<BTreeMap<String, String>, Exit> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Exit::new(
            USAGE,
            format!("`{option} {text}` is not a name and a value"),
        )
        .help(format!("write `{option} NAME=VALUE`"))),
    };
    texts.iter().map(pair).collect()
}
