//! The `/diagnose` of a big Barman host: its other servers are generated while they are sent, never stored.

use super::diagnose;
use super::filler::Filler;

/// A `/diagnose` answer in pieces: the real one with further servers inserted before its end.
#[derive(Debug)]
pub struct Filled {
    /// The rest of the real answer: first all but its end, and the end last.
    head: Option<String>,
    tail: Option<String>,
    has_servers: bool,
    next: usize,
    filler: Filler,
    /// A server without backups, split where they belong.
    server: (String, String),
    backup: String,
}

/// The placeholder for the part that differs between servers.
const NAME: &str = "@name@";
const ID: &str = "@id@";
const NO_BACKUPS: &str = "\"backups\":{";

impl Filled {
    /// The pieces of `answer`, which comes from a Barman of the simulator. `None` for any other document.
    pub fn new(answer: &str, filler: Filler) -> Option<Self> {
        let head = answer.trim_end().strip_suffix("}}")?;
        let server = diagnose::filler_server(NAME).to_string();
        let (before, after) = server.split_once(NO_BACKUPS)?;
        Some(Self {
            has_servers: !head.ends_with('{'),
            head: Some(head.to_owned()),
            tail: Some("}}\n".to_owned()),
            next: 0,
            filler,
            server: (format!("{before}{NO_BACKUPS}"), after.to_owned()),
            backup: diagnose::filler_backup(NAME, ID).to_string(),
        })
    }

    fn server(&self, number: usize) -> String {
        let name = format!("other{number:05}");
        let mut text = String::new();
        if self.has_servers || number > 0 {
            text.push(',');
        }
        text.extend(["\"", &name, "\":"]);
        text.push_str(&self.server.0.replace(NAME, &name));
        for backup in 0..self.filler.backups {
            let day = 1 + backup % 28;
            let id = format!(
                "2026{:02}{day:02}T{:06}",
                1 + backup / 28 % 12,
                backup / 336
            );
            if backup > 0 {
                text.push(',');
            }
            text.extend(["\"", &id, "\":"]);
            text.push_str(&self.backup.replace(NAME, &name).replace(ID, &id));
        }
        text.push_str(&self.server.1.replace(NAME, &name));
        text
    }
}

impl Iterator for Filled {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        if self.next < self.filler.servers {
            self.next += 1;
            return Some(self.server(self.next - 1));
        }
        self.tail.take()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn the_pieces_make_one_document() {
        for own in [json!({}), json!({"demo": {"active_model": null}})] {
            let answer = format!("{}\n", json!({"global": {}, "servers": own}));
            let filled = Filled::new(&answer, "3x2".parse().unwrap()).unwrap();
            let whole: String = filled.collect();
            let read: Map<String, Value> = serde_json::from_str(&whole).unwrap();
            let servers = read["servers"].as_object().unwrap();
            assert_eq!(servers.len(), 3 + own.as_object().unwrap().len());
            let other = &servers["other00002"];
            assert_eq!(other["config"]["name"], "other00002");
            assert_eq!(other["backups"].as_object().unwrap().len(), 2);
            assert_eq!(
                other["backups"]["20260102T000000"]["server_name"],
                "other00002"
            );
        }
    }
}
