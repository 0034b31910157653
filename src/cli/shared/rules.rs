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
    pub set: RuleSet,
    /// Their text, for positions in messages.
    pub sources: Vec<Source>,
    /// The user's name for them.
    pub path: PathBuf,
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
    /// The rules that a file has now.
    pub const fn new(set: RuleSet, sources: Vec<Source>, path: PathBuf) -> Self {
        Self {
            set,
            sources,
            path,
            age: Age::Current,
            broken: None,
        }
    }

    /// Reads rules; every finding that prevents their use is logged.
    pub fn read(path: &Path, log: &Log) -> Result<Self, Exit> {
        let sources = read(path).map_err(|error| Exit::invalid(error.to_string()))?;
        Self::of(sources, path, log)
    }

    /// Parses rules from texts.
    pub fn of(sources: Vec<Source>, path: &Path, log: &Log) -> Result<Self, Exit> {
        let loaded = load(&sources);
        let Some(set) = loaded.rules else {
            for finding in &loaded.findings {
                log.error(&crate::report::line(finding));
            }
            return Err(unusable(path, "are not valid"));
        };
        Ok(Self::new(set, sources, path.to_owned()))
    }

    /// Reads the rules that a command acts on, with the connection from the command line. Rules in which `check` finds an
    /// error are replaced by the last good copy, unless that says `rules_fallback: none`. Unless `stores` is true, neither
    /// the rules nor the result of the check are stored.
    pub fn usable(given: Option<&PathBuf>, context: &Context, stores: bool) -> Result<Self, Exit> {
        let path = rules_path(given, &context.environment);
        let read = Self::read(&path, &context.log);
        let read = read.and_then(|rules| rules.check(context, stores).map(|()| rules));
        let mut rules = read.or_else(|broken| Self::instead(&path, broken, context))?;
        connect(&mut rules.set, &context.global)?;
        Ok(rules)
    }

    /// The last good rules instead of those in a broken file.
    fn instead(path: &Path, broken: Exit, context: &Context) -> Result<Self, Exit> {
        let message = &broken.message;
        let kept = Self::of_last_good(path, context);
        let Some(kept) = kept.filter(|kept| kept.set.fallback == Fallback::LastGood) else {
            return Err(Exit {
                message: format!("{message}; nothing was sent"),
                ..broken
            });
        };
        let said = format!("{message}; the last good rules are used instead");
        context.log.error(&said);
        Ok(Self {
            broken: Some(broken.message),
            ..kept
        })
    }

    /// Checks rules, once for each change. A problem that only a newer version of this program finds is logged, and does
    /// not invalidate rules that have worked.
    pub fn check(&self, context: &Context, stores: bool) -> Result<(), Exit> {
        let folder = state::folder(&context.environment);
        let copy = LastGood::of(&self.path, &folder);
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
            _ if !stores => Ok(()),
            _ if is_good => copy.keep(&self.sources),
            _ => copy.refuse(&self.sources, &errors),
        };
        if let Err(error) = remembered {
            let folder = folder.display();
            log.warning(&if is_good {
                format!("the rules can't be stored in `{folder}`, so there is no copy for a time when the file is broken: {error}")
            } else {
                format!("the result of the check can't be stored in `{folder}`, so each callback checks the rules again: {error}")
            });
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
        Err(unusable(&self.path, "have errors"))
    }

    /// The age of the rules at a path, which says whether those in the file are broken. Nothing is logged.
    pub fn age_at(path: &Path, context: &Context) -> Age {
        let copy = copy_of(path, context);
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
    pub fn of_last_good(path: &Path, context: &Context) -> Option<Self> {
        let sources = copy_of(path, context).fetch()?;
        Some(Self {
            age: Age::LastGood,
            ..Self::new(load(&sources).rules?, sources, path.to_owned())
        })
    }

    /// The rules in the form that a status shows.
    pub fn seen(&self) -> RulesSeen {
        RulesSeen {
            path: self.path.display().to_string(),
            sha256: self.sha256(),
            broken: self.broken.clone(),
        }
    }

    /// The SHA-256 of their text, as `sha256sum` writes it; of the concatenated texts if there are several files.
    fn sha256(&self) -> String {
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
    pub fn place(&self, origin: &Origin) -> String {
        locate(&self.sources, origin).to_string()
    }
}

fn unusable(path: &Path, why: &str) -> Exit {
    let path = path.display();
    Exit::invalid(format!("the rules in `{path}` {why}"))
        .help(format!("`patroni_barman check {path}` shows each place"))
}

fn copy_of(path: &Path, context: &Context) -> LastGood {
    LastGood::of(path, &state::folder(&context.environment))
}

/// Replaces the file's `api` by the connection from the command line.
pub fn connect(set: &mut RuleSet, global: &Global) -> Result<(), Exit> {
    let name = ApiName::default();
    if let Some(text) = &global.api_url {
        let url = Url::new(text)
            .map_err(|why| Exit::invalid(format!("`--api-url` is not an address: {why}")))?;
        // Headers belong to the address in the file, and may be secret.
        let api = set.apis.entry(name.clone());
        let api = api.or_insert_with(|| Api::at(url.clone()));
        if api.url != url {
            api.headers.clear();
        }
        api.url = url;
    }
    if let Some(api) = set.apis.get_mut(&name) {
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
        let copy = copy_of(&path, context);
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
