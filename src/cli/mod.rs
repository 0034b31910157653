//! The command line: the only place that reads the environment and the terminal.

mod args;
mod cells;
mod check;
pub mod compat;
mod completions;
mod config_switch;
mod decide;
mod demo;
mod diff;
mod discreet;
mod env;
mod exit;
mod explain;
mod extra;
mod forget;
mod help;
mod history;
mod invocation;
mod log;
mod matrix;
mod metrics;
mod online;
mod plan;
mod reconcile;
mod recover;
mod revision;
mod rules;
mod run;
mod schema;
mod shipped;
mod signals;
mod simulate;
mod state;
mod status;
mod test;
mod watch;
mod world;

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Cli, Command, Global};
use compat::Reading;
use env::Environment;
use exit::Exit;
use log::Log;

/// What every command has at hand.
pub struct Context {
    /// Options for every command.
    pub global: Global,
    /// The environment.
    pub environment: Environment,
    /// The log.
    pub log: Log,
}

/// Takes the command line to its end and gives the exit code.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> u8 {
    let arguments = match compat::read(&arguments) {
        Reading::Native => arguments,
        Reading::Written(written) => written,
        Reading::NoCommand => {
            print(&help::command().render_help().to_string());
            return exit::NO_COMMAND;
        }
        Reading::Refused { message, command } => {
            let help = format!("patroni_barman {} --help", command.unwrap_or_default());
            let help = help.replace("  ", " ");
            complain(&message, Some(&format!("`{help}` shows every option")));
            return exit::USAGE;
        }
    };
    // Never taken apart: that would take as long as reading the rules.
    let command = Box::leak(Box::new(if help::wanted(&arguments) {
        help::command()
    } else {
        Cli::command()
    }));
    let (arguments, others) = extra::split(command, arguments);
    let mut cli = match parse(command, &arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                extra::usage_code(command, &arguments)
            } else {
                0
            };
        }
    };
    if let Command::Run(run::Run { event, .. }) | Command::Plan(plan::PlanArgs { event, .. }) =
        &mut cli.command
    {
        event.others = others;
    }
    signals::survive_file_limit();
    let global = cli.global;
    let log = Log::open(
        global.log_file.as_deref(),
        global.log_format,
        global.log_level,
    );
    let context = Context {
        global,
        environment: Environment::read(),
        log,
    };
    let acts = acts(&cli.command);
    match dispatch(cli.command, &context) {
        Ok(_) if !acts && UNWRITTEN.load(Ordering::Relaxed) => exit::USAGE,
        Ok(code) => code,
        Err(exit) => {
            exit.log(&context.log);
            exit.code
        }
    }
}

/// Whether a command changes something, and tells by its exit code how that went; the others have nothing but their
/// result.
const fn acts(command: &Command) -> bool {
    match command {
        Command::Run(args) => !args.dry,
        Command::Reconcile(args) => !args.dry,
        Command::ConfigSwitch(_) | Command::Recover(_) | Command::Forget(_) => true,
        _ => false,
    }
}

fn parse(command: &mut clap::Command, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(command))
}

fn dispatch(command: Command, context: &Context) -> Result<u8, Exit> {
    match command {
        Command::Run(args) => run::run(&args, context),
        Command::Plan(args) => plan::run(&args, context),
        Command::Check(args) => check::check(&args, context),
        Command::Explain(args) => explain::explain(&args),
        Command::Schema(args) => Ok(schema::schema(&args)),
        Command::ConfigSwitch(args) => config_switch::run(&args, context),
        Command::Recover(args) => recover::run(&args, context),
        Command::Reconcile(args) => reconcile::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::History(args) => history::run(&args, context),
        Command::Forget(args) => forget::run(&args, context),
        Command::Test(args) => test::run(&args, context),
        Command::Matrix(args) => matrix::run(&args, context),
        Command::Diff(args) => diff::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Simulate(args) => simulate::run(args)
            .map(|()| 0)
            .map_err(|error| Exit::new(exit::USAGE, error.to_string())),
        Command::Completions(args) => Ok(completions::completions(&args)),
        Command::Man(args) => completions::man(&args),
    }
}

/// Whether a result could not be written.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Writes a result to standard output. A reader that has gone away is no fault of ours.
fn print(text: &str) {
    let mut stdout = io::stdout();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        complain(&format!("the result can't be written: {error}"), None);
        UNWRITTEN.store(true, Ordering::Relaxed);
    }
}

/// Says on standard error what keeps the program from starting.
fn complain(message: &str, help: Option<&str>) {
    let mut stderr = io::stderr();
    let _ = writeln!(stderr, "error: {message}");
    if let Some(help) = help {
        let _ = writeln!(stderr, "  help: {help}");
    }
}
