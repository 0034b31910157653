//! `agent`: follow a fleet from one place.

use std::cell::{Cell, RefCell};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::agent::{Board, Pace, Server};
use crate::http::{Clock as _, Real, block_on};
use crate::model::Event;
use crate::report;
use crate::store::{Extent, Source};

use crate::cli::shared::{
    Command, Context, Exit, Fleet, Group, INVALID, Manager, Orders, Outbox, Outside, Rules,
    RulesArgs, Watch, connect, desk, once_code, print, refuse_without_clusters, rules_seen,
    rules_state, screen, state,
};

/// Makes Barman follow many clusters.
///
/// It keeps Barman as the rules want it for every cluster under `clusters` and `discover` in the rules file. Run it on the Barman
/// host: then nothing is needed on the database nodes, and pg-backup-api can stay on the loopback interface.
///
///     patroni_barman agent --rules /etc/patroni_barman --listen 127.0.0.1:9187
///
/// It reacts to a new leader immediately with a watch on etcd, otherwise within about two seconds. It serves a status page at `/`,
/// `/api/status` as JSON, `/metrics` for Prometheus and `/healthz`, all of them read-only.
///
/// SIGHUP reopens the log file and reloads the rules; if they are broken, the old ones stay in use. Several agents may run at
/// the same time: give the second one `--rank 1`, the third one `--rank 2`. Callbacks may be used as well.
///
/// Exit codes: 0 stopped by a signal, or with --once Barman is as the rules want it; 1 with --once: no rule applies; 2 with
/// --once: something differs; 3 with --once: something is unreachable; 4 invalid rules or arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Agent {
    /// The rules and the member.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// The address for the status page. An address other than loopback requires --token-file.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// The file with the token that clients must send, as `Authorization: Bearer TOKEN` or as the password in a browser.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Run one pass over each cluster, and exit.
    #[arg(long)]
    pub once: bool,
    /// The rank of this agent if several are running: it acts 10 seconds later per rank.
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..100))]
    pub rank: u32,
}

/// The pause between two looks at a cluster without a watch.
const POLL: Duration = Duration::from_secs(2);

/// The additional wait of each agent in the order of their ranks.
const STEP: Duration = Duration::from_secs(10);

impl Command for Agent {
    const GROUP: Group = Group::Barman;
    const CONNECTED: bool = true;
    const USAGE: u8 = INVALID;

    fn acts(&self) -> bool {
        true
    }

    fn run(&self, context: &Context) -> Result<u8, Exit> {
        let manager = Manager::of(&context.environment);
        let orders = Orders::obey();
        let log = &context.log;
        let mut rules = Rules::usable(self.rules.rules.as_ref(), context, true)?;
        refuse_without_clusters(&rules)?;
        let board = Arc::new(Board::default());
        board.set_rules(rules_state(&rules, None));
        board.tick(Real::new().wall());
        self.serve(&board, context)?;
        let pace = Pace {
            poll: POLL,
            wait: STEP * self.rank,
            once: self.once,
            acts: true,
        };
        manager.tell("READY=1");
        let reloaded = RefCell::new(None);
        let outbox = Outbox::default();
        loop {
            let watch = Watch::new(log);
            watch.looks_as(Source::Agent);
            let outside = Outside::new(&rules.set, &context.environment, &watch);
            let database = state::place(Some(&rules.set), &context.environment);
            let outside = state::remember(outside, &database, Event::OnRoleChange, context);
            let desk = desk(&rules, context, &outbox.substitute);
            let tell_rules = |broken: Option<&str>| {
                let seen = rules_seen(&desk, broken, &watch);
                outbox.put("", Extent::Observed, vec![seen]);
            };
            tell_rules(rules.broken.as_deref());
            let fleet = Fleet {
                outbox: &outbox,
                desk: &desk,
                rules: &rules,
                context,
                outside: &outside,
                sets: &self.rules.sets,
                board: &board,
                pace,
            };
            let last = Cell::new(Duration::ZERO);
            let ends = || {
                let now = watch.now();
                if let Some(pause) = manager.watchdog
                    && now >= last.get() + pause
                {
                    manager.tell("WATCHDOG=1");
                    last.set(now);
                }
                if orders.reload() {
                    log.reopen();
                    manager.tell("RELOADING=1");
                    match read_again(&rules, context, &board) {
                        Ok(read) => *reloaded.borrow_mut() = Some(read),
                        Err(broken) => tell_rules(Some(&broken)),
                    }
                    manager.tell("READY=1");
                }
                orders.end() || reloaded.borrow().is_some()
            };
            block_on(fleet.run(ends));
            drop(outside);
            match reloaded.take() {
                Some(read) if !orders.end() => rules = read,
                _ => break,
            }
        }
        manager.tell("STOPPING=1");
        if !self.once {
            return Ok(0);
        }
        print(&report::fleet::once(&board, screen(context)));
        Ok(once_code(&board))
    }
}

impl Agent {
    fn serve(&self, board: &Arc<Board>, context: &Context) -> Result<(), Exit> {
        let Some(address) = self.listen else {
            return Ok(());
        };
        let token = self.token_file.as_ref().map(|file| {
            let unusable = |why: &str| {
                Exit::invalid(format!(
                    "the token in `{}` is unusable: {why}",
                    file.display()
                ))
            };
            let text = fs::read_to_string(file).map_err(|error| unusable(&error.to_string()))?;
            match text.trim() {
                "" => Err(unusable("the file is empty")),
                token => Ok(token.to_owned()),
            }
        });
        let token = token.transpose()?;
        if token.is_none() && !address.ip().is_loopback() {
            let message = format!("`--listen {address}` is not on loopback, and needs a token");
            return Err(Exit::invalid(message).help("give `--token-file FILE`"));
        }
        let board = Arc::clone(board);
        let clock = Real::new();
        let pages = move |path: &str| report::fleet::page(path, &board, clock.wall());
        let server = Server::start(address, token, pages)
            .map_err(|error| Exit::new(2, error.to_string()))?;
        let address = server.address;
        context.log.info(&format!("pages on http://{address}/"));
        Ok(())
    }
}

/// Reads the rules again; an error says why those from before stay in use.
fn read_again(old: &Rules, context: &Context, board: &Board) -> Result<Rules, String> {
    let read = Rules::read(&old.path, &context.log).and_then(|mut rules| {
        rules.check(context, true)?;
        refuse_without_clusters(&rules)?;
        connect(&mut rules.set, &context.global)?;
        Ok(rules)
    });
    match read {
        Ok(rules) => {
            context.log.info("the rules were read again");
            board.set_rules(rules_state(&rules, None));
            Ok(rules)
        }
        Err(broken) => {
            let message = format!("{}; the rules from before stay in use", broken.message);
            context.log.error(&message);
            board.set_rules(rules_state(old, Some(message)));
            Err(broken.message)
        }
    }
}
