//! What is left of users who were purged: the id, the dates and the reason.

use directory::{Ctx, Facts, TenantId, Timestamp, UserId};

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    INSERT = "INSERT INTO tombstones (tenant, id, created, purged, purged_by, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    BY_ID = "SELECT purged, purged_by, reason FROM tombstones WHERE tenant = ?1 AND id = ?2";
}

/// That there was a user, and why there is none any more.
#[derive(Debug, Clone)]
pub struct Tombstone {
    /// When it was purged.
    pub purged: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Sets a tombstone for the user.
pub fn insert(tx: &mut Tx<'_>, ctx: &Ctx, facts: &Facts, reason: &str) -> Result<(), Error> {
    let id = facts.id;
    tx.run(
        INSERT,
        params![
            ctx.tenant.as_bytes(),
            id.as_bytes(),
            facts.created,
            ctx.now,
            ctx.actor.name(),
            reason,
        ],
    )
}

/// The tombstone of the user with this id.
pub fn by_id(tx: &mut Tx<'_>, tenant: TenantId, id: UserId) -> Result<Option<Tombstone>, Error> {
    tx.one(BY_ID, params![tenant.as_bytes(), id.as_bytes()], |row| {
        Ok(Tombstone {
            purged: row.time(0)?,
            by: row.text(1)?.to_owned(),
            reason: row.text(2)?.to_owned(),
        })
    })
}
