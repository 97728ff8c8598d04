//! People whom a refusal keeps out.

use directory::{ConnectionId, Exchange, RefusedPerson, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::sql::{Param, Row, params, statements};
use crate::{Error, Tx};

/// `SELECT` with the columns that [`person`] reads, and the rest of the statement.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, connection, user_id, user_name, since, last, times, exchange, status, reason FROM refused_people ",
            $rest
        )
    };
}

statements! {
    PUT = "INSERT INTO refused_people
               (tenant, connection, subject, id, user_id, user_name, since, last, times, exchange, status, reason)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, ?4, ?8, ?9)
           ON CONFLICT (tenant, connection, subject) DO UPDATE SET user_name = excluded.user_name, last = excluded.last,
               times = refused_people.times + 1, exchange = excluded.exchange, status = excluded.status,
               reason = excluded.reason";
    ANY = "SELECT 1 FROM refused_people WHERE tenant = ?1 AND connection = ?2 LIMIT 1";
    CLEAR = "DELETE FROM refused_people WHERE tenant = ?1 AND connection = ?2 AND subject = ?3";
    BY_ID = select!("WHERE tenant = ?1 AND id = ?2");
    AFTER = select!("WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    LATEST = select!("WHERE tenant = ?1 AND last < ?2 ORDER BY last DESC LIMIT ?3");
    LATEST_OF = select!("WHERE tenant = ?1 AND connection = ?4 AND last < ?2 ORDER BY last DESC LIMIT ?3");
    SWEEP = "DELETE FROM refused_people WHERE tenant = ?1 AND last < ?2";
    DISMISS = "DELETE FROM refused_people WHERE tenant = ?1 AND id = ?2";
}

/// Notes that the exchange refused somebody.
pub fn put(tx: &mut Tx<'_>, exchange: &Exchange) -> Result<(), Error> {
    let Some(subject) = subject_of(exchange) else {
        return Ok(());
    };
    let user = exchange
        .user
        .as_ref()
        .map_or(Param::Null, |id| id.as_bytes().into());
    tx.run(
        PUT,
        params![
            exchange.tenant.as_bytes(),
            exchange.connection.as_bytes(),
            &subject,
            exchange.id.as_bytes(),
            user,
            exchange.user_name.as_deref().unwrap_or_default(),
            exchange.detail.at,
            i64::from(exchange.status),
            exchange.detail.reason.as_deref().unwrap_or_default(),
        ],
    )
}

/// Whether the connection has anybody who is refused.
pub fn is_any(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId) -> Result<bool, Error> {
    let found = tx.one(ANY, params![tenant.as_bytes(), connection.as_bytes()], |_| Ok(()))?;
    Ok(found.is_some())
}

/// Notes that the exchange let somebody through, by name or id.
pub fn clear(tx: &mut Tx<'_>, exchange: &Exchange) -> Result<(), Error> {
    let by_name = exchange.user_name.as_deref().map(super::key_of);
    let by_id = exchange.user.map(|id| id.to_string());
    for subject in by_name.into_iter().chain(by_id) {
        tx.run(
            CLEAR,
            params![
                exchange.tenant.as_bytes(),
                exchange.connection.as_bytes(),
                &subject
            ],
        )?;
    }
    Ok(())
}

/// The one with this id.
pub fn by_id(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid) -> Result<Option<RefusedPerson>, Error> {
    tx.one(BY_ID, params![tenant.as_bytes(), id.as_bytes()], person)
}

/// Those after `after`, in the order in which they were first refused, at most `limit`.
pub fn after(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<RefusedPerson>, Error> {
    tx.all(AFTER, params![tenant.as_bytes(), after.as_bytes(), limit], person)
}

/// Those who were last refused before `before`, newest first, at most `limit`; of one connection where it is named.
pub fn latest(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    of: Option<ConnectionId>,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<RefusedPerson>, Error> {
    match of {
        None => tx.all(LATEST, params![tenant.as_bytes(), before, limit], person),
        Some(of) => tx.all(
            LATEST_OF,
            params![tenant.as_bytes(), before, limit, of.as_bytes()],
            person,
        ),
    }
}

/// Takes the one with this id away; says whether there was one.
pub fn dismiss(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid) -> Result<bool, Error> {
    let gone = tx.run_counted(DISMISS, params![tenant.as_bytes(), id.as_bytes()])?;
    Ok(gone > 0)
}

/// Forgets those who were last refused before `before`.
pub fn sweep(tx: &mut Tx<'_>, tenant: TenantId, before: Timestamp) -> Result<(), Error> {
    tx.run(SWEEP, params![tenant.as_bytes(), before])
}

/// Whom an exchange is about: the user, else the name.
fn subject_of(exchange: &Exchange) -> Option<String> {
    let by_id = exchange.user.map(|id| id.to_string());
    by_id.or_else(|| exchange.user_name.as_deref().map(super::key_of))
}

fn person(row: Row<'_>) -> Result<RefusedPerson, Error> {
    let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).ok();
    Ok(RefusedPerson {
        id: row.id(0, uuid)?,
        connection: row.id(1, ConnectionId::from_bytes)?,
        user: row.optional(2, |row, column| row.id(column, UserId::from_bytes))?,
        user_name: row.text(3)?.to_owned(),
        since: row.time(4)?,
        last: row.time(5)?,
        times: u64::try_from(row.integer(6)?).unwrap_or_default(),
        exchange: row.id(7, uuid)?,
        status: u16::try_from(row.integer(8)?).unwrap_or_default(),
        reason: row.text(9)?.to_owned(),
    })
}
