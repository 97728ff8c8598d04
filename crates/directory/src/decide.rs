//! Which mapping places a user. The first that matches decides; one that cannot be judged stops the search.

use std::borrow::Cow;

use scim::schema::{ENTERPRISE, USER_PRINCIPAL_NAME};
use scim::text::{fold, nfc};
use scim::{AttributePath, Object, Schemas, is_absent};
use serde_json::Value;

use crate::{Condition, ConnectionId, Mapping};

/// The person to judge.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The tenant's schemas.
    pub schemas: &'a Schemas,
    /// The connection that manages the person.
    pub connection: Option<ConnectionId>,
    /// Declared attributes, as they are kept.
    pub attributes: &'a Object,
    /// Undeclared attributes that this request carries.
    pub undeclared: &'a Object,
    /// Whether the request carries the whole person: an undeclared attribute that is not in it is then absent, and
    /// otherwise unknown.
    pub whole: bool,
}

/// What the mappings say.
#[derive(Debug)]
pub enum Verdict<'m> {
    /// This mapping places the person.
    Matched(&'m Mapping),
    /// The mapping cannot be judged, because an attribute that it looks at is not kept and not in the request.
    Unknown(&'m Mapping),
    /// No mapping matches; what they looked at, and what was there.
    Unmatched(Vec<Looked>),
}

/// What a mapping looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The attribute's path as the mapping writes it.
    pub attribute: String,
    /// The values there. They may be people's data and undeclared: for the client's eyes, never for a log.
    pub found: Vec<String>,
}

/// Judges `mappings` in their order.
pub fn decide<'m>(mappings: &'m [Mapping], subject: &Subject<'_>) -> Verdict<'m> {
    let mut looked: Vec<Looked> = Vec::new();
    for mapping in mappings
        .iter()
        .filter(|mapping| mapping.is_for(subject.connection))
    {
        let Condition::Attribute {
            path,
            values,
            case_sensitive,
        } = &mapping.condition
        else {
            return Verdict::Matched(mapping);
        };
        match subject.values(path) {
            None => return Verdict::Unknown(mapping),
            Some(found) if found.iter().any(|found| one_of(found, values, *case_sensitive)) => {
                return Verdict::Matched(mapping);
            }
            Some(found) => {
                let attribute = path.to_string();
                if !looked
                    .iter()
                    .any(|looked| looked.attribute.eq_ignore_ascii_case(&attribute))
                {
                    looked.push(Looked {
                        attribute,
                        found: found.into_iter().map(Cow::into_owned).collect(),
                    });
                }
            }
        }
    }
    Verdict::Unmatched(looked)
}

impl Mapping {
    fn is_for(&self, connection: Option<ConnectionId>) -> bool {
        self.connections.is_empty() || connection.is_some_and(|id| self.connections.contains(&id))
    }
}

fn one_of(found: &str, values: &[String], case_sensitive: bool) -> bool {
    let same = |value: &String| {
        let value = nfc(value.trim());
        if case_sensitive {
            value == found
        } else {
            fold(&value) == fold(found)
        }
    };
    values.iter().any(same)
}

impl<'a> Subject<'a> {
    /// The values at `path` as text; `None` where they are not known.
    fn values(&self, path: &AttributePath) -> Option<Vec<Cow<'a, str>>> {
        let places = self.places(path.schema.as_deref());
        let found = places
            .into_iter()
            .map(|object| dig(object, path))
            .find(|values| !values.is_empty());
        match found {
            Some(values) => Some(values.into_iter().flat_map(texts).collect()),
            None if self.whole || self.is_kept(path) => Some(Vec::new()),
            None => None,
        }
    }

    /// Where to look, in order: core, enterprise, other extensions, undeclared top-level keys.
    fn places(&self, schema: Option<&str>) -> Vec<&'a Object> {
        let core = &self.schemas.core().id;
        let both = || [self.attributes, self.undeclared].into_iter();
        let extensions = |wanted: &dyn Fn(&str) -> bool| -> Vec<&'a Object> {
            both()
                .flat_map(Object::iter)
                .filter(|(key, _)| key.contains(':') && wanted(key))
                .filter_map(|(_, value)| value.as_object())
                .collect()
        };
        match schema {
            Some(urn) if core.eq_ignore_ascii_case(urn) => both().collect(),
            Some(urn) => extensions(&|key| key.eq_ignore_ascii_case(urn)),
            None => std::iter::once(self.attributes)
                .chain(extensions(&|key| key == ENTERPRISE))
                .chain(extensions(&|key| key != ENTERPRISE))
                .chain(std::iter::once(self.undeclared))
                .collect(),
        }
    }

    /// Whether the attribute is stored, so that its absence is known.
    fn is_kept(&self, path: &AttributePath) -> bool {
        path.attribute.eq_ignore_ascii_case(USER_PRINCIPAL_NAME) || path.resolve(self.schemas).is_some()
    }
}

/// The assigned values at `attribute[.sub]` in one object. Undeclared dotted keys are found too.
fn dig<'a>(object: &'a Object, path: &AttributePath) -> Vec<&'a Value> {
    let whole = member(object, &path.attribute);
    let found = match (&path.sub, whole) {
        (None, whole) => whole.into_iter().collect(),
        (Some(sub), Some(Value::Object(inner))) => member(inner, sub).into_iter().collect(),
        (Some(sub), Some(Value::Array(list))) => list
            .iter()
            .filter_map(Value::as_object)
            .filter_map(|inner| member(inner, sub))
            .collect(),
        (Some(sub), _) => member(object, &format!("{}.{sub}", path.attribute))
            .into_iter()
            .collect::<Vec<_>>(),
    };
    found.into_iter().filter(|value| !is_absent(value)).collect()
}

fn member<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    let any_case = || {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    object.get(name).or_else(any_case)
}

/// Values as text: each element by itself, of a complex one its `value`, booleans and numbers in their JSON form.
fn texts(value: &Value) -> Vec<Cow<'_, str>> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(object) => {
            let inner = object.iter().find(|(key, _)| key.eq_ignore_ascii_case("value"));
            inner.map(|(_, value)| texts(value)).unwrap_or_default()
        }
        Value::String(text) => vec![nfc(text.trim())]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect(),
        Value::Bool(boolean) => vec![Cow::Borrowed(if *boolean { "true" } else { "false" })],
        Value::Number(number) => vec![Cow::Owned(number.to_string())],
        Value::Null => Vec::new(),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
