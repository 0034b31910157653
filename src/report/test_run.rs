//! What became of rule tests: for people and for programs.

use serde_json::{Value, json};

use crate::evaluate::Trace;
use crate::rule_test::{Coverage, Failure, Share, TestResult};

use super::plan::NOTHING;
use super::text::{one_line, put_line};

/// The tests of one file and what became of them.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The file.
    pub file: String,
    /// Its rules.
    pub rules: String,
    /// Its tests, in order.
    pub results: Vec<TestResult>,
}

/// The coverage of one rule set.
#[derive(Debug, Clone)]
pub struct Covered {
    /// The rules.
    pub rules: String,
    /// What the tests saw of them.
    pub coverage: Coverage,
}

impl Covered {
    fn shares(&self) -> [(&'static str, Share); 3] {
        [
            ("cells", self.coverage.cells()),
            ("fired", self.coverage.fired()),
            ("conditions", self.coverage.conditions()),
        ]
    }
}

/// The tests for a terminal: a line for each, and below a failed one what was wanted and what there was.
#[must_use]
pub fn tests(files: &[Tested], covered: &[Covered]) -> String {
    let mut text = String::new();
    for tested in files {
        put_line!(text, "{} (rules: {})", tested.file, tested.rules);
        for result in &tested.results {
            if result.passed() {
                let cells = match result.cells {
                    1 => String::new(),
                    many => format!(" ({many} events)"),
                };
                put_line!(text, "  ok    {}{cells}", result.name);
                continue;
            }
            let place = result.place.position;
            put_line!(text, "  FAIL  {}", result.name);
            put_line!(
                text,
                "        {}:{}:{}",
                tested.file,
                place.line,
                place.column
            );
            for failure in &result.failures {
                for line in failure_lines(failure) {
                    put_line!(text, "        {line}");
                }
            }
        }
    }
    let (passed, failed) = counts(files);
    put_line!(text, "{passed} passed, {failed} failed");
    for each in covered {
        put_line!(text, "coverage of {}:", each.rules);
        for (what, share) in each.shares() {
            put_line!(text, "  {what:<11} {}", amount(&share));
            for missing in &share.missing {
                put_line!(text, "    not seen: {missing}");
            }
        }
    }
    text
}

/// The tests as `schemas/test.schema.json` describes them.
#[must_use]
pub fn tests_json(files: &[Tested], covered: &[Covered]) -> Value {
    let (passed, failed) = counts(files);
    let coverage = |each: &Covered| {
        let mut all = json!({"rules": each.rules});
        if let Value::Object(all) = &mut all {
            all.extend(each.shares().map(|(what, share)| {
                let share = json!({
                    "total": share.total,
                    "covered": share.covered(),
                    "missing": share.missing,
                });
                (what.to_owned(), share)
            }));
        }
        all
    };
    json!({
        "files": files.iter().map(file_json).collect::<Vec<_>>(),
        "passed": passed,
        "failed": failed,
        "coverage": covered.iter().map(coverage).collect::<Vec<_>>(),
    })
}

/// What was wanted, what there was, and why.
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
    lines.iter().map(|line| one_line(line)).collect()
}

/// Why a rule fired or did not, and what it is for if it did.
fn why(trace: &Trace) -> Vec<String> {
    let mut lines = vec![match &trace.because {
        None if trace.does_nothing => format!("    {} fires, and {NOTHING}", trace.rule),
        None => format!("    {} fires", trace.rule),
        Some(because) => format!(
            "    {} does not fire: `{}` wants {}, got {}",
            trace.rule,
            because.field,
            because.wanted.trim_end(),
            because.got
        ),
    }];
    if trace.fired() {
        let description = trace.description.as_deref().unwrap_or_default();
        lines.extend(description.lines().map(|line| format!("      {line}")));
    }
    lines
}

/// How many tests passed and failed.
pub(super) fn counts(files: &[Tested]) -> (usize, usize) {
    let results = files.iter().flat_map(|tested| &tested.results);
    let passed = results.clone().filter(|result| result.passed()).count();
    (passed, results.count() - passed)
}

fn amount(share: &Share) -> String {
    let percent = (share.covered() * 100)
        .checked_div(share.total)
        .unwrap_or(100);
    format!("{} of {} ({percent} %)", share.covered(), share.total)
}

fn file_json(tested: &Tested) -> Value {
    let failure = |failure: &Failure| {
        json!({
            "at": failure.at,
            "what": failure.what,
            "wanted": failure.wanted,
            "got": failure.got,
            "trace": failure.trace.iter().map(Trace::to_json).collect::<Vec<_>>(),
        })
    };
    let test = |result: &TestResult| {
        json!({
            "name": result.name,
            "line": result.place.position.line,
            "column": result.place.position.column,
            "passed": result.passed(),
            "cells": result.cells,
            "failures": result.failures.iter().map(failure).collect::<Vec<_>>(),
        })
    };
    json!({
        "file": tested.file,
        "rules": tested.rules,
        "tests": tested.results.iter().map(test).collect::<Vec<_>>(),
    })
}
