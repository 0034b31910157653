//! The minimum requirements of a condition, derived from its text: enough to see that two conditions never hold
//! together, without knowing any fact.

use std::collections::BTreeMap;

use minijinja::machinery::{ast, parse_expr};

use crate::model::{TemplateValue, Var};

use super::asked::Asked;
use super::is_template;
use super::written::written;

/// The requirements of a condition: if it is true, one of these alternatives holds. It may require more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Premises(Vec<Alternative>);

/// The subjects of a condition, each with its requirement.
type Alternative = BTreeMap<String, Asked>;

/// The maximum number of alternatives.
const MOST_ALTERNATIVES: usize = 32;

impl Premises {
    /// Returns true if no facts satisfy both.
    pub fn exclude(&self, other: &Self) -> bool {
        self.0
            .iter()
            .all(|one| other.0.iter().all(|other| excludes(one, other)))
    }

    /// The values that must be one particular text, with that text.
    pub fn fixed(&self) -> impl Iterator<Item = (String, String)> {
        let common = self.common().into_iter();
        common.filter_map(|(subject, asked)| {
            let only = asked.only()?.to_owned();
            Some((subject, only))
        })
    }

    /// The requirements common to all alternatives.
    pub fn common(&self) -> BTreeMap<String, Asked> {
        let mut alternatives = self.0.iter();
        let mut common = alternatives.next().cloned().unwrap_or_default();
        for other in alternatives {
            let both = common.into_iter().filter_map(|(subject, asked)| {
                let either = asked.or(other.get(&subject)?.clone());
                Some((subject, either))
            });
            common = both.collect();
        }
        common
    }

    /// The subjects of every alternative, each with its requirement.
    pub fn each(&self) -> impl Iterator<Item = (&str, &Asked)> {
        let all = self.0.iter().flatten();
        all.map(|(subject, asked)| (subject.as_str(), asked))
    }

    fn one(subject: String, asked: Asked) -> Self {
        Self(vec![BTreeMap::from([(subject, asked)])])
    }

    /// Both of these.
    fn and(self, other: &Self) -> Self {
        if self.0.len() * other.0.len() > MOST_ALTERNATIVES {
            return self;
        }
        let mut found = Vec::new();
        for one in &self.0 {
            for more in &other.0 {
                let mut all = one.clone();
                for (subject, asked) in more {
                    let both = match all.remove(subject) {
                        Some(before) => before.and(asked.clone()),
                        None => asked.clone(),
                    };
                    all.insert(subject.clone(), both);
                }
                found.push(all);
            }
        }
        Self(found)
    }

    /// One of these.
    fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        if self.0.len() > MOST_ALTERNATIVES {
            return Self(vec![self.common()]);
        }
        self
    }
}

fn excludes(one: &Alternative, other: &Alternative) -> bool {
    let mut pairs = one
        .iter()
        .filter_map(|(subject, asked)| Some((asked, other.get(subject)?)));
    let is_impossible = |one: &Alternative| {
        one.values()
            .any(|asked| matches!(asked, Asked::OneOf(texts) if texts.is_empty()))
    };
    pairs.any(|(one, other)| one.excludes(other)) || is_impossible(one) || is_impossible(other)
}

/// Finds the requirements of a condition; `vars` are the file's.
pub fn premises(condition: &str, vars: &[Var]) -> Premises {
    match parse_expr(condition) {
        Ok(tree) => Reading { vars }.of(&tree, true),
        Err(_) => Premises(vec![Alternative::new()]),
    }
}

struct Reading<'a> {
    vars: &'a [Var],
}

