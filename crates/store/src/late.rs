//! Users who wait to move, because all that changed is that the mapping which placed them no longer matches.

use directory::{TenantId, Timestamp, UserId};

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    PUT = "INSERT INTO late_moves (tenant, user_id, due) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM late_moves WHERE tenant = ?1 AND user_id = ?2";
    DUE = "SELECT user_id FROM late_moves WHERE tenant = ?1 AND due <= ?2 ORDER BY due LIMIT ?3";
}

/// Lets the user move at `due`; one who waits already goes on waiting as before.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, user: UserId, due: Timestamp) -> Result<(), Error> {
    tx.run(PUT, params![tenant.as_bytes(), user.as_bytes(), due])
}

/// Lets the user wait no longer.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    tx.run(REMOVE, params![tenant.as_bytes(), user.as_bytes()])
}

/// Those whose time has come, at most `limit`.
pub fn due(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp, limit: i64) -> Result<Vec<UserId>, Error> {
    tx.all(DUE, params![tenant.as_bytes(), now, limit], |row| {
        row.id(0, UserId::from_bytes)
    })
}
