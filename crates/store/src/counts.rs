//! Counts that are kept with every change, so that no request has to count. Each writer adds to rows of its own, so that
//! none waits for another; a count is their sum.

use std::collections::HashMap;

use directory::{ConnectionId, Facts, MappingId, ProfileId, Status, StorageId, TenantId, Timestamp};

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    GET = "SELECT CAST(coalesce(sum(value), 0) AS BIGINT) FROM tallies WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
    LEAVERS = "SELECT CAST(coalesce(sum(value), 0) AS BIGINT) FROM tallies
               WHERE tenant = ?1 AND kind = 'left' AND id >= ?2 AND id <= ?3";
    FORGET_LEAVERS = "DELETE FROM tallies WHERE tenant = ?1 AND kind = 'left' AND id >= ?2 AND id <= ?3";
    ADD = "INSERT INTO tallies (tenant, kind, id, shard, value) VALUES (?1, ?2, ?3, ?4, ?5)
           ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value";
}

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Count {
    tenant: TenantId,
    kind: &'static str,
    id: [u8; 16],
}

impl Count {
    /// Active users of the tenant.
    pub fn active(tenant: TenantId) -> Self {
        Self {
            tenant,
            kind: "active",
            id: [0; 16],
        }
    }

    /// All users of the tenant, deleted ones that are preserved too.
    pub fn all(tenant: TenantId) -> Self {
        Self {
            tenant,
            kind: "all",
            id: [0; 16],
        }
    }

    /// Active users of the connection.
    pub fn active_of(tenant: TenantId, connection: ConnectionId) -> Self {
        Self {
            tenant,
            kind: "active-of",
            id: *connection.as_bytes(),
        }
    }

    /// Active users with the profile.
    pub fn active_in_profile(tenant: TenantId, profile: ProfileId) -> Self {
        Self {
            tenant,
            kind: "active-in-profile",
            id: *profile.as_bytes(),
        }
    }

    /// All users of the profile.
    pub fn in_profile(tenant: TenantId, profile: ProfileId) -> Self {
        Self {
            tenant,
            kind: "profile",
            id: *profile.as_bytes(),
        }
    }

    /// All users with the storage.
    pub fn in_storage(tenant: TenantId, storage: StorageId) -> Self {
        Self {
            tenant,
            kind: "storage",
            id: *storage.as_bytes(),
        }
    }

    /// All users whom the mapping placed.
    pub fn by_mapping(tenant: TenantId, mapping: MappingId) -> Self {
        Self {
            tenant,
            kind: "mapping",
            id: *mapping.as_bytes(),
        }
    }

    /// Groups of the connection.
    pub fn groups(tenant: TenantId, connection: ConnectionId) -> Self {
        Self {
            tenant,
            kind: "groups",
            id: *connection.as_bytes(),
        }
    }

    /// Users of the connection that SCIM can see; `None` for manual ones.
    pub fn visible(tenant: TenantId, connection: Option<ConnectionId>) -> Self {
        Self {
            tenant,
            kind: "visible",
            id: connection.map_or([0; 16], |id| *id.as_bytes()),
        }
    }
}

/// How long a part of an hour is in which leavers are counted together, in seconds.
const PART: i64 = 300;

/// Counts somebody who leaves the connection at `at`.
pub fn leaves(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId, at: Timestamp) {
    left(tx, tenant, connection, at, 1);
}

/// Takes back that somebody has left, who is there again.
pub fn returns(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId, at: Timestamp) {
    left(tx, tenant, connection, at, -1);
}

fn left(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId, at: Timestamp, change: i64) {
    let id = part_of(connection, at.as_second().div_euclid(PART));
    tx.add(
        Count {
            tenant,
            kind: "left",
            id,
        },
        change,
    );
}

/// How many have left the connection since `from`, give or take five minutes.
pub fn leavers(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    from: Timestamp,
) -> Result<u64, Error> {
    let first = part_of(connection, from.as_second().div_euclid(PART) + 1);
    let last = part_of(connection, i64::MAX);
    let found = tx.one(LEAVERS, params![tenant.as_bytes(), &first, &last], |row| {
        row.integer(0)
    })?;
    Ok(u64::try_from(found.unwrap_or_default()).unwrap_or_default())
}

/// Forgets who left the connection before `before`.
pub fn forget_leavers(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    before: Timestamp,
) -> Result<(), Error> {
    let first = part_of(connection, 0);
    let last = part_of(connection, before.as_second().div_euclid(PART));
    tx.run(FORGET_LEAVERS, params![tenant.as_bytes(), &first, &last])
}

/// Half of the connection's id, which is random there, and the part of the hour: rows of a connection stand in their order.
fn part_of(connection: ConnectionId, part: i64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&connection.as_bytes()[8..]);
    id[8..].copy_from_slice(&part.to_be_bytes());
    id
}

/// How many there are, with what this transaction has put off.
pub fn get(tx: &mut Tx<'_>, count: Count) -> Result<u64, Error> {
    let stored = tx.one(
        GET,
        params![count.tenant.as_bytes(), count.kind, &count.id],
        |row| row.integer(0),
    )?;
    let value = stored.unwrap_or_default() + tx.put_off(&count);
    Ok(u64::try_from(value).unwrap_or_default())
}

/// Moves a user from what it was counted as to what it is now.
pub(crate) fn move_user(tx: &mut Tx<'_>, tenant: TenantId, before: Option<&Facts>, after: Option<&Facts>) {
    for (facts, change) in [(before, -1), (after, 1)] {
        for count in facts
            .into_iter()
            .flat_map(|facts| counted_as(tenant, facts))
            .flatten()
        {
            tx.add(count, change);
        }
    }
}

/// Counts as if the user had moved, for what looks further in this transaction; one that only reads never writes it.
pub fn suppose(tx: &mut Tx<'_>, tenant: TenantId, before: Option<&Facts>, after: &Facts) {
    move_user(tx, tenant, before, Some(after));
}

fn counted_as(tenant: TenantId, facts: &Facts) -> [Option<Count>; 8] {
    let active = facts.lifecycle.status() == Status::Active;
    let placement = &facts.placement;
    let mapping = placement
        .decision
        .as_ref()
        .and_then(|decision| MappingId::parse(&decision.mapping));
    [
        Some(Count::all(tenant)),
        active.then(|| Count::active(tenant)),
        facts
            .connection
            .filter(|_| active)
            .map(|id| Count::active_of(tenant, id)),
        placement
            .profile
            .filter(|_| active)
            .map(|id| Count::active_in_profile(tenant, id)),
        placement.profile.map(|id| Count::in_profile(tenant, id)),
        placement.storage.map(|id| Count::in_storage(tenant, id)),
        mapping.map(|id| Count::by_mapping(tenant, id)),
        facts
            .lifecycle
            .is_visible()
            .then(|| Count::visible(tenant, facts.connection)),
    ]
}

pub(crate) fn flush(tx: &mut Tx<'_>, changes: &HashMap<Count, i64>) -> Result<(), Error> {
    let mut changes: Vec<_> = changes.iter().filter(|&(_, &change)| change != 0).collect();
    changes.sort_unstable();
    let shard = tx.shard();
    for (count, &change) in changes {
        tx.run(
            ADD,
            params![count.tenant.as_bytes(), count.kind, &count.id, shard, change],
        )?;
    }
    Ok(())
}
