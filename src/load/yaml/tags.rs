//! Tags that the parser reads over.
//!
//! It shows a visitor only tags of the form `!name`. Of `!!name`, `!<name>` and whatever a `%TAG` line
//! makes of others it says nothing. So where one may stand, the text is read once more with a tag of
//! the first form in its place: what is shown then is a tag, and the others are text or comments.

use std::ops::Range;

use super::reader::Reader;
use super::tree::Data;
use super::{Fault, align};
use crate::diagnostic::Code;
use crate::load::MAX_FINDINGS;

/// What a tag stands in front of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    List,
    Map,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Scalar => "a single value",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }
}

impl From<&Data> for Kind {
    fn from(data: &Data) -> Self {
        match data {
            Data::Scalar(_) | Data::Bad => Self::Scalar,
            Data::List(_) => Self::List,
            Data::Map(_) => Self::Map,
        }
    }
}

/// The tags of YAML's core, and what each is for. Whether a scalar fits its tag is seen by the parser.
const CORE: [(&str, Kind); 7] = [
    ("str", Kind::Scalar),
    ("int", Kind::Scalar),
    ("bool", Kind::Scalar),
    ("null", Kind::Scalar),
    ("float", Kind::Scalar),
    ("seq", Kind::List),
    ("map", Kind::Map),
];

/// Whether a tag may stand in the text of which the parser says nothing.
pub(super) fn suspected(text: &str) -> bool {
    candidates(text).next().is_some()
}

/// The tags that have no meaning, or not for the values that they stand in front of.
pub(super) fn faults(text: &str) -> Vec<Fault> {
    let found: Vec<_> = candidates(text).collect();
    let shown = shown(text, &found);
    let document = serde_yaml::Deserializer::from_str(&shown).next();
    let reader = Reader::new(&shown);
    document.and_then(|document| reader.root(document));
    let mut tags = reader.into_tags();
    tags.sort_unstable_by_key(|(number, _)| *number);
    tags.dedup_by_key(|(number, _)| *number);
    let redefined = has_directive(text);
    let faults = tags.into_iter().filter_map(|(number, kind)| {
        let range = found.get(number)?.clone();
        let tag = text.get(range.clone())?;
        fault(tag, range, kind, redefined)
    });
    faults.take(MAX_FINDINGS).collect()
}

fn fault(tag: &str, range: Range<usize>, kind: Kind, redefined: bool) -> Option<Fault> {
    let core = tag.strip_prefix("!!").filter(|_| !redefined).or_else(|| {
        tag.strip_prefix("!<tag:yaml.org,2002:")
            .and_then(|name| name.strip_suffix('>'))
    });
    let core = core.and_then(|name| CORE.iter().find(|(known, _)| *known == name));
    match core {
        Some((_, wanted)) if *wanted == kind => None,
        Some(_) => Some(misfit(tag, range, kind.words())),
        None => Some(unknown(tag, range)),
    }
}

/// The fault of a tag that nothing reads.
pub(super) fn unknown(tag: &str, range: Range<usize>) -> Fault {
    let message = format!("the tag `{tag}` has no meaning here");
    Fault::new(Code::Tag, range, message)
        .help("leave the tag out; text that begins with `!` goes in quotes")
}

/// The fault of a tag in front of something that it is not for.
pub(super) fn misfit(tag: &str, range: Range<usize>, value: &str) -> Fault {
    let message = format!("the tag `{tag}` does not fit {value}");
    Fault::new(Code::Tag, range, message).help("leave the tag out")
}

/// The text with a tag that the parser shows in the place of each of these: `!0`, `!1` and so on.
fn shown(text: &str, found: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for (number, range) in found.iter().enumerate() {
        shown.push_str(text.get(end..range.start).unwrap_or_default());
        shown.push('!');
        shown.push_str(&number.to_string());
        end = range.end;
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    shown.replace("%TAG", "#TAG")
}

/// Whether the file may give its tags other meanings.
fn has_directive(text: &str) -> bool {
    text.contains("%TAG")
}

/// Where tags stand of which the parser says nothing, or text that looks like them.
fn candidates(text: &str) -> impl Iterator<Item = Range<usize>> {
    let redefined = has_directive(text);
    let mut end = 0;
    text.match_indices('!').filter_map(move |(start, _)| {
        // One does not begin within another.
        if start < end {
            return None;
        }
        let found = candidate(text, start, redefined)?;
        end = found.end;
        Some(found)
    })
}

fn candidate(text: &str, start: usize, redefined: bool) -> Option<Range<usize>> {
    let before = text.get(..start)?.chars().last();
    if !before.is_none_or(|c| c.is_whitespace() || matches!(c, '[' | '{' | ',' | ':')) {
        return None;
    }
    let rest = text.get(start + 1..)?;
    let length = match rest.chars().next() {
        Some('<') => in_brackets(rest)?,
        Some('!') => align::tag_length(rest),
        _ if redefined => align::tag_length(rest),
        _ => return None,
    };
    Some(start..start + 1 + length)
}

/// How many bytes a tag in angle brackets has.
fn in_brackets(rest: &str) -> Option<usize> {
    let ends = |c: char| c.is_whitespace() || "<>\"'\\".contains(c);
    let length = rest.get(1..)?.find(ends)? + 2;
    rest.get(..length)?.ends_with('>').then_some(length)
}
