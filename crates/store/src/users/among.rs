//! Users of one status or profile, found by an index and counted no further than anybody reads.

use directory::{ProfileId, Record, Status, TenantId, UserId};

use super::row::{record, select};
use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    IN_PROFILE_AFTER = select!("WHERE tenant = ?1 AND profile = ?2 AND id > ?3 ORDER BY id LIMIT ?4");
    // Most users are active, so there is an index of the others alone.
    WITH_STATUS_AFTER = select!("WHERE tenant = ?1 AND status = ?2 AND status <> 'active' AND id > ?3 ORDER BY id LIMIT ?4");
    COUNT_WITH_STATUS = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT 1 FROM users
                         WHERE tenant = ?1 AND status = ?2 AND status <> 'active' LIMIT ?3) AS k";
}

/// Which users are meant; a value, so that lists and counts mean the same by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Among {
    /// What they are.
    pub status: Option<Status>,
    /// Which profile they have.
    pub profile: Option<ProfileId>,
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
    let (of, last_id) = (tenant.as_bytes(), last.as_bytes());
    match (among.status, &among.profile) {
        (Some(status @ (Status::Held | Status::Preserved)), _) => tx.all(
            WITH_STATUS_AFTER,
            params![of, status.name(), last_id, limit],
            record,
        ),
        (_, Some(profile)) => tx.all(
            IN_PROFILE_AFTER,
            params![of, profile.as_bytes(), last_id, limit],
            record,
        ),
        (_, None) => super::after(tx, tenant, last, limit),
    }
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
