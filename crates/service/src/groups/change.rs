//! An identity provider makes, changes and deletes groups.

use directory::{ConnectionId, Ctx, Event, EventKind, Group, GroupId, Refusal};
use scim::{Admitted, MemberChange, Miss, Object, Patch, Schemas};
use serde_json::{Value, json};
use store::{Tx, due, groups};

use super::{existing, members};
use crate::{Error, users};

/// Creates a group with these members.
///
/// # Errors
/// [`Refusal::Missing`], [`Refusal::GroupNameTaken`].
pub fn create(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    sent: &Admitted,
    member_ids: &[String],
) -> Result<Group, Error> {
    let mut group = Group {
        id: GroupId::from(ctx.ids.first()),
        connection,
        attributes: Object::new(),
        version: 1,
        created: ctx.now,
        modified: ctx.now,
    };
    group.assign(sent.attributes.clone());
    check_name(tx, ctx, &group)?;
    groups::insert(tx, ctx.tenant, &group)?;
    let changes = [MemberChange::Add(member_ids.to_vec())];
    members::change(tx, ctx, &group, &changes)?;
    let came_in: Vec<_> = groups::member_ids(tx, ctx.tenant, group.id, usize::MAX)?
        .iter()
        .filter_map(|id| GroupId::from_bytes(id))
        .collect();
    append(
        tx,
        ctx,
        EventKind::GroupCreated,
        &group,
        json!({"members": came_in}),
    );
    Ok(group)
}

/// Replaces a group's attributes, and its members where `member_ids` tells them.
///
/// # Errors
/// SCIM's 404; those of [`create`].
pub fn replace(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
    sent: &Admitted,
    member_ids: Option<&[String]>,
) -> Result<Group, Error> {
    let before = existing(tx, ctx, connection, id)?;
    let changes: Vec<_> = member_ids
        .into_iter()
        .flat_map(|ids| [MemberChange::Clear, MemberChange::Add(ids.to_vec())])
        .collect();
    write(tx, ctx, before, sent.attributes.clone(), &changes)
}

/// Changes a group: `patch` its attributes, and `changes` its members.
///
/// # Errors
/// SCIM's 404; those of [`create`] and of [`Patch::apply`].
pub fn patch(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
    patch: &Patch,
    changes: &[MemberChange],
) -> Result<Group, Error> {
    let before = existing(tx, ctx, connection, id)?;
    let patched = patch.apply(&Schemas::groups(), before.attributes.clone(), Miss::Create)?;
    let mut attributes = patched.attributes;
    // What was taken away on purpose is gone.
    attributes.entry("externalId").or_insert(Value::Null);
    write(tx, ctx, before, attributes, changes)
}

/// Deletes a group; its members stay what they are.
///
/// # Errors
/// SCIM's 404.
pub fn delete(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, id: &str) -> Result<(), Error> {
    let group = existing(tx, ctx, connection, id)?;
    remove(tx, ctx, &group)
}

fn remove(tx: &mut Tx<'_>, ctx: &Ctx, group: &Group) -> Result<(), Error> {
    // The row goes first: who adds somebody meanwhile waits, and finds no group.
    groups::remove(tx, ctx.tenant, group)?;
    if users::are_groups_mapped(&*tx.settings(ctx.tenant)?) {
        due::put_members(tx, ctx.tenant, group.id, ctx.now)?;
    }
    groups::disband(tx, ctx.tenant, group.id)?;
    append(tx, ctx, EventKind::GroupDeleted, group, json!({}));
    Ok(())
}

/// A connection is removed: its groups go with it.
pub(crate) fn remove_all_of(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId) -> Result<(), Error> {
    for group in groups::page(tx, ctx.tenant, connection, 0, usize::MAX)? {
        remove(tx, ctx, &group)?;
    }
    Ok(())
}

fn write(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    before: Group,
    attributes: Object,
    changes: &[MemberChange],
) -> Result<Group, Error> {
    let mut group = before.clone();
    group.assign(attributes);
    group.modified = ctx.now;
    if group.name_key()? != before.name_key()? {
        check_name(tx, ctx, &group)?;
    }
    let is_new = group.attributes != before.attributes;
    if is_new {
        groups::update(tx, ctx.tenant, &group, before.version)?;
        append(tx, ctx, EventKind::GroupUpdated, &group, json!({}));
    }
    if members::change(tx, ctx, &group, changes)? {
        if !is_new {
            groups::touch(tx, ctx.tenant, group.id, ctx.now)?;
        }
        append(
            tx,
            ctx,
            EventKind::GroupMembersChanged,
            &group,
            json!({"changes": told(changes)}),
        );
    }
    // Another node may have changed the members meanwhile; the version is theirs too.
    let after = groups::by_id(tx, ctx.tenant, before.connection, before.id)?;
    after.ok_or_else(|| store::Error::Stale.into())
}

/// Refuses a name that another group of the connection has.
fn check_name(tx: &mut Tx<'_>, ctx: &Ctx, group: &Group) -> Result<(), Error> {
    let holder = groups::by_name(tx, ctx.tenant, group.connection, &group.name_key()?)?;
    match holder.filter(|holder| holder.id != group.id) {
        Some(holder) => Err(Refusal::GroupNameTaken {
            display_name: group.display_name()?.to_owned(),
            holder: holder.id.to_string(),
        }
        .into()),
        None => Ok(()),
    }
}

fn told(changes: &[MemberChange]) -> Value {
    let one = |change: &MemberChange| match change {
        MemberChange::Add(ids) => json!({"add": ids}),
        MemberChange::Remove(ids) => json!({"remove": ids}),
        MemberChange::Clear => json!({"clear": true}),
    };
    changes.iter().map(one).collect()
}

fn append(tx: &mut Tx<'_>, ctx: &Ctx, kind: EventKind, group: &Group, more: Value) {
    let mut data = json!({"group": {
        "id": group.id,
        "displayName": group.attributes.get("displayName"),
        "externalId": group.attributes.get("externalId"),
    }});
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    tx.append(
        ctx,
        Event {
            kind,
            user: None,
            data: data.to_string(),
        },
    );
}
