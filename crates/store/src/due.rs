//! Users about whom the mappings have yet to decide again, because their groups changed. Each is a row until that is done,
//! so that it goes on where it was after a crash, and on whichever node.

use directory::{GroupId, TenantId, UserId};

use crate::sql::{by_many, many_ids, params, statements};
use crate::{Error, Tx};

statements! {
    ASK = concat!("WITH RECURSIVE down (member) AS (
               SELECT id FROM users WHERE tenant = ?1 AND id IN (", many_ids!(), ")
               UNION
               SELECT id FROM user_groups WHERE tenant = ?1 AND id IN (", many_ids!(), ")
               UNION
               SELECT m.member FROM down CROSS JOIN memberships AS m WHERE m.tenant = ?1 AND m.group_id = down.member)
           INSERT INTO decisions_due (tenant, user_id, round)
           SELECT u.tenant, u.id, 1 FROM down CROSS JOIN users AS u
           WHERE u.tenant = ?1 AND u.id = down.member AND u.status <> 'preserved' ORDER BY u.id
           ON CONFLICT (tenant, user_id) DO UPDATE SET round = decisions_due.round + 1");
    FIRST = "SELECT user_id, round FROM decisions_due WHERE tenant = ?1 AND user_id >= ?2 ORDER BY user_id LIMIT ?3";
    DONE = "DELETE FROM decisions_due WHERE tenant = ?1 AND user_id = ?2 AND round = ?3";
}

/// Asks for another round about whoever has these ids: users, or all users of groups and of those within them.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, whom: &[[u8; 16]]) -> Result<(), Error> {
    by_many(tenant.as_bytes(), whom, &[], |params| tx.run(ASK, params))
}

/// Asks for another round about all users of the group and of those within it.
pub fn put_members(tx: &mut Tx<'_>, tenant: TenantId, group: GroupId) -> Result<(), Error> {
    put(tx, tenant, &[*group.as_bytes()])
}

/// A user, and which round was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// The user.
    pub user: UserId,
    round: i64,
}

/// The first who are due, at most `limit`.
pub fn first(tx: &mut Tx<'_>, tenant: TenantId, limit: i64) -> Result<Vec<Due>, Error> {
    tx.all(FIRST, params![tenant.as_bytes(), &[0; 16], limit], |row| {
        Ok(Due {
            user: row.id(0, UserId::from_bytes)?,
            round: row.integer(1)?,
        })
    })
}

/// It was decided about the user; where its groups changed again meanwhile, it stays due.
pub fn done(tx: &mut Tx<'_>, tenant: TenantId, due: Due) -> Result<(), Error> {
    tx.run(DONE, params![tenant.as_bytes(), due.user.as_bytes(), due.round])
}
