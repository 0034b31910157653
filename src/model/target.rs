//! The things that requests set or occupy.

use std::fmt;

use serde_json::{Map, Value};

use super::ApiName;

/// Something in Barman or on a node that only one decision at a time may concern: the newest one wins, and two
/// recoveries into one directory never run concurrently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The active model of a server.
    Model {
        /// The endpoint.
        api: ApiName,
        /// The server.
        server: String,
    },
    /// One option of a server or of a model.
    Option {
        /// The endpoint.
        api: ApiName,
        /// The kind of section that contains the option.
        scope: OptionScope,
        /// The server or the model.
        name: String,
        /// The option.
        option: String,
    },
    /// A directory on a host, whichever Barman fills it.
    Directory {
        /// The destination of the ssh command, in lower case and without user and port.
        host: String,
        /// The path without `.`, `..` and redundant slashes.
        path: String,
    },
}

/// The kind of section in Barman's configuration that a change applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionScope {
    /// A server.
    Server,
    /// A model.
    Model,
}

impl OptionScope {
    /// The value of a change's `scope`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Model => "model",
        }
    }

    /// The key with the section's name.
    pub const fn name_key(self) -> &'static str {
        match self {
            Self::Server => "server_name",
            Self::Model => "model_name",
        }
    }

    /// Reads the value of a change's `scope`.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Server, Self::Model]
            .into_iter()
            .find(|scope| scope.as_str() == word)
    }
}

/// The keys of a change that are not options.
const NO_OPTIONS: [&str; 3] = ["scope", "server_name", "model_name"];

impl Target {
    /// The directory that a recovery with this ssh command and path fills.
    pub fn directory(ssh_command: &str, path: &str) -> Self {
        Self::Directory {
            host: host_of(ssh_command),
            path: normal(path),
        }
    }

    /// The options that one item of `changes` sets.
    pub fn of_change<'a>(
        api: &'a ApiName,
        change: &'a Map<String, Value>,
    ) -> impl Iterator<Item = (Self, &'a Value)> {
        let text = |key: &str| change.get(key).and_then(Value::as_str);
        let scope = text("scope").and_then(OptionScope::parse);
        let section = scope.and_then(|scope| Some((scope, text(scope.name_key())?)));
        section.into_iter().flat_map(move |(scope, name)| {
            let options = change
                .iter()
                .filter(|(key, _)| !NO_OPTIONS.contains(&key.as_str()));
            options.map(move |(option, value)| {
                let target = Self::Option {
                    api: api.clone(),
                    scope,
                    name: name.to_owned(),
                    option: option.clone(),
                };
                (target, value)
            })
        })
    }

    /// The text that identifies the target in the store: it never changes between versions of this program.
    pub fn key(&self) -> String {
        match self {
            Self::Model { api, server } => format!("model {api} {server}"),
            Self::Option {
                api,
                scope,
                name,
                option,
            } => format!("option {api} {} {option} {name}", scope.as_str()),
            Self::Directory { host, path } => format!("directory {host} {path}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let api = match self {
            Self::Model { api, server } => {
                write!(f, "the model of the server `{server}`")?;
                api
            }
            Self::Option {
                api,
                scope,
                name,
                option,
            } => {
                write!(f, "`{option}` of the {} `{name}`", scope.as_str())?;
                api
            }
            Self::Directory { host, path } => {
                return write!(f, "the directory `{path}` on `{host}`");
            }
        };
        if *api != ApiName::default() {
            write!(f, " in `{api}`")?;
        }
        Ok(())
    }
}

/// Tells whether an item of `changes` sets an option.
pub(super) fn sets_something(change: &Map<String, Value>) -> bool {
    change.keys().any(|key| !NO_OPTIONS.contains(&key.as_str()))
}

/// The options of ssh that take a value.
const WITH_VALUE: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// The host that an ssh command connects to, in lower case and without user and port; the whole command if it is not
/// an ssh command.
fn host_of(command: &str) -> String {
    let words = words(command);
    let ssh = words
        .iter()
        .position(|word| word.rsplit('/').next() == Some("ssh"));
    let destination = ssh.and_then(|at| destination(words.get(at + 1..)?));
    destination.unwrap_or_else(|| words.join(" "))
}

fn destination(arguments: &[String]) -> Option<String> {
    let mut arguments = arguments.iter();
    while let Some(word) = arguments.next() {
        if word == "--" {
            return arguments.next().map(|word| bare_host(word));
        }
        let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
            return Some(bare_host(word));
        };
        // Flags may be combined, and a value either ends the word or is the next one: `-4p22`, `-p 22`.
        let value = flags.find(|flag| WITH_VALUE.contains(flag));
        if value.is_some_and(|at| at + 1 == flags.len()) {
            arguments.next();
        }
    }
    None
}

/// The host in `user@host` or `ssh://user@host:port`.
fn bare_host(word: &str) -> String {
    let url = word.strip_prefix("ssh://");
    let word = url.unwrap_or(word).trim_end_matches('/');
    let host = word.rsplit_once('@').map_or(word, |(_, host)| host);
    let host = match (url, host.strip_prefix('[')) {
        (Some(_), Some(v6)) => v6.split(']').next().unwrap_or(v6),
        (Some(_), None) => host.split(':').next().unwrap_or(host),
        (None, _) => host,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The words of a command line, with quotes and backslashes interpreted as in a shell.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A path without `.`, `..` and redundant slashes. Links are on another machine and can't be resolved.
fn normal(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", None) if rooted => {}
            (part, _) => parts.push(part),
        }
    }
    let path = parts.join("/");
    match (rooted, path.is_empty()) {
        (true, _) => format!("/{path}"),
        (false, true) => ".".to_owned(),
        (false, false) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_commands_that_reach_one_host_have_one_host() {
        for (command, host) in [
            ("ssh n1", "n1"),
            ("ssh -p 22 postgres@N1", "n1"),
            (
                "/usr/bin/ssh -4p22 -o 'ProxyCommand=ssh -W %h:%p jump' postgres@n1.",
                "n1",
            ),
            ("ssh -i \"/a b/key\" -l postgres -- n1", "n1"),
            ("ssh -oPort=22 ssh://postgres@n1:2222/", "n1"),
            ("sudo -u barman ssh -v n1 -p 22", "n1"),
            ("ssh postgres@fd00::1", "fd00::1"),
            ("ssh ssh://postgres@[fd00::1]:22", "fd00::1"),
            ("/opt/reach  N1", "/opt/reach N1"),
            ("ssh", "ssh"),
        ] {
            assert_eq!(host_of(command), host, "{command}");
        }
    }

    #[test]
    fn paths_of_one_directory_are_one_path() {
        for (path, same) in [
            ("/data/", "/data"),
            ("//data/./main", "/data/main"),
            ("/data/main/../other", "/data/other"),
            ("/../data", "/data"),
            ("/", "/"),
            ("data//main", "data/main"),
            ("../a/../..", "../.."),
            ("./", "."),
        ] {
            assert_eq!(normal(path), same, "{path}");
        }
    }
}
