//! The results of rule tests: for people.

use std::path::PathBuf;

use crate::evaluate::Trace;
use crate::rule_test::{Coverage, Failure, Mutants, Share, Survivor, TestResult};

use super::plan::{NOTHING, silent};
use super::text::{Screen, Style, one_line, put_line};

/// The tests of one file and their results.
#[derive(Debug, Clone)]
pub struct Tested {
    pub file: String,
    pub rules: Option<String>,
    pub results: Vec<TestResult>,
    /// The reason why none of its tests was run.
    pub error: Option<String>,
}

/// The coverage of one rule set.
#[derive(Debug, Clone)]
pub struct Covered {
    pub rules: String,
    /// Their canonical place, however the path is written.
    pub place: PathBuf,
    pub coverage: Coverage,
}

/// The mutants of one rule set.
#[derive(Debug, Clone)]
pub struct Mutated {
    pub rules: String,
    pub mutants: Mutants,
}

impl Mutated {
    fn share(&self) -> Share {
        let survived = self.mutants.survived.iter();
        Share {
            total: self.mutants.total,
            missing: survived.map(survivor).collect(),
        }
    }

    /// The share of mutants that were caught, under this name.
    pub fn checked(&self, what: &'static str, least: usize) -> Checked {
        Checked {
            rules: self.rules.clone(),
            what,
            share: self.share(),
            least,
        }
    }
}

/// The place of a survivor and its change, on one line.
fn survivor(survivor: &Survivor) -> String {
    let place = &survivor.place;
    let rule = survivor.rule.as_ref();
    let rule = rule.map_or_else(String::new, |rule| format!("`{rule}`: "));
    let what = &survivor.what;
    let line = place.position.line;
    format!("{}:{line}: {rule}{what}", place.file)
}

/// A share, and its required minimum.
#[derive(Debug, Clone)]
pub struct Checked {
    pub rules: String,
    pub what: &'static str,
    pub share: Share,
    pub least: usize,
}

/// The results of one run of `test`.
#[derive(Debug, Clone, Default)]
pub struct TestRun {
    pub files: Vec<Tested>,
    pub covered: Vec<Covered>,
    pub mutated: Vec<Mutated>,
    /// The figures that `--fail-under` requires.
    pub checked: Vec<Checked>,
}

impl Covered {
    pub fn shares(&self) -> [(&'static str, Share); 4] {
        [
            ("cells", self.coverage.cells()),
            ("fired", self.coverage.fired()),
            ("conditions", self.coverage.conditions()),
            ("requests", self.coverage.requests()),
        ]
    }
}

impl Checked {
    pub const fn is_missed(&self) -> bool {
        !self.share.reaches(self.least)
    }

    /// The share and the minimum, on one line.
    pub(super) fn line(&self) -> String {
        let amount = amount(&self.share);
        format!("{}: {amount}, and {} % is required", self.what, self.least)
    }
}

impl TestRun {
    pub(super) fn counts(&self) -> (usize, usize) {
        let counts = self.files.iter().map(Tested::counts);
        counts.fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1))
    }

    pub fn errors(&self) -> usize {
        let files = self.files.iter();
        files.filter(|tested| tested.error.is_some()).count()
    }

    /// Returns true if a test failed, or the coverage is below a minimum.
    pub fn failed(&self) -> bool {
        self.counts().1 > 0 || self.checked.iter().any(Checked::is_missed)
    }
}

impl Tested {
    pub(super) fn counts(&self) -> (usize, usize) {
        let passed = self.results.iter().filter(|result| result.passed()).count();
        (passed, self.results.len() - passed)
    }
}

