//! Groups, as identity providers push them.

mod change;
mod list;
mod members;

use std::collections::HashMap;

use directory::{
    Belonging, Condition, Connection, ConnectionId, Ctx, Facts, Group, GroupId, Member, Record, Refusal,
    Settings, TenantId, Thing, UserId,
};
use scim::{Error as ScimError, Kind};
use store::{Tx, groups};

use crate::Error;

pub(crate) use change::remove_all_of;
pub use change::{create, delete, patch, replace};
pub use list::{Listing, browse, list};

/// Whether an answer tells the members: there may be a hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// Yes.
    Told,
    /// No: not one is read.
    LeftOut,
}

/// A group as it is answered.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The group.
    pub group: Group,
    /// Its members, if they are told.
    pub members: Option<Vec<Member>>,
}

/// The connection's group with this id.
///
/// # Errors
/// SCIM's 404.
pub fn show(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
    members: Members,
) -> Result<Shown, Error> {
    let group = existing(tx, ctx, connection, id)?;
    with_members(tx, ctx, group, members)
}

/// Whether the group has more than `count` members.
pub fn has_more_than(tx: &mut Tx<'_>, ctx: &Ctx, group: GroupId, count: usize) -> Result<bool, Error> {
    Ok(groups::member_ids(tx, ctx.tenant, group, count + 1)?.len() > count)
}

/// The groups that the user belongs to.
pub fn of_user(tx: &mut Tx<'_>, ctx: &Ctx, user: &Record) -> Result<Vec<Belonging>, Error> {
    of_facts(tx, ctx.tenant, &user.facts)
}

pub(crate) fn of_facts(tx: &mut Tx<'_>, tenant: TenantId, user: &Facts) -> Result<Vec<Belonging>, Error> {
    if !user.in_groups {
        return Ok(Vec::new());
    }
    let mut found = groups::belongings(tx, tenant, &[*user.id.as_bytes()])?;
    Ok(found.remove(&user.id).unwrap_or_default())
}

/// Whether the connection has any of these groups; for a manual user, whether any connection has.
pub(crate) fn has_any(
    tx: &mut Tx<'_>,
    settings: &Settings,
    connection: Option<ConnectionId>,
    ids: &[GroupId],
) -> Result<bool, Error> {
    let others = |id| connection.is_some_and(|of| of != id);
    for of in settings.connections.iter().filter(|of| !others(of.id)) {
        for &id in ids {
            if groups::by_id(tx, settings.tenant.id, of.id, id)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The group that an administrator means by an id or a name, in one of the connections of these names, or in any where
/// there is none.
///
/// # Errors
/// [`Refusal::Unknown`]; [`Refusal::BadSetting`] where several connections have one of the name.
pub fn named(tx: &mut Tx<'_>, settings: &Settings, text: &str, within: &[String]) -> Result<Group, Error> {
    let tenant = settings.tenant.id;
    let mut found = Vec::new();
    let is_meant = |of: &Connection| within.is_empty() || within.iter().any(|name| of.name.is(name));
    for connection in settings.connections.iter().filter(|of| is_meant(of)) {
        found.extend(match GroupId::parse(text) {
            Some(id) => groups::by_id(tx, tenant, connection.id, id)?,
            None => groups::by_name(tx, tenant, connection.id, &Facts::key_of(text))?,
        });
    }
    let unknown = || {
        if within.is_empty() {
            return Refusal::Unknown {
                thing: Thing::Group,
                name: text.to_owned(),
                known: Vec::new(),
            };
        }
        let detail = format!(
            "The connection {} has no group {text:?}, so nobody of it can be a member.",
            within.join(" or ")
        );
        Refusal::BadSetting { detail }
    };
    if found.len() > 1 {
        let one = |group: &Group| {
            let of = settings.connection(group.connection);
            let of = of.map_or_else(String::new, |of| format!(" of {}", of.name));
            format!("{}{of}", group.id)
        };
        let detail = format!(
            "Several connections have a group {text:?}; name the connection with --connection, or the group by its id: {}.",
            found.iter().map(one).collect::<Vec<_>>().join(", ")
        );
        return Err(Refusal::BadSetting { detail }.into());
    }
    found.pop().ok_or_else(|| unknown().into())
}

/// Whether there are all groups that the condition names.
///
/// # Errors
/// The store's.
pub fn has_all(tx: &mut Tx<'_>, settings: &Settings, condition: &Condition) -> Result<bool, Error> {
    let Condition::Group { groups } = condition else {
        return Ok(true);
    };
    for id in groups {
        if !has_any(tx, settings, None, std::slice::from_ref(id))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A condition in words, with the names of its groups.
pub fn in_words(tx: &mut Tx<'_>, settings: &Settings, condition: &Condition) -> Result<String, Error> {
    let Condition::Group { groups } = condition else {
        return Ok(condition.to_string());
    };
    let mut names = Vec::new();
    for &id in groups {
        let name = match named(tx, settings, &id.to_string(), &[]) {
            Ok(group) => {
                let of = settings.connection(group.connection);
                let of = of.filter(|_| settings.connections.len() > 1);
                let of = of.map_or_else(String::new, |of| format!(" of {}", of.name));
                format!("{:?}{of}", group.display_name()?)
            }
            Err(Error::Refused(Refusal::Unknown { .. })) => format!("a group that is gone ({id})"),
            Err(other) => return Err(other),
        };
        names.push(name);
    }
    Ok(format!("member of {}", names.join(" or ")))
}

/// The groups that each of these users belongs to.
pub fn of_users(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    users: &[Record],
) -> Result<HashMap<UserId, Vec<Belonging>>, Error> {
    let ids: Vec<_> = users
        .iter()
        .filter(|user| user.facts.in_groups)
        .map(|user| *user.facts.id.as_bytes())
        .collect();
    Ok(groups::belongings(tx, ctx.tenant, &ids)?)
}

fn existing(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, id: &str) -> Result<Group, Error> {
    let group = GroupId::parse(id)
        .map(|id| groups::by_id(tx, ctx.tenant, connection, id))
        .transpose()?;
    group.flatten().ok_or_else(|| {
        ScimError::new(Kind::NotFound, format!("There is no group with the id {id:?}.")).into()
    })
}

fn with_members(tx: &mut Tx<'_>, ctx: &Ctx, group: Group, members: Members) -> Result<Shown, Error> {
    let members = match members {
        Members::Told => Some(groups::members(tx, ctx.tenant, group.id)?),
        Members::LeftOut => None,
    };
    Ok(Shown { group, members })
}
