//! Groups, as identity providers push them.

mod change;
mod list;
mod members;

use std::collections::HashMap;

use directory::{Belonging, ConnectionId, Ctx, Group, GroupId, Member, Record, UserId};
use scim::{Error as ScimError, Kind};
use store::{Tx, groups};

use crate::Error;

pub(crate) use change::remove_all_of;
pub use change::{create, delete, patch, replace};
pub use list::{Listing, list};

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
    if !user.facts.in_groups {
        return Ok(Vec::new());
    }
    let id = user.facts.id;
    let mut found = groups::belongings(tx, ctx.tenant, id, id)?;
    Ok(found.remove(&id).unwrap_or_default())
}

/// The groups that each of these users belongs to.
pub fn of_users(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    users: &[Record],
) -> Result<HashMap<UserId, Vec<Belonging>>, Error> {
    let ids = || {
        users
            .iter()
            .filter(|user| user.facts.in_groups)
            .map(|user| user.facts.id)
    };
    match (ids().min(), ids().max()) {
        (Some(first), Some(last)) => Ok(groups::belongings(tx, ctx.tenant, first, last)?),
        _ => Ok(HashMap::new()),
    }
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
