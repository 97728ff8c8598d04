//! Groups and memberships. No statement here reads or writes members that it does not name, but for those that are asked for
//! all of them.

use std::collections::{HashMap, HashSet};

use directory::{Belonging, ConnectionId, Group, GroupId, Member, TenantId, Timestamp, UserId};

use crate::counts::{self, Count};
use crate::sql::{Param, Row, by_many, many_ids, params, statements};
use crate::users::MAX_KEY;
use crate::{Error, Tx};

/// `SELECT` with the columns that [`group`] reads, and the rest of the statement.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, connection, attributes, version, created, modified FROM user_groups ",
            $rest
        )
    };
}

statements! {
    BY_ID = select!("WHERE tenant = ?1 AND connection = ?2 AND id = ?3");
    BY_NAME = select!("WHERE tenant = ?1 AND connection = ?2 AND name_key = ?3");
    BY_EXTERNAL_ID = select!("WHERE tenant = ?1 AND connection = ?2 AND external_id = ?3 ORDER BY id");
    AFTER = select!("WHERE tenant = ?1 AND connection = ?2 AND id > ?3 ORDER BY id LIMIT ?4");
    NTH = "SELECT id FROM user_groups WHERE tenant = ?1 AND connection = ?2 ORDER BY id LIMIT 1 OFFSET ?3";
    INSERT = "INSERT INTO user_groups (tenant, id, connection, name_key, external_id, attributes, version, created, modified)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    UPDATE = "UPDATE user_groups SET name_key = ?3, external_id = ?4, attributes = ?5, version = version + 1, modified = ?6
              WHERE tenant = ?1 AND id = ?2 AND version = ?7";
    TOUCH = "UPDATE user_groups SET version = version + 1, modified = ?3 WHERE tenant = ?1 AND id = ?2";
    REMOVE = "DELETE FROM user_groups WHERE tenant = ?1 AND id = ?2";
    ADD_USER = "INSERT INTO memberships (tenant, group_id, member, is_group)
                SELECT tenant, ?2, id, 0 FROM users
                WHERE tenant = ?1 AND id = ?3 AND visible = 1 AND (connection = ?4 OR connection IS NULL)
                ON CONFLICT DO NOTHING";
    ADD_GROUP = "INSERT INTO memberships (tenant, group_id, member, is_group)
                 SELECT tenant, ?2, id, 1 FROM user_groups
                 WHERE tenant = ?1 AND id = ?3 AND id <> ?2 AND connection = ?4
                 ON CONFLICT DO NOTHING";
    ADD_USERS = concat!("INSERT INTO memberships (tenant, group_id, member, is_group)
                SELECT tenant, ?66, id, 0 FROM users
                WHERE tenant = ?1 AND id IN (", many_ids!(), ") AND visible = 1 AND (connection = ?67 OR connection IS NULL)
                ORDER BY id ON CONFLICT DO NOTHING");
    ADD_GROUPS = concat!("INSERT INTO memberships (tenant, group_id, member, is_group)
                 SELECT tenant, ?66, id, 1 FROM user_groups
                 WHERE tenant = ?1 AND id IN (", many_ids!(), ") AND id <> ?66 AND connection = ?67
                 ORDER BY id ON CONFLICT DO NOTHING");
    NOTE_MANY = concat!("UPDATE users SET in_groups = 1 WHERE tenant = ?1 AND id IN (", many_ids!(), ") AND in_groups = 0");
    REMOVE_MEMBERS = concat!("DELETE FROM memberships WHERE tenant = ?1 AND member IN (", many_ids!(), ") AND group_id = ?66");
    NOTE = "UPDATE users SET in_groups = 1 WHERE tenant = ?1 AND id = ?2 AND in_groups = 0";
    REMOVE_MEMBER = "DELETE FROM memberships WHERE tenant = ?1 AND group_id = ?2 AND member = ?3";
    CLEAR = "DELETE FROM memberships WHERE tenant = ?1 AND group_id = ?2";
    FORGET = "DELETE FROM memberships WHERE tenant = ?1 AND member = ?2";
    MEMBER_IDS = "SELECT member FROM memberships WHERE tenant = ?1 AND group_id = ?2 ORDER BY member LIMIT ?3";
    AMONG = concat!("SELECT member FROM memberships WHERE tenant = ?1 AND member IN (", many_ids!(), ") AND group_id = ?66");
    SOME_MEMBERS = "SELECT member, is_group FROM memberships WHERE tenant = ?1 AND group_id = ?2 ORDER BY member LIMIT ?3";
    VISIBILITY = concat!("SELECT id, visible FROM users WHERE tenant = ?1 AND id IN (", many_ids!(), ")");
    MEMBERS = "SELECT m.member, m.is_group FROM memberships AS m WHERE m.tenant = ?1 AND m.group_id = ?2
               AND (m.is_group = 1 OR EXISTS
                    (SELECT 1 FROM users AS u WHERE u.tenant = ?1 AND u.id = m.member AND u.visible = 1))
               ORDER BY m.member";
    BELONGINGS = concat!("WITH RECURSIVE up (member, group_id, is_direct) AS (
                      SELECT member, group_id, CAST(1 AS BIGINT) FROM memberships
                      WHERE tenant = ?1 AND member IN (", many_ids!(), ")
                      UNION
                      SELECT up.member, m.group_id, CAST(0 AS BIGINT) FROM up CROSS JOIN memberships AS m
                      WHERE m.tenant = ?1 AND m.member = up.group_id)
                  SELECT up.member, g.id, g.attributes, up.is_direct FROM up CROSS JOIN user_groups AS g
                  WHERE g.tenant = ?1 AND g.id = up.group_id");
}

/// Groups of up to so many members are small.
const SMALL: i64 = 1_000;

/// The connection's group with this id.
pub fn by_id(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    id: GroupId,
) -> Result<Option<Group>, Error> {
    tx.one(
        BY_ID,
        params![tenant.as_bytes(), connection.as_bytes(), id.as_bytes()],
        group,
    )
}

/// The connection's group with this folded name.
pub fn by_name(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    key: &str,
) -> Result<Option<Group>, Error> {
    tx.one(
        BY_NAME,
        params![tenant.as_bytes(), connection.as_bytes(), key],
        group,
    )
}

/// The connection's groups with this `externalId`.
pub fn by_external_id(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    external_id: &str,
) -> Result<Vec<Group>, Error> {
    tx.all(
        BY_EXTERNAL_ID,
        params![tenant.as_bytes(), connection.as_bytes(), external_id],
        group,
    )
}

/// How many groups the connection has.
pub fn total(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId) -> Result<u64, Error> {
    counts::get(tx, Count::groups(tenant, connection))
}

/// The connection's groups from the one at place `offset` on, at most `limit`.
pub fn page(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    offset: usize,
    limit: usize,
) -> Result<Vec<Group>, Error> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let (of_tenant, of_connection) = (Param::from(tenant.as_bytes()), Param::from(connection.as_bytes()));
    let mut last = GroupId::from(uuid::Uuid::nil());
    if offset > 0 {
        let before = tx.one(
            NTH,
            &[of_tenant, of_connection, number(offset - 1).into()],
            |row| row.id(0, GroupId::from_bytes),
        )?;
        match before {
            Some(before) => last = before,
            None => return Ok(Vec::new()),
        }
    }
    let after = Param::from(last.as_bytes());
    tx.all(
        AFTER,
        &[of_tenant, of_connection, after, number(limit).into()],
        group,
    )
}

/// Adds a group without members.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, group: &Group) -> Result<(), Error> {
    let keys = Keys::of(group)?;
    tx.run(
        INSERT,
        params![
            tenant.as_bytes(),
            group.id.as_bytes(),
            group.connection.as_bytes(),
            &keys.name,
            keys.external_id.as_ref(),
            &keys.attributes,
            1_i64,
            group.created,
            group.modified,
        ],
    )?;
    tx.add(Count::groups(tenant, group.connection), 1);
    Ok(())
}

