//! Which attributes an answer has: `attributes` and `excludedAttributes` (RFC 7644 section 3.9).

use serde_json::Value;

use crate::{AttributePath, Error, Kind, Object, Schemas};

/// What is always returned (RFC 7643 sections 3 and 3.1).
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// A choice of attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Projection {
    /// Everything that is returned by default.
    #[default]
    Default,
    /// These alone, and what is always returned.
    Only(Vec<AttributePath>),
    /// Everything but these.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// Reads the two parameters; each is a list with commas.
    ///
    /// # Errors
    /// `invalidValue` where both are given, which RFC 7644 forbids, or one names no attribute.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, Error> {
        let paths = |text: Option<&str>| -> Result<Vec<_>, Error> {
            let names = text.unwrap_or_default().split(',').map(str::trim);
            names
                .filter(|name| !name.is_empty())
                .map(|name| {
                    AttributePath::parse(name).map_err(|error| Error::new(Kind::InvalidValue, error.detail))
                })
                .collect()
        };
        let (only, without) = (paths(attributes)?, paths(excluded)?);
        match (only.is_empty(), without.is_empty()) {
            (true, true) => Ok(Self::Default),
            (false, true) => Ok(Self::Only(only)),
            (true, false) => Ok(Self::Without(without)),
            (false, false) => Err(Error::new(
                Kind::InvalidValue,
                "attributes and excludedAttributes exclude each other; send one of them (RFC 7644 section 3.9).",
            )),
        }
    }

    /// Whether answers have the core attribute `name`.
    pub fn has(&self, name: &str) -> bool {
        let names =
            |paths: &[AttributePath]| paths.iter().any(|path| path.attribute.eq_ignore_ascii_case(name));
        match self {
            Self::Default => true,
            Self::Only(paths) => names(paths),
            Self::Without(paths) => !paths
                .iter()
                .any(|path| path.sub.is_none() && path.attribute.eq_ignore_ascii_case(name)),
        }
    }

    /// Whether the attribute `name` was asked for by its name.
    pub fn asks_for(&self, name: &str) -> bool {
        matches!(self, Self::Only(paths) if paths.iter().any(|path| path.attribute.eq_ignore_ascii_case(name)))
    }

    /// The resource as it is asked for.
    pub fn apply(&self, schemas: &Schemas, resource: Object) -> Object {
        match self {
            Self::Default => resource,
            Self::Only(paths) => only(paths, schemas, &resource),
            Self::Without(paths) => without(paths, schemas, resource),
        }
    }
}

/// Where a path leads in a resource: the extension's key, and the attribute's name. `None` for the attribute is the whole
/// extension.
fn place(path: &AttributePath, schemas: &Schemas) -> (Option<String>, Option<String>) {
    let whole = path
        .schema
        .as_ref()
        .map(|urn| format!("{urn}:{}", path.attribute))
        .and_then(|urn| schemas.extension(&urn).map(|schema| schema.id.to_string()));
    if let Some(urn) = whole {
        return (Some(urn), None);
    }
    match path.resolve(schemas) {
        Some(target) => (
            target.extension.map(str::to_owned),
            Some(target.attribute.name.to_string()),
        ),
        None => (path.schema.clone(), Some(path.attribute.clone())),
    }
}

