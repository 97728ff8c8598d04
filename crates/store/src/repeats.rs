//! Requests that carry an `Idempotency-Key`, and how they were answered.

use directory::{TenantId, Timestamp, TokenHash};

use crate::sql::{Row, params, statements};
use crate::{Error, Tx};

statements! {
    GET = "SELECT request, status, body, at FROM repeats WHERE tenant = ?1 AND caller = ?2 AND key = ?3";
    PUT = "INSERT INTO repeats (tenant, caller, key, request, at) VALUES (?1, ?2, ?3, ?4, ?5)
           ON CONFLICT (tenant, caller, key) DO UPDATE SET request = excluded.request, at = excluded.at, status = NULL,
               body = NULL WHERE repeats.at <= ?6";
    ANSWER = "UPDATE repeats SET status = ?4, body = ?5 WHERE tenant = ?1 AND caller = ?2 AND key = ?3";
    REMOVE = "DELETE FROM repeats WHERE tenant = ?1 AND caller = ?2 AND key = ?3";
    FORGET_ANSWERS = "UPDATE repeats SET body = ?2 WHERE tenant = ?1 AND body <> ?2";
    REMOVE_OF_TENANT = "DELETE FROM repeats WHERE tenant = ?1";
    SWEEP = "DELETE FROM repeats WHERE at < ?1";
}

/// What is left of an answer that was taken away.
pub const FORGOTTEN: &str = "{}";

/// Whose request it is, and the key that it carries.
#[derive(Debug, Clone)]
pub struct Key {
    /// The tenant.
    pub tenant: TenantId,
    /// What the caller shows, hashed.
    pub caller: TokenHash,
    /// The `Idempotency-Key`.
    pub key: String,
}

/// A request that was seen before.
#[derive(Debug, Clone)]
pub struct Known {
    /// The digest of the request.
    pub request: Vec<u8>,
    /// The answer, once there is one.
    pub answer: Option<(u16, String)>,
    /// When it came.
    pub at: Timestamp,
}

/// The request with this key.
pub fn get(tx: &mut Tx<'_>, of: &Key) -> Result<Option<Known>, Error> {
    tx.one(
        GET,
        params![of.tenant.as_bytes(), of.caller.as_bytes(), &of.key],
        |row| {
            let status = row.optional(1, Row::integer)?;
            let body = row.optional(2, |row, column| row.text(column).map(str::to_owned))?;
            let status = status.and_then(|status| u16::try_from(status).ok());
            Ok(Known {
                request: row.bytes(0)?.to_vec(),
                answer: status.zip(body),
                at: row.time(3)?,
            })
        },
    )
}

/// Notes that a request is being carried out, in place of one from before `oldest`; says whether nobody else has.
pub fn put(
    tx: &mut Tx<'_>,
    of: &Key,
    request: &[u8; 32],
    at: Timestamp,
    oldest: Timestamp,
) -> Result<bool, Error> {
    let put = tx.run_counted(
        PUT,
        params![
            of.tenant.as_bytes(),
            of.caller.as_bytes(),
            &of.key,
            request,
            at,
            oldest
        ],
    )?;
    Ok(put == 1)
}

/// Keeps its answer.
pub fn answer(tx: &mut Tx<'_>, of: &Key, status: u16, body: &str) -> Result<(), Error> {
    tx.run(
        ANSWER,
        params![
            of.tenant.as_bytes(),
            of.caller.as_bytes(),
            &of.key,
            i64::from(status),
            body
        ],
    )
}

/// Forgets it.
pub fn remove(tx: &mut Tx<'_>, of: &Key) -> Result<(), Error> {
    tx.run(
        REMOVE,
        params![of.tenant.as_bytes(), of.caller.as_bytes(), &of.key],
    )
}

/// Takes away what the tenant's answers say: somebody was purged, and may stand in them.
pub fn forget(tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), Error> {
    tx.run(FORGET_ANSWERS, params![tenant.as_bytes(), FORGOTTEN])
}

/// Forgets all of a tenant that is removed.
pub fn remove_all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), Error> {
    tx.run(REMOVE_OF_TENANT, params![tenant.as_bytes()])
}

/// Forgets those from before `before`.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Error> {
    tx.run(SWEEP, params![before])
}
