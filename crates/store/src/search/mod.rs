//! Searches within names and addresses by trigrams, which only propose candidates: whoever asks looks at each.
//!
//! What is searched is written beside the commits that change it: events say who changed, an indexer follows them, and a
//! search itself looks at whoever changed since. Texts are encoded in ASCII, so that letters of every script count in
//! every database; PostgreSQL's trigrams know the letters of the database's locale alone.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::collections::HashMap;
use std::fmt::Write as _;

use directory::{ConnectionId, Record, TenantId, UserId, names};
use scim::filter::Operator;
use scim::text::fold;

use crate::sql::{params, statements};
use crate::tx::Driver;
use crate::users::{Scope, by_ids, record, select};
use crate::{Error, Tx, events};

statements! {
    CHANGES = "SELECT seq, tenant, user_id, request_id FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    CHANGED_SINCE = select!(
        "FROM (SELECT DISTINCT user_id FROM
                  (SELECT tenant AS of_tenant, user_id FROM events WHERE seq > ?2 ORDER BY seq LIMIT ?3) AS late
               WHERE of_tenant = ?1) AS changed
         CROSS JOIN users WHERE users.tenant = ?1 AND users.id = changed.user_id",
        ""
    );
    LATE_IDS = "SELECT DISTINCT user_id FROM
                   (SELECT tenant AS of_tenant, user_id FROM events WHERE seq > ?2 ORDER BY seq LIMIT ?3) AS late
                WHERE of_tenant = ?1 AND user_id IS NOT NULL";
}

/// The most events that a search looks at because the index is behind.
const MAX_BEHIND: i64 = 10_000;
/// Events in one stride of the indexer.
const STRIDE: i64 = 500;
/// What stands before each value, so that three characters are enough for a value's beginning with one.
const START: &str = "\n\n";
/// What stands after each value.
const END: &str = "\n";

/// Part of a name or address that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// What a value must contain so that the comparison can hold; `None` where that is too short to be found, or the
    /// comparison is none of parts.
    pub fn of(operator: Operator, text: &str) -> Option<Self> {
        let part = encode(&fold(text));
        let needle = match operator {
            Operator::Eq => format!("{START}{}{END}", encode(&fold(text.trim()))),
            Operator::Sw => format!("{START}{part}"),
            Operator::Ew => format!("{part}{END}"),
            Operator::Co => part,
            _ => return None,
        };
        (needle.len() >= 3 && needle != START).then_some(Self(needle))
    }

    /// How much it tells: the longer, the fewer have it.
    pub fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Those who may have `needle` in a name or an address and whom the scope shows, in the order in which they were created;
/// `None` where the index is of no help: there is none, it is far behind, or more than `limit` have it.
///
/// # Errors
/// The database's.
pub fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    scope: Scope,
    needle: &Needle,
    limit: usize,
) -> Result<Option<Vec<Record>>, Error> {
    let Some(until) = reach(tx, needle)? else {
        return Ok(None);
    };
    let most = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let seen = Seen::of(scope);
    let mut found = match tx.driver() {
        // A file that is damaged is made anew; until then it is of no help.
        Driver::Sqlite(_) => match sqlite::find(tx, tenant, &needle.0, seen, most) {
            Err(Error::Sqlite(_)) => return Ok(None),
            found => found?,
        },
        Driver::Postgres(_) => postgres::find(tx, tenant, &needle.0, seen, most)?,
    };
    if found.len() > limit {
        return Ok(None);
    }
    let late = params![tenant.as_bytes(), until, MAX_BEHIND];
    found.extend(tx.all(CHANGED_SINCE, late, record)?);
    found.retain(|record| scope.shows(&record.facts));
    found.sort_by_key(|record| record.facts.id);
    found.dedup_by_key(|record| record.facts.id);
    Ok(Some(found))
}

/// The ids of those who may have `needle` in a name or an address, in the order in which they were created; `None` as for
/// [`find`]. Some may be gone.
///
/// # Errors
/// The database's.
pub fn find_ids(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    needle: &Needle,
    limit: usize,
) -> Result<Option<Vec<UserId>>, Error> {
    let Some(until) = reach(tx, needle)? else {
        return Ok(None);
    };
    let most = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut found = match tx.driver() {
        Driver::Sqlite(_) => match sqlite::find_ids(tx, tenant, &needle.0, most) {
            Err(Error::Sqlite(_)) => return Ok(None),
            found => found?,
        },
        Driver::Postgres(_) => postgres::find_ids(tx, tenant, &needle.0, most)?,
    };
    if found.len() > limit {
        return Ok(None);
    }
    let late = params![tenant.as_bytes(), until, MAX_BEHIND];
    found.extend(tx.all(LATE_IDS, late, |row| row.id(0, UserId::from_bytes))?);
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}

