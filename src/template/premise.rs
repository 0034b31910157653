//! What a condition asks for at least, read from its text: enough to see that two conditions never hold
//! together, without knowing any fact.

use std::collections::{BTreeMap, btree_map};

use minijinja::machinery::{ast, parse_expr};

/// What must hold for a condition to be true. There may be more to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Premises(BTreeMap<String, Asked>);

/// What is asked of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is one of these texts.
    OneOf(Vec<String>),
    /// It is none of these texts.
    NoneOf(Vec<String>),
}

impl Premises {
    /// Whether no facts fulfil both.
    #[must_use]
    pub fn exclude(&self, other: &Self) -> bool {
        let pairs = self
            .0
            .iter()
            .filter_map(|(subject, asked)| Some((asked, other.0.get(subject)?)));
        pairs.into_iter().any(|(one, other)| one.excludes(other))
    }

    /// The values that must be one certain text, with that text.
    pub fn fixed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(subject, asked)| match asked {
            Asked::OneOf(texts) => match texts.as_slice() {
                [only] => Some((subject.as_str(), only.as_str())),
                _ => None,
            },
            Asked::NoneOf(_) => None,
        })
    }

    fn also(&mut self, subject: String, asked: Asked) {
        let both = match self.0.remove(&subject) {
            Some(before) => before.and(asked),
            None => asked,
        };
        self.0.insert(subject, both);
    }
}

/// The values that something is asked of, each with what that is.
impl IntoIterator for Premises {
    type Item = (String, Asked);
    type IntoIter = btree_map::IntoIter<String, Asked>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Asked {
    /// Whether a value of this text is what is asked for.
    #[must_use]
    pub fn allows(&self, text: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|known| known == text),
            Self::NoneOf(texts) => !texts.iter().any(|known| known == text),
        }
    }

    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OneOf(one), Self::OneOf(other)) => !one.iter().any(|text| other.contains(text)),
            (Self::OneOf(texts), Self::NoneOf(not)) | (Self::NoneOf(not), Self::OneOf(texts)) => {
                texts.iter().all(|text| not.contains(text))
            }
            (Self::NoneOf(_), Self::NoneOf(_)) => false,
        }
    }

    /// What is asked if both are. One of no texts is what never holds.
    fn and(self, other: Self) -> Self {
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

    fn opposite(self) -> Self {
        match self {
            Self::OneOf(texts) => Self::NoneOf(texts),
            Self::NoneOf(texts) => Self::OneOf(texts),
        }
    }
}

/// What an expression asks for at least; nothing if it can't be told.
#[must_use]
pub fn premises(expression: &str) -> Premises {
    let mut found = Premises::default();
    if let Ok(expression) = parse_expr(expression) {
        collect(&expression, &mut found);
    }
    found
}

fn collect(expression: &ast::Expr<'_>, found: &mut Premises) {
    match expression {
        ast::Expr::BinOp(node) if matches!(node.op, ast::BinOpKind::ScAnd) => {
            collect(&node.left, found);
            collect(&node.right, found);
        }
        other => {
            if let Some((subject, asked)) = single(other) {
                found.also(subject, asked);
            }
        }
    }
}

/// The one thing that an expression is about, and what it asks of it: true exactly if that holds.
fn single(expression: &ast::Expr<'_>) -> Option<(String, Asked)> {
    match expression {
        ast::Expr::UnaryOp(node) if matches!(node.op, ast::UnaryOpKind::Not) => {
            let (subject, asked) = single(&node.expr)?;
            Some((subject, asked.opposite()))
        }
        ast::Expr::BinOp(node) => match node.op {
            ast::BinOpKind::Eq => equals(&node.left, &node.right),
            ast::BinOpKind::Ne => opposite(equals(&node.left, &node.right)),
            ast::BinOpKind::In => within(&node.left, &node.right),
            ast::BinOpKind::ScOr => match (single(&node.left)?, single(&node.right)?) {
                ((one, Asked::OneOf(mut texts)), (other, Asked::OneOf(more))) if one == other => {
                    texts.extend(more);
                    Some((one, Asked::OneOf(texts)))
                }
                _ => None,
            },
            _ => None,
        },
        ast::Expr::Compare(node) => match node.ops.as_slice() {
            [only] => match only.op {
                ast::CompareOpKind::Eq => equals(&node.expr, &only.expr),
                ast::CompareOpKind::Ne => opposite(equals(&node.expr, &only.expr)),
                ast::CompareOpKind::In => within(&node.expr, &only.expr),
                ast::CompareOpKind::NotIn => opposite(within(&node.expr, &only.expr)),
                _ => None,
            },
            _ => None,
        },
        ast::Expr::Test(node) if node.args.is_empty() => {
            let subject = format!("{} is defined", path(&node.expr)?);
            let truth = match node.name {
                "defined" => "true",
                "undefined" => "false",
                _ => return None,
            };
            Some((subject, truth_of(truth)))
        }
        other => Some((format!("{} is true", path(other)?), truth_of("true"))),
    }
}

