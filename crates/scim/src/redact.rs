//! A request's body as it may be kept: without secrets, and with attributes that no schema declares by their names alone.

use serde_json::Value;

use crate::document::is_urn;
use crate::filter::{Filter, Literal, Quotes};
use crate::schema::{Attribute, Mutability, Schema, Schemas, Type, USER_PRINCIPAL_NAME};
use crate::{AttributePath, Object};

/// What stands for a value that may not be kept.
pub const NOT_KEPT: &str = "(not kept)";
/// What stands for a secret.
const SECRET: &str = "(secret)";
/// What a `.search` request may say (RFC 7644 section 3.4.3).
const SEARCH: [&str; 9] = [
    "schemas",
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
];

impl Schemas {
    /// Makes of a resource of these schemas, or of a PATCH of one, what may be kept.
    pub fn redact(&self, body: &mut Object) {
        // What is no name may be anything, a value too.
        if body.keys().any(|key| !is_key(key)) {
            let named = std::mem::take(body).into_iter().filter(|(key, _)| is_key(key));
            *body = named.collect();
            body.insert(NOT_KEPT.to_owned(), NOT_KEPT.into());
        }
        for (key, value) in body {
            match value {
                Value::Array(operations) if key.eq_ignore_ascii_case("Operations") => {
                    for operation in operations {
                        self.redact_operation(operation);
                    }
                }
                value => self.redact_one(key, value),
            }
        }
    }

    /// Makes of the body of a `.search` request what may be kept.
    pub fn redact_search(&self, body: &mut Object) {
        for (key, value) in body {
            let is_known = SEARCH.iter().any(|known| known.eq_ignore_ascii_case(key));
            match value {
                Value::String(filter) if key.eq_ignore_ascii_case("filter") => {
                    *filter = self.redact_filter(filter);
                }
                Value::Object(_) => *value = not_kept(),
                value if is_known => plain(value),
                _ => *value = not_kept(),
            }
        }
    }

    /// A filter as it may be kept: as it is where it looks at declared attributes alone.
    #[must_use]
    pub fn redact_filter(&self, filter: &str) -> String {
        match Filter::parse(filter, Quotes::Optional) {
            Ok(parsed) if self.declares(&parsed) => masked(parsed).to_string(),
            _ => NOT_KEPT.to_owned(),
        }
    }

    fn declares(&self, filter: &Filter) -> bool {
        match filter {
            Filter::And(left, right) | Filter::Or(left, right) => self.declares(left) && self.declares(right),
            Filter::Not(inner) => self.declares(inner),
            Filter::Compare(path, ..) | Filter::Present(path) => match path.resolve(self) {
                Some(target) => target.attribute.mutability != Mutability::WriteOnly,
                None => is_principal_name(&path.attribute),
            },
            Filter::Element(path, inner) => path.resolve(self).is_some_and(|target| {
                let is_part = |path: &&AttributePath| target.attribute.sub(&path.attribute).is_some();
                inner.paths().iter().all(is_part)
            }),
        }
    }

    fn redact_one(&self, key: &str, value: &mut Value) {
        if key.eq_ignore_ascii_case("schemas") {
            return plain(value);
        }
        let core = self.core();
        if let Some((_, attribute)) = self.attribute_of(&core.id, key) {
            return redact_value(attribute, value);
        }
        if !is_urn(key) {
            *value = not_kept();
            return;
        }
        let schema = if core.id.eq_ignore_ascii_case(key) {
            Some(core)
        } else {
            self.extension(key)
        };
        match value {
            Value::Object(inner) => redact_extension(schema, inner),
            // `URN:name` with a value of its own.
            value => self.redact_at(key, value),
        }
    }

    /// The value at an attribute's path.
    fn redact_at(&self, path: &str, value: &mut Value) {
        let parsed = AttributePath::parse(path).ok();
        if parsed
            .as_ref()
            .is_some_and(|path| is_principal_name(&path.attribute))
        {
            return plain(value);
        }
        match parsed.and_then(|path| {
            path.resolve(self)
                .map(|target| target.sub.unwrap_or(target.attribute))
        }) {
            Some(attribute) => redact_value(attribute, value),
            None => *value = not_kept(),
        }
    }

