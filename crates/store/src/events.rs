//! The event feed: dense numbers in commit order, over all tenants of the database.

use directory::{Ctx, Event, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::sql::{Param, Row, params, statements};
use crate::{Error, Tx};

statements! {
    LAST = "SELECT seq FROM events ORDER BY seq DESC LIMIT 1";
    INSERT = "INSERT INTO events (seq, tenant, kind, user_id, at, actor, request_id, data)
              SELECT coalesce(max(seq), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM events";
    REQUEST_OF = "SELECT request_id FROM events WHERE seq = ?1";
    FORGET = "UPDATE events SET data = ?3 WHERE tenant = ?1 AND user_id = ?2";
    AFTER = "SELECT seq, kind, user_id, at, actor, request_id, data FROM events
             WHERE seq > ?2 AND tenant = ?1 ORDER BY seq LIMIT ?3";
    OF_USER = "SELECT seq, kind, user_id, at, actor, request_id, data FROM events
               WHERE tenant = ?1 AND user_id = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4";
    BEFORE = "SELECT seq, kind, user_id, at, actor, request_id, data FROM events
              WHERE seq < ?2 AND tenant = ?1 ORDER BY seq DESC LIMIT ?3";
    OF_USER_BEFORE = "SELECT seq, kind, user_id, at, actor, request_id, data FROM events
                      WHERE tenant = ?1 AND user_id = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4";
    PURGED_SINCE = "SELECT seq, tenant, user_id, at FROM events WHERE kind = 'user.purged' AND seq > ?1 ORDER BY seq LIMIT ?2";
    EPOCH = "SELECT value FROM meta WHERE name = 'epoch'";
}

/// An event as it is read.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its number in the database.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// To whom.
    pub user: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// The request that did it.
    pub request_id: Uuid,
    /// What was there then: JSON text.
    pub data: String,
}

impl Recorded {
    fn read(row: Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            seq: row.integer(0)?,
            kind: row.text(1)?.to_owned(),
            user: row.optional(2, |row, column| row.id(column, UserId::from_bytes))?,
            at: row.time(3)?,
            actor: row.text(4)?.to_owned(),
            request_id: row.id(5, |bytes| Uuid::from_slice(bytes).ok())?,
            data: row.text(6)?.to_owned(),
        })
    }
}

/// The tenant's events with numbers above `seq`, at most `limit`.
pub fn after(tx: &mut Tx<'_>, tenant: TenantId, seq: i64, limit: i64) -> Result<Vec<Recorded>, Error> {
    tx.all(AFTER, params![tenant.as_bytes(), seq, limit], Recorded::read)
}

/// The user's events with numbers above `seq`, at most `limit`.
pub fn of_user(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    tx.all(
        OF_USER,
        params![tenant.as_bytes(), user.as_bytes(), seq, limit],
        Recorded::read,
    )
}

/// The tenant's events with numbers below `seq`, newest first, at most `limit`; those of a user where one is named.
pub fn before(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Option<UserId>,
    seq: i64,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    match user {
        None => tx.all(BEFORE, params![tenant.as_bytes(), seq, limit], Recorded::read),
        Some(user) => tx.all(
            OF_USER_BEFORE,
            params![tenant.as_bytes(), user.as_bytes(), seq, limit],
            Recorded::read,
        ),
    }
}

/// That a user was purged.
#[derive(Debug, Clone, Copy)]
pub struct Purged {
    /// The event's number.
    pub seq: i64,
    /// Whose it was.
    pub tenant: TenantId,
    /// Who is gone.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// Who was purged by events with numbers above `seq`, at most `limit`.
pub fn purged_since(tx: &mut Tx<'_>, seq: i64, limit: i64) -> Result<Vec<Purged>, Error> {
    tx.all(PURGED_SINCE, params![seq, limit], |row| {
        Ok(Purged {
            seq: row.integer(0)?,
            tenant: row.id(1, TenantId::from_bytes)?,
            user: row.id(2, UserId::from_bytes)?,
            at: row.time(3)?,
        })
    })
}

/// Which life of the database it is: a restore raises it, and the numbers of events mean other events then.
pub fn epoch(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let found = tx.one(EPOCH, &[], |row| row.integer(0))?;
    found.ok_or(Error::Unreadable { what: "epoch" })
}

/// The last number given; 0 before the first.
pub fn last(tx: &mut Tx<'_>) -> Result<i64, Error> {
    Ok(tx.one(LAST, &[], |row| row.integer(0))?.unwrap_or_default())
}

/// The request that event `seq` comes from.
pub fn request_of(tx: &mut Tx<'_>, seq: i64) -> Result<Option<Vec<u8>>, Error> {
    tx.one(REQUEST_OF, params![seq], |row| Ok(row.bytes(0)?.to_vec()))
}

/// What is left in the events of a user who was purged.
const PURGED: &str = "{\"purged\":true}";

/// Takes what a user's events hold of it away; that they happened stays.
pub(crate) fn forget(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    tx.rewrite_pending(user, PURGED);
    tx.run(FORGET, params![tenant.as_bytes(), user.as_bytes(), PURGED])
}

pub(crate) fn flush(tx: &mut Tx<'_>, pending: &[(Ctx, Event)]) -> Result<(), Error> {
    if pending.is_empty() {
        return Ok(());
    }
    tx.lock_events()?;
    for (ctx, event) in pending {
        let user = event.user.as_ref().map_or(Param::Null, |id| id.as_bytes().into());
        tx.run(
            INSERT,
            params![
                ctx.tenant.as_bytes(),
                event.kind.name(),
                user,
                ctx.now,
                ctx.actor.name(),
                ctx.request_id.as_bytes(),
                &event.data,
            ],
        )?;
    }
    Ok(())
}
