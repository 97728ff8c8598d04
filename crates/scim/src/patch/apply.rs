//! Where an operation leads, and what it may do there.

use serde_json::{Value, json};

use super::{Miss, Operation, Patch, Patched, Path, Verb, values};
use crate::document::{is_urn, object_in, set_aside_unknown};
use crate::path::Target;
use crate::schema::{Mutability, Schema, Schemas, USER_PRINCIPAL_NAME};
use crate::{AttributePath, Error, Kind, Object, json::name_of};

impl Patch {
    /// Applies all operations to `attributes`, or none.
    ///
    /// # Errors
    /// `invalidPath`, `noTarget`, `mutability` or `invalidValue`, naming the operation by its number and the place.
    pub fn apply(&self, schemas: &Schemas, attributes: Object, miss: Miss) -> Result<Patched, Error> {
        let mut patched = Patched {
            attributes,
            undeclared: Object::new(),
            touched: Vec::new(),
            miss,
        };
        for (index, operation) in self.operations.iter().enumerate() {
            operation
                .apply(schemas, &mut patched)
                .map_err(|error| error.in_operation(index))?;
        }
        Ok(patched)
    }
}

impl Operation {
    fn apply(&self, schemas: &Schemas, on: &mut Patched) -> Result<(), Error> {
        let value = match (&self.value, self.verb) {
            (Some(value), _) => Some(value.clone()),
            (None, Verb::Remove) => None,
            (None, _) => {
                return Err(Error::new(
                    Kind::InvalidValue,
                    "\"value\" is missing; add and replace need one.",
                ));
            }
        };
        match &self.path {
            Some(path) if is_whole_schema(path, schemas) => self.apply_members(path, value, schemas, on),
            Some(path) => apply_at(self.verb, path, value, schemas, on),
            None if self.verb == Verb::Remove => Err(Error::new(
                Kind::NoTarget,
                "\"path\" is missing; remove needs one (RFC 7644 section 3.5.2.2).",
            )),
            None => self.apply_members("", value, schemas, on),
        }
    }

    /// An operation on several attributes at once: no path, or the path of a whole extension. Read-only members come
    /// along with what an identity provider echoes, and are passed over (server rule 3).
    fn apply_members(
        &self,
        urn: &str,
        value: Option<Value>,
        schemas: &Schemas,
        on: &mut Patched,
    ) -> Result<(), Error> {
        let members = match value {
            Some(Value::Object(members)) => members,
            None if self.verb == Verb::Remove => {
                if let Some(extension) = schemas.extension(urn)
                    && let Some(Value::Object(gone)) = on.attributes.shift_remove(&*extension.id)
                {
                    on.touched.extend(gone.keys().map(|key| key.to_ascii_lowercase()));
                }
                return Ok(());
            }
            None | Some(Value::Null) => return Ok(()),
            Some(other) => {
                let detail = format!(
                    "\"value\" must be an object of attributes; it is {}.",
                    name_of(&other)
                );
                return Err(Error::new(Kind::InvalidValue, detail));
            }
        };
        for (key, value) in members {
            if urn.is_empty() && key.eq_ignore_ascii_case("schemas") {
                continue;
            }
            if urn.is_empty() && (is_whole_schema(&key, schemas) || (is_urn(&key) && value.is_object())) {
                self.apply_members(&key, Some(value), schemas, on)?;
                continue;
            }
            if AttributePath::parse(&key).is_err() && !key.contains('[') {
                on.undeclared.insert(key, value);
                continue;
            }
            let path = if urn.is_empty() {
                key
            } else {
                format!("{urn}:{key}")
            };
            match apply_at(self.verb, &path, Some(value), schemas, on) {
                Err(error) if error.kind == Kind::Mutability => {}
                other => other?,
            }
        }
        Ok(())
    }
}

fn is_whole_schema(path: &str, schemas: &Schemas) -> bool {
    schemas.all().any(|schema| schema.id.eq_ignore_ascii_case(path))
}

