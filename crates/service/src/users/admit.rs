//! Held users become active by themselves once they can: a mapping matches now, or a seat is free.

use directory::{Ctx, EventKind, UserId, Wait};
use store::Tx;

use super::{place, record};
use crate::Error;

/// Users in one transaction.
const STRIDE: usize = 100;

/// Looks at the users who wait for this, with ids above `after`; gives the last id that it looked at, or `None` at the end.
pub fn admit(tx: &mut Tx<'_>, ctx: &Ctx, wait: Wait, after: UserId) -> Result<Option<UserId>, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let records = store::users::held(
        tx,
        ctx.tenant,
        wait,
        after,
        i64::try_from(STRIDE).unwrap_or(i64::MAX),
    )?;
    let last = records.last().map(|record| record.facts.id);
    let is_end = records.len() < STRIDE;
    for before in records {
        let mut user = before.clone().open();
        place::admit(tx, ctx, &settings, &mut user)?;
        record::changed(tx, ctx, &settings, user, before, EventKind::UserAdmitted)?;
    }
    Ok(last.filter(|_| !is_end))
}

/// Whether anybody waits for this.
pub fn is_anybody_held(tx: &mut Tx<'_>, ctx: &Ctx, wait: Wait) -> Result<bool, Error> {
    let first = UserId::from(uuid::Uuid::nil());
    Ok(!store::users::held(tx, ctx.tenant, wait, first, 1)?.is_empty())
}
