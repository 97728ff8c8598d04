//! Searches within names and addresses by trigrams, which only propose candidates: whoever asks looks at each.
//!
//! What is searched is written beside the commits that change it: events say who changed, an indexer follows them, and a
//! search itself looks at whoever changed since. Texts are encoded in ASCII, so that letters of every script count in
//! every database; PostgreSQL's trigrams know the letters of the database's locale alone.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::collections::HashMap;
use std::fmt::Write as _;

use directory::{Record, TenantId, UserId, names};
use scim::filter::Operator;
use scim::text::fold;

use crate::sql::{params, statements};
use crate::tx::Driver;
use crate::users::{by_ids, record, select};
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
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// It is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// What a search finds.
#[derive(Debug)]
pub enum Found {
    /// All who may be meant, and others.
    Candidates(Vec<Record>),
    /// More than were asked for.
    TooMany,
    /// So much has changed lately that the index has to catch up first.
    Behind,
}

/// Those who may have `needle` in a name or an address, in the order in which they were created, at most `limit`.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, needle: &Needle, limit: usize) -> Result<Found, Error> {
    let until = match tx.driver() {
        Driver::Sqlite(_) => sqlite::progress(tx)?,
        Driver::Postgres(_) => postgres::progress(tx)?,
    };
    if events::last(tx)? - until > MAX_BEHIND {
        return Ok(Found::Behind);
    }
    let most = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut found = match tx.driver() {
        Driver::Sqlite(_) => sqlite::find(tx, tenant, &needle.0, most)?,
        Driver::Postgres(_) => postgres::find(tx, tenant, &needle.0, most)?,
    };
    if found.len() > limit {
        return Ok(Found::TooMany);
    }
    let late = params![tenant.as_bytes(), until, MAX_BEHIND];
    found.extend(tx.all(CHANGED_SINCE, late, record)?);
    found.sort_by_key(|record| record.facts.id);
    found.dedup_by_key(|record| record.facts.id);
    Ok(Found::Candidates(found))
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