/// The last event that the index knows; `None` where it is of no help for this needle.
fn reach(tx: &mut Tx<'_>, needle: &Needle) -> Result<Option<i64>, Error> {
    let until = match tx.driver() {
        Driver::Sqlite(_) => sqlite::progress(tx)?,
        // Its trigrams are of letters and digits.
        Driver::Postgres(_) if !needle.0.bytes().any(|byte| byte.is_ascii_alphanumeric()) => None,
        Driver::Postgres(_) => Some(postgres::progress(tx)?),
    };
    let Some(until) = until else { return Ok(None) };
    Ok((events::last(tx)? - until <= MAX_BEHIND).then_some(until))
}

/// Whom a scope shows, as the statements have it.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) connection: ConnectionId,
    pub(crate) everybody: bool,
}

impl Seen {
    fn of(scope: Scope) -> Self {
        match scope {
            Scope::Connection(connection) => Self {
                connection,
                everybody: false,
            },
            Scope::All => Self {
                connection: ConnectionId::from(uuid::Uuid::nil()),
                everybody: true,
            },
        }
    }
}

/// Forgets somebody who was purged, where texts are kept; of trigrams the indexer takes care.
pub(crate) fn forget(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    match tx.driver() {
        Driver::Sqlite(_) => Ok(()),
        Driver::Postgres(_) => postgres::forget(tx, tenant, user),
    }
}

/// Users who changed, and what is searched of each now.
pub(crate) struct Changes {
    pub(crate) users: Vec<Changed>,
    /// The last event that they come from, and its request.
    pub(crate) last: (i64, Vec<u8>),
}

/// A user who changed.
pub(crate) struct Changed {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    /// `None` where there is no such user any more.
    pub(crate) entry: Option<String>,
}

/// What changed after event `seq`; `None` where nothing did.
pub(crate) fn changes(tx: &mut Tx<'_>, seq: i64) -> Result<Option<Changes>, Error> {
    let mut last = None;
    let mut ids = tx.all(CHANGES, params![seq, STRIDE], |row| {
        last = Some((row.integer(0)?, row.bytes(3)?.to_vec()));
        let user = row.optional(2, |row, column| row.id(column, UserId::from_bytes))?;
        Ok((row.id(1, TenantId::from_bytes)?, user))
    })?;
    let Some(last) = last else { return Ok(None) };
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<_> = ids
        .into_iter()
        .filter_map(|(tenant, user)| Some((tenant, user?)))
        .collect();
    let mut users = Vec::new();
    for of_tenant in ids.chunk_by(|(left, _), (right, _)| left == right) {
        let tenant = of_tenant[0].0;
        let keys: Vec<_> = of_tenant.iter().map(|(_, user)| *user.as_bytes()).collect();
        let found = by_ids(tx, tenant, &keys)?.into_iter();
        let mut entries: HashMap<_, _> = found.map(|record| (record.facts.id, entry(record))).collect();
        users.extend(of_tenant.iter().map(|&(tenant, user)| Changed {
            tenant,
            user,
            entry: entries.remove(&user),
        }));
    }
    Ok(Some(Changes { users, last }))
}

/// What is searched of a user.
fn entry(record: Record) -> String {
    let mut entry = String::new();
    for value in names::searched(&record.open().shown_attributes()) {
        entry.push_str(START);
        entry.push_str(&encode(&fold(value.trim())));
        entry.push_str(END);
    }
    entry
}

/// Folded text in printable ASCII, character by character, so that a part of the text is a part of its code.
fn encode(folded: &str) -> String {
    let mut code = String::with_capacity(folded.len());
    for character in folded.chars() {
        if matches!(character, ' '..='~') {
            code.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(code, "x{:x}", u32::from(character));
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_is_a_part_of_its_code() {
        let whole = encode(&fold("Zoë Müller-李明 50%\n"));
        for part in ["zoë", "ÜLL", "李", "明 50", "%\n"] {
            assert!(whole.contains(&encode(&fold(part))), "{part}");
        }
        assert!(whole.is_ascii() && !whole.contains('\n'));
    }

    #[test]
    fn what_is_too_short_is_no_needle() {
        let is_needle = |operator, text| Needle::of(operator, text).is_some();
        assert!(!is_needle(Operator::Co, "ab") && is_needle(Operator::Co, "abc"));
        assert!(is_needle(Operator::Sw, "a") && !is_needle(Operator::Sw, ""));
        assert!(is_needle(Operator::Ew, "ab") && !is_needle(Operator::Ew, "a"));
        assert!(is_needle(Operator::Co, "明"), "one of these tells as much");
        assert!(!is_needle(Operator::Gt, "abcdef") && !is_needle(Operator::Ne, "abcdef"));
    }
}
