//! The rules that a command works with: read, checked, with what the command line replaces.

use std::path::{Path, PathBuf};

use crate::execute::Verdict;
use crate::load::{load, locate, read};
use crate::model::{Api, ApiName, Event, Fallback, Origin, RuleSet, Url};
use crate::source::Source;
use crate::store::LastGood;

use super::args::Global;
use super::context::Context;
use super::exit::{Exit, LAST_GOOD};
use super::invocation::rules_path;
use super::log::Log;
use super::state;

/// Rules and the text that they were read from.
pub struct Rules {
    /// The rules.
    pub set: RuleSet,
    /// Their text, for places in messages.
    pub sources: Vec<Source>,
    /// Which rules they are.
    pub age: Age,
}

/// Which rules are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Those in the file.
    Current,
    /// The last ones that passed every check: the file is broken.
    LastGood,
}

impl Age {
    /// The exit code. Callbacks tell by theirs that the rules file is broken and the last good rules were used; whoever
    /// makes a node asks only whether it was made.
    pub fn exit_code(self, event: Event, verdict: Verdict) -> u8 {
        match (verdict, self) {
            (Verdict::Done | Verdict::Skipped, Self::LastGood) if !event.makes_node() => LAST_GOOD,
            _ => verdict.exit_code(),
        }
    }
}

impl Rules {
    /// Reads rules; every finding that keeps them from being used goes to the log.
    ///
    /// # Errors
    /// [`Exit`] if they can't be read or are not valid.
    pub fn read(path: &Path, log: &Log) -> Result<Self, Exit> {
        let sources = read(path).map_err(|error| Exit::invalid(error.to_string()))?;
        Self::of(sources, &path.display().to_string(), log)
    }

    /// Makes rules of texts that were read; `path` is how the user calls them.
    ///
    /// # Errors
    /// [`Exit`] if they are not valid.
    pub fn of(sources: Vec<Source>, path: &str, log: &Log) -> Result<Self, Exit> {
        let loaded = load(&sources);
        let Some(set) = loaded.rules else {
            for finding in &loaded.findings {
                log.error(&crate::report::line(finding));
            }
            return Err(
                Exit::invalid(format!("the rules in `{path}` are not valid"))
                    .help(format!("`patroni_barman check {path}` shows each place")),
            );
        };
        Ok(Self {
            set,
            sources,
            age: Age::Current,
        })
    }

    /// Reads rules and keeps them if they are valid; if they are not, the last ones that were kept are
    /// used, unless these say `rules_fallback: none`.
    ///
    /// # Errors
    /// [`Exit`] if there are none to use.
    pub fn read_or_last_good(path: &Path, context: &Context) -> Result<Self, Exit> {
        let copy = LastGood::of(path, &state::folder(&context.environment));
        let broken = match Self::read(path, &context.log) {
            Ok(rules) => {
                if let Err(error) = copy.keep(&rules.sources) {
                    context.log.warning(&format!(
                        "the rules can't be kept for a time when the file is broken: {error}"
                    ));
                }
                return Ok(rules);
            }
            Err(broken) => broken,
        };
        let kept = Self::of_last_good(path, context);
        match kept.filter(|kept| kept.set.fallback == Fallback::LastGood) {
            Some(rules) => {
                let message = &broken.message;
                context
                    .log
                    .error(&format!("{message}; the last good rules are used instead"));
                Ok(rules)
            }
            None => Err(Exit {
                message: format!("{}; nothing was sent", broken.message),
                ..broken
            }),
        }
    }

    /// Which rules there are to use at a path: whether those in the file are broken. Nothing is logged.
    #[must_use]
    pub fn age_at(path: &Path) -> Age {
        let is_valid = read(path).is_ok_and(|sources| load(&sources).rules.is_some());
        if is_valid {
            Age::Current
        } else {
            Age::LastGood
        }
    }

    /// The last rules at a path that passed every check, if any were kept.
    #[must_use]
    pub fn of_last_good(path: &Path, context: &Context) -> Option<Self> {
        let copy = LastGood::of(path, &state::folder(&context.environment));
        let sources = copy.fetch()?;
        Some(Self {
            set: load(&sources).rules?,
            sources,
            age: Age::LastGood,
        })
    }

    /// Puts the command line's connection in the place of the file's `api`.
    ///
    /// # Errors
    /// [`Exit`] for an address that is none.
    pub fn connect(&mut self, global: &Global) -> Result<(), Exit> {
        let name = ApiName::default();
        if let Some(text) = &global.api_url {
            let url = Url::new(text)
                .map_err(|why| Exit::invalid(format!("`--api-url` is not an address: {why}")))?;
            // Headers were meant for the address that the file names, and may be secret.
            let api = self
                .set
                .apis
                .entry(name.clone())
                .or_insert_with(|| Api::at(url.clone()));
            if api.url != url {
                api.headers.clear();
            }
            api.url = url;
        }
        if let Some(api) = self.set.apis.get_mut(&name) {
            let replace = |place: &mut Option<_>, given: &Option<_>| {
                if given.is_some() {
                    place.clone_from(given);
                }
            };
            replace(&mut api.cert_file, &global.cert_file);
            // A certificate alone: its file holds the key as well, as the Python tool has it.
            let key_file = global.key_file.as_ref().or(global.cert_file.as_ref());
            replace(&mut api.key_file, &key_file.cloned());
            replace(&mut api.ca_file, &global.ca_file);
            if api.cert_file.is_none() && api.key_file.is_some() {
                return Err(
                    Exit::invalid("`--key-file` is of no use without a certificate")
                        .help("give `--cert-file` too"),
                );
            }
        }
        Ok(())
    }

    /// Where a value of the rules stands, as `file:line:column`.
    #[must_use]
    pub fn place(&self, origin: &Origin) -> String {
        let place = locate(&self.sources, origin);
        format!(
            "{}:{}:{}",
            place.file, place.position.line, place.position.column
        )
    }
}

/// The database. Rules that are missing or broken do not keep anybody from reading what was done.
pub fn database(rules: Option<&PathBuf>, context: &Context) -> PathBuf {
    let path = rules_path(rules, &context.environment);
    let read = if rules.is_some() || path.exists() {
        Rules::read(&path, &context.log)
            .ok()
            .or_else(|| Rules::of_last_good(&path, context))
    } else {
        None
    };
    state::place(read.as_ref().map(|rules| &rules.set), &context.environment).path
}
