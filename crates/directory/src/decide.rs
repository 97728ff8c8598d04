//! Which mapping places a user. The first that matches decides; one that cannot be judged stops the search.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use scim::filter::{Look, Lookup};
use scim::schema::{ENTERPRISE, USER_PRINCIPAL_NAME};
use scim::text::{fold, nfc};
use scim::{AttributePath, Object, Schemas, is_absent};
use serde_json::Value;

use crate::{Belonging, Condition, ConnectionId, DeclaredAttribute, Mapping};

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
    /// The groups that the person belongs to, through groups within groups too.
    pub groups: &'a [Belonging],
    /// Whether an undeclared attribute that is not there is absent or unknown.
    pub carries: Carries,
    /// What was declared, and since when the person's attributes are kept: one that was declared later may have been sent
    /// before, and was not kept.
    pub kept: Option<(&'a [DeclaredAttribute], Timestamp)>,
}

/// How much of a person a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// The whole person (POST, PUT): an undeclared attribute that is not there is absent.
    Everything,
    /// What changes (PATCH), or nothing: it is unknown.
    Changes,
    /// Nothing, and a request that carried the whole person was judged then: a mapping that is no younger than that and
    /// cannot be judged now did not match then, and still does not.
    NothingSince(Timestamp),
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
    /// Whether that is all there is: an attribute that is neither kept nor in the request may have any value.
    pub is_known: bool,
}

/// How one mapping judges a person, and why.
#[derive(Debug)]
pub struct Judged<'m> {
    /// The mapping.
    pub mapping: &'m Mapping,
    /// What it says.
    pub answer: Answer,
    /// What it looked at, known or not.
    pub looked: Vec<Looked>,
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<_> = self.found.iter().map(|value| format!("\"{value}\"")).collect();
        match (self.is_known, found.as_slice()) {
            (false, _) => write!(f, "{} is neither kept nor sent here", self.attribute),
            (true, []) => write!(f, "{} has no value", self.attribute),
            (true, found) => write!(f, "{} is {}", self.attribute, found.join(" and ")),
        }
    }
}

impl Answer {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::NotMatched => "not matched",
            Self::Unknown => "unknown",
            Self::OtherConnection => "other connection",
        }
    }
}

/// What one mapping says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The person is one of those whom it is for.
    Matched,
    /// The person is not.
    NotMatched,
    /// It looks at an attribute that is neither kept nor in the request.
    Unknown,
    /// It is limited to other connections.
    OtherConnection,
}

/// Judges `mappings` in their order, until one decides.
pub fn decide<'m>(mappings: &'m [Mapping], subject: &Subject<'_>) -> Verdict<'m> {
    let mut looked: Vec<Looked> = Vec::new();
    for mapping in mappings {
        let judged = judge(mapping, subject);
        match judged.answer {
            Answer::Matched => return Verdict::Matched(mapping),
            Answer::Unknown => return Verdict::Unknown(mapping),
            Answer::OtherConnection => {}
            Answer::NotMatched => {
                for new in judged.looked {
                    let is_same = |old: &Looked| old.attribute.eq_ignore_ascii_case(&new.attribute);
                    if !looked.iter().any(is_same) {
                        looked.push(new);
                    }
                }
            }
        }
    }
    Verdict::Unmatched(looked)
}

/// What `mapping` alone says of the person.
pub fn judge<'m>(mapping: &'m Mapping, subject: &Subject<'_>) -> Judged<'m> {
    let judged = |answer, looked| Judged {
        mapping,
        answer,
        looked,
    };
    if !mapping.is_for(subject.connection) {
        return judged(Answer::OtherConnection, Vec::new());
    }
    let holds = match &mapping.condition {
        Condition::Any => Some(true),
        Condition::Group { groups } => Some(
            subject
                .groups
                .iter()
                .any(|belonging| groups.contains(&belonging.group)),
        ),
        Condition::Attribute {
            path,
            values,
            case_sensitive,
        } => subject
            .values(path)
            .map(|found| found.iter().any(|found| one_of(found, values, *case_sensitive))),
        Condition::Filter { filter } => filter.judge(subject),
    };
    let answer = match holds {
        Some(true) => Answer::Matched,
        Some(false) => Answer::NotMatched,
        None if subject.has_judged(mapping) => Answer::NotMatched,
        None => Answer::Unknown,
    };
    judged(answer, subject.looked(mapping))
}

impl Subject<'_> {
    /// Whether the mapping said no when it knew all that it looks at.
    fn has_judged(&self, mapping: &Mapping) -> bool {
        match self.carries {
            // A time is kept to the millisecond.
            Carries::NothingSince(at) => mapping
                .since
                .is_none_or(|since| since.as_millisecond() <= at.as_millisecond()),
            Carries::Everything | Carries::Changes => false,
        }
    }

    /// What the mapping looks at.
    fn looked(&self, mapping: &Mapping) -> Vec<Looked> {
        let look = |path: &AttributePath| {
            let found = self.values(path);
            Looked {
                attribute: path.to_string(),
                is_known: found.is_some(),
                found: found
                    .unwrap_or_default()
                    .into_iter()
                    .map(Cow::into_owned)
                    .collect(),
            }
        };
        let mut looked: Vec<_> = mapping.condition.paths().into_iter().map(look).collect();
        if mapping.is_for_groups() {
            looked.push(Looked {
                attribute: "groups".to_owned(),
                is_known: true,
                found: self
                    .groups
                    .iter()
                    .map(|belonging| belonging.display.clone())
                    .collect(),
            });
        }
        looked
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
        let found = self.find(path)?;
        Some(found.into_iter().flat_map(texts).collect())
    }

    /// The assigned values at `path`; `None` where they are not known.
    fn find(&self, path: &AttributePath) -> Option<Vec<&'a Value>> {
        let places = self.places(path.schema.as_deref());
        let found = places
            .into_iter()
            .map(|object| dig(object, path))
            .find(|values| !values.is_empty());
        match found {
            None if self.carries != Carries::Everything && !self.is_kept(path) => None,
            found => Some(found.unwrap_or_default()),
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
        let is_later = |(declared, since): (&[DeclaredAttribute], Timestamp)| {
            let mut meant = declared.iter().filter(|one| one.is_at(path));
            meant.any(|one| one.declared_at().as_millisecond() > since.as_millisecond())
        };
        path.attribute.eq_ignore_ascii_case(USER_PRINCIPAL_NAME)
            || path.resolve(self.schemas).is_some() && !self.kept.is_some_and(is_later)
    }
}

impl Lookup for Subject<'_> {
    fn look<'l>(&'l self, path: &AttributePath) -> Look<'l> {
        let Some(found) = self.find(path) else {
            return Look::Unknown;
        };
        let target = path.resolve(self.schemas);
        let attribute = target.map(|target| target.sub.unwrap_or(target.attribute));
        let each = |value: &'l Value| match value {
            Value::Array(values) => values.iter().collect(),
            single => vec![single],
        };
        Look::Known(attribute, found.into_iter().flat_map(each).collect())
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
