//! The scenarios in `scenarios.yml`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// The operation ID that the scripted API returns unless a scenario sets another.
pub const ID: &str = "20260101T000000";

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenarios {
    words: BTreeMap<String, String>,
    requests: BTreeMap<String, String>,
    #[serde(rename = "scenarios")]
    pub list: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    run: String,
    #[serde(default)]
    pub api: Api,
    pub tls: Option<Tls>,
    pub exit: i32,
    pub sent: Vec<String>,
    pub differs: Option<Difference>,
    pub log: Option<String>,
}

/// The settings of the TLS server in front of the API.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// Its certificate, one of those in `{certificates}`.
    pub certificate: String,
    /// True if it asks its clients for one.
    #[serde(default)]
    pub wants_one: bool,
}

/// The values of a command line's placeholders.
pub struct Places<'a> {
    pub url: &'a str,
    pub dir: &'a str,
    pub certificates: &'a str,
}

/// The result with the Python tool, if it differs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub id: String,
    pub exit: i32,
    pub sent: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Api {
    State(State),
    Script(Script),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Down,
}

impl Default for Api {
    fn default() -> Self {
        Self::Script(Script::default())
    }
}

/// The answers of each endpoint, in order; the last one is repeated.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    pub status: Vec<Answer>,
    pub create: Vec<Answer>,
    pub operation: Vec<Answer>,
}

impl Default for Script {
    fn default() -> Self {
        let text = |text: &str| vec![Answer::Text(text.to_owned())];
        Self {
            status: text("OK"),
            create: text(ID),
            operation: text("DONE"),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// The text of the answer.
    Text(String),
    /// The connection is closed.
    Silence(()),
    Html {
        status: u16,
        html: String,
    },
    Location {
        status: u16,
        location: String,
    },
    Json {
        status: u16,
        json: Value,
    },
}

/// A request in the form in which it is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub method: String,
    pub path: String,
    pub body: Option<Value>,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        self.body.iter().try_for_each(|body| write!(f, " {body}"))
    }
}

/// The expected number of requests.
#[derive(Debug, Clone, Copy)]
pub enum Times {
    Exactly(usize),
    AtLeastOnce,
}

impl Scenarios {
    pub fn read() -> Self {
        serde_yaml::from_str(include_str!("../../parity/scenarios.yml"))
            .expect("scenarios.yml is read")
    }

    /// The command line of a scenario as words.
    pub fn command_line(&self, scenario: &Scenario, places: &Places<'_>) -> Vec<String> {
        let mut line = scenario.run.clone();
        // words may consist of words, two levels deep
        for _ in 0..3 {
            for (word, meaning) in &self.words {
                line = line.replace(&format!("{{{word}}}"), meaning);
            }
        }
        let line = line
            .replace("{url}", places.url)
            .replace("{dir}", places.dir)
            .replace("{certificates}", places.certificates);
        split(&line)
    }

    /// Returns true if the requests are the expected ones, and otherwise the expectation.
    pub fn fits(&self, expected: &[String], sent: &[Sent]) -> bool {
        let mut rest = sent;
        for text in expected {
            let (wanted, times) = self.expectation(text);
            let found = rest.iter().take_while(|sent| **sent == wanted).count();
            let taken = match times {
                Times::Exactly(times) if found >= times => times,
                Times::AtLeastOnce if found >= 1 => found,
                _ => return false,
            };
            rest = &rest[taken..];
        }
        rest.is_empty()
    }

    fn expectation(&self, text: &str) -> (Sent, Times) {
        let (request, times) = match text.rsplit_once('*') {
            Some((request, times)) => (request, Times::Exactly(times.parse().expect("a number"))),
            None => match text.strip_suffix('+') {
                Some(request) => (request, Times::AtLeastOnce),
                None => (text, Times::Exactly(1)),
            },
        };
        let request = self.requests.get(request).map_or(request, String::as_str);
        let (method, rest) = request
            .split_once(' ')
            .unwrap_or_else(|| panic!("`{request}` is not a request"));
        let (path, body) = match rest.split_once(' ') {
            Some((path, body)) => (path, Some(serde_json::from_str(body).expect("a JSON body"))),
            None => (rest, None),
        };
        let sent = Sent {
            method: method.to_owned(),
            path: path.to_owned(),
            body,
        };
        (sent, times)
    }
}

/// Splits at spaces; single quotes keep a word together and may be inside one.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "an open quote in `{line}`");
    words.extend(word);
    words
}
