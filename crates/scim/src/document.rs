//! What comes in, made into what is kept: canonical names and types, read-only and secret parts left out, what no
//! schema knows set aside (server rules 2, 3, 4, 6, 8 and 9 of the identity providers' wire; RFC 7643 section 2).

use serde_json::{Value, json};

use crate::schema::{Attribute, Mutability, Schema, Schemas, Type, USER, USER_PRINCIPAL_NAME};
use crate::{Error, Kind, Object, json::name_of};

/// A request's resource, taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Admitted {
    /// Declared attributes under their canonical names; extensions under their URNs.
    pub attributes: Object,
    /// What no schema knows, as it was sent: decides mappings in this request and is then dropped.
    pub undeclared: Object,
}

impl Schemas {
    /// Takes a resource apart.
    ///
    /// # Errors
    /// `invalidValue`, naming the attribute whose value is of the wrong type.
    pub fn admit(&self, body: Object) -> Result<Admitted, Error> {
        let mut admitted = Admitted::default();
        for (key, value) in body {
            self.admit_one(&key, value, &mut admitted)?;
        }
        Ok(admitted)
    }

    fn admit_one(&self, key: &str, value: Value, into: &mut Admitted) -> Result<(), Error> {
        if key.eq_ignore_ascii_case("schemas") {
            return Ok(());
        }
        let core = self.core();
        if let Some((_, attribute)) = self.attribute_of(&core.id, key) {
            return admit_attribute(attribute, value, "", &mut into.attributes, &mut into.undeclared);
        }
        if core.id.eq_ignore_ascii_case(key) {
            return match value {
                Value::Object(inner) => inner
                    .into_iter()
                    .try_for_each(|(k, v)| self.admit_one(&k, v, into)),
                unassigned if is_absent(&unassigned) => Ok(()),
                other => Err(wrong_type(key, "an object", &other)),
            };
        }
        if is_urn(key) {
            return self.admit_extension(key, value, into);
        }
        put_once(&mut into.undeclared, key, value)
    }

    fn admit_extension(&self, urn: &str, value: Value, into: &mut Admitted) -> Result<(), Error> {
        let declared = self.extension(urn);
        if declared.is_none()
            && let Some((schema, name)) = urn.rsplit_once(':')
            && (self.extension(schema).is_some() || self.core().id.eq_ignore_ascii_case(schema))
        {
            return self.admit_extension_or_core(schema, json!({ name: value }), into);
        }
        let inner = match value {
            Value::Object(inner) => inner,
            unassigned if is_absent(&unassigned) => return Ok(()),
            other if declared.is_some() => return Err(wrong_type(urn, "an object", &other)),
            other => {
                return match urn.rsplit_once(':') {
                    Some((schema, name)) if name.eq_ignore_ascii_case(USER_PRINCIPAL_NAME) => {
                        self.admit_extension(schema, json!({ name: other }), into)
                    }
                    _ => set_aside_flat(&mut into.undeclared, urn, other),
                };
            }
        };
        if declared.is_some_and(Schema::is_read_only) {
            return Ok(());
        }
        let canonical = declared.map_or(urn, |schema| &schema.id);
        let mut kept = into
            .attributes
            .remove(canonical)
            .map(object_in)
            .unwrap_or_default();
        let mut dropped = Object::new();
        for (key, value) in inner {
            let attribute = match declared {
                Some(schema) => self
                    .attribute_of(&schema.id, &key)
                    .map(|(_, attribute)| attribute),
                None => None,
            };
            match attribute {
                Some(attribute) => admit_attribute(attribute, value, canonical, &mut kept, &mut dropped)?,
                None if key.eq_ignore_ascii_case(USER_PRINCIPAL_NAME) => {
                    keep_principal_name(value, canonical, &mut kept)?;
                }
                None => put_once(&mut dropped, &key, value)?,
            }
        }
        if !kept.is_empty() {
            into.attributes.insert(canonical.to_owned(), Value::Object(kept));
        }
        if let Some(Value::Object(before)) = into.undeclared.get_mut(canonical) {
            return dropped
                .into_iter()
                .try_for_each(|(key, value)| put_once(before, &key, value));
        }
        if !dropped.is_empty() {
            into.undeclared
                .insert(canonical.to_owned(), Value::Object(dropped));
        }
        Ok(())
    }

