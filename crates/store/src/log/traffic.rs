//! How many requests a connection made, by the hour.

use directory::{ConnectionId, TenantId, Timestamp};

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    ADD = "INSERT INTO traffic (tenant, connection, hour, calls, errors, last, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
           ON CONFLICT (tenant, connection, hour) DO UPDATE SET calls = traffic.calls + excluded.calls,
               errors = traffic.errors + excluded.errors, last = excluded.last, agent = excluded.agent";
    SINCE = "SELECT hour, calls, errors, last, agent FROM traffic
             WHERE tenant = ?1 AND connection = ?2 AND hour >= ?3 ORDER BY hour";
    SWEEP = "DELETE FROM traffic WHERE tenant = ?1 AND connection = ?2 AND hour < ?3";
}

/// Requests of one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// Hours since 1970-01-01T00:00Z.
    pub hour: i64,
    /// All requests.
    pub calls: u64,
    /// Those that were refused or failed.
    pub errors: u64,
    /// The last one.
    pub last: Timestamp,
    /// What the client called itself then.
    pub agent: String,
}

/// Adds requests.
pub fn add(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId, hour: &Hour) -> Result<(), Error> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    tx.run(
        ADD,
        params![
            tenant.as_bytes(),
            connection.as_bytes(),
            hour.hour,
            number(hour.calls),
            number(hour.errors),
            hour.last,
            &hour.agent,
        ],
    )
}

/// The connection's hours from `hour` on that had requests.
pub fn since(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    hour: i64,
) -> Result<Vec<Hour>, Error> {
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    tx.all(
        SINCE,
        params![tenant.as_bytes(), connection.as_bytes(), hour],
        |row| {
            Ok(Hour {
                hour: row.integer(0)?,
                calls: count(row.integer(1)?),
                errors: count(row.integer(2)?),
                last: row.time(3)?,
                agent: row.text(4)?.to_owned(),
            })
        },
    )
}

/// Forgets the hours before `hour`.
pub fn sweep(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId, hour: i64) -> Result<(), Error> {
    tx.run(SWEEP, params![tenant.as_bytes(), connection.as_bytes(), hour])
}
