//! API keys: found by their hash, which is all that is stored of the secret.

use directory::{ApiKey, KeyId, Name, TenantId, Timestamp, TokenHash};

use crate::sql::{Row, params, statements};
use crate::{Error, Tx};

/// `SELECT` with the columns that [`key`] reads, and the rest of the statement.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, created, expires, revoked, last_used, tenant FROM api_keys ",
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO api_keys (tenant, id, name, name_key, role, hash, created, expires)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    BY_HASH = select!("WHERE hash = ?1");
    OF_TENANT = select!("WHERE tenant = ?1 ORDER BY id");
    REVOKE = "UPDATE api_keys SET revoked = ?3 WHERE tenant = ?1 AND id = ?2 AND revoked IS NULL";
    USED = "UPDATE api_keys SET last_used = ?3 WHERE tenant = ?1 AND id = ?2";
}

/// Adds a key.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, key: &ApiKey, hash: TokenHash) -> Result<(), Error> {
    tx.run(
        INSERT,
        params![
            tenant.as_bytes(),
            key.id.as_bytes(),
            key.name.as_str(),
            &key.name.key(),
            key.role.name(),
            hash.as_bytes(),
            key.created,
            key.expires,
        ],
    )
}

/// The key with this hash, live or not, and its tenant.
pub fn by_hash(tx: &mut Tx<'_>, hash: TokenHash) -> Result<Option<(TenantId, ApiKey)>, Error> {
    tx.one(BY_HASH, params![hash.as_bytes()], |row| {
        Ok((row.id(7, TenantId::from_bytes)?, key(row)?))
    })
}

/// All keys of the tenant, oldest first.
pub fn all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
    tx.all(OF_TENANT, params![tenant.as_bytes()], key)
}

/// Ends a key.
///
/// # Errors
/// [`Error::Stale`] where it has ended already.
pub fn revoke(tx: &mut Tx<'_>, tenant: TenantId, id: KeyId, at: Timestamp) -> Result<(), Error> {
    tx.run_one(REVOKE, params![tenant.as_bytes(), id.as_bytes(), at])
}

/// Notes that a key was taken; one that is gone by now is no error.
pub fn used(tx: &mut Tx<'_>, tenant: TenantId, id: KeyId, at: Timestamp) -> Result<(), Error> {
    tx.run(USED, params![tenant.as_bytes(), id.as_bytes(), at])
}

fn key(row: Row<'_>) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row.id(0, KeyId::from_bytes)?,
        name: Name::parse(row.text(1)?).map_err(|_| Error::Unreadable { what: "name" })?,
        role: row.word(2)?,
        created: row.time(3)?,
        expires: row.time(4)?,
        revoked: row.optional(5, Row::time)?,
        last_used: row.optional(6, Row::time)?,
    })
}
