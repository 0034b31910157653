//! The rules that a command uses: read, checked, with values from the command line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ring::digest;

use crate::check::Unchecked;
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

/// Rules and their source text.
pub struct Rules {
    /// The rules.
    pub set: RuleSet,
    /// Their text, for positions in messages.
    pub sources: Vec<Source>,
    /// Their age.
    pub age: Age,
    /// The reason why the rules in the file are not used, if they are not.
    pub broken: Option<String>,
}

/// The age of the rules in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// The rules in the file.
    Current,
    /// The last rules that passed every check, because the file is broken.
    LastGood,
}

impl Age {
    /// The exit code. Callbacks report that the rules file is broken and the last good rules were used; for a new
    /// node, Patroni only needs to know whether it was created.
    pub fn exit_code(self, event: Event, verdict: Verdict) -> u8 {
        match (verdict, self) {
            (Verdict::Done | Verdict::Skipped, Self::LastGood) if !event.makes_node() => LAST_GOOD,
            _ => verdict.exit_code(),
        }
    }
}

impl Rules {
    /// Reads rules; every finding that prevents their use is logged.
    pub fn read(path: &Path, log: &Log) -> Result<Self, Exit> {
        let sources = read(path).map_err(|error| Exit::invalid(error.to_string()))?;
        Self::of(sources, &path.display().to_string(), log)
    }

    /// Parses rules from texts; `path` is the user's name for them.
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

    /// Reads rules and stores a copy if `check` finds no error in them; otherwise the last stored copy is
    /// used, unless it says `rules_fallback: none`.
    pub fn read_or_last_good(path: &Path, context: &Context) -> Result<Self, Exit> {
        Self::usable(path, context, true)
    }

    /// The same without storing anything: neither the rules nor the result of the check.
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

    /// Refuses rules with errors; good rules are stored.
    pub fn refuse_errors(&self, path: &Path, context: &Context) -> Result<(), Exit> {
        self.checked(path, context, true)
    }

    /// Checks rules, once for each change. A problem that only a newer version of this program finds is logged, and does
    /// not invalidate rules that have worked.
    fn checked(&self, path: &Path, context: &Context, remember: bool) -> Result<(), Exit> {
        let copy = LastGood::of(path, &state::folder(&context.environment));
        let log = &context.log;
        let known = copy.known(&self.sources);
        let errors = match &known {
            Known::Good => return Ok(()),
            Known::Refused(errors) => errors.clone(),
            Known::GoodBefore | Known::Nothing => errors(self.set.clone(), &self.sources),
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

    /// The age of the rules at a path, which says whether those in the file are broken. Nothing is logged.
    #[must_use]
    pub fn age_at(path: &Path, context: &Context) -> Age {
        let copy = LastGood::of(path, &state::folder(&context.environment));
        let is_good = |set: RuleSet, sources: &[Source]| match copy.known(sources) {
            Known::Good | Known::GoodBefore => true,
            Known::Refused(_) => false,
            Known::Nothing => errors(set, sources).is_empty(),
        };
        let sources = read(path);
        let loaded = |sources: &Vec<Source>| load(sources).rules;
        if sources.is_ok_and(|sources| loaded(&sources).is_some_and(|set| is_good(set, &sources))) {
            Age::Current
        } else {
            Age::LastGood
        }
    }

    /// The last rules at a path that passed every check, if there is a copy.
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

    /// Replaces the file's `api` by the connection from the command line.
    pub fn connect(&mut self, global: &Global) -> Result<(), Exit> {
        let name = ApiName::default();
        if let Some(text) = &global.api_url {
            let url = Url::new(text)
                .map_err(|why| Exit::invalid(format!("`--api-url` is not an address: {why}")))?;
            // Headers belong to the address in the file, and may be secret.
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
            // A certificate alone: its file also holds the key, as in the Python tool.
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

    /// The rules in the form that a status shows.
    #[must_use]
    pub fn seen(&self, path: &Path) -> RulesSeen {
        RulesSeen {
            path: path.display().to_string(),
            sha256: self.sha256(),
            broken: self.broken.clone(),
        }
    }

    /// The SHA-256 of their text, as `sha256sum` writes it; of the concatenated texts if there are several files.
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

    /// The position of a value in the rules, as `file:line:column`.
    #[must_use]
    pub fn place(&self, origin: &Origin) -> String {
        let place = locate(&self.sources, origin);
        format!(
            "{}:{}:{}",
            place.file, place.position.line, place.position.column
        )
    }
}

/// The errors that `check` finds in rules that were loaded from these texts, one per line.
fn errors(set: RuleSet, sources: &[Source]) -> Vec<String> {
    let findings = Unchecked::loaded(set, sources).check(None).findings;
    let errors = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error);
    errors.map(crate::report::line).collect()
}

/// The place of the database. Broken rules do not prevent reading the history; rules named on the command line
/// that can't be read, and of which there is no copy, are an error.
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