    fn redact_operation(&self, operation: &mut Value) {
        let Value::Object(parts) = operation else {
            *operation = not_kept();
            return;
        };
        let path = parts
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("path"))
            .and_then(|(_, path)| path.as_str())
            .map(|path| path.trim().to_owned())
            .filter(|path| !path.is_empty());
        for (key, value) in parts {
            if key.eq_ignore_ascii_case("op") {
                plain(value);
            } else if key.eq_ignore_ascii_case("path") {
                match &path {
                    Some(path) => *value = self.redact_path(path).into(),
                    None => plain(value),
                }
            } else if key.eq_ignore_ascii_case("value") {
                self.redact_operand(path.as_deref(), value);
            } else {
                *value = not_kept();
            }
        }
    }

    fn redact_operand(&self, path: Option<&str>, value: &mut Value) {
        match (path, value) {
            (None, Value::Object(attributes)) => self.redact(attributes),
            (None, value) => *value = not_kept(),
            (Some(path), Value::Object(inner)) if self.extension(path).is_some() => {
                redact_extension(self.extension(path), inner);
            }
            (Some(path), value) => match path.split_once('[') {
                None => self.redact_at(path, value),
                Some((attribute, rest)) => {
                    let sub = rest.rsplit_once("].").map(|(_, sub)| format!(".{sub}"));
                    self.redact_at(&format!("{attribute}{}", sub.unwrap_or_default()), value);
                }
            },
        }
    }

    /// A path whose filter looks at what is not declared loses the filter.
    fn redact_path(&self, path: &str) -> String {
        let name = path.split('[').next().unwrap_or_default();
        let attribute = AttributePath::parse(name).ok();
        if attribute.is_none() && self.extension(name).is_none() {
            return NOT_KEPT.to_owned();
        }
        let Some((name, rest)) = path.split_once('[') else {
            return path.to_owned();
        };
        let target = attribute.as_ref().and_then(|attribute| attribute.resolve(self));
        let is_known = target.is_some_and(|target| {
            let looked = Filter::parse_element(rest).map(|(filter, _)| filter);
            looked.is_ok_and(|filter| {
                let is_part = |path: &&AttributePath| target.attribute.sub(&path.attribute).is_some();
                filter.paths().iter().all(is_part)
            })
        });
        if is_known {
            return path.to_owned();
        }
        let behind = rest.rsplit_once(']').map_or("", |(_, behind)| behind);
        format!("{name}[...]{behind}")
    }
}

fn redact_extension(schema: Option<&Schema>, inner: &mut Object) {
    for (key, value) in inner {
        let attribute = schema.and_then(|schema| {
            let named = |attribute: &&Attribute| attribute.name.eq_ignore_ascii_case(key);
            schema.attributes.iter().find(named)
        });
        match attribute {
            Some(attribute) => redact_value(attribute, value),
            None if is_principal_name(key) => plain(value),
            None => *value = not_kept(),
        }
    }
}

fn redact_value(attribute: &Attribute, value: &mut Value) {
    if attribute.mutability == Mutability::WriteOnly {
        *value = SECRET.into();
        return;
    }
    match value {
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| redact_single(attribute, value)),
        single => redact_single(attribute, single),
    }
}

fn redact_single(attribute: &Attribute, value: &mut Value) {
    match value {
        Value::Object(parts) if attribute.kind == Type::Complex => {
            for (key, value) in parts {
                match attribute.sub(key) {
                    Some(sub) => redact_value(sub, value),
                    None => *value = not_kept(),
                }
            }
        }
        value => plain(value),
    }
}