/// Writes a group's attributes over those of `version`, one version later.
///
/// # Errors
/// [`Error::Stale`] where the row is not at that version.
pub fn update(tx: &mut Tx<'_>, tenant: TenantId, group: &Group, version: u64) -> Result<(), Error> {
    let keys = Keys::of(group)?;
    tx.run_one(
        UPDATE,
        params![
            tenant.as_bytes(),
            group.id.as_bytes(),
            &keys.name,
            keys.external_id.as_ref(),
            &keys.attributes,
            group.modified,
            i64::try_from(version).unwrap_or(i64::MAX),
        ],
    )
}

/// Notes that a group's members changed: one version later, whichever it is at.
pub fn touch(tx: &mut Tx<'_>, tenant: TenantId, id: GroupId, at: Timestamp) -> Result<(), Error> {
    tx.run_one(TOUCH, params![tenant.as_bytes(), id.as_bytes(), at])
}

/// Removes a group; [`disband`] then takes its members.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, group: &Group) -> Result<(), Error> {
    tx.run_one(REMOVE, params![tenant.as_bytes(), group.id.as_bytes()])?;
    tx.add(Count::groups(tenant, group.connection), -1);
    Ok(())
}

/// Removes the memberships of a group that is gone, and its own in others.
pub fn disband(tx: &mut Tx<'_>, tenant: TenantId, group: GroupId) -> Result<(), Error> {
    tx.run(CLEAR, params![tenant.as_bytes(), group.as_bytes()])?;
    tx.run(FORGET, params![tenant.as_bytes(), group.as_bytes()])
}