    fn admit_extension_or_core(&self, schema: &str, value: Value, into: &mut Admitted) -> Result<(), Error> {
        match value {
            Value::Object(inner) if self.core().id.eq_ignore_ascii_case(schema) => inner
                .into_iter()
                .try_for_each(|(key, value)| self.admit_one(&key, value, into)),
            value => self.admit_extension(schema, value, into),
        }
    }

    /// The `schemas` list of a resource that holds `attributes` (RFC 7643 section 3): the core, then each extension.
    pub fn listed<'a>(&self, attributes: &'a Object) -> Vec<&'a str> {
        std::iter::once(USER)
            .chain(attributes.keys().map(String::as_str).filter(|key| is_urn(key)))
            .collect()
    }
}

/// `URN:name` with a value of its own, of a schema that is not declared.
fn set_aside_flat(undeclared: &mut Object, key: &str, value: Value) -> Result<(), Error> {
    let Some((urn, name)) = key.rsplit_once(':') else {
        return put_once(undeclared, key, value);
    };
    let entry = undeclared.entry(urn).or_insert_with(|| json!({}));
    match entry.as_object_mut() {
        Some(object) => put_once(object, name, value),
        None => Ok(()),
    }
}

/// Whether a key names a schema and not an attribute.
pub(crate) fn is_urn(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
        || key.starts_with("http://")
        || key.starts_with("https://")
}

/// Whether a value is "unassigned" where a decision is made: `null`, `""`, `[]` (and `{}`).
pub fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.iter().all(is_absent),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn keep_principal_name(value: Value, urn: &str, kept: &mut Object) -> Result<(), Error> {
    match value {
        Value::Null => Ok(()),
        Value::String(_) => put_once(kept, USER_PRINCIPAL_NAME, value),
        other => Err(wrong_type(
            &format!("{urn}:{USER_PRINCIPAL_NAME}"),
            "a string",
            &other,
        )),
    }
}

fn admit_attribute(
    attribute: &Attribute,
    value: Value,
    urn: &str,
    kept: &mut Object,
    dropped: &mut Object,
) -> Result<(), Error> {
    if matches!(attribute.mutability, Mutability::ReadOnly | Mutability::WriteOnly) {
        return Ok(());
    }
    set_aside_unknown(attribute, &value, dropped);
    let path = if urn.is_empty() {
        attribute.name.to_string()
    } else {
        format!("{urn}:{}", attribute.name)
    };
    match coerce(attribute, value, &path)? {
        Some(value) => put_once(kept, &attribute.name, value),
        None => Ok(()),
    }
}

/// Parts of a complex attribute that are not kept stand apart under its name, so that a mapping may look at them.
pub(crate) fn set_aside_unknown(attribute: &Attribute, value: &Value, dropped: &mut Object) {
    if attribute.kind != Type::Complex {
        return;
    }
    let is_kept = |key: &str| {
        let sub = attribute.sub(key);
        sub.is_some_and(|sub| sub.mutability != Mutability::ReadOnly)
    };
    let unknown = |value: &Value| -> Option<Value> {
        let parts = value.as_object()?.iter().filter(|(key, _)| !is_kept(key));
        let parts: Object = parts.map(|(key, value)| (key.clone(), value.clone())).collect();
        (!parts.is_empty()).then_some(Value::Object(parts))
    };
    let apart = match value {
        Value::Array(values) => {
            let apart: Vec<_> = values.iter().filter_map(unknown).collect();
            (!apart.is_empty()).then_some(Value::Array(apart))
        }
        single => unknown(single),
    };
    if let Some(apart) = apart {
        dropped.insert(attribute.name.to_string(), apart);
    }
}

