//! Add, replace and remove on the values of one attribute.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Verb;
use crate::document::{coerce, is_absent, object_in};
use crate::filter::{Filter, Literal, Operator};
use crate::path::Target;
use crate::schema::{Attribute, Type};
use crate::{Error, Kind, Object};

/// Carries out one operation in `holder`, the object that has (or will have) the attribute.
pub(super) fn apply(
    verb: Verb,
    target: Target<'_>,
    filter: Option<&Filter>,
    value: Option<Value>,
    path: &str,
    holder: &mut Object,
) -> Result<(), Error> {
    let attribute = target.attribute;
    match (filter, target.sub) {
        (Some(_), _) if !attribute.multi_valued || attribute.kind != Type::Complex => Err(Error::new(
            Kind::InvalidPath,
            format!(
                "{path}: {} has one value, so it takes no filter in brackets.",
                attribute.name
            ),
        )),
        (Some(filter), sub) => on_elements(verb, attribute, filter, sub, value, path, holder),
        (None, Some(sub)) => on_sub_attribute(verb, attribute, sub, value, path, holder),
        (None, None) if attribute.multi_valued => on_all_values(verb, attribute, value, path, holder),
        (None, None) => on_single_value(verb, attribute, value, path, holder),
    }
}

fn on_single_value(
    verb: Verb,
    attribute: &Attribute,
    value: Option<Value>,
    path: &str,
    holder: &mut Object,
) -> Result<(), Error> {
    let cleared = cleared_parts(attribute, value.as_ref());
    let value = match value {
        Some(value) if verb != Verb::Remove => coerce(attribute, value, path)?,
        _ => None,
    };
    let name = &*attribute.name;
    match (value, holder.get_mut(name)) {
        (Some(Value::Object(new)), Some(Value::Object(old))) => old.extend(new),
        (Some(value), _) => drop(holder.insert(name.to_owned(), value)),
        (None, Some(_)) if cleared.is_empty() => drop(holder.shift_remove(name)),
        (None, _) => {}
    }
    for part in cleared {
        remove_part(holder, name, &part);
    }
    Ok(())
}

/// The sub-attributes that an operation on a whole complex value takes away by giving them `null`.
fn cleared_parts(attribute: &Attribute, value: Option<&Value>) -> Vec<String> {
    let Some(Value::Object(object)) = value else {
        return Vec::new();
    };
    object
        .iter()
        .filter(|(_, value)| value.is_null())
        .filter_map(|(key, _)| attribute.sub(key).map(|sub| sub.name.to_string()))
        .collect()
}

fn remove_part(holder: &mut Object, name: &str, part: &str) {
    if let Some(Value::Object(object)) = holder.get_mut(name) {
        object.shift_remove(part);
        if object.is_empty() {
            holder.shift_remove(name);
        }
    }
}

fn on_all_values(
    verb: Verb,
    attribute: &Attribute,
    value: Option<Value>,
    path: &str,
    holder: &mut Object,
) -> Result<(), Error> {
    let new = match value {
        Some(value) => coerce(attribute, value, path)?.map(array_in),
        None => None,
    };
    let mut values = take(holder, attribute);
    match (verb, new) {
        (Verb::Remove, Some(listed)) => {
            let gone = index(&listed);
            values.retain(|value| {
                let twins = gone.get(&key_of(value)).into_iter().flatten();
                !twins.into_iter().any(|&at| same(value, &listed[at]))
            });
        }
        (Verb::Remove | Verb::Replace, None) => values.clear(),
        (Verb::Replace, Some(new)) => values = new,
        (Verb::Add, new) => add_all(&mut values, new.unwrap_or_default()),
    }
    put(holder, attribute, values);
    Ok(())
}

fn on_sub_attribute(
    verb: Verb,
    attribute: &Attribute,
    sub: &Attribute,
    value: Option<Value>,
    path: &str,
    holder: &mut Object,
) -> Result<(), Error> {
    let value = match value {
        Some(value) if verb != Verb::Remove => coerce(sub, value, path)?,
        _ => None,
    };
    let mut values = take(holder, attribute);
    if values.is_empty() && value.is_some() {
        values.push(Value::Object(Object::new()));
    }
    let every: Vec<usize> = (0..values.len()).collect();
    set_part(&mut values, &every, sub, value.as_ref());
    put(holder, attribute, values);
    Ok(())
}

fn on_elements(
    verb: Verb,
    attribute: &Attribute,
    filter: &Filter,
    sub: Option<&Attribute>,
    value: Option<Value>,
    path: &str,
    holder: &mut Object,
) -> Result<(), Error> {
    let mut values = take(holder, attribute);
    let mut matching: Vec<usize> = (0..values.len())
        .filter(|&index| filter.matches_element(Some(attribute), &values[index]))
        .collect();
    if verb == Verb::Remove {
        match sub {
            Some(sub) => set_part(&mut values, &matching, sub, None),
            None => values.retain(|value| !filter.matches_element(Some(attribute), value)),
        }
        put(holder, attribute, values);
        return Ok(());
    }
    if matching.is_empty() {
        values.push(described(attribute, filter, path)?);
        matching.push(values.len() - 1);
    }
    let value = value.unwrap_or_default();
    match sub {
        Some(sub) => set_part(&mut values, &matching, sub, coerce(sub, value, path)?.as_ref()),
        None => set_elements(verb, attribute, &mut values, &matching, value, path)?,
    }
    put(holder, attribute, values);
    Ok(())
}

