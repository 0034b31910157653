//! The results of `check` for programs.

use serde::Serialize;

use crate::diagnostic::{Finding, Place, Related, Severity, Silenced};
use crate::source::Position;

use super::findings::{Failure, Findings};

/// The output of `patroni_barman check --format json`: the findings in the order of files and lines.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckOutput<'a> {
    /// The findings.
    findings: Vec<FindingView<'a>>,
    /// The findings that comments in the rules silence, each with its reason.
    silenced: Vec<SilencedView<'a>>,
    /// The files that could not be read; with `--online`, also each API and Patroni that could not be reached. If there are
    /// any, the exit code is 2.
    failures: &'a [Failure],
    /// True if there may be more findings: at most 1,000 mistakes that keep rules from being used are listed.
    truncated: bool,
}

/// An error or probable mistake in a rules file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Finding"))]
struct FindingView<'a> {
    /// The kind of finding, which keeps its meaning in later versions. `patroni_barman explain CODE` describes it.
    #[cfg_attr(test, schemars(regex(pattern = "^PB[0-9]{3}$"), example = &"PB106"))]
    code: &'static str,
    /// Its severity.
    severity: Severity,
    /// The message, in one line, with the file's own words in backticks.
    #[cfg_attr(
        test,
        schemars(length(min = 1), example = &"Patroni has no event `on_promote`")
    )]
    message: &'a str,
    #[serde(flatten)]
    place: PlaceView<'a>,
    /// The suggested correction.
    #[cfg_attr(test, schemars(example = &"did you mean `on_role_change`?"))]
    help: Option<&'a str>,
    /// The page about this kind of finding: a path and heading in the repository. `patroni_barman explain CODE` prints the
    /// same text.
    #[cfg_attr(
        test,
        schemars(example = &"docs/findings.md#pb106-an-event-that-patroni-does-not-have")
    )]
    page: String,
    /// Related places, for example the first of two rules with the same name.
    related: Vec<RelatedView<'a>>,
}

/// A finding that a comment in the rules silences.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Silenced"))]
struct SilencedView<'a> {
    #[serde(flatten)]
    finding: FindingView<'a>,
    /// The reason given in the comment.
    reason: &'a str,
}

/// Another place that helps to explain a finding.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Related"))]
struct RelatedView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    /// The explanation of the place.
    #[cfg_attr(test, schemars(example = &"the first one is here"))]
    message: &'a str,
}

/// Some characters of a line.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PlaceView<'a> {
    /// The path of the file as it was given; for a file in a directory, the directory comes first.
    #[cfg_attr(test, schemars(example = &"rules.yml"))]
    file: &'a str,
    #[serde(flatten)]
    position: Position,
    /// The column after the last character, on the same line.
    #[cfg_attr(test, schemars(range(min = 2)))]
    end_column: usize,
}

impl<'a> CheckOutput<'a> {
    /// The results of `check`.
    pub fn of(found: &Findings<'a>) -> Self {
        let silenced = |silenced: &'a Silenced| SilencedView {
            finding: FindingView::of(&silenced.finding),
            reason: &silenced.reason,
        };
        Self {
            findings: found.findings.iter().map(FindingView::of).collect(),
            silenced: found.silenced.iter().map(silenced).collect(),
            failures: found.failures,
            truncated: found.truncated,
        }
    }
}

impl<'a> FindingView<'a> {
    fn of(finding: &'a Finding) -> Self {
        let related = |related: &'a Related| RelatedView {
            place: PlaceView::of(&related.place),
            message: &related.message,
        };
        Self {
            code: finding.code.as_str(),
            severity: finding.severity(),
            message: &finding.message,
            place: PlaceView::of(&finding.place),
            help: finding.help.as_deref(),
            page: finding.code.page(),
            related: finding.related.iter().map(related).collect(),
        }
    }
}

impl<'a> PlaceView<'a> {
    fn of(place: &'a Place) -> Self {
        Self {
            file: &place.file,
            position: place.position,
            end_column: place.end_column(),
        }
    }
}
