//! The members of a group in a PATCH, taken out of it: a group may have a hundred thousand of them, and a change of one
//! must read none of the others.

use serde_json::Value;

use super::{Operation, Patch, Path, Verb};
use crate::filter::{Filter, Literal, Operator};
use crate::schema::GROUP;
use crate::{Error, Kind, Object};

/// One change of a group's members, in the order of the request. Ids are as they were sent; who is none is the directory's
/// to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// These come in.
    Add(Vec<String>),
    /// These go.
    Remove(Vec<String>),
    /// All go.
    Clear,
}

impl Patch {
    /// The changes of members, and the patch without them.
    ///
    /// # Errors
    /// `invalidPath` for a filter on anything but a member's `value`; `invalidValue` for what is no list of members.
    pub fn split_members(self) -> Result<(Self, Vec<MemberChange>), Error> {
        let (mut operations, mut changes) = (Vec::new(), Vec::new());
        for (index, operation) in self.operations.into_iter().enumerate() {
            let kept = operation
                .split_members(&mut changes)
                .map_err(|error| error.in_operation(index))?;
            operations.extend(kept);
        }
        Ok((Self { operations }, changes))
    }
}

/// The ids in a list of members, as POST and PUT send it.
///
/// # Errors
/// `invalidValue`.
pub fn member_ids(members: &Value) -> Result<Vec<String>, Error> {
    let one = |member: &Value| match member {
        Value::String(id) => Ok(Some(id.clone())),
        Value::Object(member) => Ok(value_of(member)),
        Value::Null => Ok(None),
        _ => Err(Error::new(
            Kind::InvalidValue,
            "members must be objects with the \"value\" of a user or group.",
        )),
    };
    let ids: Result<Vec<_>, _> = match members {
        Value::Array(members) => members.iter().map(one).collect(),
        single => std::iter::once(one(single)).collect(),
    };
    Ok(ids?.into_iter().flatten().collect())
}

fn value_of(member: &Object) -> Option<String> {
    let found = member.iter().find(|(key, _)| key.eq_ignore_ascii_case("value"));
    found.and_then(|(_, value)| value.as_str()).map(str::to_owned)
}

impl Operation {
    fn split_members(mut self, changes: &mut Vec<MemberChange>) -> Result<Option<Self>, Error> {
        let Some(text) = &self.path else {
            return self.split_members_of_value(changes).map(Some);
        };
        let path = Path::parse(text)?;
        let is_of_groups = path
            .attribute
            .schema
            .as_ref()
            .is_none_or(|urn| urn.eq_ignore_ascii_case(GROUP));
        if !is_of_groups || !path.attribute.attribute.eq_ignore_ascii_case("members") {
            return Ok(Some(self));
        }
        if path.attribute.sub.is_some() {
            // What a member is called is its own affair.
            return Ok(None);
        }
        if let Some(filter) = &path.filter {
            let ids = named_by(filter)?;
            changes.push(match self.verb {
                Verb::Remove => MemberChange::Remove(ids),
                Verb::Add | Verb::Replace => MemberChange::Add(ids),
            });
            return Ok(None);
        }
        change(self.verb, self.value.take(), changes)?;
        Ok(None)
    }

    /// A value without a path may hold members among other attributes.
    fn split_members_of_value(mut self, changes: &mut Vec<MemberChange>) -> Result<Self, Error> {
        let Some(Value::Object(members)) = &mut self.value else {
            return Ok(self);
        };
        let keys: Vec<_> = members.keys().filter(|key| is_members(key)).cloned().collect();
        for key in keys {
            let value = members.shift_remove(&key);
            change(self.verb, value, changes)?;
        }
        Ok(self)
    }
}

fn is_members(key: &str) -> bool {
    key.eq_ignore_ascii_case("members")
        || key.rsplit_once(':').is_some_and(|(urn, name)| {
            urn.eq_ignore_ascii_case(GROUP) && name.eq_ignore_ascii_case("members")
        })
}

/// `remove` with a list takes those alone, as Entra ID means it; without one it takes all (RFC 7644 section 3.5.2.2).
fn change(verb: Verb, value: Option<Value>, changes: &mut Vec<MemberChange>) -> Result<(), Error> {
    let ids = value.as_ref().map(member_ids).transpose()?;
    match (verb, ids) {
        (Verb::Remove, Some(ids)) if !ids.is_empty() => changes.push(MemberChange::Remove(ids)),
        (Verb::Remove, _) => changes.push(MemberChange::Clear),
        (Verb::Add, ids) => changes.push(MemberChange::Add(ids.unwrap_or_default())),
        (Verb::Replace, ids) => {
            changes.push(MemberChange::Clear);
            changes.push(MemberChange::Add(ids.unwrap_or_default()));
        }
    }
    Ok(())
}

/// The ids in `value eq "..."`, one or several joined by `or`.
fn named_by(filter: &Filter) -> Result<Vec<String>, Error> {
    match filter {
        Filter::Or(left, right) => {
            let mut ids = named_by(left)?;
            ids.extend(named_by(right)?);
            Ok(ids)
        }
        Filter::Compare(path, Operator::Eq, Literal::Text(id))
            if path.attribute.eq_ignore_ascii_case("value") && path.sub.is_none() =>
        {
            Ok(vec![id.clone()])
        }
        _ => Err(Error::new(
            Kind::InvalidPath,
            "members are named by their value: members[value eq \"...\"].",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn split(operations: Value) -> (usize, Vec<MemberChange>) {
        let message = json!({"Operations": operations});
        let patch = Patch::parse(message.as_object().cloned().unwrap()).unwrap();
        let (rest, changes) = patch.split_members().unwrap();
        (rest.operations.len(), changes)
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    #[test]
    fn every_provider_names_members_in_its_own_way() {
        let okta = json!([{"op": "remove", "path": "members[value eq \"u1\"]"},
            {"op": "add", "path": "members", "value": [{"value": "u2", "display": "x"}]}]);
        assert_eq!(
            split(okta).1,
            [
                MemberChange::Remove(ids(&["u1"])),
                MemberChange::Add(ids(&["u2"]))
            ]
        );
        let entra = json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u1"}]}]);
        assert_eq!(split(entra).1, [MemberChange::Remove(ids(&["u1"]))]);
        let push = json!([{"op": "replace", "path": "members", "value": []}]);
        assert_eq!(
            split(push).1,
            [MemberChange::Clear, MemberChange::Add(Vec::new())]
        );
        let all = json!([{"op": "remove", "path": "members"}]);
        assert_eq!(split(all).1, [MemberChange::Clear]);
        let urn = json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members", "value": "u1"}]);
        assert_eq!(split(urn).1, [MemberChange::Add(ids(&["u1"]))]);
    }

    #[test]
    fn a_value_without_a_path_keeps_its_other_attributes() {
        let operations =
            json!([{"op": "replace", "value": {"id": "g", "displayName": "x", "members": [{"value": "u"}]}}]);
        let (rest, changes) = split(operations);
        assert_eq!(rest, 1);
        assert_eq!(changes, [MemberChange::Clear, MemberChange::Add(ids(&["u"]))]);
        assert_eq!(
            split(json!([{"op": "replace", "path": "displayName", "value": "x"}])),
            (1, Vec::new())
        );
    }
}
