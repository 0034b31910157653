//! The status for people.

use crate::barman::{ActiveModel, Backup, ServerState};
use crate::execute::{Comparison, Here, Wal};
use crate::model::Role;
use crate::store::Receipts;

use super::super::age::{age, bytes};
use super::super::history::attempts;
use super::super::receipts;
use super::super::text::{Screen, Style};
use super::{Level, Status, conflict, squeezed};

pub fn status(status: &Status<'_>, screen: Screen) -> String {
    let mut page = Page {
        status,
        screen,
        text: String::new(),
    };
    page.head();
    page.problems();
    page.sources();
    for one in status.conflicts {
        page.text.push('\n');
        page.put(Some(Style::Error), "DISPUTED: ", &conflict(one), 2);
    }
    if status.here.is_ok() && status.compared.is_empty() && status.conflicts.is_empty() {
        page.text.push('\n');
        page.say("no rule applies to a member of this cluster");
    }
    for one in status.compared {
        page.state(one);
    }
    page.changes();
    page.pending();
    page.text
}

/// The column where values begin.
const VALUES: usize = 21;

/// The text so far.
struct Page<'a> {
    status: &'a Status<'a>,
    screen: Screen,
    text: String,
}

impl Page<'_> {
    fn put(&mut self, style: Option<Style>, head: &str, rest: &str, indent: usize) {
        let text = self.screen.wrapped(style, head, rest, indent);
        self.text.push_str(&text);
    }

    fn say(&mut self, text: &str) {
        self.put(None, "", text, 2);
    }

    fn line(&mut self, label: &str, value: &str) {
        self.put(None, &format!("  {label:<18} "), value, VALUES);
    }

    fn head(&mut self) {
        let Ok(here) = self.status.here else {
            return self.say("the cluster is unknown");
        };
        let leader = leads(here);
        let own = |name: &String| match here.role {
            Some(Role::Replica) if here.is_listed() => format!("{name} is a replica, "),
            Some(Role::Primary) => format!("{name} is the primary, "),
            Some(Role::StandbyLeader) => format!("{name} is the standby leader, "),
            Some(role) if here.is_listed() => format!("{name} is {}, ", role.as_str()),
            Some(_) => format!("{name} is not listed, "),
            None => format!("{name} has no known role, "),
        };
        let own = here.node.as_ref().map_or_else(String::new, own);
        let timeline = here
            .timeline
            .map(|timeline| format!(", timeline {timeline}"));
        let timeline = timeline.unwrap_or_default();
        let rest = format!(": {own}{leader}{timeline}");
        self.put(Some(Style::Strong), &here.cluster, &rest, 2);
    }

    fn problems(&mut self) {
        for problem in self.status.problems() {
            let style = match problem.level {
                Level::Critical => Style::Error,
                Level::Unknown | Level::Warning => Style::Warning,
            };
            let word = problem.level.as_str().to_uppercase();
            self.put(Some(style), &format!("{word:<9} "), &problem.message, 10);
        }
    }

    fn sources(&mut self) {
        let status = self.status;
        let (rules, state) = (status.rules, status.state);
        let sha = rules.sha256.get(..12).unwrap_or_default();
        let copy = if rules.broken.is_some() {
            "the last good copy of "
        } else {
            ""
        };
        let rules = format!("{copy}{} (SHA-256 {sha}…)", rules.path);
        self.line("rules", &rules);
        let there = match (&state.trouble, state.exists) {
            (Some(_), _) => " (not usable)",
            (None, true) => "",
            (None, false) => " (not made yet)",
        };
        self.line("state", &format!("{}{there}", state.path));
        let pass = match &state.last_pass {
            Some(pass) => {
                let age = age(status.now, pass.ended);
                format!("{age} ago, exit code {}", pass.code)
            }
            None => "never, by this state".to_owned(),
        };
        self.line("last reconcile", &pass);
        let patroni = match status.here {
            Err(_) => "not reachable",
            Ok(here) => here.patroni.as_deref().unwrap_or("of unknown version"),
        };
        self.line("Patroni", patroni);
        for api in status.apis {
            let barman = status.barman_of(api).unwrap_or("of unknown version");
            let what = match &api.version {
                Ok(version) => format!("Barman {barman}, pg-backup-api {version}"),
                Err(_) => "not reachable".to_owned(),
            };
            self.line(&format!("API {}", api.name.0), &what);
        }
    }

    fn state(&mut self, one: &Comparison) {
        let what = format!(": {}", one.step.operation.words());
        self.text.push('\n');
        self.put(Some(Style::Strong), &one.step.rule, &what, 2);
        let (style, word) = match &one.differs {
            Err(_) => (Style::Warning, "can't be compared"),
            Ok(None) if one.as_wanted() && self.status.no_wal(one).is_none() => {
                (Style::Good, "as wanted")
            }
            Ok(_) => (Style::Error, "DIFFERS"),
        };
        self.put(Some(style), &format!("  {word}"), "", 2);
        if let Some(server) = &one.server {
            self.server(one, server);
        }
    }

    fn server(&mut self, one: &Comparison, server: &ServerState) {
        let status = self.status;
        let active = match &server.active_model {
            ActiveModel::Model(name) => name.as_str(),
            ActiveModel::None => "none",
            ActiveModel::Unknown => "unknown",
        };
        self.line("active model", active);
        let wal = match &one.wal {
            Some(Wal::Received) => "received".to_owned(),
            Some(Wal::Missing(why)) if why.unknown => format!("unknown: {}", why.message),
            Some(Wal::Missing(why)) => format!("NOT RECEIVED: {}", why.message),
            Some(Wal::Unchecked(why)) => format!("not checked: {why}"),
            None if one.differs == Ok(None) => "not checked: no member is followed".to_owned(),
            None => "not checked: another model is active".to_owned(),
        };
        self.line("WAL", &squeezed(&wal));
        let lag = server.wal_lag().map(bytes);
        self.line("WAL not confirmed", lag.as_deref().unwrap_or("unknown"));
        let slot = server.slot.as_ref().map(|slot| {
            let word = if slot.active { "active" } else { "not active" };
            format!("{} ({word})", slot.name)
        });
        self.line("slot", slot.as_deref().unwrap_or("none"));
        let timeline = server.timeline.map(|timeline| timeline.to_string());
        self.line("timeline", timeline.as_deref().unwrap_or("unknown"));
        let wal = server.last_wal().map(|wal| match wal.written {
            Some(written) => format!("{}, {} ago", wal.name, age(status.now, written)),
            None => wal.name.clone(),
        });
        self.line("last archived WAL", wal.as_deref().unwrap_or("none"));
        let (last, good) = (server.last_backup(), server.last_good_backup());
        self.line("last backup", &backup(status, last));
        if last.map(|(id, _)| id) != good.map(|(id, _)| id) {
            self.line("last good backup", &backup(status, good));
        }
    }

    fn changes(&mut self) {
        let judged = self.status.judged;
        let current = Receipts::current(&judged.receipts);
        if !current.is_empty() || judged.blind.is_some() {
            self.text.push('\n');
            self.text.push_str(&receipts(current, self.screen));
        }
        if let Some(why) = &judged.blind {
            let head = "changes of timeline can't be judged: ";
            self.put(Some(Style::Warning), head, why, 2);
        }
    }

    fn pending(&mut self) {
        let pending = &self.status.state.pending;
        if !pending.is_empty() {
            self.text.push('\n');
            self.put(Some(Style::Strong), "pending:", "", 2);
        }
        for intent in pending {
            let id = intent.operation_id.as_ref();
            let operation = id.map_or_else(String::new, |id| format!(", operation {id}"));
            let why = intent.message.as_ref();
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            let rest = format!(
                "for {}, {}: {}, {}{operation}{why}",
                age(self.status.now, intent.created),
                intent.step.rule,
                intent.step.operation.words(),
                attempts(intent),
            );
            let head = format!("  {}  ", intent.id.0);
            self.put(Some(Style::Warning), &head, &rest, 5);
        }
    }
}

/// The leader in words.
pub(in crate::report) fn leads(here: &Here) -> String {
    match &here.leader {
        Some(leader) => format!("the leader is {leader}"),
        None => "no leader".to_owned(),
    }
}

fn backup(status: &Status<'_>, found: Option<(&str, &Backup)>) -> String {
    let Some((id, backup)) = found else {
        return "none".to_owned();
    };
    let word = backup.status.as_deref().unwrap_or("of unknown status");
    match backup.ended() {
        Some(ended) => format!("{id} {word}, {} ago", age(status.now, ended)),
        None => format!("{id} {word}"),
    }
}
