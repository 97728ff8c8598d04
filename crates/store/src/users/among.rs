//! Users of one status, profile, storage, mapping or connection, found by an index and counted no further than anybody reads.

use directory::{ConnectionId, MappingId, ProfileId, Record, Status, StorageId, TenantId, UserId};

use super::row::{record, select};
use crate::sql::{Param, params, statements};
use crate::{Error, Tx};

statements! {
    IN_PROFILE_AFTER = select!("WHERE tenant = ?1 AND profile = ?2 AND id > ?3 ORDER BY id LIMIT ?4");
    IN_STORAGE_AFTER = select!("WHERE tenant = ?1 AND storage = ?2 AND id > ?3 ORDER BY id LIMIT ?4");
    BY_MAPPING_AFTER = select!("WHERE tenant = ?1 AND decision IS NOT NULL AND substr(decision, 13, 36) = ?2 AND id > ?3
                                ORDER BY id LIMIT ?4");
    ON_LEGAL_HOLD_AFTER = select!("WHERE tenant = ?1 AND legal_hold = 1 AND id > ?2 ORDER BY id LIMIT ?3");
    VISIBLE_OF_AFTER = select!("WHERE tenant = ?1 AND connection = ?2 AND visible = 1 AND version > 0 AND id > ?3
                                ORDER BY id LIMIT ?4");
    DELETED_OF_AFTER = select!("WHERE tenant = ?1 AND connection = ?2 AND visible = 0 AND id > ?3 ORDER BY id LIMIT ?4");
    VISIBLE_MANUAL_AFTER = select!("WHERE tenant = ?1 AND connection IS NULL AND visible = 1 AND version > 0 AND id > ?2
                                    ORDER BY id LIMIT ?3");
    DELETED_MANUAL_AFTER = select!("WHERE tenant = ?1 AND connection IS NULL AND visible = 0 AND id > ?2 ORDER BY id LIMIT ?3");
    // Most users are active, so there is an index of the others alone.
    WITH_STATUS_AFTER = select!("WHERE tenant = ?1 AND status = ?2 AND status <> 'active' AND id > ?3 ORDER BY id LIMIT ?4");
    COUNT_WITH_STATUS = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT 1 FROM users
                         WHERE tenant = ?1 AND status = ?2 AND status <> 'active' LIMIT ?3) AS k";
}

/// Who manages a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagedBy {
    /// A connection.
    Connection(ConnectionId),
    /// Nobody: it was made by hand, or its connection is gone.
    Nobody,
}

/// Which users are meant; a value, so that lists and counts mean the same by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Among {
    /// What they are.
    pub status: Option<Status>,
    /// Which profile they have.
    pub profile: Option<ProfileId>,
    /// Where their data live.
    pub storage: Option<StorageId>,
    /// Which mapping placed them.
    pub mapping: Option<MappingId>,
    /// Who manages them.
    pub managed_by: Option<ManagedBy>,
    /// Only those whom nobody may purge.
    pub on_legal_hold: bool,
}

/// Users with ids above `last` in the order of their ids, at most `limit`, among whom all are who are meant: the index is taken
/// that leaves out most of the others, and whoever asks looks at each.
pub fn among_after(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    among: Among,
    last: UserId,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    let (of, last_id) = (Param::from(tenant.as_bytes()), Param::from(last.as_bytes()));
    let limited = Param::from(limit);
    if among.on_legal_hold {
        return tx.all(ON_LEGAL_HOLD_AFTER, &[of, last_id, limited], record);
    }
    if let Some(status @ (Status::Held | Status::Preserved)) = among.status {
        let status = Param::from(status.name());
        return tx.all(WITH_STATUS_AFTER, &[of, status, last_id, limited], record);
    }
    if let Some(mapping) = among.mapping {
        let text = mapping.to_string();
        let mapping = Param::from(&text);
        return tx.all(BY_MAPPING_AFTER, &[of, mapping, last_id, limited], record);
    }
    if let Some(profile) = &among.profile {
        let profile = Param::from(profile.as_bytes());
        return tx.all(IN_PROFILE_AFTER, &[of, profile, last_id, limited], record);
    }
    if let Some(storage) = &among.storage {
        let storage = Param::from(storage.as_bytes());
        return tx.all(IN_STORAGE_AFTER, &[of, storage, last_id, limited], record);
    }
    let mut found = match &among.managed_by {
        None => return super::after(tx, tenant, last, limit),
        Some(ManagedBy::Connection(id)) => {
            let params = [of, Param::from(id.as_bytes()), last_id, limited];
            let mut found = tx.all(VISIBLE_OF_AFTER, &params, record)?;
            found.extend(tx.all(DELETED_OF_AFTER, &params, record)?);
            found
        }
        Some(ManagedBy::Nobody) => {
            let params = [of, last_id, limited];
            let mut found = tx.all(VISIBLE_MANUAL_AFTER, &params, record)?;
            found.extend(tx.all(DELETED_MANUAL_AFTER, &params, record)?);
            found
        }
    };
    found.sort_by_key(|record| record.facts.id);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// How many are held or preserved, counted up to `limit`.
pub fn count_with_status(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    status: Status,
    limit: i64,
) -> Result<u64, Error> {
    let found = tx.one(
        COUNT_WITH_STATUS,
        params![tenant.as_bytes(), status.name(), limit],
        |row| row.integer(0),
    )?;
    Ok(u64::try_from(found.unwrap_or_default()).unwrap_or_default())
}
