//! Metrics in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::execute::Comparison;
use crate::store::{Intent, Receipt, Receipts, State, Verdict};

/// What there is to measure.
#[derive(Debug, Clone, Copy)]
pub struct Metrics<'a> {
    /// Everything that is remembered.
    pub intents: &'a [Intent],
    /// The verdicts on changes of timeline.
    pub receipts: &'a [Receipt],
    /// Each state that the rules want.
    pub compared: &'a [Comparison],
    /// Whether the rules file is broken, so that older rules were used if there are any.
    pub last_good: bool,
    /// The exit code of this run.
    pub exit_code: u8,
    /// The wall clock.
    pub now: Duration,
}

impl Metrics<'_> {
    /// The text of a `*.prom` file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut pending: BTreeMap<&str, u64> = BTreeMap::new();
        let mut outcomes: BTreeMap<(&str, &str, &str), (u64, f64)> = BTreeMap::new();
        let mut successes: BTreeMap<(&str, &str), Duration> = BTreeMap::new();
        for intent in self.intents {
            let (cluster, rule) = (intent.cluster.as_str(), intent.step.rule.as_str());
            *pending.entry(cluster).or_default() += u64::from(intent.state == State::Pending);
            let ended = intent.ended.filter(|_| intent.state != State::Pending);
            let (count, seconds) = outcomes
                .entry((cluster, rule, intent.state.as_str()))
                .or_default();
            *count += 1;
            *seconds += ended.map_or(0.0, |ended| {
                ended.saturating_sub(intent.created).as_secs_f64()
            });
            if let (State::Done, Some(ended)) = (intent.state, ended) {
                let last = successes.entry((cluster, rule)).or_default();
                *last = (*last).max(ended);
            }
        }
        let mut metric = |name: &str, help: &str, samples: Vec<(String, f64)>| {
            let name = format!("patroni_barman_{name}");
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (labels, value) in samples {
                let _ = writeln!(out, "{name}{labels} {value}");
            }
        };
        metric(
            "last_run_timestamp_seconds",
            "When reconcile ran last.",
            plain(self.now.as_secs_f64()),
        );
        metric(
            "last_exit_code",
            "The exit code of that run.",
            plain(f64::from(self.exit_code)),
        );
        metric(
            "rules_last_good",
            "1 while the rules file is broken.",
            plain(f64::from(u8::from(self.last_good))),
        );
        let samples = pending
            .iter()
            .map(|(cluster, count)| (labels(&[("cluster", cluster)]), number(*count)));
        metric(
            "pending",
            "Requests that were decided on and are not finished.",
            samples.collect(),
        );
        let drift = self.compared.iter().map(|one| {
            let server = one.server_name().map_or("", |name| name.as_str());
            let labels = labels(&[
                ("api", &one.api().0),
                ("server", server),
                ("rule", &one.step.rule),
            ]);
            (labels, if one.as_wanted() { 0.0 } else { 1.0 })
        });
        metric(
            "drift",
            "1 if Barman's state was not as the rules want it, or could not be compared.",
            drift.collect(),
        );
        receipts(self.receipts, &mut metric);
        let samples = successes.iter().map(|((cluster, rule), at)| {
            (
                labels(&[("cluster", cluster), ("rule", rule)]),
                at.as_secs_f64(),
            )
        });
        metric(
            "last_success_timestamp_seconds",
            "When a request of this rule was last done.",
            samples.collect(),
        );
        let each = |value: fn(&(u64, f64)) -> f64| {
            let sample = move |(key, sums): (&(&str, &str, &str), &(u64, f64))| {
                let (cluster, rule, outcome) = *key;
                (
                    labels(&[("cluster", cluster), ("rule", rule), ("outcome", outcome)]),
                    value(sums),
                )
            };
            outcomes.iter().map(sample).collect()
        };
        metric(
            "requests",
            "Requests that are remembered, by outcome.",
            each(|sums| number(sums.0)),
        );
        metric(
            "requests_seconds",
            "From decision to end, summed over these requests.",
            each(|sums| sums.1),
        );
        out
    }
}

/// The verdict on the newest change of each server, and the servers that need a new backup.
fn receipts(all: &[Receipt], metric: &mut impl FnMut(&str, &str, Vec<(String, f64)>)) {
    let mut newest = BTreeMap::new();
    let mut needs: BTreeMap<_, bool> = BTreeMap::new();
    for one in Receipts::current(all) {
        let place = [
            ("cluster", one.cluster.as_str()),
            ("api", &one.api.0),
            ("server", one.server.as_str()),
        ];
        *needs.entry(place).or_default() |= one.needs_backup();
        // The oldest change comes first.
        newest.insert(place, one);
    }
    let truth = |so: bool| f64::from(u8::from(so));
    let each = newest.iter().flat_map(|(place, one)| {
        let [cluster, api, server] = *place;
        Verdict::WORDS.map(|word| {
            let all = labels(&[cluster, api, server, ("verdict", word)]);
            (all, truth(one.verdict.as_str() == word))
        })
    });
    metric(
        "receipt",
        "1 for the verdict on the newest change of timeline: is the WAL archive continuous across it?",
        each.collect(),
    );
    let needs = needs.iter();
    let needs = needs.map(|(place, needs)| (labels(place), truth(*needs)));
    metric(
        "receipt_needs_backup",
        "1 while WAL is missing, or may be, at a change of timeline, and no usable backup began after it.",
        needs.collect(),
    );
}

fn plain(value: f64) -> Vec<(String, f64)> {
    vec![(String::new(), value)]
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escape = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