/// Those of `ids` who are in the group.
pub fn members_among(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: GroupId,
    ids: &[[u8; 16]],
) -> Result<HashSet<[u8; 16]>, Error> {
    let mut found = HashSet::new();
    by_many(tenant.as_bytes(), ids, params![group.as_bytes()], |params| {
        let members = tx.all(AMONG, params, |row| {
            let id: Result<[u8; 16], _> = row.bytes(0)?.try_into();
            id.map_err(|_| Error::Unreadable { what: "id" })
        })?;
        found.extend(members);
        Ok(())
    })?;
    Ok(found)
}

/// Puts many into the group, those of them whom its connection sees; it is not known who came in.
pub fn add_members(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: &Group,
    members: &[[u8; 16]],
) -> Result<(), Error> {
    let more = params![group.id.as_bytes(), group.connection.as_bytes()];
    by_many(tenant.as_bytes(), members, &[], |params| {
        tx.run(NOTE_MANY, params)
    })?;
    by_many(tenant.as_bytes(), members, more, |params| {
        tx.run(ADD_USERS, params)?;
        tx.run(ADD_GROUPS, params)
    })
}

/// Takes many out of the group; it is not known who was in it.
pub fn remove_members(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: GroupId,
    members: &[[u8; 16]],
) -> Result<(), Error> {
    let more = params![group.as_bytes()];
    by_many(tenant.as_bytes(), members, more, |params| {
        tx.run(REMOVE_MEMBERS, params)
    })
}

/// Puts somebody whom the group's connection sees into the group; says whether that changed anything.
pub fn add_member(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: &Group,
    member: &[u8; 16],
) -> Result<bool, Error> {
    let params = params![
        tenant.as_bytes(),
        group.id.as_bytes(),
        member,
        group.connection.as_bytes()
    ];
    tx.run(NOTE, params![tenant.as_bytes(), member])?;
    Ok(tx.run_counted(ADD_USER, params)? + tx.run_counted(ADD_GROUP, params)? > 0)
}

/// Takes a member out of the group; says whether that changed anything.
pub fn remove_member(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: GroupId,
    member: &[u8; 16],
) -> Result<bool, Error> {
    let params = params![tenant.as_bytes(), group.as_bytes(), member];
    Ok(tx.run_counted(REMOVE_MEMBER, params)? > 0)
}

/// Takes all members out of the group.
pub fn clear(tx: &mut Tx<'_>, tenant: TenantId, group: GroupId) -> Result<bool, Error> {
    Ok(tx.run_counted(CLEAR, params![tenant.as_bytes(), group.as_bytes()])? > 0)
}

/// Takes a user out of all groups: it was purged.
pub(crate) fn forget(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    tx.run(FORGET, params![tenant.as_bytes(), user.as_bytes()])
}

/// The ids of the group's members, hidden ones too, at most `limit`.
pub fn member_ids(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: GroupId,
    limit: usize,
) -> Result<Vec<[u8; 16]>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    tx.all(
        MEMBER_IDS,
        params![tenant.as_bytes(), group.as_bytes(), limit],
        |row| {
            row.bytes(0)?
                .try_into()
                .map_err(|_| Error::Unreadable { what: "id" })
        },
    )
}