fn set_elements(
    verb: Verb,
    attribute: &Attribute,
    values: &mut Vec<Value>,
    matching: &[usize],
    value: Value,
    path: &str,
) -> Result<(), Error> {
    let new = coerce(attribute, value, path)?.map(array_in).unwrap_or_default();
    let Some(new) = new.into_iter().next().map(object_in) else {
        let gone: HashSet<_> = matching.iter().copied().collect();
        let mut at = 0..;
        values.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
        return Ok(());
    };
    for &index in matching {
        let mut element = if verb == Verb::Add {
            object_in(values[index].take())
        } else {
            Object::new()
        };
        element.extend(new.clone());
        values[index] = Value::Object(element);
        yield_primary(values, index);
    }
    Ok(())
}

/// Refuses a filter that no value matches.
pub(super) fn check_target(
    attribute: &Attribute,
    filter: &Filter,
    path: &str,
    holder: Option<&Object>,
) -> Result<(), Error> {
    let values = holder.and_then(|holder| holder.get(&*attribute.name)?.as_array());
    let is_there = |value: &Value| filter.matches_element(Some(attribute), value);
    if values.is_some_and(|values| values.iter().any(is_there)) {
        return Ok(());
    }
    let detail = format!("{path}: no value of {} matches.", attribute.name);
    Err(Error::new(Kind::NoTarget, detail))
}

/// The element that a filter's equality terms describe: where nothing matches, it is made (server rule 5).
fn described(attribute: &Attribute, filter: &Filter, path: &str) -> Result<Value, Error> {
    let mut element = Object::new();
    for term in filter.conjuncts() {
        let Filter::Compare(term_path, Operator::Eq, literal) = term else {
            continue;
        };
        let Some(sub) = attribute.sub(&term_path.attribute) else {
            continue;
        };
        let value = match literal {
            Literal::Text(text) => Value::from(text.as_str()),
            Literal::Number(number) => Value::Number(number.clone()),
            Literal::Boolean(boolean) => Value::Bool(*boolean),
            Literal::Null => continue,
        };
        if let Some(value) = coerce(sub, value, path)? {
            element.insert(sub.name.to_string(), value);
        }
    }
    if element.is_empty() {
        let detail = format!(
            "{path}: no value of {} matches, and the filter does not describe one to add.",
            attribute.name
        );
        return Err(Error::new(Kind::NoTarget, detail));
    }
    Ok(Value::Object(element))
}

fn set_part(values: &mut [Value], indexes: &[usize], sub: &Attribute, value: Option<&Value>) {
    for &index in indexes {
        let Some(object) = values[index].as_object_mut() else {
            continue;
        };
        match value {
            Some(value) => drop(object.insert(sub.name.to_string(), value.clone())),
            None => drop(object.shift_remove(&*sub.name)),
        }
        yield_primary(values, index);
    }
}

/// Adds the values that are not there already; one with the same `value` is completed instead.
fn add_all(values: &mut Vec<Value>, new: Vec<Value>) {
    let mut known = index(values);
    for new in new {
        let twins = known.entry(key_of(&new)).or_default();
        let twin = twins.iter().copied().find(|&at| same(&values[at], &new));
        let at = if let Some(at) = twin {
            let mut element = object_in(values[at].take());
            element.extend(object_in(new));
            values[at] = Value::Object(element);
            at
        } else {
            values.push(new);
            twins.push(values.len() - 1);
            values.len() - 1
        };
        yield_primary(values, at);
    }
}

/// Where values stand that may mean the same thing, so that a long list is looked through once.
fn index(values: &[Value]) -> HashMap<String, Vec<usize>> {
    let mut index: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, value) in values.iter().enumerate() {
        index.entry(key_of(value)).or_default().push(at);
    }
    index
}

fn key_of(value: &Value) -> String {
    value.get("value").unwrap_or(value).to_string()
}

/// Whether two values mean one thing: equal, or with the same `value` and no two different types.
fn same(value: &Value, other: &Value) -> bool {
    if value == other {
        return true;
    }
    let types = (value.get("type"), other.get("type"));
    value.get("value").is_some()
        && value.get("value") == other.get("value")
        && (types.0 == types.1 || types.1.is_none())
}

/// Where the value at `index` became the primary one, the others no longer are (RFC 7644 section 3.5.2).
fn yield_primary(values: &mut [Value], index: usize) {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    if !is_primary(&values[index]) {
        return;
    }
    for (other, value) in values.iter_mut().enumerate() {
        if other != index && is_primary(value) {
            value["primary"] = Value::Bool(false);
        }
    }
}

/// The values, taken out of their place; [`put`] puts them back. An error leaves the holder to be thrown away.
fn take(holder: &mut Object, attribute: &Attribute) -> Vec<Value> {
    holder
        .get_mut(&*attribute.name)
        .map(Value::take)
        .map(array_in)
        .unwrap_or_default()
}

fn put(holder: &mut Object, attribute: &Attribute, mut values: Vec<Value>) {
    values.retain(|value| value.as_object().is_none_or(|object| !object.is_empty()));
    // A reference to nothing is none (server rule 6).
    if !attribute.multi_valued {
        values.retain(|value| !value.get("value").is_some_and(is_absent));
    }
    if values.is_empty() {
        holder.shift_remove(&*attribute.name);
    } else if attribute.multi_valued {
        holder.insert(attribute.name.to_string(), Value::Array(values));
    } else {
        holder.insert(attribute.name.to_string(), values.swap_remove(0));
    }
}

fn array_in(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        single => vec![single],
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