/// Truth has two values: not one of them is the other.
fn truth_of(truth: &str) -> Asked {
    Asked::OneOf(vec![truth.to_owned()])
}

fn opposite(asked: Option<(String, Asked)>) -> Option<(String, Asked)> {
    asked.map(|(subject, asked)| (subject, asked.opposite()))
}

fn equals(left: &ast::Expr<'_>, right: &ast::Expr<'_>) -> Option<(String, Asked)> {
    let (subject, text) = match (path(left), text(right)) {
        (Some(subject), Some(text)) => (subject, text),
        _ => (path(right)?, text(left)?),
    };
    Some((subject, Asked::OneOf(vec![text])))
}

fn within(value: &ast::Expr<'_>, list: &ast::Expr<'_>) -> Option<(String, Asked)> {
    let items = match list {
        ast::Expr::List(list) => &list.items,
        ast::Expr::Tuple(tuple) => &tuple.items,
        _ => return None,
    };
    let texts = items.iter().map(text).collect::<Option<_>>()?;
    Some((path(value)?, Asked::OneOf(texts)))
}

/// `env.SITE` however it is written.
fn path(expression: &ast::Expr<'_>) -> Option<String> {
    match expression {
        ast::Expr::Var(node) => Some(node.id.to_owned()),
        ast::Expr::GetAttr(node) => Some(format!("{}.{}", path(&node.expr)?, node.name)),
        ast::Expr::GetItem(node) => {
            let key = text(&node.subscript_expr)?;
            Some(format!("{}.{key}", path(&node.expr)?))
        }
        _ => None,
    }
}

/// A constant text. Numbers are left out: `1` and `1.0` are the same number.
fn text(expression: &ast::Expr<'_>) -> Option<String> {
    match expression {
        ast::Expr::Const(node) => node.value.as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_hold_together_is_seen_and_nothing_else() {
        for (one, other, expected) in [
            ("env.SITE == 'paris'", "env.SITE == 'lyon'", true),
            (
                "env.SITE == 'paris'",
                "env['SITE'] == 'lyon' and reset",
                true,
            ),
            ("env.SITE == 'paris'", "'paris' != env.SITE", true),
            ("env.SITE in ['a', 'b']", "env.SITE == 'c'", true),
            ("env.SITE not in ['a', 'b']", "env.SITE == 'a'", true),
            (
                "env.SITE == 'a' or env.SITE == 'b'",
                "env.SITE == 'c'",
                true,
            ),
            (
                "env.SITE != 'a' and env.SITE != 'b'",
                "env.SITE == 'b'",
                true,
            ),
            (
                "env.SITE != 'a' and env.SITE != 'b'",
                "env.SITE in ['a', 'b']",
                true,
            ),
            (
                "env.SITE in ['a', 'b'] and env.SITE != 'a'",
                "env.SITE == 'a'",
                true,
            ),
            (
                "env.SITE != 'a' and env.SITE in ['a', 'b']",
                "env.SITE == 'a'",
                true,
            ),
            ("wanted and reset", "wanted and not reset", true),
            ("env.A is defined", "env.A is undefined", true),
            ("env.A is defined", "env.A is not defined", true),
            ("not (node == 'a')", "node == 'a'", true),
            ("env.SITE == 'paris'", "env.SITE == 'paris'", false),
            ("env.SITE == 'paris'", "env.REGION == 'lyon'", false),
            ("env.SITE in ['a', 'b']", "env.SITE == 'b'", false),
            ("env.SITE != 'a'", "env.SITE != 'b'", false),
            (
                "env.SITE != 'a' and env.SITE != 'b'",
                "env.SITE == 'c'",
                false,
            ),
            (
                "env.SITE in ['a', 'b'] and env.SITE != 'a'",
                "env.SITE == 'b'",
                false,
            ),
            ("env.SITE == 'a' or reset", "env.SITE == 'b'", false),
            ("not (env.A == 'a' and env.B == 'b')", "env.A == 'a'", false),
            ("env.N == 1", "env.N == 1.0", false),
            ("env.A < 'a'", "env.A == 'b'", false),
        ] {
            let (left, right) = (premises(one), premises(other));
            assert_eq!(left.exclude(&right), expected, "{one} / {other}");
            assert_eq!(right.exclude(&left), expected, "{other} / {one}");
        }
    }
}