/// The group's members, without users who were deleted.
pub fn members(tx: &mut Tx<'_>, tenant: TenantId, group: GroupId) -> Result<Vec<Member>, Error> {
    let (of_tenant, of_group) = (tenant.as_bytes(), group.as_bytes());
    // A planner takes every group for one of the average size, which one of a hundred thousand makes large, and would read
    // all users for a small one.
    let mut members = tx.all(SOME_MEMBERS, params![of_tenant, of_group, SMALL + 1], member)?;
    if i64::try_from(members.len()).is_ok_and(|count| count > SMALL) {
        return tx.all(MEMBERS, params![of_tenant, of_group], member);
    }
    let users: Vec<_> = members
        .iter()
        .filter_map(|member| match member {
            Member::User(id) => Some(*id.as_bytes()),
            Member::Group(_) => None,
        })
        .collect();
    let mut hidden = HashSet::new();
    by_many(of_tenant, &users, &[], |params| {
        for (id, is_visible) in tx.all(VISIBILITY, params, |row| {
            Ok((row.id(0, UserId::from_bytes)?, row.integer(1)? == 1))
        })? {
            if !is_visible {
                hidden.insert(id);
            }
        }
        Ok(())
    })?;
    members.retain(|member| !matches!(member, Member::User(id) if hidden.contains(id)));
    Ok(members)
}

fn member(row: Row<'_>) -> Result<Member, Error> {
    Ok(if row.integer(1)? == 1 {
        Member::Group(row.id(0, GroupId::from_bytes)?)
    } else {
        Member::User(row.id(0, UserId::from_bytes)?)
    })
}

/// The groups of the users with these ids; through groups within groups too.
pub fn belongings(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    users: &[[u8; 16]],
) -> Result<HashMap<UserId, Vec<Belonging>>, Error> {
    let mut rows = Vec::new();
    by_many(tenant.as_bytes(), users, &[], |params| {
        rows.extend(tx.all(BELONGINGS, params, belonging)?);
        Ok(())
    })?;
    let mut belongings: HashMap<UserId, Vec<Belonging>> = HashMap::new();
    for (user, belonging) in rows {
        belongings.entry(user).or_default().push(belonging);
    }
    for of_one in belongings.values_mut() {
        // A group that is reached in both ways counts as reached directly.
        of_one.sort_by_key(|belonging| (belonging.group, !belonging.is_direct));
        of_one.dedup_by_key(|belonging| belonging.group);
    }
    Ok(belongings)
}

fn belonging(row: Row<'_>) -> Result<(UserId, Belonging), Error> {
    let attributes = attributes(row, 2)?;
    let display = attributes.get("displayName").and_then(|name| name.as_str());
    let belonging = Belonging {
        group: row.id(1, GroupId::from_bytes)?,
        display: display.unwrap_or_default().to_owned(),
        is_direct: row.integer(3)? == 1,
    };
    Ok((row.id(0, UserId::from_bytes)?, belonging))
}

struct Keys {
    name: String,
    external_id: Option<String>,
    attributes: String,
}

impl Keys {
    fn of(group: &Group) -> Result<Self, Error> {
        let name = group
            .name_key()
            .map_err(|_| Error::Unreadable { what: "group" })?;
        let external_id = group.external_id().map(str::to_owned);
        for (attribute, key) in [("displayName", Some(&name)), ("externalId", external_id.as_ref())] {
            if key.is_some_and(|key| key.len() > MAX_KEY) {
                return Err(Error::TooLong { attribute });
            }
        }
        let attributes =
            serde_json::to_string(&group.attributes).map_err(|_| Error::Unreadable { what: "group" })?;
        Ok(Self {
            name,
            external_id,
            attributes,
        })
    }
}

fn group(row: Row<'_>) -> Result<Group, Error> {
    Ok(Group {
        id: row.id(0, GroupId::from_bytes)?,
        connection: row.id(1, ConnectionId::from_bytes)?,
        attributes: attributes(row, 2)?,
        version: u64::try_from(row.integer(3)?).unwrap_or_default(),
        created: row.time(4)?,
        modified: row.time(5)?,
    })
}

fn attributes(row: Row<'_>, column: usize) -> Result<scim::Object, Error> {
    serde_json::from_str(row.text(column)?).map_err(|_| Error::Unreadable { what: "group" })
}
