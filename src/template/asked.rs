//! The texts that a value can be, if a condition holds.

/// A requirement of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is one of these texts.
    OneOf(Vec<String>),
    /// It is not one of these texts.
    NoneOf(Vec<String>),
}

impl Asked {
    /// Returns true if a text satisfies the requirement.
    pub fn allows(&self, text: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|known| known == text),
            Self::NoneOf(texts) => !texts.iter().any(|known| known == text),
        }
    }

    /// The text, if there is only one possibility.
    pub fn only(&self) -> Option<&str> {
        match self {
            Self::OneOf(texts) => match texts.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            Self::NoneOf(_) => None,
        }
    }

    pub(super) fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OneOf(one), Self::OneOf(other)) => !one.iter().any(|text| other.contains(text)),
            (Self::OneOf(texts), Self::NoneOf(not)) | (Self::NoneOf(not), Self::OneOf(texts)) => {
                texts.iter().all(|text| not.contains(text))
            }
            (Self::NoneOf(_), Self::NoneOf(_)) => false,
        }
    }

    /// The requirement that both hold. One without texts never holds.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneOf(mut texts), Self::OneOf(others)) => {
                texts.retain(|text| others.contains(text));
                Self::OneOf(texts)
            }
            (Self::OneOf(mut texts), Self::NoneOf(not))
            | (Self::NoneOf(not), Self::OneOf(mut texts)) => {
                texts.retain(|text| !not.contains(text));
                Self::OneOf(texts)
            }
            (Self::NoneOf(mut not), Self::NoneOf(more)) => {
                not.extend(more);
                Self::NoneOf(not)
            }
        }
    }

    /// The requirement that one of them holds.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneOf(mut texts), Self::OneOf(more)) => {
                let new: Vec<_> = more.into_iter().filter(|t| !texts.contains(t)).collect();
                texts.extend(new);
                Self::OneOf(texts)
            }
            (Self::OneOf(texts), Self::NoneOf(mut not))
            | (Self::NoneOf(mut not), Self::OneOf(texts)) => {
                not.retain(|text| !texts.contains(text));
                Self::NoneOf(not)
            }
            (Self::NoneOf(mut not), Self::NoneOf(others)) => {
                not.retain(|text| others.contains(text));
                Self::NoneOf(not)
            }
        }
    }

    pub(super) fn opposite(self) -> Self {
        match self {
            Self::OneOf(texts) => Self::NoneOf(texts),
            Self::NoneOf(texts) => Self::OneOf(texts),
        }
    }
}
