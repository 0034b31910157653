//! Which outputs get colours.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use clap::ValueEnum as _;

use crate::report::Colour;

use super::args::ColorChoice;
use super::env::Environment;

/// The decision about colours, for both outputs.
#[derive(Debug, Clone, Copy)]
pub struct Colours {
    pub stdout: Colour,
    pub stderr: Colour,
    /// The same for what clap prints, which knows the variables by itself.
    pub clap: clap::ColorChoice,
}

impl Colours {
    /// Decides by `--color`, which may be in a command line that cannot be read, then by the environment: `NO_COLOR`,
    /// `CLICOLOR_FORCE`, `CLICOLOR`, `TERM`. Without these, a terminal gets colours.
    pub fn of(arguments: &[OsString], environment: &Environment) -> Self {
        let is_set = |name: &str| environment.get(name).filter(|value| *value != "0");
        let plain =
            environment.get("CLICOLOR") == Some("0") || environment.get("TERM") == Some("dumb");
        let colour = |terminal: bool| {
            let wanted = match given(arguments) {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto if environment.get("NO_COLOR").is_some() => false,
                ColorChoice::Auto => is_set("CLICOLOR_FORCE").is_some() || terminal && !plain,
            };
            if wanted {
                Colour::Always
            } else {
                Colour::Never
            }
        };
        Self {
            stdout: colour(io::stdout().is_terminal()),
            stderr: colour(io::stderr().is_terminal()),
            clap: given(arguments).into(),
        }
    }
}

/// The last `--color` of a command line.
fn given(arguments: &[OsString]) -> ColorChoice {
    let words = arguments
        .iter()
        .map(|word| word.to_str().unwrap_or_default());
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let next = words.iter().skip(1).chain([&""]);
    let values = words
        .iter()
        .zip(next)
        .filter_map(|(word, next)| match *word {
            "--color" => Some(*next),
            word => word.strip_prefix("--color="),
        });
    let last = values.last().unwrap_or_default();
    ColorChoice::from_str(last, false).unwrap_or(ColorChoice::Auto)
}
