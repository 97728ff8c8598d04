//! The index in PostgreSQL: a table with a GIN index of trigrams. Where the extension `pg_trgm` cannot be had, the table is
//! read through.

use directory::{Record, TenantId, UserId};

use super::Seen;
use crate::sql::{params, statements};
use crate::users::{record, select};
use crate::{Error, Tx};

statements! {
    PROGRESS = "SELECT value FROM meta WHERE name = 'search_progress'";
    ADVANCE = "UPDATE meta SET value = ?2 WHERE name = 'search_progress' AND value = ?1";
    FIND = select!(
        "FROM user_search AS s CROSS JOIN users WHERE s.tenant = ?1 AND s.body LIKE ?2 AND users.tenant = ?1
         AND users.id = s.user_id
         AND (CAST(?5 AS BIGINT) = 1 OR (users.visible = 1 AND (users.connection = ?4 OR users.connection IS NULL))) LIMIT ?3",
        ""
    );
    FIND_IDS = "SELECT user_id FROM user_search WHERE tenant = ?1 AND body LIKE ?2 LIMIT ?3";
    PUT = "INSERT INTO user_search (tenant, user_id, body) VALUES (?1, ?2, ?3)
           ON CONFLICT (tenant, user_id) DO UPDATE SET body = excluded.body
           WHERE user_search.body <> excluded.body";
    REMOVE = "DELETE FROM user_search WHERE tenant = ?1 AND user_id = ?2";
}

/// The number of the last event that is in the index.
pub(super) fn progress(tx: &mut Tx<'_>) -> Result<i64, Error> {
    Ok(tx.one(PROGRESS, &[], |row| row.integer(0))?.unwrap_or_default())
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    needle: &str,
    seen: Seen,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    let pattern = pattern_of(needle);
    let params = params![
        tenant.as_bytes(),
        &pattern,
        limit,
        seen.connection.as_bytes(),
        seen.everybody
    ];
    tx.all(FIND, params, record)
}

pub(super) fn find_ids(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    needle: &str,
    limit: i64,
) -> Result<Vec<UserId>, Error> {
    let pattern = pattern_of(needle);
    let params = params![tenant.as_bytes(), &pattern, limit];
    tx.all(FIND_IDS, params, |row| row.id(0, UserId::from_bytes))
}

fn pattern_of(needle: &str) -> String {
    let mut pattern = String::from("%");
    for character in needle.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

pub(super) fn forget(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    tx.run(REMOVE, params![tenant.as_bytes(), user.as_bytes()])
}

/// Indexes some of those who changed; says whether anybody had.
///
/// # Errors
/// [`Error::Stale`] where another node was quicker.
pub(crate) fn index(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let before = progress(tx)?;
    let Some(changes) = super::changes(tx, before)? else {
        return Ok(false);
    };
    tx.run_one(ADVANCE, params![before, changes.last.0])?;
    for changed in &changes.users {
        let (tenant, user) = (changed.tenant.as_bytes(), changed.user.as_bytes());
        match &changed.entry {
            Some(entry) => tx.run(PUT, params![tenant, user, entry])?,
            None => tx.run(REMOVE, params![tenant, user])?,
        }
    }
    Ok(true)
}
