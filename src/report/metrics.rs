//! Metrics in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::barman::ServerState;
use crate::execute::{Comparison, Wal};
use crate::store::{Intent, Receipt, Receipts, State, Tally, Verdict};

use super::status::RulesSeen;

#[derive(Debug)]
pub struct Metrics<'a> {
    /// This program's version, and the commit that it was built from.
    pub build: (&'a str, &'a str),
    pub intents: &'a [Intent],
    /// The verdicts on changes of timeline.
    pub receipts: &'a [Receipt],
    pub tally: &'a Tally,
    pub state_usable: bool,
    /// Patroni's scope; `None` if nothing was compared.
    pub cluster: Option<&'a str>,
    /// The comparison for each state that the rules want.
    pub compared: &'a [Comparison],
    /// The rules that were used, if any.
    pub rules: Option<&'a RulesSeen>,
    /// The rules file is valid.
    pub rules_valid: bool,
    pub exit_code: u8,
    pub now: Duration,
}

/// The upper bounds of a histogram's buckets, in seconds: the goal is less than one, and minutes mean a failover that
/// `reconcile` had to finish.
const BUCKETS: [f64; 10] = [0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0];

/// The exit code if no rule matched, which is not an error.
const NO_RULE: u8 = 1;

impl Metrics<'_> {
    /// The text of a `*.prom` file.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut metric = |name: &str, help: &str, samples: Vec<(String, f64)>| {
            family(&mut out, name, "gauge", help, samples);
        };
        let (version, commit) = self.build;
        metric(
            "build_info",
            "The version of patroni_barman, and the commit that it was built of.",
            vec![(labels(&[("version", version), ("commit", commit)]), 1.0)],
        );
        self.run(&mut metric);
        self.requests(&mut metric);
        self.barman(&mut metric);
        let corrections = self.tally.corrections.iter().map(|one| {
            let labels = labels(&[
                ("cluster", &one.cluster),
                ("api", &one.api),
                ("server", &one.server),
            ]);
            (labels, number(one.made))
        });
        family(
            &mut out,
            "corrections_total",
            "counter",
            "How often reconcile set a server back to what the rules want.",
            corrections.collect(),
        );
        self.promotions(&mut out);
        out
    }

    /// The last pass and the rules it read.
    fn run(&self, metric: &mut impl FnMut(&str, &str, Vec<(String, f64)>)) {
        metric(
            "last_run_timestamp_seconds",
            "When reconcile ran last.",
            plain(self.now.as_secs_f64()),
        );
        let code = match self.exit_code {
            NO_RULE => 0,
            code => code,
        };
        metric(
            "last_exit_code",
            "The exit code of that run; 0 also if no rule applies to this cluster.",
            plain(f64::from(code)),
        );
        metric(
            "rules_valid",
            "1 if the rules file is valid; 0 while the last good rules are used, or none.",
            plain(truth(self.rules_valid)),
        );
        let rules = self.rules.map(|rules| {
            let labels = labels(&[("path", &rules.path), ("sha256", &rules.sha256)]);
            (labels, 1.0)
        });
        metric(
            "rules_info",
            "The rules in use.",
            rules.into_iter().collect(),
        );
        metric(
            "state_usable",
            "1 if the state database can be read, or there is none yet.",
            plain(truth(self.state_usable)),
        );
    }

    /// The requests in the state.
    fn requests(&self, metric: &mut impl FnMut(&str, &str, Vec<(String, f64)>)) {
        let mut pending: BTreeMap<&str, (u64, Option<Duration>)> = BTreeMap::new();
        let mut outcomes: BTreeMap<(&str, &str, &str), (u64, f64)> = BTreeMap::new();
        let mut successes: BTreeMap<(&str, &str), Duration> = BTreeMap::new();
        for intent in self.intents {
            let (cluster, rule) = (intent.cluster.as_str(), intent.step.rule.as_str());
            let (open, oldest) = pending.entry(cluster).or_default();
            if intent.state == State::Pending {
                *open += 1;
                *oldest = Some(oldest.map_or(intent.created, |time| time.min(intent.created)));
            }
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
        let cluster = |cluster: &&str| labels(&[("cluster", cluster)]);
        let counts = pending
            .iter()
            .map(|(name, (count, _))| (cluster(name), number(*count)));
        metric(
            "pending",
            "Requests that are not finished.",
            counts.collect(),
        );
        let oldest = pending.iter().filter_map(|(name, (_, oldest))| {
            Some((cluster(name), oldest.as_ref()?.as_secs_f64()))
        });
        metric(
            "pending_oldest_timestamp_seconds",
            "When the oldest of them was decided; absent if nothing is pending.",
            oldest.collect(),
        );
        receipts(self.receipts, metric);
        let samples = successes.iter().map(|((cluster, rule), at)| {
            let labels = labels(&[("cluster", cluster), ("rule", rule)]);
            (labels, at.as_secs_f64())
        });
        metric(
            "last_success_timestamp_seconds",
            "When a request of this rule was last done.",
            samples.collect(),
        );
        let each = |value: fn(&(u64, f64)) -> f64| {
            let sample = move |(key, sums): (&(&str, &str, &str), &(u64, f64))| {
                let (cluster, rule, outcome) = *key;
                let labels = labels(&[("cluster", cluster), ("rule", rule), ("outcome", outcome)]);
                (labels, value(sums))
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
    }

    /// Barman's state in the pass.
    fn barman(&self, metric: &mut impl FnMut(&str, &str, Vec<(String, f64)>)) {
        let cluster = self.cluster.unwrap_or_default();
        let drift = self.compared.iter().map(|one| {
            let server = one.server_name().map_or("", |name| name.as_str());
            let labels = labels(&[
                ("cluster", cluster),
                ("api", &one.api().0),
                ("server", server),
                ("rule", &one.step.rule),
            ]);
            (labels, truth(!one.as_wanted()))
        });
        metric(
            "drift",
            "1 if Barman's state was not as the rules want it, or could not be compared.",
            drift.collect(),
        );
        let mut servers: BTreeMap<String, &Comparison> = BTreeMap::new();
        for one in self.compared {
            if let Some(name) = one.server_name() {
                let place = [
                    ("cluster", cluster),
                    ("api", &one.api().0),
                    ("server", name.as_str()),
                ];
                servers.entry(labels(&place)).or_insert(one);
            }
        }
        let each = |value: &dyn Fn(&Comparison) -> Option<f64>| {
            let sample =
                |(labels, one): (&String, &&Comparison)| Some((labels.clone(), value(one)?));
            servers.iter().filter_map(sample).collect::<Vec<_>>()
        };
        let of = |value: fn(&ServerState) -> Option<f64>| {
            each(&move |one: &Comparison| value(one.server.as_ref()?))
        };
        let received = |one: &Comparison| match one.wal.as_ref()? {
            Wal::Received => Some(1.0),
            Wal::Missing(why) if why.unknown => None,
            Wal::Missing(_) => Some(0.0),
            Wal::Unchecked(_) => None,
        };
        metric(
            "wal_received",
            "1 if Barman received WAL from the member that it should follow; absent if unknown.",
            each(&received),
        );
        metric(
            "wal_lag_bytes",
            "WAL that PostgreSQL had written and Barman had not confirmed; it confirms whole segments.",
            of(|server| server.wal_lag().map(number)),
        );
        metric(
            "last_archived_wal_timestamp_seconds",
            "When the newest WAL file in the archive was written.",
            of(|server| Some(server.last_wal()?.written?.as_secs_f64())),
        );
        metric(
            "last_good_backup_timestamp_seconds",
            "When the newest backup that can be restored ended.",
            of(|server| Some(server.last_good_backup()?.1.ended()?.as_secs_f64())),
        );
        metric(
            "last_backup_failed",
            "1 if the newest backup failed.",
            of(|server| {
                let (_, backup) = server.last_backup()?;
                Some(truth(backup.status.as_deref() == Some("FAILED")))
            }),
        );
    }

    fn promotions(&self, out: &mut String) {
        let mut clusters: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (cluster, took) in &self.tally.promotions {
            let times = clusters.entry(cluster).or_default();
            times.push(took.as_secs_f64());
        }
        let name = "promotion_to_streaming_seconds";
        let help =
            "From the callback of a promotion to WAL that streams to Barman from the new leader.";
        head(out, name, "histogram", help);
        for (cluster, times) in clusters {
            let below = |end: f64| times.iter().filter(|time| **time <= end).count();
            for end in BUCKETS.into_iter().chain([f64::INFINITY]) {
                let le = end.to_string().replace("inf", "+Inf");
                let labels = labels(&[("cluster", cluster), ("le", &le)]);
                let _ = writeln!(out, "patroni_barman_{name}_bucket{labels} {}", below(end));
            }
            let labels = labels(&[("cluster", cluster)]);
            let sum: f64 = times.iter().sum();
            let _ = writeln!(out, "patroni_barman_{name}_sum{labels} {sum}");
            let _ = writeln!(out, "patroni_barman_{name}_count{labels} {}", times.len());
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        out,
        "# HELP patroni_barman_{name} {help}\n# TYPE patroni_barman_{name} {kind}"
    );
}

pub(super) fn family(
    out: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: Vec<(String, f64)>,
) {
    head(out, name, kind, help);
    for (labels, value) in samples {
        let _ = writeln!(out, "patroni_barman_{name}{labels} {value}");
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

pub(super) fn plain(value: f64) -> Vec<(String, f64)> {
    vec![(String::new(), value)]
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{}\"", value.replace('\n', "\\n"))
    };
    let pairs: Vec<_> = pairs.iter().map(pair).collect();
    format!("{{{}}}", pairs.join(","))
}

pub(super) fn truth(so: bool) -> f64 {
    f64::from(u8::from(so))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}