/// `value` as `attribute` holds it; `None` for unassigned.
///
/// # Errors
/// `invalidValue`, naming `path`, what was expected and what came; never the value.
pub(crate) fn coerce(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return match value {
            Value::Array(values) if values.len() <= 1 => match values.into_iter().next() {
                Some(value) => coerce_one(attribute, value, path),
                None => Ok(None),
            },
            value => coerce_one(attribute, value, path),
        };
    }
    let values = match value {
        Value::Array(values) => values,
        Value::String(text) if text.is_empty() => return Ok(None),
        single => vec![single],
    };
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        kept.extend(coerce_one(attribute, value, path)?);
    }
    keep_first_primary(&mut kept);
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// `primary` is true at most once (RFC 7643 section 2.4); the first one wins.
fn keep_first_primary(values: &mut [Value]) {
    let mut seen = false;
    for value in values {
        if value.get("primary") == Some(&Value::Bool(true)) {
            if seen {
                value["primary"] = Value::Bool(false);
            }
            seen = true;
        }
    }
}

fn coerce_one(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    let fits = match (attribute.kind, &value) {
        (_, Value::Null) => return Ok(None),
        (Type::Complex, _) => return coerce_complex(attribute, value, path),
        (Type::String | Type::Reference | Type::Binary, Value::String(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::Decimal, Value::Number(_)) => true,
        (_, Value::String(text)) if text.is_empty() => return Ok(None),
        (Type::Boolean, Value::String(text)) => return boolean(text, path).map(Some),
        (Type::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Type::Integer | Type::Decimal, Value::String(text)) => {
            return number(attribute.kind, text, path).map(Some);
        }
        (Type::DateTime, Value::String(text)) => crate::time::instant(text).is_some(),
        _ => false,
    };
    if fits {
        Ok(Some(value))
    } else {
        Err(wrong_type(path, expected(attribute.kind), &value))
    }
}

fn coerce_complex(attribute: &Attribute, value: Value, path: &str) -> Result<Option<Value>, Error> {
    let object = match value {
        Value::Object(object) => object,
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(_) if attribute.sub("value").is_some() => {
            Object::from_iter([("value".to_owned(), value)])
        }
        other => return Err(wrong_type(path, "an object", &other)),
    };
    let mut kept = Object::new();
    for (key, value) in object {
        let Some(sub) = attribute.sub(&key) else { continue };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = coerce(sub, value, &format!("{path}.{}", sub.name))? {
            put_once(&mut kept, &sub.name, value)?;
        }
    }
    // `{"value": ""}` is how a reference is taken away (server rule 6).
    if !attribute.multi_valued && kept.get("value").is_some_and(is_absent) {
        return Ok(None);
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}

fn boolean(text: &str, path: &str) -> Result<Value, Error> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        text if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(wrong_type(path, "true or false", &Value::String(String::new()))),
    }
}

fn number(kind: Type, text: &str, path: &str) -> Result<Value, Error> {
    let parsed = match kind {
        Type::Integer => text.trim().parse::<i64>().ok().map(Value::from),
        _ => text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from),
    };
    parsed.ok_or_else(|| wrong_type(path, expected(kind), &Value::String(String::new())))
}

fn expected(kind: Type) -> &'static str {
    match kind {
        Type::String | Type::Reference | Type::Binary => "a string",
        Type::Boolean => "true or false",
        Type::Decimal => "a number",
        Type::Integer => "a whole number",
        Type::DateTime => "a date and time such as 2026-11-24T09:00:00Z",
        Type::Complex => "an object",
    }
}

pub(crate) fn wrong_type(path: &str, expected: &str, got: &Value) -> Error {
    let got = match got {
        Value::String(_) if expected != "an object" && expected != "a string" => "other text",
        other => name_of(other),
    };
    Error::new(
        Kind::InvalidValue,
        format!("{path} must be {expected}; the request has {got}."),
    )
}