/// The tests for a terminal: one line each, with the expected and actual results below a failed one.
pub fn tests(run: &TestRun, screen: Screen) -> String {
    let mut text = String::new();
    for tested in &run.files {
        match (&tested.rules, &tested.error) {
            (_, Some(error)) => {
                let error = format!(": {}", error.lines().next().unwrap_or_default());
                text.push_str(&screen.styled(Style::Error, &tested.file, &error));
            }
            (rules, None) => {
                let rules = format!(" (rules: {})", rules.as_deref().unwrap_or_default());
                text.push_str(&screen.styled(Style::Strong, &tested.file, &rules));
            }
        }
        for result in &tested.results {
            put_result(&mut text, tested, result, screen);
        }
    }
    let (passed, failed) = run.counts();
    let errors = match run.errors() {
        0 => String::new(),
        1 => ", 1 file that can't be used".to_owned(),
        many => format!(", {many} files that can't be used"),
    };
    let style = if failed == 0 && errors.is_empty() {
        Style::Good
    } else {
        Style::Error
    };
    let counts = format!("{passed} passed, {failed} failed{errors}");
    text.push_str(&screen.styled(style, &counts, ""));
    for each in &run.covered {
        let head = format!("coverage of {}:", each.rules);
        text.push_str(&screen.styled(Style::Strong, &head, ""));
        for (what, share) in each.shares() {
            put_line!(text, "  {what:<11} {}", amount(&share));
            for missing in &share.missing {
                let missing = format!(": {missing}");
                text.push_str(&screen.styled(Style::Warning, "    not seen", &missing));
            }
        }
    }
    for each in &run.mutated {
        let share = each.share();
        let head = format!("mutants of {}:", each.rules);
        let caught = format!(" {} caught", amount(&share));
        text.push_str(&screen.styled(Style::Strong, &head, &caught));
        for survivor in &share.missing {
            let survivor = format!(": {survivor}");
            text.push_str(&screen.styled(Style::Warning, "  survived", &survivor));
        }
        if each.mutants.left_out > 0 {
            put_line!(text, "  {} more were not tried", each.mutants.left_out);
        }
    }
    for missed in run.checked.iter().filter(|checked| checked.is_missed()) {
        let head = format!("too little of {}", missed.rules);
        let line = format!(": {}", missed.line());
        text.push_str(&screen.styled(Style::Error, &head, &line));
    }
    text
}

fn put_result(text: &mut String, tested: &Tested, result: &TestResult, screen: Screen) {
    if result.passed() {
        let cells = match result.cells {
            1 => String::new(),
            many => format!(" ({many} events)"),
        };
        let name = format!("    {}{cells}", result.name);
        text.push_str(&screen.styled(Style::Good, "  ok", &name));
        return;
    }
    let place = result.place.position;
    let name = format!("  {}", result.name);
    text.push_str(&screen.styled(Style::Error, "  FAIL", &name));
    let (file, line, column) = (&tested.file, place.line, place.column);
    put_line!(text, "        {file}:{line}:{column}");
    for failure in &result.failures {
        for line in failure_lines(failure) {
            put_line!(text, "        {line}");
        }
    }
}

/// The expected and actual results, and the reasons.
pub(super) fn failure_lines(failure: &Failure) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", failure.at, failure.what)];
    let side =
        |lines: &mut Vec<String>, word: &str, sign: char, all: &[String], other: &[String]| {
            if all.is_empty() {
                lines.push(format!("  {word}  nothing"));
            }
            for (index, line) in all.iter().enumerate() {
                let word = if index == 0 { word } else { "      " };
                let same = if other.contains(line) { ' ' } else { sign };
                lines.push(format!("  {word} {same} {line}"));
            }
        };
    side(&mut lines, "wanted", '-', &failure.wanted, &failure.got);
    side(&mut lines, "got   ", '+', &failure.got, &failure.wanted);
    if !failure.trace.is_empty() {
        lines.push("  why:".to_owned());
    }
    lines.extend(failure.trace.iter().flat_map(why));
    if let Some(plan) = &failure.plan {
        lines.push(format!("  see: {plan}"));
    }
    lines.iter().map(|line| one_line(line)).collect()
}

/// The reason why a rule fired or did not, and its description if it did.
fn why(trace: &Trace) -> Vec<String> {
    let mut lines = vec![match &trace.because {
        None if trace.does_nothing => format!("    {} fires, and {NOTHING}", trace.rule),
        None => format!("    {} fires", trace.rule),
        Some(because) => format!("    {}", silent(&trace.rule, because)),
    }];
    if trace.fired() {
        let description = trace.description.as_deref().unwrap_or_default();
        lines.extend(description.lines().map(|line| format!("      {line}")));
    }
    lines
}

fn amount(share: &Share) -> String {
    let percent = (share.covered() * 100)
        .checked_div(share.total)
        .unwrap_or(100);
    format!("{} of {} ({percent} %)", share.covered(), share.total)
}
