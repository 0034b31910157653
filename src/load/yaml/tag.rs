//! The tags that have a meaning.

use granit_parser::Tag;

/// The kind of node that a tag is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    List,
    Map,
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Scalar => "a single value",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }
}

/// The tags of YAML's core schema, and the kinds they are for.
const CORE: [(&str, Kind); 7] = [
    ("str", Kind::Scalar),
    ("int", Kind::Scalar),
    ("bool", Kind::Scalar),
    ("null", Kind::Scalar),
    ("float", Kind::Scalar),
    ("seq", Kind::List),
    ("map", Kind::Map),
];

/// The name and the kind of a tag of the core schema.
pub(super) fn core(tag: &Tag) -> Option<&'static (&'static str, Kind)> {
    let name = tag.core_suffix()?;
    CORE.iter().find(|(known, _)| *known == name)
}
