//! The rules files that are part of the program, run as the Python tool's sub-commands.
//!
//! A sub-command's options set the file's vars, and the result of its plan becomes the exit code that the
//! Python tool documents. Everything in between is the same as for any rules file.

use std::time::Duration;

use clap::Args;

use crate::barman::Class;
use crate::evaluate::{Facts, evaluate};
use crate::execute::{Called, Outcome, StepOutcome, World, execute};
use crate::http::{Clock as _, block_on};
use crate::load::load;
use crate::model::{Api, ApiName, Fence, Patroni, Retry, RuleSet, Url, duration};
use crate::source::Source;

use super::context::Context;
use super::exit::{Exit, USAGE};
use super::invocation::set_vars;
use super::log::Log;
use super::rules::connect;
use super::state;
use super::watch::Watch;
use super::world::Outside;

/// The exit code when the API is unreachable or reports an error: the Python tool's -2.
const API_NOT_OK: u8 = 254;

/// How the API is tried, as the Python tool has it.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Retries")]
pub struct Tries {
    /// The wait before the next attempt. It does not grow.
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    retry_wait: i64,
    /// The number of attempts, including the first.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    max_retries: i64,
}

impl Tries {
    /// The retry settings in the form of the rules. Each attempt may take a full exchange, so there is no other limit.
    fn retry(self) -> Retry {
        let wait = seconds(self.retry_wait);
        let attempts = u32::try_from(self.max_retries.max(0)).unwrap_or(u32::MAX);
        // A request that collided with another waits for the next second.
        let longest = wait + Api::TIMEOUT + Duration::from_secs(2);
        Retry {
            attempts: Some(attempts),
            wait,
            max_wait: wait,
            deadline: longest.saturating_mul(attempts),
        }
    }
}

/// The sub-command's exit codes.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    /// No rule fired.
    pub skipped: u8,
    /// The operation failed in Barman.
    pub failed: u8,
    /// The API refused the request, or did not accept it in time.
    pub http: u8,
    /// The arguments don't form a valid request.
    pub invalid: u8,
}

/// A sub-command: a rules file and the values that replace its examples.
pub struct Shipped<'a> {
    pub name: &'static str,
    pub rules: &'static str,
    pub vars: Vec<(&'static str, &'a str)>,
    pub facts: Facts,
    pub tries: Tries,
    /// The local Patroni, if an option gives one.
    pub patroni_url: Option<&'a str>,
    /// Requests are recorded, so that a later call knows about them.
    pub remembers: bool,
    /// The longest pause between two polls, if an option sets it.
    pub every: Option<Duration>,
    pub codes: Codes,
}

impl Shipped<'_> {
    /// Runs the rules and returns the exit code.
    pub fn run(&self, context: &Context) -> Result<u8, Exit> {
        if context.global.api_url.is_none() {
            return Err(Exit::new(USAGE, "`--api-url` is missing")
                .help("for example `--api-url http://localhost:7480`"));
        }
        let invalid = |mut exit: Exit| {
            exit.code = self.codes.invalid;
            exit
        };
        let retry = self.tries.retry();
        let rules = self.rules(context, retry).map_err(invalid)?;
        let watch = Watch::new(&context.log);
        let mut outside = Outside::new(&rules, &context.environment, &watch);
        block_on(make_sure_of_api(&outside, retry, &context.log))?;
        let plan = evaluate(&rules, &self.facts)
            .map_err(|error| invalid(Exit::invalid(format!("{error}; nothing was sent"))))?;
        if plan.steps.is_empty() {
            context.log.info(&format!(
                "skipped {} {} {}: not asked for in this role",
                plan.event, self.facts.raw_role, plan.cluster
            ));
            return Ok(self.codes.skipped);
        }
        if retry.attempts == Some(0) {
            return Err(Exit::new(self.codes.http, "`--max-retries` allows no try"));
        }
        if self.remembers {
            let place = state::place(None, &context.environment);
            outside = state::remember(outside, &place, plan.event, context);
        }
        Ok(self.code(&block_on(execute(&plan, Called::at(watch.now()), &outside))))
    }

    /// The file with the values of the options.
    fn rules(&self, context: &Context, retry: Retry) -> Result<RuleSet, Exit> {
        let sources = [Source::new(self.name, self.rules)];
        let set = load(&sources).rules;
        let mut set = set.ok_or_else(|| Exit::invalid(format!("`{}` is not valid", self.name)))?;
        connect(&mut set, &context.global)?;
        let sets = self.vars.iter();
        let sets: Vec<_> = sets
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        set_vars(&mut set, &sets)?;
        let patroni = self.patroni_url.map(|text| {
            Url::new(text)
                .map_err(|why| Exit::invalid(format!("`--patroni-url` is not an address: {why}")))
        });
        set.patroni = patroni.transpose()?.map(|url| Patroni::new(Api::at(url)));
        for rule in &mut set.rules {
            if self.patroni_url.is_some() {
                rule.fence = Fence::Role;
            }
            rule.retry = retry;
            rule.poll.every = self.every.unwrap_or(rule.poll.every);
        }
        Ok(set)
    }

    fn code(&self, outcome: &Outcome) -> u8 {
        let code = |outcome| match outcome {
            StepOutcome::Done => 0,
            StepOutcome::Failed | StepOutcome::Unverified => self.codes.failed,
            StepOutcome::Fenced => self.codes.skipped,
            StepOutcome::Refused
            | StepOutcome::Unfinished
            | StepOutcome::Superseded
            | StepOutcome::NotRun => self.codes.http,
        };
        let codes = outcome.steps.iter().map(|step| code(step.outcome));
        codes.max().unwrap_or(self.codes.skipped)
    }
}

/// Asks for the API's status before anything else, as the Python tool does; unlike there, the question is repeated while
/// the API is unreachable.
async fn make_sure_of_api<W: World>(world: &W, retry: Retry, log: &Log) -> Result<(), Exit> {
    let Some(barman) = world.barman(&ApiName::default()) else {
        return Err(Exit::invalid("there is no api"));
    };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Err(trouble) = barman.status().await else {
            return Ok(());
        };
        let wait = match trouble.class {
            Class::NotSent | Class::Unknown | Class::Collision => Some(retry.wait),
            Class::Busy { retry_after } => {
                Some(retry_after.unwrap_or(retry.wait).min(retry.deadline))
            }
            Class::Refused { .. } | Class::Between | Class::Malformed | Class::Gone => None,
        };
        let message = format!("pg-backup-api is not working: {trouble}");
        let Some(wait) = wait.filter(|_| retry.allows_more_than(attempt)) else {
            return Err(Exit::new(API_NOT_OK, message));
        };
        let next = duration::format(wait);
        log.warning(&format!("{message}; next attempt in {next}"));
        world.clock().sleep(wait).await;
    }
}

/// A number of seconds as the Python tool takes it; a negative one counts as zero.
pub fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}