fn put_once(object: &mut Object, key: &str, value: Value) -> Result<(), Error> {
    if object.insert(key.to_owned(), value).is_some() {
        return Err(Error::new(
            Kind::InvalidSyntax,
            format!(
                "The attribute {key} stands twice in the request; names ignore case (RFC 7643 section 2.1)."
            ),
        ));
    }
    Ok(())
}

pub(crate) fn object_in(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ENTERPRISE;

    fn admit(body: Value) -> Result<Admitted, Error> {
        Schemas::standard().admit(object_in(body))
    }

    fn kept(body: Value) -> Value {
        Value::Object(admit(body).unwrap().attributes)
    }

    #[test]
    fn names_become_canonical_and_read_only_or_secret_parts_vanish() {
        let body = json!({"SCHEMAS": [], "id": null, "USERNAME": "a", "password": "s", "groups": [], "meta": {"x": 1}});
        assert_eq!(kept(body), json!({"userName": "a"}));
    }

    #[test]
    fn booleans_and_single_values_take_the_shapes_that_idps_send() {
        let body = json!({"active": "False", "roles": [{"primary": "True", "value": "r"}], "emails": "a@b.c",
            ENTERPRISE: {"manager": [{"value": "m", "managerId": "1"}]}});
        assert_eq!(
            kept(body),
            json!({"active": false, "roles": [{"primary": true, "value": "r"}], "emails": [{"value": "a@b.c"}],
                ENTERPRISE: {"manager": {"value": "m"}}})
        );
    }

    #[test]
    fn what_no_schema_knows_is_set_aside() {
        let admitted = admit(
            json!({"userName": "a", "countryCode": "DE", "urn:x:2.0:User": {"k": "v",
            "UserPrincipalName": "a@c"}, ENTERPRISE: {"badge": 7, "department": "Sales"}}),
        )
        .unwrap();
        assert_eq!(
            Value::Object(admitted.undeclared),
            json!({"countryCode": "DE", "urn:x:2.0:User": {"k": "v"}, ENTERPRISE: {"badge": 7}})
        );
        assert_eq!(
            admitted.attributes["urn:x:2.0:User"],
            json!({"userPrincipalName": "a@c"})
        );
        assert_eq!(admitted.attributes[ENTERPRISE], json!({"department": "Sales"}));
    }

    #[test]
    fn what_is_set_aside_gathers_in_any_order() {
        let flat = format!("{ENTERPRISE}:badge");
        for body in [
            json!({(flat.clone()): 7, ENTERPRISE: {"floor": 3}}),
            json!({ENTERPRISE: {"floor": 3}, (flat.clone()): 7}),
        ] {
            let undeclared = Value::Object(admit(body).unwrap().undeclared);
            assert_eq!(undeclared, json!({ENTERPRISE: {"badge": 7, "floor": 3}}));
        }
    }

    #[test]
    fn a_wrong_type_is_refused_by_its_path_and_without_its_value() {
        let refused = admit(json!({"name": {"givenName": 42}})).unwrap_err();
        assert_eq!(
            refused.detail,
            "name.givenName must be a string; the request has a number."
        );
        let refused = admit(json!({"active": "hunter2"})).unwrap_err();
        assert_eq!(
            refused.detail,
            "active must be true or false; the request has other text."
        );
    }

    #[test]
    fn a_name_that_stands_twice_in_two_cases_is_refused() {
        assert!(
            admit(json!({"title": "a", "Title": "b"}))
                .unwrap_err()
                .detail
                .contains("stands twice")
        );
    }

    #[test]
    fn empty_values_are_no_error() {
        let body = json!({"userName": "a", "title": "", "emails": [], "name": {"givenName": ""}, "addresses": null,
            "active": "", ENTERPRISE: {"manager": {"value": ""}}});
        assert_eq!(
            kept(body),
            json!({"userName": "a", "title": "", "name": {"givenName": ""}})
        );
    }

    #[test]
    fn only_one_value_stays_primary() {
        let body = json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]});
        assert_eq!(kept(body)["emails"][1]["primary"], json!(false));
    }
}
