//! Filters (RFC 7644 section 3.4.2.2): the tree, its text form, its parser and its evaluator.

mod eval;
mod parse;

use std::fmt;

pub use eval::{Look, Lookup};
use serde_json::Number;

use crate::AttributePath;

/// Longest filter that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;
/// Deepest nesting of `not`, parentheses and brackets.
pub const MAX_DEPTH: usize = 32;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// At least one.
    Or(Box<Filter>, Box<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// An attribute compared with a literal.
    Compare(AttributePath, Operator, Literal),
    /// `pr`: the attribute has a value.
    Present(AttributePath),
    /// `emails[type eq "work"]`: some value of the attribute matches.
    Element(AttributePath, Box<Filter>),
}

/// Comparison operators (RFC 7644 table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the RFC's own words")]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "JSON's own words")]
pub enum Literal {
    Text(String),
    Number(Number),
    Boolean(bool),
    Null,
}

/// Whether a word without quotes may stand for a string, as one identity provider's documentation writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// A bare word is an error.
    Required,
    /// A bare word is a string.
    Optional,
}

impl Operator {
    const NAMES: [(&'static str, Self); 9] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("co", Self::Co),
        ("sw", Self::Sw),
        ("ew", Self::Ew),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
        ("lt", Self::Lt),
        ("le", Self::Le),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|&(_, operator)| operator)
    }

    fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|&&(_, operator)| operator == self)
            .map_or("eq", |&(name, _)| name)
    }
}

impl Filter {
    /// The terms of a conjunction, which this filter may be; every one of them must hold.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::And(left, right) => [left.conjuncts(), right.conjuncts()].concat(),
            other => vec![other],
        }
    }
}

impl Filter {
    /// The paths that the filter looks at, each as often as it stands there.
    pub fn paths(&self) -> Vec<&AttributePath> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => [left.paths(), right.paths()].concat(),
            Self::Not(inner) => inner.paths(),
            Self::Compare(path, ..) | Self::Present(path) | Self::Element(path, _) => vec![path],
        }
    }
}

impl serde::Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Filter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, Quotes::Required).map_err(serde::de::Error::custom)
    }
}

/// The text form: parsing it gives the same tree again.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(left, right) => {
                grouped(f, left, matches!(**left, Self::Or(..)))?;
                f.write_str(" and ")?;
                grouped(f, right, matches!(**right, Self::Or(..) | Self::And(..)))
            }
            Self::Or(left, right) => {
                grouped(f, left, false)?;
                f.write_str(" or ")?;
                grouped(f, right, matches!(**right, Self::Or(..)))
            }
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare(path, operator, literal) => write!(f, "{path} {} {literal}", operator.name()),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Element(path, inner) => write!(f, "{path}[{inner}]"),
        }
    }
}

fn grouped(f: &mut fmt::Formatter<'_>, filter: &Filter, parentheses: bool) -> fmt::Result {
    if parentheses {
        write!(f, "({filter})")
    } else {
        write!(f, "{filter}")
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Null => f.write_str("null"),
        }
    }
}
