//! Users about whom the mappings have yet to decide again, because their groups changed. Each is a row until that is done,
//! so that it goes on where it was after a crash, and on whichever node.

use directory::{TenantId, Timestamp, UserId};
use jiff::SignedDuration;

use crate::sql::{by_many, many_ids, params, statements};
use crate::{Error, Tx};

statements! {
    ASK = concat!("WITH RECURSIVE down (member) AS (
               SELECT id FROM users WHERE tenant = ?1 AND id IN (", many_ids!(), ")
               UNION
               SELECT member FROM memberships WHERE tenant = ?1 AND group_id IN (", many_ids!(), ")
               UNION
               SELECT m.member FROM down CROSS JOIN memberships AS m WHERE m.tenant = ?1 AND m.group_id = down.member)
           INSERT INTO decisions_due (tenant, user_id, asked)
           SELECT u.tenant, u.id, ?66 FROM down CROSS JOIN users AS u
           WHERE u.tenant = ?1 AND u.id = down.member ORDER BY u.id
           ON CONFLICT (tenant, user_id) DO UPDATE SET asked = excluded.asked");
    FIRST = "SELECT user_id FROM decisions_due WHERE tenant = ?1 AND user_id >= ?2 AND asked <= ?3 ORDER BY user_id LIMIT ?4";
    DONE = "DELETE FROM decisions_due WHERE tenant = ?1 AND user_id = ?2";
}

/// How long it is waited before it is decided: whoever was writing the user when its groups changed is done by then.
const SETTLED: SignedDuration = SignedDuration::from_secs(1);

/// Asks for a decision about whoever has these ids: users, or all users of groups and of those within them. Preserved ones
/// are asked for too: somebody may be activating them just now.
///
/// # Errors
/// The database's.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, whom: &[[u8; 16]], now: Timestamp) -> Result<(), Error> {
    by_many(tenant.as_bytes(), whom, params![now], |params| {
        tx.run(ASK, params)
    })
}

/// The first about whom a decision is due, at most `limit`.
///
/// # Errors
/// The database's.
pub fn first(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp, limit: i64) -> Result<Vec<UserId>, Error> {
    let until = now.saturating_sub(SETTLED).unwrap_or(now);
    tx.all(FIRST, params![tenant.as_bytes(), &[0; 16], until, limit], |row| {
        row.id(0, UserId::from_bytes)
    })
}

/// It is going to be decided about the user, in this transaction. Who asks for another decision from now on waits for its
/// end, and is then asked for anew; so this comes before the look at the user's groups.
///
/// # Errors
/// The database's.
pub fn done(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    tx.run(DONE, params![tenant.as_bytes(), user.as_bytes()])
}
