//! The kinds of values that an expression can have.

use minijinja::Value;
use minijinja::value::ValueKind;

/// A set of kinds. An expression with one has a value of that kind, or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const TRUE: Self = Self(1);
    pub(super) const FALSE: Self = Self(2);
    pub(super) const BOOL: Self = Self(3);
    pub(super) const TEXT: Self = Self(4);
    pub(super) const NUMBER: Self = Self(8);
    pub(super) const NONE: Self = Self(16);
    pub(super) const LIST: Self = Self(32);
    pub(super) const MAP: Self = Self(64);
    pub(super) const ANY: Self = Self(127);

    pub(super) fn of(value: &Value) -> Self {
        match value.kind() {
            ValueKind::Bool if value.is_true() => Self::TRUE,
            ValueKind::Bool => Self::FALSE,
            ValueKind::String => Self::TEXT,
            ValueKind::Number => Self::NUMBER,
            ValueKind::None => Self::NONE,
            ValueKind::Seq => Self::LIST,
            ValueKind::Map => Self::MAP,
            _ => Self::ANY,
        }
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The kinds with values that count as true.
    pub(super) const fn truthy(self) -> Self {
        self.and(Self(Self::ANY.0 & !Self::FALSE.0 & !Self::NONE.0))
    }

    /// The kinds with values that count as false.
    pub(super) const fn falsy(self) -> Self {
        self.and(Self(Self::ANY.0 & !Self::TRUE.0))
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Self::NOTHING
    }

    pub(super) fn is_bool(self) -> bool {
        self.and(Self(!Self::BOOL.0)).is_nothing()
    }

    /// Returns true if two values of these kinds are never equal. Only texts are distinguished from the others: `true`
    /// and `1` are equal.
    pub(super) fn never_equal(self, other: Self) -> bool {
        let only_text = |one: Self, other: Self| one == Self::TEXT && other.and(one).is_nothing();
        only_text(self, other) || only_text(other, self)
    }

    /// Returns the kind of the value in place of true, if it can't be true. `None` for an
    /// expression that is false or fails.
    pub(super) fn instead_of_true(self) -> Option<&'static str> {
        if !self.and(Self::TRUE).is_nothing() {
            return None;
        }
        let names = [
            (Self::TEXT, "string"),
            (Self::NUMBER, "number"),
            (Self::LIST, "sequence"),
            (Self::MAP, "map"),
            (Self::NONE, "none"),
        ];
        let mut names = names.into_iter();
        let given = names.find(|(kind, _)| !self.and(*kind).is_nothing())?;
        Some(given.1)
    }

    /// Returns true if it is always false.
    pub(super) fn is_false(self) -> bool {
        self == Self::FALSE
    }

    /// Returns true if it may be `false` itself.
    pub(super) fn may_be_false(self) -> bool {
        !self.and(Self::FALSE).is_nothing()
    }
}

/// The kinds of a filter's result for a value of these kinds, except for `default`.
pub(super) fn of_filter(name: &str, subject: Kinds) -> Kinds {
    match name {
        "capitalize" | "e" | "escape" | "format" | "indent" | "join" | "lower" | "pprint"
        | "replace" | "string" | "title" | "trim" | "upper" => Kinds::TEXT,
        "first" | "last" if subject == Kinds::TEXT => Kinds::TEXT,
        "count" | "float" | "int" | "length" => Kinds::NUMBER,
        "bool" | "matches" => Kinds::BOOL,
        "lines" | "list" | "split" => Kinds::LIST,
        _ => Kinds::ANY,
    }
}

/// The kinds of the result of a test without arguments for a value of these kinds.
pub(super) fn of_test(name: &str, subject: Kinds) -> Kinds {
    match name {
        "string" if subject == Kinds::TEXT => Kinds::TRUE,
        "boolean" | "even" | "false" | "float" | "int" | "integer" | "mapping" | "none"
        | "number" | "odd" | "sequence" | "true"
            if subject == Kinds::TEXT =>
        {
            Kinds::FALSE
        }
        _ => Kinds::BOOL,
    }
}
