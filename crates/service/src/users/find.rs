//! Finding users as people name them.

use directory::{Facts, Record, Refusal, TenantId, Thing, UserId};
use store::Tx;
use store::users::{self, Scope, Walk};

use super::purge::check_purged;
use crate::Error;

/// The one user whose id, `userName`, account name or e-mail address is `text`.
///
/// # Errors
/// [`Refusal::Unknown`], or [`Refusal::Ambiguous`] with the ids to choose from.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, text: &str) -> Result<Record, Error> {
    let key = Facts::key_of(text);
    let mut found = Vec::new();
    if let Some(id) = UserId::parse(text.trim()) {
        found.extend(users::by_id(tx, tenant, Scope::All, id)?);
        if found.is_empty() {
            check_purged(tx, tenant, id)?;
        }
    }
    found.extend(users::by_user_name(tx, tenant, &key)?);
    found.extend(users::by_account(tx, tenant, &key)?);
    // A visible user's name counts before the addresses and before the names of those who were deleted.
    if found.is_empty() {
        found.extend(users::by_any_email(tx, tenant, &key)?);
        found.extend(users::by_former_user_name(tx, tenant, &key)?);
    }
    found.sort_by_key(|record| record.facts.id);
    found.dedup_by_key(|record| record.facts.id);
    let count = found.len();
    match (found.pop(), count) {
        (Some(record), 1) => Ok(record),
        (None, _) => Err(Refusal::Unknown {
            thing: Thing::User,
            name: text.to_owned(),
            known: Vec::new(),
        }
        .into()),
        (Some(last), _) => {
            let ids: Vec<_> = found
                .iter()
                .chain([&last])
                .map(|Record { facts, .. }| {
                    format!(
                        "{} ({}, {})",
                        facts.id,
                        facts.account_name,
                        facts.lifecycle.status().name()
                    )
                })
                .collect();
            Err(Refusal::Ambiguous {
                given: text.to_owned(),
                count,
                ids: ids.join(", "),
            }
            .into())
        }
    }
}

/// A user who was deleted, and whoever has that user's name now: two people, or one with a new externalId.
#[derive(Debug, Clone)]
pub struct Namesakes {
    /// Who left.
    pub former: Record,
    /// Who has the name.
    pub present: Record,
}

/// Those who have a name that somebody else had before, at most `limit`.
///
/// # Errors
/// The store's.
pub fn namesakes(tx: &mut Tx<'_>, tenant: TenantId, limit: usize) -> Result<Vec<Namesakes>, Error> {
    let mut found = Vec::new();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    for former in users::former_with_namesakes(tx, tenant, limit)? {
        let name = former.clone().open().user_name().map(Facts::key_of)?;
        if let Some(present) = users::by_user_name(tx, tenant, &name)? {
            found.push(Namesakes { former, present });
        }
    }
    Ok(found)
}

/// All users of the tenant, in the order in which they were created, handed to `visit` one by one.
pub fn all(tx: &mut Tx<'_>, tenant: TenantId, mut visit: impl FnMut(Record)) -> Result<(), Error> {
    users::walk(tx, tenant, Scope::All, |record| {
        visit(record);
        Walk::On
    })?;
    Ok(())
}
