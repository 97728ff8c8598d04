//! Exchanges, newest first.

use directory::{ConnectionId, Exchange, ExchangeDetail, TenantId, UserId};
use uuid::Uuid;

use crate::sql::{Param, Row, params, statements};
use crate::{Error, Tx};

/// `SELECT` with the columns that [`exchange`] reads, and the rest of the statement.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, connection, user_id, user_name, status, detail FROM exchanges ",
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO exchanges (tenant, id, connection, user_id, user_name, status, detail)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    BY_ID = select!("WHERE tenant = ?1 AND id = ?2");
    BEFORE = select!("WHERE tenant = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    REFUSED_BEFORE = select!("WHERE tenant = ?1 AND id < ?2 AND status >= 400 ORDER BY id DESC LIMIT ?3");
    OF_CONNECTION_BEFORE = select!("WHERE tenant = ?1 AND connection = ?4 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    REFUSED_OF_BEFORE = select!("WHERE tenant = ?1 AND connection = ?4 AND id < ?2 AND status >= 400 ORDER BY id DESC LIMIT ?3");
    OF_USER_BEFORE = select!("WHERE tenant = ?1 AND user_id = ?4 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    OF_NAME_BEFORE = select!("WHERE tenant = ?1 AND user_name = ?4 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    FORGET = "UPDATE exchanges SET user_name = NULL, detail = ?3 WHERE tenant = ?1 AND id = ?2";
    SWEEP = "DELETE FROM exchanges WHERE tenant = ?1 AND id IN
             (SELECT id FROM exchanges WHERE tenant = ?1 AND id < ?2 ORDER BY id LIMIT ?3)";
}

/// Which exchanges are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// All of the tenant.
    All,
    /// Those that were refused.
    Refused,
    /// Those of a connection.
    Connection(ConnectionId),
    /// Those of a connection that were refused.
    RefusedOf(ConnectionId),
    /// Those about a user.
    User(UserId),
}

/// Adds an exchange.
pub fn insert(tx: &mut Tx<'_>, exchange: &Exchange) -> Result<(), Error> {
    let user = exchange
        .user
        .as_ref()
        .map_or(Param::Null, |id| id.as_bytes().into());
    // A user's exchanges are found by its id.
    let name = exchange.user_name.as_deref().filter(|_| exchange.user.is_none());
    let name = name.map(super::key_of);
    let detail = text_of(&exchange.detail)?;
    tx.run(
        INSERT,
        params![
            exchange.tenant.as_bytes(),
            exchange.id.as_bytes(),
            exchange.connection.as_bytes(),
            user,
            name.as_ref(),
            i64::from(exchange.status),
            &detail,
        ],
    )
}

/// The exchange with this request's number.
pub fn by_id(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid) -> Result<Option<Exchange>, Error> {
    tx.one(BY_ID, params![tenant.as_bytes(), id.as_bytes()], exchange)
}

/// The newest exchanges before `before`, at most `limit`.
pub fn before(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    among: Among,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Exchange>, Error> {
    let (tenant, before) = (tenant.as_bytes(), before.as_bytes());
    match among {
        Among::All => tx.all(BEFORE, params![tenant, before, limit], exchange),
        Among::Refused => tx.all(REFUSED_BEFORE, params![tenant, before, limit], exchange),
        Among::Connection(of) => tx.all(
            OF_CONNECTION_BEFORE,
            params![tenant, before, limit, of.as_bytes()],
            exchange,
        ),
        Among::RefusedOf(of) => tx.all(
            REFUSED_OF_BEFORE,
            params![tenant, before, limit, of.as_bytes()],
            exchange,
        ),
        Among::User(user) => tx.all(
            OF_USER_BEFORE,
            params![tenant, before, limit, user.as_bytes()],
            exchange,
        ),
    }
}

/// Those before `before` that carry the folded `userName` and are about no user.
pub fn of_name(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    name: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Exchange>, Error> {
    tx.all(
        OF_NAME_BEFORE,
        params![tenant.as_bytes(), before.as_bytes(), limit, name],
        exchange,
    )
}

/// Takes away what the exchange holds of a person.
pub fn forget(tx: &mut Tx<'_>, exchange: Exchange) -> Result<(), Error> {
    let detail = text_of(&exchange.detail.forgotten())?;
    tx.run(
        FORGET,
        params![exchange.tenant.as_bytes(), exchange.id.as_bytes(), &detail],
    )
}

/// Deletes the oldest exchanges before `before`, at most `limit`; gives how many.
pub fn sweep(tx: &mut Tx<'_>, tenant: TenantId, before: Uuid, limit: i64) -> Result<u64, Error> {
    tx.run_counted(SWEEP, params![tenant.as_bytes(), before.as_bytes(), limit])
}

fn exchange(row: Row<'_>) -> Result<Exchange, Error> {
    let unreadable = || Error::Unreadable { what: "exchange" };
    Ok(Exchange {
        id: row.id(0, |bytes| Uuid::from_slice(bytes).ok())?,
        tenant: row.id(1, TenantId::from_bytes)?,
        connection: row.id(2, ConnectionId::from_bytes)?,
        user: row.optional(3, |row, column| row.id(column, UserId::from_bytes))?,
        user_name: row.optional(4, |row, column| row.text(column).map(str::to_owned))?,
        status: u16::try_from(row.integer(5)?).map_err(|_| unreadable())?,
        detail: serde_json::from_str(row.text(6)?).map_err(|_| unreadable())?,
    })
}

fn text_of(detail: &ExchangeDetail) -> Result<String, Error> {
    serde_json::to_string(detail).map_err(|_| Error::Unreadable { what: "exchange" })
}
