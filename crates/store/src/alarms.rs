//! Alarms about connections many of whose users left at once.

use directory::{Alarm, ConnectionId, TenantId, Timestamp};

use crate::sql::{Row, params, statements};
use crate::{Error, Tx};

statements! {
    RAISE = "INSERT INTO alarms (tenant, connection, raised, leavers, users) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tenant, connection) DO UPDATE SET raised = excluded.raised, leavers = excluded.leavers,
                 users = excluded.users, ended = NULL";
    OF_TENANT = "SELECT connection, raised, leavers, users, ended FROM alarms WHERE tenant = ?1 ORDER BY connection";
    END = "UPDATE alarms SET ended = ?3 WHERE tenant = ?1 AND connection = ?2 AND ended IS NULL";
    REMOVE = "DELETE FROM alarms WHERE tenant = ?1 AND connection = ?2";
}

/// Raises an alarm, or raises it again.
pub fn raise(tx: &mut Tx<'_>, tenant: TenantId, alarm: &Alarm) -> Result<(), Error> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    tx.run(
        RAISE,
        params![
            tenant.as_bytes(),
            alarm.connection.as_bytes(),
            alarm.raised,
            number(alarm.leavers),
            number(alarm.users),
        ],
    )
}

/// All alarms of the tenant, those too that have ended.
pub fn all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Alarm>, Error> {
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    tx.all(OF_TENANT, params![tenant.as_bytes()], |row| {
        Ok(Alarm {
            connection: row.id(0, ConnectionId::from_bytes)?,
            raised: row.time(1)?,
            leavers: count(row.integer(2)?),
            users: count(row.integer(3)?),
            ended: row.optional(4, Row::time)?,
        })
    })
}

/// Ends an alarm.
///
/// # Errors
/// [`Error::Stale`] where there is none.
pub fn end(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId, at: Timestamp) -> Result<(), Error> {
    tx.run_one(END, params![tenant.as_bytes(), connection.as_bytes(), at])
}

/// Forgets the alarms of a connection that is removed.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId) -> Result<(), Error> {
    tx.run(REMOVE, params![tenant.as_bytes(), connection.as_bytes()])
}
