//! Bearer tokens: found by their hash, which is all that is stored of the secret.

use std::sync::Arc;

use directory::{ConnectionId, TenantId, Timestamp, Token, TokenHash, TokenId};

use crate::sql::{Row, params, statements};
use crate::{Error, Tx};

statements! {
    INSERT = "INSERT INTO tokens (tenant, id, connection, hash, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    BY_HASH = "SELECT id, connection, created, expires, revoked, last_used, tenant FROM tokens WHERE hash = ?1";
    OF_TENANT = "SELECT id, connection, created, expires, revoked, last_used FROM tokens WHERE tenant = ?1 ORDER BY id";
    SET_END = "UPDATE tokens SET expires = ?3, revoked = ?4 WHERE tenant = ?1 AND id = ?2";
    USED = "UPDATE tokens SET last_used = ?3 WHERE tenant = ?1 AND id = ?2 AND (last_used IS NULL OR last_used < ?3)";
    REMOVE = "DELETE FROM tokens WHERE tenant = ?1 AND id = ?2";
}

/// What a token opens, and whether it still does.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The tenant.
    pub tenant: TenantId,
    /// The token, with its connection.
    pub token: Token,
}

/// Adds a token.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, token: &Token, hash: TokenHash) -> Result<(), Error> {
    tx.run(
        INSERT,
        params![
            tenant.as_bytes(),
            token.id.as_bytes(),
            token.connection.as_bytes(),
            hash.as_bytes(),
            token.created,
            token.expires,
        ],
    )?;
    tx.settings_changed()
}

/// The token with this hash, live or not.
pub fn by_hash(tx: &mut Tx<'_>, hash: TokenHash) -> Result<Option<Arc<Credential>>, Error> {
    let generation = tx.generation()?;
    if let Some(credential) = tx.cache().and_then(|cache| cache.credential(hash, generation)) {
        return Ok(Some(credential));
    }
    let found = tx.one(BY_HASH, params![hash.as_bytes()], |row| {
        Ok(Credential {
            tenant: row.id(6, TenantId::from_bytes)?,
            token: token(row)?,
        })
    })?;
    let Some(credential) = found.map(Arc::new) else {
        return Ok(None);
    };
    if let Some(cache) = tx.cache() {
        cache.keep_credential(hash, generation, &credential);
    }
    Ok(Some(credential))
}

/// All tokens of the tenant, oldest first.
pub fn all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Token>, Error> {
    tx.all(OF_TENANT, params![tenant.as_bytes()], token)
}

/// Changes when a token ends.
pub fn set_end(tx: &mut Tx<'_>, tenant: TenantId, token: &Token) -> Result<(), Error> {
    tx.run_one(
        SET_END,
        params![
            tenant.as_bytes(),
            token.id.as_bytes(),
            token.expires,
            token.revoked
        ],
    )?;
    tx.settings_changed()
}

/// Notes that a token was taken. It is no change of settings, and a token that is gone by now is no error.
pub fn used(tx: &mut Tx<'_>, tenant: TenantId, id: TokenId, at: Timestamp) -> Result<(), Error> {
    tx.run(USED, params![tenant.as_bytes(), id.as_bytes(), at])
}

/// Removes a token, with its connection.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, id: TokenId) -> Result<(), Error> {
    tx.run_one(REMOVE, params![tenant.as_bytes(), id.as_bytes()])?;
    tx.settings_changed()
}

fn token(row: Row<'_>) -> Result<Token, Error> {
    Ok(Token {
        id: row.id(0, TokenId::from_bytes)?,
        connection: row.id(1, ConnectionId::from_bytes)?,
        created: row.time(2)?,
        expires: row.time(3)?,
        revoked: row.optional(4, Row::time)?,
        last_used: row.optional(5, Row::time)?,
    })
}