impl Reading<'_> {
    /// The requirements of an expression if it is true, or if it is false.
    fn of(&self, tree: &ast::Expr<'_>, truth: bool) -> Premises {
        match tree {
            ast::Expr::UnaryOp(node) if matches!(node.op, ast::UnaryOpKind::Not) => {
                self.of(&node.expr, !truth)
            }
            ast::Expr::BinOp(node)
                if matches!(node.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) =>
            {
                let (left, right) = (self.of(&node.left, truth), self.of(&node.right, truth));
                if matches!(node.op, ast::BinOpKind::ScAnd) == truth {
                    left.and(&right)
                } else {
                    left.or(right)
                }
            }
            other => {
                let (subject, asked) = self.single(other);
                let asked = if truth { asked } else { asked.opposite() };
                Premises::one(subject, asked)
            }
        }
    }

    /// The subject of an expression, and its requirement: true exactly if that holds.
    fn single(&self, tree: &ast::Expr<'_>) -> (String, Asked) {
        match tree {
            ast::Expr::BinOp(node) => match node.op {
                ast::BinOpKind::Eq => equals(&node.left, &node.right),
                ast::BinOpKind::Ne => opposite(equals(&node.left, &node.right)),
                ast::BinOpKind::In => self.within(&node.left, &node.right),
                _ => is_true(tree),
            },
            ast::Expr::Test(node) if node.name == "undefined" && node.args.is_empty() => {
                let (subject, asked) = (format!("{} is defined", written(&node.expr)), truth_of());
                (subject, asked.opposite())
            }
            other => is_true(other),
        }
    }

    fn within(&self, value: &ast::Expr<'_>, list: &ast::Expr<'_>) -> (String, Asked) {
        let texts: Option<Vec<String>> = match list {
            ast::Expr::List(list) => list.items.iter().map(text).collect(),
            ast::Expr::Tuple(tuple) => tuple.items.iter().map(text).collect(),
            ast::Expr::Var(node) => self.list(node.id),
            _ => None,
        };
        match texts {
            Some(texts) => (written(value), Asked::OneOf(texts)),
            None => (
                format!("{} in {}", written(value), written(list)),
                truth_of(),
            ),
        }
    }

    /// The texts of a list in the file.
    fn list(&self, name: &str) -> Option<Vec<String>> {
        let var = self.vars.iter().find(|var| var.name == name)?;
        let TemplateValue::List(items) = &var.value else {
            return None;
        };
        let text = |item: &TemplateValue| match item {
            TemplateValue::Text(template) if !is_template(&template.text) => {
                Some(template.text.clone())
            }
            _ => None,
        };
        items.iter().map(text).collect()
    }
}

fn is_true(tree: &ast::Expr<'_>) -> (String, Asked) {
    let subject = match tree {
        ast::Expr::Test(_) => written(tree),
        other => format!("{} is true", written(other)),
    };
    (subject, truth_of())
}

/// Booleans have two values: not being one means being the other.
fn truth_of() -> Asked {
    Asked::OneOf(vec!["true".to_owned()])
}

fn opposite((subject, asked): (String, Asked)) -> (String, Asked) {
    (subject, asked.opposite())
}

fn equals(left: &ast::Expr<'_>, right: &ast::Expr<'_>) -> (String, Asked) {
    let (subject, asked) = match (text(left), text(right)) {
        (_, Some(text)) => (left, Asked::OneOf(vec![text])),
        (Some(text), None) => (right, Asked::OneOf(vec![text])),
        (None, None) => {
            return (
                format!("{} == {}", written(left), written(right)),
                truth_of(),
            );
        }
    };
    (written(subject), asked)
}

/// A constant text. Numbers are left out, because `1` and `1.0` are the same number.
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
            (
                "node is startingwith('a')",
                "not node is startingwith(\"a\")",
                true,
            ),
            ("'prod' in node", "'prod' not in node", true),
            ("env.SITE in l", "env.SITE not in l", true),
            (
                "env.A == 'a' or node == 'b'",
                "not env.A == 'a' and not node == 'b'",
                true,
            ),
            ("node == 'a' or env.B", "not (env.B or node == 'a')", true),
            ("node[0] == 'a'", "node[0] == 'b'", true),
            ("node[0] == 'a'", "node[1] == 'b'", false),
            ("node[:1] == 'a'", "node[1:] == 'b'", false),
            ("node | length > 3", "not (node|length > 3)", true),
            (
                "node | replace('a', 'b') == 'x'",
                "node | replace('a', 'c') == 'y'",
                false,
            ),
            (
                "node is startingwith('a')",
                "not node is startingwith('b')",
                false,
            ),
            ("env.A == 'a' or node == 'b'", "not env.A == 'a'", false),
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
            let (left, right) = (premises(one, &[]), premises(other, &[]));
            assert_eq!(left.exclude(&right), expected, "{one} / {other}");
            assert_eq!(right.exclude(&left), expected, "{other} / {one}");
        }
    }
}