fn apply_at(
    verb: Verb,
    text: &str,
    value: Option<Value>,
    schemas: &Schemas,
    on: &mut Patched,
) -> Result<(), Error> {
    let path = Path::parse(text)?;
    on.touched.push(path.attribute.attribute.to_ascii_lowercase());
    let Some(target) = path.attribute.resolve(schemas) else {
        return apply_undeclared(verb, &path, value, schemas, on);
    };
    check_mutability(target, text)?;
    if target.attribute.mutability == Mutability::WriteOnly {
        return Ok(());
    }
    if let (Some(filter), Miss::Refuse) = (&path.filter, on.miss)
        && verb != Verb::Remove
    {
        let holder = match target.extension {
            None => Some(&on.attributes),
            Some(urn) => on.attributes.get(urn).and_then(Value::as_object),
        };
        values::check_target(target.attribute, filter, text, holder)?;
    }
    if let (Some(value), None) = (&value, target.sub)
        && verb != Verb::Remove
    {
        let mut apart = Object::new();
        set_aside_unknown(target.attribute, value, &mut apart);
        match target.extension {
            None => on.undeclared.extend(apart),
            Some(_) if apart.is_empty() => {}
            Some(urn) => {
                let entry = on.undeclared.entry(urn).or_insert_with(|| json!({}));
                if let Some(object) = entry.as_object_mut() {
                    object.extend(apart);
                }
            }
        }
    }
    let Some(urn) = target.extension else {
        return values::apply(
            verb,
            target,
            path.filter.as_ref(),
            value,
            text,
            &mut on.attributes,
        );
    };
    let mut holder = on.attributes.get(urn).cloned().map(object_in).unwrap_or_default();
    values::apply(verb, target, path.filter.as_ref(), value, text, &mut holder)?;
    put_extension(urn, holder, &mut on.attributes);
    Ok(())
}

fn check_mutability(target: Target<'_>, text: &str) -> Result<(), Error> {
    let read_only = target.attribute.mutability == Mutability::ReadOnly
        || target
            .sub
            .is_some_and(|sub| sub.mutability == Mutability::ReadOnly);
    if read_only {
        return Err(Error::new(
            Kind::Mutability,
            format!("{text} is read-only; Provost alone writes it."),
        ));
    }
    Ok(())
}

/// What no schema knows decides mappings and is dropped; only `userPrincipalName` is kept in any extension.
fn apply_undeclared(
    verb: Verb,
    path: &Path,
    value: Option<Value>,
    schemas: &Schemas,
    on: &mut Patched,
) -> Result<(), Error> {
    let attribute = &path.attribute;
    let name = match &attribute.sub {
        // A sub-attribute that its attribute does not have points nowhere.
        Some(sub)
            if schemas.attribute_anywhere(&attribute.attribute).is_some() && attribute.schema.is_none() =>
        {
            let detail = format!("{} has no sub-attribute {sub:?}.", attribute.attribute);
            return Err(Error::new(Kind::InvalidPath, detail));
        }
        Some(sub) => format!("{}.{sub}", attribute.attribute),
        None => attribute.attribute.clone(),
    };
    let Some(urn) = &attribute.schema else {
        if verb != Verb::Remove {
            on.undeclared.insert(name, value.unwrap_or_default());
        }
        return Ok(());
    };
    let urn = schemas.extension(urn).map_or(urn.as_str(), |schema| &*schema.id);
    let is_ours = schemas.extension(urn).is_some_and(Schema::is_read_only);
    if is_ours {
        return Ok(());
    }
    if name.eq_ignore_ascii_case(USER_PRINCIPAL_NAME) {
        let mut holder = on.attributes.get(urn).cloned().map(object_in).unwrap_or_default();
        holder.retain(|key, _| key != USER_PRINCIPAL_NAME);
        match value {
            Some(value @ Value::String(_)) if verb != Verb::Remove => {
                drop(holder.insert(USER_PRINCIPAL_NAME.to_owned(), value));
            }
            Some(Value::Null) | None => {}
            Some(_) if verb == Verb::Remove => {}
            Some(other) => {
                return Err(crate::document::wrong_type(
                    &attribute.to_string(),
                    "a string",
                    &other,
                ));
            }
        }
        put_extension(urn, holder, &mut on.attributes);
    } else if verb != Verb::Remove {
        let entry = on.undeclared.entry(urn.to_owned()).or_insert_with(|| json!({}));
        if let Some(object) = entry.as_object_mut() {
            object.insert(name, value.unwrap_or_default());
        }
    }
    Ok(())
}

fn put_extension(urn: &str, holder: Object, attributes: &mut Object) {
    if holder.is_empty() {
        attributes.shift_remove(urn);
    } else {
        attributes.insert(urn.to_owned(), Value::Object(holder));
    }
}
