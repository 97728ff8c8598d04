//! Users about whom the mappings have yet to decide again, because their groups changed. Each is a row until that is done,
//! so that it goes on where it was after a crash, and on whichever node.

use std::collections::HashSet;

use directory::{GroupId, TenantId, Timestamp, UserId};
use jiff::SignedDuration;

use crate::sql::{by_many, many_ids, params, statements};
use crate::{Error, Tx};

statements! {
    ASK = concat!("INSERT INTO decisions_due (tenant, user_id, asked)
           SELECT tenant, id, ?66 FROM users WHERE tenant = ?1 AND id IN (", many_ids!(), ") ORDER BY id
           ON CONFLICT (tenant, user_id) DO UPDATE SET asked = excluded.asked");
    GROUPS_AMONG = concat!("SELECT id FROM user_groups WHERE tenant = ?1 AND id IN (", many_ids!(), ")");
    ASK_MEMBERS = "INSERT INTO decisions_due (tenant, user_id, asked)
                   SELECT tenant, member, ?3 FROM memberships WHERE tenant = ?1 AND group_id = ?2 AND is_group = 0 ORDER BY member
                   ON CONFLICT (tenant, user_id) DO UPDATE SET asked = excluded.asked";
    WITHIN = "SELECT member FROM memberships WHERE tenant = ?1 AND group_id = ?2 AND is_group = 1";
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
    let mut groups = Vec::new();
    by_many(tenant.as_bytes(), whom, &[], |params| {
        groups.extend(tx.all(GROUPS_AMONG, params, |row| row.id(0, GroupId::from_bytes))?);
        Ok(())
    })?;
    by_many(tenant.as_bytes(), whom, params![now], |params| {
        tx.run(ASK, params)
    })?;
    groups
        .into_iter()
        .try_for_each(|group| put_members(tx, tenant, group, now))
}

/// Asks for a decision about all users of the group, which may be gone already, and of those within it.
///
/// # Errors
/// The database's.
pub fn put_members(tx: &mut Tx<'_>, tenant: TenantId, group: GroupId, now: Timestamp) -> Result<(), Error> {
    let (mut open, mut seen) = (vec![group], HashSet::from([group]));
    while let Some(group) = open.pop() {
        tx.run(ASK_MEMBERS, params![tenant.as_bytes(), group.as_bytes(), now])?;
        let within = tx.all(WITHIN, params![tenant.as_bytes(), group.as_bytes()], |row| {
            row.id(0, GroupId::from_bytes)
        })?;
        open.extend(within.into_iter().filter(|&group| seen.insert(group)));
    }
    Ok(())
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