/// A simple value; whatever has parts of its own is of no declared form.
fn plain(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(plain),
        Value::Object(_) => *value = not_kept(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether it can be the name of an attribute or a schema.
fn is_key(key: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || ":._-$/#".contains(letter);
    key.len() <= 300 && key.chars().all(is_part)
}

/// The filter without what it compares with.
fn masked(filter: Filter) -> Filter {
    let inside = |filter: Box<Filter>| Box::new(masked(*filter));
    match filter {
        Filter::And(left, right) => Filter::And(inside(left), inside(right)),
        Filter::Or(left, right) => Filter::Or(inside(left), inside(right)),
        Filter::Not(inner) => Filter::Not(inside(inner)),
        Filter::Element(path, inner) => Filter::Element(path, inside(inner)),
        Filter::Compare(path, operator, Literal::Text(_)) => {
            Filter::Compare(path, operator, Literal::Text("...".to_owned()))
        }
        other => other,
    }
}

fn is_principal_name(name: &str) -> bool {
    name.eq_ignore_ascii_case(USER_PRINCIPAL_NAME)
}

fn not_kept() -> Value {
    NOT_KEPT.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::ENTERPRISE;

    fn redacted(mut body: Value) -> Value {
        Schemas::standard().redact(body.as_object_mut().unwrap());
        body
    }

    #[test]
    fn a_secret_and_what_no_schema_declares_are_kept_by_name_alone() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ava", "PassWord": "hunter2", "shoeSize": 43,
            "name": {"givenName": "Ava", "nickname": "Av"},
            "emails": [{"value": "ava@example.com", "primary": true, "verifiedBy": "hunter2"}],
            ENTERPRISE: {"department": "Sales", "clearance": "secret", "userPrincipalName": "ava@corp"},
            "urn:example:custom": {"badge": "hunter2", "deep": {"x": 1}},
            "urn:example:custom:flat": "hunter2",
        });
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ava", "PassWord": SECRET, "shoeSize": NOT_KEPT,
            "name": {"givenName": "Ava", "nickname": NOT_KEPT},
            "emails": [{"value": "ava@example.com", "primary": true, "verifiedBy": NOT_KEPT}],
            ENTERPRISE: {"department": "Sales", "clearance": NOT_KEPT, "userPrincipalName": "ava@corp"},
            "urn:example:custom": {"badge": NOT_KEPT, "deep": NOT_KEPT},
            "urn:example:custom:flat": NOT_KEPT,
        });
        assert_eq!(redacted(body), expected);
    }

    #[test]
    fn a_patch_keeps_what_its_paths_declare() {
        let body = json!({"schemas": ["x"], "Operations": [
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "add", "path": "shoeSize", "value": "hunter2"},
            {"op": "replace", "path": "password", "value": "hunter2"},
            {"op": "replace", "value": {"displayName": "Ava", "password": "hunter2", "badge": "hunter2"}},
            {"op": "add", "path": "emails[type eq \"work\"].value", "value": "a@b.c"},
            {"op": "add", "path": "emails[badge eq \"hunter2\"].value", "value": "a@b.c"},
            {"op": "add", "path": "badges[value eq \"hunter2\"]", "value": "hunter2"},
            {"op": "add", "path": ENTERPRISE, "value": {"department": "Sales", "badge": "hunter2"}},
            {"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Sales"},
            {"op": "add", "path": "active", "value": {"hunter2": "hunter2"}, "note": "hunter2"},
            "hunter2",
        ]});
        let text = redacted(body).to_string();
        let Value::Object(kept) = serde_json::from_str(&text).unwrap() else {
            unreachable!()
        };
        assert!(!text.contains("hunter2"), "{text}");
        let operations = &kept["Operations"];
        assert_eq!(operations[0]["value"], "False");
        assert_eq!(operations[1]["value"], NOT_KEPT);
        assert_eq!(operations[3]["value"]["displayName"], "Ava");
        assert_eq!(operations[4]["path"], "emails[type eq \"work\"].value");
        assert_eq!(operations[4]["value"], "a@b.c");
        assert_eq!(operations[5]["path"], "emails[...].value");
        assert_eq!(operations[7]["value"]["department"], "Sales");
        assert_eq!(operations[8]["value"], "Sales");
    }

    #[test]
    fn a_filter_is_kept_where_it_looks_at_what_is_declared() {
        let schemas = Schemas::standard();
        for (sent, kept) in [
            ("userName eq \"ava\"", "userName eq \"...\""),
            (
                "emails[type eq \"work\"].value co \"x\" and active eq true",
                "emails[type eq \"...\" and value co \"...\"] and active eq true",
            ),
        ] {
            assert_eq!(schemas.redact_filter(sent), kept);
        }
        for lost in [
            "badge eq \"hunter2\"",
            "emails[badge eq \"hunter2\"]",
            "password eq \"hunter2\"",
            "userName eq \"hunter2",
            "",
        ] {
            assert_eq!(schemas.redact_filter(lost), NOT_KEPT);
        }
    }
}
