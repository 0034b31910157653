//! The thresholds of `--fail-under`.

use crate::diagnostic::ticked;
use crate::report::{Checked, Covered};

/// The figures by their words in `--fail-under`, with their names in reports.
const FIGURES: [(&str, &str); 5] = [
    ("cells", "cells"),
    ("rules", "fired"),
    ("conditions", "conditions"),
    ("requests", "requests"),
    (MUTANTS, MUTANTS),
];

/// The figure that a number for all figures does not include, because it needs `--mutate`.
pub(super) const MUTANTS: &str = "mutants";

/// The minimum of each figure, in per cent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thresholds(Vec<(&'static str, usize)>);

impl Thresholds {
    /// The minimum of this figure, if there is one.
    pub(super) fn of(&self, figure: &str) -> Option<usize> {
        let asked = self.0.iter().find(|(name, _)| *name == figure);
        asked.map(|(_, least)| *least)
    }
}

/// Reads `90` or `cells=80,rules=100`.
pub(super) fn thresholds(text: &str) -> Result<Thresholds, String> {
    let percent = |text: &str| match text.parse::<usize>() {
        Ok(percent) if percent <= 100 => Ok(percent),
        _ => Err(format!("`{text}` is no number from 0 to 100")),
    };
    if !text.contains('=') {
        let least = percent(text)?;
        let figures = FIGURES.iter().filter(|(word, _)| *word != MUTANTS);
        return Ok(Thresholds(
            figures.map(|(_, name)| (*name, least)).collect(),
        ));
    }
    let mut found = Thresholds::default();
    for part in text.split(',') {
        let (word, least) = part.split_once('=').unwrap_or((part, ""));
        let least = percent(least)?;
        let figure = FIGURES.iter().find(|(known, _)| *known == word.trim());
        let Some((word, name)) = figure else {
            let words = ticked(FIGURES.iter().map(|(word, _)| word));
            return Err(format!("`{word}` is none of {words}"));
        };
        if found.0.iter().any(|(known, _)| known == name) {
            return Err(format!("`{word}` is there twice"));
        }
        found.0.push((name, least));
    }
    Ok(found)
}

/// The figures with a minimum, compared with the coverage.
pub(super) fn checked(covered: &[Covered], least: &Thresholds) -> Vec<Checked> {
    let of = |each: &Covered| {
        let rules = each.rules.clone();
        each.shares().into_iter().filter_map(move |(what, share)| {
            Some(Checked {
                rules: rules.clone(),
                what,
                share,
                least: least.of(what)?,
            })
        })
    };
    covered.iter().flat_map(of).collect()
}
