//! PATCH (RFC 7644 section 3.5.2) in all the shapes that identity providers send it: reading the message.
//!
//! A patch is read once and applied to a copy of the attributes; an operation that is refused leaves nothing behind.

mod apply;
mod members;
mod values;

use serde_json::Value;

pub use members::{MemberChange, member_ids};

use crate::filter::{Filter, MAX_BYTES};
use crate::{AttributePath, Error, Kind, Object, json::name_of};

/// More operations than this in one request are refused.
const MAX_OPERATIONS: usize = 200;

/// The operations of one PATCH request, in order.
#[derive(Debug, Clone)]
pub struct Patch {
    operations: Vec<Operation>,
}

/// What becomes of an add or replace whose filter in brackets matches no value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Miss {
    /// The value that the filter describes is made, as Entra ID needs it (server rule 5).
    #[default]
    Create,
    /// `noTarget`, as RFC 7644 section 3.5.2.3 has it.
    Refuse,
}

/// What a patch made of a resource's attributes.
#[derive(Debug, Clone, Default)]
pub struct Patched {
    /// The attributes after all operations, with canonical names.
    pub attributes: Object,
    /// What no schema knows, as it was sent: decides mappings in this request and is then dropped.
    pub undeclared: Object,
    /// Names of the attributes that an operation named, in small letters; sub-attributes count as their attribute.
    pub touched: Vec<String>,
    miss: Miss,
}

#[derive(Debug, Clone)]
struct Operation {
    verb: Verb,
    path: Option<String>,
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// `attribute[filter].sub`, with an optional schema before it.
struct Path {
    attribute: AttributePath,
    filter: Option<Filter>,
}

impl Patch {
    /// Reads a PatchOp message. Names ignore case, and `schemas` may be missing (server rule 2).
    ///
    /// # Errors
    /// `invalidSyntax` where the message is not of its form, naming the operation by its number from 1.
    pub fn parse(body: Object) -> Result<Self, Error> {
        let operations = member(body, "Operations").ok_or_else(|| {
            syntax("A PATCH request needs \"Operations\", a list of operations (RFC 7644 section 3.5.2).")
        })?;
        let operations = match operations {
            Value::Array(operations) => operations,
            single @ Value::Object(_) => vec![single],
            other => {
                return Err(syntax(format!(
                    "\"Operations\" must be a list; it is {}.",
                    name_of(&other)
                )));
            }
        };
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            let count = operations.len();
            return Err(syntax(format!(
                "A PATCH request has 1 to {MAX_OPERATIONS} operations; this one has {count}."
            )));
        }
        let operations = operations
            .into_iter()
            .enumerate()
            .map(|(index, operation)| Operation::parse(operation).map_err(|error| error.in_operation(index)))
            .collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// Whether the last word on the attribute is a `remove`.
    pub fn takes_away(&self, attribute: &str) -> bool {
        let names_it = |operation: &&Operation| {
            let path = operation.path.as_deref().map(Path::parse);
            matches!(path, Some(Ok(path)) if path.attribute.attribute.eq_ignore_ascii_case(attribute))
        };
        let last = self.operations.iter().rev().find(names_it);
        last.is_some_and(|operation| operation.verb == Verb::Remove)
    }
}

impl Operation {
    fn parse(operation: Value) -> Result<Self, Error> {
        let Value::Object(operation) = operation else {
            return Err(syntax(format!(
                "an operation must be an object; this is {}.",
                name_of(&operation)
            )));
        };
        let (mut verb, mut path, mut value) = (None, None, None);
        for (key, given) in operation {
            if key.eq_ignore_ascii_case("op") {
                verb = Some(given);
            } else if key.eq_ignore_ascii_case("path") {
                path = Some(given);
            } else if key.eq_ignore_ascii_case("value") {
                value = Some(given);
            }
        }
        let verb = match verb
            .as_ref()
            .and_then(Value::as_str)
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("add") => Verb::Add,
            Some("replace") => Verb::Replace,
            Some("remove") => Verb::Remove,
            _ => return Err(syntax("\"op\" must be add, replace or remove.")),
        };
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(path.trim().to_owned()),
            Some(other) => {
                return Err(syntax(format!(
                    "\"path\" must be a string; it is {}.",
                    name_of(&other)
                )));
            }
        };
        Ok(Self { verb, path, value })
    }
}

impl Path {
    fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            let detail = format!(
                "a path of {} bytes is too long; {MAX_BYTES} is the most.",
                text.len()
            );
            return Err(Error::new(Kind::InvalidPath, detail));
        }
        let Some((attribute, rest)) = text.split_once('[') else {
            return Ok(Self {
                attribute: AttributePath::parse(text)?,
                filter: None,
            });
        };
        let mut attribute = AttributePath::parse(attribute)?;
        let (filter, rest) = Filter::parse_element(rest).map_err(|error| {
            Error::new(
                Kind::InvalidPath,
                format!("{text:?}, behind \"[\": {}", error.detail),
            )
        })?;
        match rest.strip_prefix('.') {
            Some(sub) if crate::path::is_name(sub) && attribute.sub.is_none() => {
                attribute.sub = Some(sub.to_owned());
            }
            None if rest.is_empty() => {}
            _ => {
                return Err(Error::new(
                    Kind::InvalidPath,
                    format!("{text:?} is not a path: {rest:?} cannot follow \"]\"."),
                ));
            }
        }
        Ok(Self {
            attribute,
            filter: Some(filter),
        })
    }
}

impl Error {
    fn in_operation(self, index: usize) -> Self {
        Self::new(self.kind, format!("Operation {}: {}", index + 1, self.detail))
    }
}

fn member(mut object: Object, name: &str) -> Option<Value> {
    let key = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.remove(&key)
}

fn syntax(detail: impl Into<String>) -> Error {
    Error::new(Kind::InvalidSyntax, detail)
}
