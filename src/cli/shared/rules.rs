//! The rules that a command works with: read, checked, with what the command line replaces.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ring::digest;

use crate::diagnostic::Severity;
use crate::execute::Verdict;
use crate::load::{load, locate, read};
use crate::model::{Api, ApiName, Event, Fallback, Origin, RuleSet, Url};
use crate::report::RulesSeen;
use crate::source::Source;
use crate::store::{Known, LastGood};

use super::args::Global;
use super::context::Context;
use super::exit::{Exit, LAST_GOOD};
use super::invocation::rules_path;
use super::log::Log;
use super::state::{self, Place};

/// Rules and the text that they were read from.
pub struct Rules {
    /// The rules.
    pub set: RuleSet,
    /// Their text, for places in messages.
    pub sources: Vec<Source>,
    /// Which rules they are.
    pub age: Age,
    /// Why the rules in the file are not used, if they are not.
    pub broken: Option<String>,
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
            broken: None,
        })
    }

    /// Reads rules and keeps them if `check` finds no error in them; if it does, the last ones that were kept are
    /// used, unless these say `rules_fallback: none`.
    ///
    /// # Errors
    /// [`Exit`] if there are none to use.
    pub fn read_or_last_good(path: &Path, context: &Context) -> Result<Self, Exit> {
        Self::usable(path, context, true)
    }

    /// The same without writing anything down: neither the rules nor the verdict on them.
    ///
    /// # Errors
    /// [`Exit`] if there are none to use.
    pub fn look(path: &Path, context: &Context) -> Result<Self, Exit> {
        Self::usable(path, context, false)
    }

    fn usable(path: &Path, context: &Context, remember: bool) -> Result<Self, Exit> {
        let broken = match Self::read(path, &context.log) {
            Ok(rules) => match rules.checked(path, context, remember) {
                Ok(()) => return Ok(rules),
                Err(broken) => broken,
            },
            Err(broken) => broken,
        };
        let kept = Self::of_last_good(path, context);
        match kept.filter(|kept| kept.set.fallback == Fallback::LastGood) {
            Some(rules) => {
                let message = &broken.message;
                context
                    .log
                    .error(&format!("{message}; the last good rules are used instead"));
                Ok(Self {
                    broken: Some(broken.message),
                    ..rules
                })
            }
            None => Err(Exit {
                message: format!("{}; nothing was sent", broken.message),
                ..broken
            }),
        }
    }

    /// Refuses rules with errors; those that are good are kept.
    pub fn refuse_errors(&self, path: &Path, context: &Context) -> Result<(), Exit> {
        self.checked(path, context, true)
    }

    /// Checks rules, once for each change of them. What only a newer version of this program finds is logged, and does
    /// not take rules away that have worked.
    fn checked(&self, path: &Path, context: &Context, remember: bool) -> Result<(), Exit> {
        let copy = LastGood::of(path, &state::folder(&context.environment));
        let log = &context.log;
        let known = copy.known(&self.sources);
        let errors = match &known {
            Known::Good => return Ok(()),
            Known::Refused(errors) => errors.clone(),
            Known::GoodBefore | Known::Nothing => errors(&self.sources),
        };
        let is_good = errors.is_empty() || known == Known::GoodBefore;
        let remembered = match known {
            Known::Refused(_) => Ok(()),
            _ if !remember => Ok(()),
            _ if is_good => copy.keep(&self.sources),
            _ => copy.refuse(&self.sources, &errors),
        };
        if let Err(error) = remembered {
            let what = if is_good {
                "the rules can't be kept for a time when the file is broken"
            } else {
                "the result of checking the rules can't be saved, so each callback checks them again"
            };
            log.warning(&format!("{what}: {error}"));
        }
        for error in &errors {
            if is_good {
                log.warning(error);
            } else {
                log.error(error);
            }
        }
        if is_good {
            return Ok(());
        }
        let path = path.display();
        Err(Exit::invalid(format!("the rules in `{path}` have errors"))
            .help(format!("`patroni_barman check {path}` shows each place")))
    }

    /// Which rules there are to use at a path: whether those in the file are broken. Nothing is logged.
    #[must_use]
    pub fn age_at(path: &Path, context: &Context) -> Age {
        let copy = LastGood::of(path, &state::folder(&context.environment));
        let is_good = |sources: &Vec<Source>| match copy.known(sources) {
            Known::Good | Known::GoodBefore => true,
            Known::Refused(_) => false,
            Known::Nothing => errors(sources).is_empty(),
        };
        let sources = read(path);
        if sources.is_ok_and(|sources| load(&sources).rules.is_some() && is_good(&sources)) {
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
            broken: None,
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
                    Exit::invalid("`--key-file` has no effect without a certificate")
                        .help("give `--cert-file` too"),
                );
            }
        }
        Ok(())
    }

    /// The rules as a status shows them.
    #[must_use]
    pub fn seen(&self, path: &Path) -> RulesSeen {
        RulesSeen {
            path: path.display().to_string(),
            sha256: self.sha256(),
            broken: self.broken.clone(),
        }
    }

    /// The SHA-256 of their text, as `sha256sum` writes it; of the texts one after the other if there are several files.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        for source in &self.sources {
            context.update(source.text.as_bytes());
        }
        let sum = context.finish();
        sum.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
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

/// The errors that `check` finds, a line each.
fn errors(sources: &[Source]) -> Vec<String> {
    let findings = crate::check::findings(sources).into_iter();
    let errors = findings.filter(|finding| finding.severity() == Severity::Error);
    errors
        .map(|finding| crate::report::line(&finding))
        .collect()
}

/// The place of the database. Rules that are broken do not keep anybody from reading what was done; rules that are named
/// and can't be read, and of which there is no copy, are an error.
pub fn database(rules: Option<&PathBuf>, context: &Context) -> Result<Place, Exit> {
    let path = rules_path(rules, &context.environment);
    let read = if rules.is_some() || path.exists() {
        let copy = LastGood::of(&path, &state::folder(&context.environment));
        let is_refused = |rules: &Rules| matches!(copy.known(&rules.sources), Known::Refused(_));
        match Rules::read(&path, &context.log) {
            Ok(rules) if is_refused(&rules) => Rules::of_last_good(&path, context).or(Some(rules)),
            Ok(rules) => Some(rules),
            Err(exit) => {
                let kept = Rules::of_last_good(&path, context);
                if kept.is_none() && rules.is_some() && !path.exists() {
                    return Err(exit.into_usage());
                }
                kept
            }
        }
    } else {
        None
    };
    let set = read.as_ref().map(|rules| &rules.set);
    Ok(state::place(set, &context.environment))
}