fn only(paths: &[AttributePath], schemas: &Schemas, resource: &Object) -> Object {
    let mut kept = Object::new();
    for name in ALWAYS {
        if let Some(value) = resource.get(name) {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    for path in paths {
        let (extension, attribute) = place(path, schemas);
        match (extension, attribute) {
            (Some(urn), None) => {
                if let Some((key, value)) = member(resource, &urn) {
                    kept.insert(key.to_owned(), value.clone());
                }
            }
            (Some(urn), Some(name)) => {
                let found = member(resource, &urn).and_then(|(key, value)| Some((key, value.as_object()?)));
                if let Some((key, from)) = found {
                    let into = kept.entry(key).or_insert_with(|| Value::Object(Object::new()));
                    if let Some(into) = into.as_object_mut() {
                        take(from, into, &name, path.sub.as_deref());
                    }
                }
            }
            (None, Some(name)) => take(resource, &mut kept, &name, path.sub.as_deref()),
            (None, None) => {}
        }
    }
    kept
}

fn take(from: &Object, into: &mut Object, name: &str, sub: Option<&str>) {
    let Some((key, value)) = member(from, name) else {
        return;
    };
    let Some(sub) = sub else {
        into.insert(key.to_owned(), value.clone());
        return;
    };
    let part = |value: &Value| -> Value {
        let found = value.as_object().and_then(|object| member(object, sub));
        found.map_or(Value::Null, |(key, value)| {
            Value::Object(Object::from_iter([(key.to_owned(), value.clone())]))
        })
    };
    match (value, into.get_mut(key)) {
        // Two parts of one attribute come together.
        (Value::Object(_), Some(Value::Object(known))) => {
            if let Value::Object(new) = part(value) {
                known.extend(new);
            }
        }
        (Value::Array(values), Some(Value::Array(known))) => {
            for (known, value) in known.iter_mut().zip(values) {
                if let (Some(known), Value::Object(new)) = (known.as_object_mut(), part(value)) {
                    known.extend(new);
                }
            }
        }
        (Value::Array(values), _) => {
            let parts = values.iter().map(|value| match part(value) {
                Value::Null => Value::Object(Object::new()),
                part => part,
            });
            into.insert(key.to_owned(), parts.collect());
        }
        (single, _) => {
            if let part @ Value::Object(_) = part(single) {
                into.insert(key.to_owned(), part);
            }
        }
    }
}

fn without(paths: &[AttributePath], schemas: &Schemas, mut resource: Object) -> Object {
    for path in paths {
        match place(path, schemas) {
            (Some(urn), None) => remove(&mut resource, &urn, None),
            (Some(urn), Some(name)) => {
                let key = member(&resource, &urn).map(|(key, _)| key.to_owned());
                let held = key.as_ref().and_then(|key| resource.get_mut(key));
                if let Some(held) = held.and_then(Value::as_object_mut) {
                    remove(held, &name, path.sub.as_deref());
                    if held.is_empty() {
                        remove(&mut resource, &urn, None);
                    }
                }
            }
            (None, Some(name)) if ALWAYS.iter().any(|always| always.eq_ignore_ascii_case(&name)) => {}
            (None, Some(name)) => remove(&mut resource, &name, path.sub.as_deref()),
            (None, None) => {}
        }
    }
    resource
}

fn remove(from: &mut Object, name: &str, sub: Option<&str>) {
    let Some(key) = member(from, name).map(|(key, _)| key.to_owned()) else {
        return;
    };
    let Some(sub) = sub else {
        from.shift_remove(&key);
        return;
    };
    match from.get_mut(&key) {
        Some(Value::Object(object)) => remove(object, sub, None),
        Some(Value::Array(values)) => {
            for object in values.iter_mut().filter_map(Value::as_object_mut) {
                remove(object, sub, None);
            }
        }
        _ => {}
    }
}

fn member<'o>(object: &'o Object, name: &str) -> Option<(&'o str, &'o Value)> {
    object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let user = json!({
            "schemas": ["s"], "id": "1", "userName": "a", "title": "t",
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "x", "type": "work"}, {"value": "y"}],
            crate::schema::ENTERPRISE: {"department": "d", "division": "v"},
            "meta": {"resourceType": "User"},
        });
        let projection = Projection::parse(attributes, excluded).unwrap();
        Value::Object(projection.apply(&Schemas::standard(), user.as_object().cloned().unwrap()))
    }

    #[test]
    fn what_is_named_comes_with_what_is_always_returned() {
        assert_eq!(
            projected(
                Some("USERNAME, name.givenName, name.familyName, emails.value"),
                None
            ),
            json!({"schemas": ["s"], "id": "1", "userName": "a", "name": {"givenName": "A", "familyName": "B"},
                "emails": [{"value": "x"}, {"value": "y"}]})
        );
        assert_eq!(
            projected(Some("department"), None),
            json!({"schemas": ["s"], "id": "1", crate::schema::ENTERPRISE: {"department": "d"}})
        );
        assert_eq!(
            projected(Some(crate::schema::ENTERPRISE), None)[crate::schema::ENTERPRISE],
            json!({"department": "d", "division": "v"})
        );
        assert_eq!(
            projected(Some("nothing"), None),
            json!({"schemas": ["s"], "id": "1"})
        );
    }

    #[test]
    fn what_is_excluded_goes_but_for_what_is_always_returned() {
        let left = projected(None, Some("id,userName,name.givenName,emails.type,meta,division"));
        assert_eq!(
            left,
            json!({"schemas": ["s"], "id": "1", "title": "t", "name": {"familyName": "B"},
                "emails": [{"value": "x"}, {"value": "y"}], crate::schema::ENTERPRISE: {"department": "d"}})
        );
        assert!(
            projected(None, Some(crate::schema::ENTERPRISE))
                .get(crate::schema::ENTERPRISE)
                .is_none()
        );
    }

    #[test]
    fn both_at_once_are_refused() {
        let error = Projection::parse(Some("a"), Some("b")).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidValue);
        assert_eq!(Projection::parse(Some(" , "), None).unwrap(), Projection::Default);
    }
}
