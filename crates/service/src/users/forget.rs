//! A declaration is taken back: what users have of the attribute goes, stride by stride, so that the server goes on.

use directory::{Ctx, DeclaredAttribute, EventKind, User, UserId};
use scim::schema::USER;
use serde_json::Value;
use store::Tx;

use super::record;
use crate::Error;

/// Users in one transaction.
const STRIDE: usize = 200;

/// Takes the attribute away from the users with ids above `after`; gives the last id that it looked at, or `None` at the
/// end.
pub fn forget(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    attribute: &DeclaredAttribute,
    after: UserId,
) -> Result<Option<UserId>, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let records = store::users::after(tx, ctx.tenant, after, i64::try_from(STRIDE).unwrap_or(i64::MAX))?;
    let last = records.last().map(|record| record.facts.id);
    let is_end = records.len() < STRIDE;
    for before in records {
        let mut user = before.clone().open();
        if take_away(&mut user, attribute) {
            record::changed(tx, ctx, &settings, user, before, EventKind::UserUpdated)?;
        }
    }
    Ok(last.filter(|_| !is_end))
}

/// Whether the user had it.
fn take_away(user: &mut User, attribute: &DeclaredAttribute) -> bool {
    let (urn, name) = (attribute.urn.as_str(), attribute.name.as_str());
    if urn.eq_ignore_ascii_case(USER) {
        return user.attributes.shift_remove(name).is_some();
    }
    let Some(Value::Object(extension)) = user.attributes.get_mut(urn) else {
        return false;
    };
    let had = extension.shift_remove(name).is_some();
    if extension.is_empty() {
        user.attributes.shift_remove(urn);
    }
    had
}
